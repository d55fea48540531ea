//! The module's memory as the host functions see it: every pointer and length in it is checked.
//!
//! Not for meaning: these are bytes and little-endian numbers.

use crate::sandbox::Errno;

/// Most buffers in one scattered read or write, as in Linux.
const IOV_MAX: u32 = 1024;

/// A module's memory.
pub struct Memory<'a>(pub &'a mut [u8]);

/// A buffer that the module names: address and length, already known to lie within its memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buffer {
    /// Its address.
    pub address: u32,
    /// Its length in bytes.
    pub length: u32,
}

impl Memory<'_> {
    /// The bytes from `address` on, or `Fault`.
    pub fn bytes(&self, address: u32, length: u32) -> Result<&[u8], Errno> {
        let start = index(address)?;
        let end = start.checked_add(index(length)?).ok_or(Errno::Fault)?;
        self.0.get(start..end).ok_or(Errno::Fault)
    }

    /// The bytes from `address` on, to be written, or `Fault`.
    pub fn bytes_mut(&mut self, address: u32, length: u32) -> Result<&mut [u8], Errno> {
        let start = index(address)?;
        let end = start.checked_add(index(length)?).ok_or(Errno::Fault)?;
        self.0.get_mut(start..end).ok_or(Errno::Fault)
    }

    fn array<const N: usize>(&self, address: u32) -> Result<[u8; N], Errno> {
        let start = index(address)?;
        self.0.get(start..).and_then(|rest| rest.first_chunk()).copied().ok_or(Errno::Fault)
    }

    /// Writes `data` at `address`, or `Fault`.
    pub fn write(&mut self, address: u32, data: &[u8]) -> Result<(), Errno> {
        let length = u32::try_from(data.len()).map_err(|_| Errno::Fault)?;
        self.bytes_mut(address, length)?.copy_from_slice(data);
        Ok(())
    }

    /// A byte.
    pub fn read_u8(&self, address: u32) -> Result<u8, Errno> {
        Ok(u8::from_le_bytes(self.array(address)?))
    }

    /// A little-endian number of 2 bytes.
    pub fn read_u16(&self, address: u32) -> Result<u16, Errno> {
        Ok(u16::from_le_bytes(self.array(address)?))
    }

    /// A little-endian number of 4 bytes.
    pub fn read_u32(&self, address: u32) -> Result<u32, Errno> {
        Ok(u32::from_le_bytes(self.array(address)?))
    }

    /// A little-endian number of 8 bytes.
    pub fn read_u64(&self, address: u32) -> Result<u64, Errno> {
        Ok(u64::from_le_bytes(self.array(address)?))
    }

    /// Writes a little-endian number of 4 bytes.
    pub fn write_u32(&mut self, address: u32, value: u32) -> Result<(), Errno> {
        self.write(address, &value.to_le_bytes())
    }

    /// Writes a little-endian number of 8 bytes.
    pub fn write_u64(&mut self, address: u32, value: u64) -> Result<(), Errno> {
        self.write(address, &value.to_le_bytes())
    }

    /// UTF-8 text: `Ilseq` if it is not, `Nametoolong` beyond `limit` bytes.
    pub fn text(&self, address: u32, length: u32, limit: usize) -> Result<String, Errno> {
        let bytes = self.bytes(address, length)?;
        if bytes.len() > limit {
            return Err(Errno::Nametoolong);
        }
        std::str::from_utf8(bytes).map(String::from).map_err(|_| Errno::Ilseq)
    }

    /// The buffers of a scattered read or write, all checked: `Inval` for more than 1024 or more bytes in total than a result can say.
    pub fn buffers(&self, address: u32, count: u32) -> Result<Vec<Buffer>, Errno> {
        if count > IOV_MAX {
            return Err(Errno::Inval);
        }
        let mut total = 0_u32;
        (0..count)
            .map(|place| {
                let at = offset(address, place.saturating_mul(8))?;
                let buffer = Buffer { address: self.read_u32(at)?, length: self.read_u32(offset(at, 4)?)? };
                self.bytes(buffer.address, buffer.length)?;
                total = total.checked_add(buffer.length).ok_or(Errno::Inval)?;
                Ok(buffer)
            })
            .collect()
    }
}

/// An address that lies `by` bytes further, or `Fault` beyond the address space.
pub fn offset(address: u32, by: u32) -> Result<u32, Errno> {
    address.checked_add(by).ok_or(Errno::Fault)
}

fn index(value: u32) -> Result<usize, Errno> {
    usize::try_from(value).map_err(|_| Errno::Fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leads_outside_is_a_fault() {
        let mut bytes = [0; 16];
        let mut memory = Memory(&mut bytes);
        assert_eq!(memory.bytes(16, 0), Ok(&[][..]));
        assert_eq!(memory.bytes(17, 0), Err(Errno::Fault));
        assert_eq!(memory.bytes(0, u32::MAX), Err(Errno::Fault));
        assert_eq!(memory.read_u64(9), Err(Errno::Fault));
        assert_eq!(memory.write_u32(u32::MAX, 1), Err(Errno::Fault));
        assert_eq!(memory.write_u32(12, 0x0403_0201), Ok(()));
        assert_eq!(memory.bytes(12, 4), Ok(&[1, 2, 3, 4][..]));
    }

    #[test]
    fn buffers_are_bounded_in_number_and_length() {
        let mut bytes = vec![0; 16 * 1024];
        let memory = Memory(&mut bytes);
        assert_eq!(memory.buffers(0, 1025), Err(Errno::Inval));
        assert_eq!(memory.buffers(16 * 1024 - 4, 1), Err(Errno::Fault));
        assert_eq!(memory.buffers(0, 2), Ok(vec![Buffer { address: 0, length: 0 }; 2]));
    }
}
