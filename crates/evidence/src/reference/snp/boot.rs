//! A kernel that the host hands to the firmware, by its hashes: the firmware takes nothing else. The form is QEMU's.

use crate::reference::snp::{PAGE_LEN, firmware::guid};
use sha2::{Digest, Sha256};
use std::ffi::CStr;

const TABLE: [u8; 16] = guid(0x9438d606_4f22_4cc9_b479_a793d411fd21);
const COMMAND_LINE: [u8; 16] = guid(0x97d02dd8_bd20_4c94_aa78_e7714d36ab2a);
const INITRD: [u8; 16] = guid(0x44baf731_3a2f_4bd7_9af1_41e29169781d);
const KERNEL: [u8; 16] = guid(0x4de79437_abd2_427f_b835_d5b172d2045b);

/// SHA-256 of what a guest is booted with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DirectBoot {
    kernel: [u8; 32],
    initrd: [u8; 32],
    command_line: [u8; 32],
}

impl DirectBoot {
    /// Length of the table of hashes as QEMU writes it, rounded up to a multiple of 16.
    pub(super) const TABLE_LEN: usize = 176;

    /// Of the files. Without an initial file system, an empty one; without a command line, the empty one. The command line is a C string,
    /// because its final zero is hashed, too.
    pub fn new(kernel: &[u8], initrd: &[u8], command_line: &CStr) -> Self {
        let [kernel, initrd, command_line] = [kernel, initrd, command_line.to_bytes_with_nul()].map(|bytes| Sha256::digest(bytes).into());
        Self { kernel, initrd, command_line }
    }

    /// The page with the table at an offset.
    pub(super) fn page(&self, offset: usize) -> [u8; PAGE_LEN] {
        /// Length of an entry, and of the table with its own head.
        const ENTRY_LEN: u16 = 50;
        const LEN: u16 = 168;
        let mut table = Vec::from(TABLE);
        table.extend(LEN.to_le_bytes());
        for (id, hash) in [(COMMAND_LINE, self.command_line), (INITRD, self.initrd), (KERNEL, self.kernel)] {
            table.extend(id);
            table.extend(ENTRY_LEN.to_le_bytes());
            table.extend(hash);
        }
        let mut page = [0; PAGE_LEN];
        for (place, byte) in page.iter_mut().skip(offset).zip(table) {
            *place = byte;
        }
        page
    }
}
