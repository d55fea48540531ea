//! The error numbers of `wasi_snapshot_preview1` that this host answers with.
//!
//! Not for host-side failures: those are `wasi::Halt` and end the program.

/// A POSIX condition, numbered as in preview1's `errno`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Errno {
    /// Bad file descriptor, or one of the wrong kind.
    Badf = 8,
    /// The object is in use (the root directory always is).
    Busy = 10,
    /// The name exists.
    Exist = 20,
    /// A pointer leads outside of the module's memory.
    Fault = 21,
    /// The file would be larger than a file may be.
    Fbig = 22,
    /// Text is not UTF-8.
    Ilseq = 25,
    /// Invalid argument.
    Inval = 28,
    /// It is a directory.
    Isdir = 31,
    /// Too many symbolic links, or one where none may be.
    Loop = 32,
    /// Too many open descriptors.
    Mfile = 33,
    /// Too many links.
    Mlink = 34,
    /// A name or path is too long.
    Nametoolong = 37,
    /// No such file or directory.
    Noent = 44,
    /// The quota of bytes or files is used up.
    Nospc = 51,
    /// It is not a directory.
    Notdir = 54,
    /// The directory is not empty.
    Notempty = 55,
    /// It is not a socket.
    Notsock = 57,
    /// Not supported.
    Notsup = 58,
    /// The value does not fit.
    Overflow = 61,
    /// Not permitted: the path would leave the sandbox.
    Perm = 63,
    /// The object cannot be seeked.
    Spipe = 70,
    /// The descriptor lacks the right.
    Notcapable = 76,
}

impl Errno {
    /// The number that the module sees.
    pub fn code(self) -> u32 {
        u32::from(self as u16)
    }
}
