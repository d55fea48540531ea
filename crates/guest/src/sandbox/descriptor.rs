//! The program's open descriptors.
//!
//! Not for what they refer to: that is the file system's.

use super::{
    Errno,
    observe::Span,
    rights::Rights,
    vfs::{Ino, Vfs},
};
use std::collections::BTreeMap;

/// Most descriptors open at once.
const OPEN_MAX: usize = 4096;

/// What a descriptor refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Standard input where there is none: always at its end.
    Stdin,
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// A file, and where the next read or write is.
    File {
        /// The file.
        ino: Ino,
        /// The offset.
        offset: u64,
    },
    /// A directory.
    Directory {
        /// The directory.
        ino: Ino,
        /// Whether the program found it open and may ask for its name.
        preopened: bool,
    },
}

/// An open descriptor.
pub struct Descriptor {
    /// What it refers to.
    pub target: Target,
    /// The name it was opened by, as it stands in receipts.
    pub object: String,
    /// What it may be used for.
    pub rights: Rights,
    /// What descriptors opened through it may be used for.
    pub inheriting: Rights,
    /// Preview1's `fdflags`.
    pub flags: u16,
    /// Reads or writes that are not reported yet.
    pub span: Option<Span>,
}

impl Descriptor {
    /// The `append` flag.
    pub const APPEND: u16 = 1;
    /// Every flag that preview1 names.
    pub const FLAGS: u16 = 0b1_1111;

    /// Refuses with `Notcapable` unless all of these rights are held.
    pub fn demand(&self, rights: Rights) -> Result<(), Errno> {
        if self.rights.contains(rights) { Ok(()) } else { Err(Errno::Notcapable) }
    }

    /// The file and offset. `Isdir` for a directory, `Spipe` for a stream.
    pub fn file(&self) -> Result<(Ino, u64), Errno> {
        match self.target {
            Target::File { ino, offset } => Ok((ino, offset)),
            Target::Directory { .. } => Err(Errno::Isdir),
            _ => Err(Errno::Spipe),
        }
    }

    /// The directory. `Notdir` for anything else.
    pub fn directory(&self) -> Result<Ino, Errno> {
        match self.target {
            Target::Directory { ino, .. } => Ok(ino),
            _ => Err(Errno::Notdir),
        }
    }

    /// The inode, if it refers to one.
    pub fn ino(&self) -> Option<Ino> {
        match self.target {
            Target::File { ino, .. } | Target::Directory { ino, .. } => Some(ino),
            _ => None,
        }
    }

    /// Moves the offset of a file.
    pub fn move_to(&mut self, place: u64) {
        if let Target::File { offset, .. } = &mut self.target {
            *offset = place;
        }
    }
}

/// All open descriptors.
pub struct Descriptors(BTreeMap<u32, Descriptor>);

impl Descriptors {
    /// The three streams, and the root directory as descriptor 3.
    pub fn new(vfs: &mut Vfs) -> Self {
        let stream = |target, object: &str, rights| Descriptor {
            target,
            object: object.into(),
            rights,
            inheriting: Rights::default(),
            flags: 0,
            span: None,
        };
        vfs.opened(Vfs::ROOT);
        let root = Descriptor {
            target: Target::Directory { ino: Vfs::ROOT, preopened: true },
            object: "/".into(),
            rights: Rights::DIRECTORY,
            inheriting: Rights::ALL,
            flags: 0,
            span: None,
        };
        let stdin = match vfs.stdin() {
            // Like a file that a shell has redirected.
            Some(ino) => stream(Target::File { ino, offset: 0 }, "stdin", Rights::FILE_ALWAYS.or(Rights::FD_READ)),
            None => stream(Target::Stdin, "stdin", Rights::STDIN),
        };
        Self(BTreeMap::from([
            (0, stdin),
            (1, stream(Target::Stdout, "stdout", Rights::STDOUT)),
            (2, stream(Target::Stderr, "stderr", Rights::STDOUT)),
            (3, root),
        ]))
    }

    /// The descriptor of that number, or `Badf`.
    pub fn get(&self, fd: u32) -> Result<&Descriptor, Errno> {
        self.0.get(&fd).ok_or(Errno::Badf)
    }

    /// The descriptor of that number, or `Badf`.
    pub fn get_mut(&mut self, fd: u32) -> Result<&mut Descriptor, Errno> {
        self.0.get_mut(&fd).ok_or(Errno::Badf)
    }

    /// Whether another descriptor fits.
    pub fn check_room(&self) -> Result<(), Errno> {
        if self.0.len() < OPEN_MAX { Ok(()) } else { Err(Errno::Mfile) }
    }

    /// Adds a descriptor under the lowest free number.
    pub fn insert(&mut self, descriptor: Descriptor) -> Result<u32, Errno> {
        self.check_room()?;
        let fd = self.0.keys().zip(0_u32..).find(|(used, free)| *used != free).map(|(_, free)| free);
        let fd = match fd {
            Some(fd) => fd,
            None => u32::try_from(self.0.len()).map_err(|_| Errno::Mfile)?,
        };
        self.0.insert(fd, descriptor);
        Ok(fd)
    }

    /// Takes a descriptor out.
    pub fn remove(&mut self, fd: u32) -> Result<Descriptor, Errno> {
        self.0.remove(&fd).ok_or(Errno::Badf)
    }

    /// Puts a descriptor under a number of its own.
    pub fn put(&mut self, fd: u32, descriptor: Descriptor) {
        self.0.insert(fd, descriptor);
    }

    /// Takes the spans that are not reported yet of those descriptors that `wanted` picks, in the order of their numbers.
    pub fn take_spans(&mut self, wanted: impl Fn(&Descriptor) -> bool) -> Vec<(String, Span)> {
        self.0
            .values_mut()
            .filter(|descriptor| descriptor.span.is_some() && wanted(descriptor))
            .filter_map(|descriptor| Some((descriptor.object.clone(), descriptor.span.take()?)))
            .collect()
    }
}
