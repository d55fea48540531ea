//! `clock_*` and `poll_oneoff`: time and waiting, both virtual.

use super::{Host, Memory, Outcome, abi, memory::offset};
use crate::sandbox::{Errno, clock::VirtualClock, descriptor::Target, rights::Rights};
use blockcloud_primitives::Op;

const REALTIME: u32 = 0;
/// Monotonic clock, and processor time of process and thread: all count from the program's start.
const COUNTING: std::ops::RangeInclusive<u32> = 1..=3;

const SUBSCRIPTION_LENGTH: u32 = 48;
const EVENT_LENGTH: u32 = 32;
const EVENT_CLOCK: u8 = 0;
const EVENT_FD_READ: u8 = 1;
const EVENT_FD_WRITE: u8 = 2;
const ABSOLUTE: u16 = 1;

/// A `subscription`.
struct Subscription {
    userdata: u64,
    on: On,
}

/// What a subscription waits for.
enum On {
    /// A moment, in nanoseconds since the program's start; or why there is none.
    Clock(Result<u64, Errno>),
    /// A descriptor to be read from or written to.
    Descriptor(u8, u32),
}

impl Host {
    /// `clock_res_get`.
    pub fn clock_res_get(&mut self, memory: &mut Memory, id: u32, result: u32) -> Outcome {
        if id != REALTIME && !COUNTING.contains(&id) {
            return Err(Errno::Inval.into());
        }
        Ok(memory.write_u64(result, VirtualClock::STEP)?)
    }

    /// `clock_time_get`. The precision asked for makes no difference.
    pub fn clock_time_get(&mut self, memory: &mut Memory, id: u32, _precision: u64, result: u32) -> Outcome {
        let time = match id {
            REALTIME => self.clock.unix(),
            id if COUNTING.contains(&id) => self.clock.elapsed(),
            _ => return Err(Errno::Inval.into()),
        };
        memory.write_u64(result, time)?;
        self.clock.tick();
        Ok(())
    }

    /// `poll_oneoff`. Descriptors are always ready; where only clocks are waited for, the clock moves on to the first of them.
    pub fn poll_oneoff(&mut self, memory: &mut Memory, subscriptions: u32, events: u32, count: u32, result: u32) -> Outcome {
        if count == 0 {
            return Err(Errno::Inval.into());
        }
        memory.bytes(subscriptions, count.checked_mul(SUBSCRIPTION_LENGTH).ok_or(Errno::Inval)?)?;
        memory.bytes(events, count.checked_mul(EVENT_LENGTH).ok_or(Errno::Inval)?)?;
        self.charge = self.charge.saturating_add(u64::from(count).saturating_mul(100));

        let start = self.clock.elapsed();
        let (mut waits, mut first) = (true, u64::MAX);
        for place in 0..count {
            match subscription(memory, subscriptions, place, start)?.on {
                On::Clock(Ok(moment)) => first = first.min(moment),
                On::Clock(Err(_)) | On::Descriptor(..) => waits = false,
            }
        }
        if waits {
            self.clock.wait(first.saturating_sub(start));
        }
        let mut happened = 0_u32;
        for place in 0..count {
            let Subscription { userdata, on } = subscription(memory, subscriptions, place, start)?;
            let event = match on {
                On::Clock(Ok(moment)) if moment > self.clock.elapsed() => continue,
                On::Clock(Ok(_)) => abi::event(userdata, 0, EVENT_CLOCK, 0, false),
                On::Clock(Err(errno)) => abi::event(userdata, code(errno), EVENT_CLOCK, 0, false),
                On::Descriptor(kind, fd) => match self.readiness(fd, kind) {
                    Ok((bytes, hangup)) => abi::event(userdata, 0, kind, bytes, hangup),
                    Err(errno) => abi::event(userdata, code(errno), kind, 0, false),
                },
            };
            memory.write(offset(events, happened.saturating_mul(EVENT_LENGTH))?, &event)?;
            happened = happened.saturating_add(1);
        }
        Ok(memory.write_u32(result, happened)?)
    }

    /// How many bytes can be read from or written to a descriptor at once, and whether nothing more will come.
    fn readiness(&self, fd: u32, kind: u8) -> Result<(u64, bool), Errno> {
        let descriptor = self.descriptors.get(fd)?;
        descriptor.demand(Rights::POLL_FD_READWRITE)?;
        let op = if kind == EVENT_FD_READ { Op::Read } else { Op::Write };
        Ok(match (op, descriptor.target) {
            (Op::Read, Target::File { ino, offset }) => (self.vfs.content(ino)?.len().saturating_sub(offset), false),
            (Op::Read, _) => (0, true),
            _ => (1 << 16, false),
        })
    }
}

fn code(errno: Errno) -> u16 {
    u16::try_from(errno.code()).unwrap_or(u16::MAX)
}

/// Reads a subscription; `start` is when the waiting began, in nanoseconds since the program's start.
fn subscription(memory: &Memory, subscriptions: u32, place: u32, start: u64) -> Result<Subscription, Errno> {
    let at = offset(subscriptions, place.saturating_mul(SUBSCRIPTION_LENGTH))?;
    let userdata = memory.read_u64(at)?;
    let on = match memory.read_u8(offset(at, 8)?)? {
        EVENT_CLOCK => {
            let id = memory.read_u32(offset(at, 16)?)?;
            let timeout = memory.read_u64(offset(at, 24)?)?;
            let flags = memory.read_u16(offset(at, 40)?)?;
            On::Clock(match (id, flags & ABSOLUTE != 0) {
                (REALTIME, true) => Ok(timeout.saturating_sub(VirtualClock::EPOCH)),
                (id, true) if COUNTING.contains(&id) => Ok(timeout),
                (id, false) if id == REALTIME || COUNTING.contains(&id) => Ok(start.saturating_add(timeout)),
                _ => Err(Errno::Inval),
            })
        }
        kind @ (EVENT_FD_READ | EVENT_FD_WRITE) => On::Descriptor(kind, memory.read_u32(offset(at, 16)?)?),
        _ => return Err(Errno::Inval),
    };
    Ok(Subscription { userdata, on })
}
