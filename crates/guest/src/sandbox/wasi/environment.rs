//! `args_*`, `environ_*`, `random_get`: what a program is given to start with.

use super::{Host, Memory, Outcome, memory::offset};
use crate::sandbox::Errno;

impl Host {
    /// `args_get`.
    pub fn args_get(&mut self, memory: &mut Memory, pointers: u32, buffer: u32) -> Outcome {
        write_strings(memory, &self.args, pointers, buffer)
    }

    /// `args_sizes_get`.
    pub fn args_sizes_get(&mut self, memory: &mut Memory, count: u32, size: u32) -> Outcome {
        write_sizes(memory, &self.args, count, size)
    }

    /// `environ_get`.
    pub fn environ_get(&mut self, memory: &mut Memory, pointers: u32, buffer: u32) -> Outcome {
        write_strings(memory, &self.environment, pointers, buffer)
    }

    /// `environ_sizes_get`.
    pub fn environ_sizes_get(&mut self, memory: &mut Memory, count: u32, size: u32) -> Outcome {
        write_sizes(memory, &self.environment, count, size)
    }

    /// `random_get`.
    pub fn random_get(&mut self, memory: &mut Memory, buffer: u32, length: u32) -> Outcome {
        let buffer = memory.bytes_mut(buffer, length)?;
        self.random.fill(buffer);
        self.charge_bytes(buffer.len());
        Ok(())
    }
}

fn write_strings(memory: &mut Memory, strings: &[String], mut pointers: u32, mut buffer: u32) -> Outcome {
    for text in strings {
        let length = u32::try_from(text.len()).map_err(|_| Errno::Overflow)?;
        memory.write_u32(pointers, buffer)?;
        memory.write(buffer, text.as_bytes())?;
        buffer = offset(buffer, length)?;
        memory.write(buffer, &[0])?;
        buffer = offset(buffer, 1)?;
        pointers = offset(pointers, 4)?;
    }
    Ok(())
}

fn write_sizes(memory: &mut Memory, strings: &[String], count: u32, size: u32) -> Outcome {
    let bytes = strings.iter().fold(0_usize, |sum, text| sum.saturating_add(text.len()).saturating_add(1));
    memory.write_u32(count, u32::try_from(strings.len()).map_err(|_| Errno::Overflow)?)?;
    memory.write_u32(size, u32::try_from(bytes).map_err(|_| Errno::Overflow)?)?;
    Ok(())
}
