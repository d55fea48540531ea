//! Preview1's records and flags as bytes.
//!
//! Layouts follow `typenames.witx`: little-endian, naturally aligned, gaps zero.

use crate::sandbox::vfs::{Kind, Stat};

/// Preview1's `filetype`.
pub mod filetype {
    /// Neither terminal nor file: the program's streams. Programs then print plainly, as into a pipe.
    pub const UNKNOWN: u8 = 0;
    /// A directory.
    pub const DIRECTORY: u8 = 3;
    /// A regular file.
    pub const REGULAR_FILE: u8 = 4;
    /// A symbolic link.
    pub const SYMBOLIC_LINK: u8 = 7;
}

/// Preview1's `lookupflags`: follow a symbolic link in the last place.
pub const SYMLINK_FOLLOW: u32 = 1;

/// Preview1's `oflags`.
pub mod oflags {
    /// Create the file if there is none.
    pub const CREAT: u32 = 1;
    /// Fail unless it is a directory.
    pub const DIRECTORY: u32 = 2;
    /// Fail if there is one.
    pub const EXCL: u32 = 4;
    /// Cut it to nothing.
    pub const TRUNC: u32 = 8;
}

/// Preview1's `fstflags`.
pub mod fstflags {
    /// Set the time of access as given.
    pub const ATIM: u32 = 1;
    /// Set the time of access to now.
    pub const ATIM_NOW: u32 = 2;
    /// Set the time of modification as given.
    pub const MTIM: u32 = 4;
    /// Set the time of modification to now.
    pub const MTIM_NOW: u32 = 8;
}

/// The `filetype` of a kind of inode.
pub fn filetype_of(kind: Kind) -> u8 {
    match kind {
        Kind::File => filetype::REGULAR_FILE,
        Kind::Directory => filetype::DIRECTORY,
        Kind::Symlink => filetype::SYMBOLIC_LINK,
    }
}

/// A `filestat` (64 bytes). `None` is one of the program's streams.
pub fn filestat(stat: Option<&Stat>) -> [u8; 64] {
    let mut record = [0; 64];
    let Some(stat) = stat else { return record };
    let fields = [
        1, // the one device
        stat.ino,
        u64::from(filetype_of(stat.kind)),
        stat.links,
        stat.size,
        stat.times.accessed,
        stat.times.modified,
        stat.times.changed,
    ];
    for (place, field) in record.chunks_exact_mut(8).zip(fields) {
        place.copy_from_slice(&field.to_le_bytes());
    }
    record
}

/// An `fdstat` (24 bytes).
pub fn fdstat(filetype: u8, flags: u16, base: u64, inheriting: u64) -> [u8; 24] {
    let mut record = [0; 24];
    let words = [u64::from(filetype) | u64::from(flags) << 16, base, inheriting];
    for (place, word) in record.chunks_exact_mut(8).zip(words) {
        place.copy_from_slice(&word.to_le_bytes());
    }
    record
}

/// A `dirent` (24 bytes); the name follows it.
pub fn dirent(next: u64, ino: u64, name_length: u32, filetype: u8) -> [u8; 24] {
    let mut record = [0; 24];
    let words = [next, ino, u64::from(name_length) | u64::from(filetype) << 32];
    for (place, word) in record.chunks_exact_mut(8).zip(words) {
        place.copy_from_slice(&word.to_le_bytes());
    }
    record
}

/// An `event` (32 bytes).
pub fn event(userdata: u64, errno: u16, kind: u8, bytes: u64, hangup: bool) -> [u8; 32] {
    let mut record = [0; 32];
    let words = [userdata, u64::from(errno) | u64::from(kind) << 16, bytes, u64::from(hangup)];
    for (place, word) in record.chunks_exact_mut(8).zip(words) {
        place.copy_from_slice(&word.to_le_bytes());
    }
    record
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::vfs::Times;

    #[test]
    fn filestat_has_the_layout_of_the_witx() {
        let stat = Stat { ino: 2, kind: Kind::File, links: 3, size: 4, times: Times { accessed: 5, modified: 6, changed: 7 } };
        let record = filestat(Some(&stat));
        assert_eq!(record[0], 1);
        assert_eq!((record[8], record[16], record[24], record[32]), (2, 4, 3, 4));
        assert_eq!((record[40], record[48], record[56]), (5, 6, 7));
    }

    #[test]
    fn dirent_and_event_have_the_layout_of_the_witx() {
        let record = dirent(1, 2, 3, 4);
        assert_eq!((record[0], record[8], record[16], record[20]), (1, 2, 3, 4));
        let record = event(9, 8, 2, 7, true);
        assert_eq!((record[0], record[8], record[10], record[16], record[24]), (9, 8, 2, 7, 1));
        let record = fdstat(4, 1, 2, 3);
        assert_eq!((record[0], record[2], record[8], record[16]), (4, 1, 2, 3));
    }
}
