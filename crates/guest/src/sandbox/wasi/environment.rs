//! `args_*`, `environ_*`, `random_get`: what a program is given to start with.

use super::{Host, Memory, Outcome, memory::offset};
use crate::sandbox::Errno;

impl Host {
    /// `args_get`.
    pub fn args_get(&mut self, memory: &mut Memory, pointers: u32, buffer: u32) -> Outcome {
        write_strings(memory, self.args.iter().map(String::as_str), pointers, buffer)
    }

    /// `args_sizes_get`.
    pub fn args_sizes_get(&mut self, memory: &mut Memory, count: u32, size: u32) -> Outcome {
        write_sizes(memory, self.args.iter().map(String::as_str), count, size)
    }

    /// `environ_get`.
    pub fn environ_get(&mut self, memory: &mut Memory, pointers: u32, buffer: u32) -> Outcome {
        write_strings(memory, self.environment.iter().map(|text| text.as_str()), pointers, buffer)
    }

    /// `environ_sizes_get`.
    pub fn environ_sizes_get(&mut self, memory: &mut Memory, count: u32, size: u32) -> Outcome {
        write_sizes(memory, self.environment.iter().map(|text| text.as_str()), count, size)
    }

    /// `random_get`.
    pub fn random_get(&mut self, memory: &mut Memory, buffer: u32, length: u32) -> Outcome {
        let buffer = memory.bytes_mut(buffer, length)?;
        self.random.fill(buffer);
        self.charge_bytes(buffer.len());
        Ok(())
    }
}

fn write_strings<'a>(memory: &mut Memory, strings: impl Iterator<Item = &'a str>, mut pointers: u32, mut buffer: u32) -> Outcome {
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

fn write_sizes<'a>(memory: &mut Memory, strings: impl Iterator<Item = &'a str>, count: u32, size: u32) -> Outcome {
    let (number, bytes) = strings
        .fold((0_u32, 0_usize), |(number, bytes), text| (number.saturating_add(1), bytes.saturating_add(text.len()).saturating_add(1)));
    memory.write_u32(count, number)?;
    memory.write_u32(size, u32::try_from(bytes).map_err(|_| Errno::Overflow)?)?;
    Ok(())
}
