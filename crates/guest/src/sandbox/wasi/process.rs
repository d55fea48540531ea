//! `proc_raise`, `sched_yield` and `sock_*`: what a program cannot do here.

use super::{Host, Memory, Outcome};
use crate::sandbox::Errno;

impl Host {
    /// `proc_raise`: there are no signals.
    pub fn proc_raise(&mut self, _memory: &mut Memory, _signal: u32) -> Outcome {
        Err(Errno::Notsup.into())
    }

    /// `sched_yield`: there is nobody to yield to.
    pub fn sched_yield(&mut self, _memory: &mut Memory) -> Outcome {
        Ok(())
    }

    /// Every `sock_*` function: no descriptor is a socket.
    pub fn no_socket(&mut self, fd: u32) -> Outcome {
        self.descriptors.get(fd)?;
        Err(Errno::Notsock.into())
    }
}
