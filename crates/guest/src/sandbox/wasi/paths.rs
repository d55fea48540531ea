//! `path_*`: what a program does with names.

use super::{Host, Memory, Outcome, abi, abi::oflags, files::known_flags};
use crate::sandbox::{
    Errno,
    descriptor::{Descriptor, Target},
    observe::Event,
    rights::Rights,
    vfs::{Found, Ino, Kind, PATH_MAX},
};
use blockcloud_primitives::{Digest, Op};

/// Text in the module's memory.
#[derive(Clone, Copy)]
pub struct Text {
    /// Its address.
    pub address: u32,
    /// Its length in bytes.
    pub length: u32,
}

/// What `path_open` is asked for.
#[derive(Clone, Copy)]
pub struct Opening {
    /// Preview1's `lookupflags`.
    pub lookup: u32,
    /// Preview1's `oflags`.
    pub oflags: u32,
    /// The rights wanted.
    pub rights: u64,
    /// Preview1's `fdflags`.
    pub flags: u32,
}

impl Host {
    fn base(&self, fd: u32, rights: Rights) -> Result<Ino, Errno> {
        let descriptor = self.descriptors.get(fd)?;
        let ino = descriptor.directory()?;
        descriptor.demand(rights)?;
        Ok(ino)
    }

    /// Follows a path from an open directory. Returns what is there and its full name.
    fn find(&self, memory: &Memory, fd: u32, rights: Rights, path: Text, follow: bool) -> Result<(Found, String), Errno> {
        let base = self.base(fd, rights)?;
        let path = memory.text(path.address, path.length, PATH_MAX)?;
        let found = self.vfs.resolve(base, &path, follow)?;
        let object = self.vfs.path_of_found(&found);
        Ok((found, object))
    }

    /// `path_create_directory`.
    pub fn path_create_directory(&mut self, memory: &mut Memory, fd: u32, path: Text) -> Outcome {
        let (found, object) = self.find(memory, fd, Rights::PATH_CREATE_DIRECTORY, path, false)?;
        self.vfs.create_directory(&found, self.now())?;
        self.report_access(&object)
    }

    /// `path_filestat_get`.
    pub fn path_filestat_get(&mut self, memory: &mut Memory, fd: u32, lookup: u32, path: Text, result: u32) -> Outcome {
        let (found, object) = self.find(memory, fd, Rights::PATH_FILESTAT_GET, path, follows(lookup))?;
        let stat = self.vfs.stat(found.ino.ok_or(Errno::Noent)?)?;
        memory.write(result, &abi::filestat(Some(&stat)))?;
        self.report_access(&object)
    }

    /// `path_filestat_set_times`.
    #[allow(clippy::too_many_arguments, reason = "the parameters of preview1's function")]
    pub fn path_filestat_set_times(
        &mut self,
        memory: &mut Memory,
        fd: u32,
        lookup: u32,
        path: Text,
        accessed: u64,
        modified: u64,
        flags: u32,
    ) -> Outcome {
        let (found, object) = self.find(memory, fd, Rights::PATH_FILESTAT_SET_TIMES, path, follows(lookup))?;
        self.set_times(found.ino.ok_or(Errno::Noent)?, &object, accessed, modified, flags)
    }

    /// `path_link`.
    pub fn path_link(&mut self, memory: &mut Memory, old_fd: u32, lookup: u32, old: Text, new_fd: u32, new: Text) -> Outcome {
        let (from, old_object) = self.find(memory, old_fd, Rights::PATH_LINK_SOURCE, old, follows(lookup))?;
        let (to, object) = self.find(memory, new_fd, Rights::PATH_LINK_TARGET, new, false)?;
        self.vfs.link(from.ino.ok_or(Errno::Noent)?, &to, self.now())?;
        self.report_derived(&object, &old_object)
    }

    /// `path_open`.
    pub fn path_open(&mut self, memory: &mut Memory, fd: u32, path: Text, opening: Opening, result: u32) -> Outcome {
        let mut rights = Rights::PATH_OPEN;
        if opening.oflags & oflags::CREAT != 0 {
            rights = rights.or(Rights::PATH_CREATE_FILE);
        }
        if opening.oflags & oflags::TRUNC != 0 {
            rights = rights.or(Rights::PATH_FILESTAT_SET_SIZE);
        }
        let exclusive = opening.oflags & oflags::CREAT != 0 && opening.oflags & oflags::EXCL != 0;
        let (found, object) = self.find(memory, fd, rights, path, follows(opening.lookup) && !exclusive)?;
        memory.bytes(result, 4)?;
        self.descriptors.check_room()?;
        let flags = known_flags(opening.flags)?;
        let inherited = self.descriptors.get(fd)?.inheriting;

        let (ino, created) = match found.ino {
            Some(_) if exclusive => return Err(Errno::Exist.into()),
            Some(ino) => (ino, false),
            None if opening.oflags & oflags::CREAT == 0 => return Err(Errno::Noent.into()),
            None if opening.oflags & oflags::DIRECTORY != 0 => return Err(Errno::Inval.into()),
            None => {
                file_rights(opening, inherited)?;
                (self.vfs.create_file(&found, self.now())?, true)
            }
        };
        let descriptor = match self.vfs.kind(ino)? {
            Kind::Symlink => return Err(Errno::Loop.into()),
            Kind::Directory => self.open_directory(ino, &object, opening, inherited, flags)?,
            Kind::File => {
                if opening.oflags & oflags::DIRECTORY != 0 {
                    return Err(Errno::Notdir.into());
                }
                let rights = file_rights(opening, inherited)?;
                Descriptor {
                    target: Target::File { ino, offset: 0 },
                    object: object.clone(),
                    rights,
                    inheriting: Rights::default(),
                    flags,
                    span: None,
                }
            }
        };
        if opening.oflags & oflags::TRUNC != 0 && !created && matches!(descriptor.target, Target::File { .. }) {
            self.flush_file(ino)?;
            self.vfs.set_size(ino, 0, self.now())?;
            self.report_resize(&object, 0)?;
        }
        let opened = self.descriptors.insert(descriptor)?;
        self.vfs.opened(ino);
        memory.write_u32(result, opened)?;
        self.report_access(&object)
    }

    fn open_directory(&self, ino: Ino, object: &str, opening: Opening, inherited: Rights, flags: u16) -> Result<Descriptor, Errno> {
        let changes = opening.oflags & (oflags::CREAT | oflags::TRUNC) != 0 || Rights(opening.rights).contains(Rights::FD_WRITE);
        // Whoever asks for a directory by name gets it with whatever rights make sense; whoever wants to write to a file is told that it is none.
        if opening.oflags & oflags::DIRECTORY == 0 && changes {
            return Err(Errno::Isdir);
        }
        Ok(Descriptor {
            target: Target::Directory { ino, preopened: false },
            object: object.into(),
            rights: Rights::DIRECTORY.and(inherited),
            inheriting: inherited,
            flags,
            span: None,
        })
    }

    /// `path_readlink`.
    pub fn path_readlink(&mut self, memory: &mut Memory, fd: u32, path: Text, buffer: u32, length: u32, result: u32) -> Outcome {
        let (found, object) = self.find(memory, fd, Rights::PATH_READLINK, path, false)?;
        let target = self.vfs.target(found.ino.ok_or(Errno::Noent)?)?.as_bytes();
        memory.bytes(buffer, length)?;
        let shown = usize::try_from(length).map_or(target, |length| target.get(..length.min(target.len())).unwrap_or_default());
        memory.write(buffer, shown)?;
        memory.write_u32(result, u32::try_from(shown.len()).map_err(|_| Errno::Overflow)?)?;
        self.report_access(&object)
    }

    /// `path_remove_directory`.
    pub fn path_remove_directory(&mut self, memory: &mut Memory, fd: u32, path: Text) -> Outcome {
        let (found, object) = self.find(memory, fd, Rights::PATH_REMOVE_DIRECTORY, path, false)?;
        self.vfs.remove_directory(&found, self.now())?;
        self.report_erase(&object, 0)
    }

    /// `path_rename`.
    pub fn path_rename(&mut self, memory: &mut Memory, old_fd: u32, old: Text, new_fd: u32, new: Text) -> Outcome {
        let (from, old_object) = self.find(memory, old_fd, Rights::PATH_RENAME_SOURCE, old, false)?;
        let (to, object) = self.find(memory, new_fd, Rights::PATH_RENAME_TARGET, new, false)?;
        let replaced = to.ino.filter(|ino| Some(*ino) != from.ino);
        if let Some(ino) = replaced {
            self.flush_file(ino)?;
        }
        if from.ino.is_some_and(|ino| self.vfs.kind(ino) == Ok(Kind::Directory)) {
            // The length of every path below it is looked at.
            self.charge = self.charge.saturating_add(self.vfs.entries().saturating_mul(Self::ENTRY_FUEL));
        }
        let gone = self.vfs.rename(&from, &to, self.now())?;
        if replaced.is_some() {
            self.report_erase(&object, gone)?;
        }
        self.report_derived(&object, &old_object)
    }

    /// `path_symlink`.
    pub fn path_symlink(&mut self, memory: &mut Memory, target: Text, fd: u32, path: Text) -> Outcome {
        let target = memory.text(target.address, target.length, PATH_MAX)?;
        let (found, object) = self.find(memory, fd, Rights::PATH_SYMLINK, path, false)?;
        self.vfs.create_symlink(&found, &target, self.now())?;
        let digest = Digest::keyed(self.digest_key(), target.as_bytes());
        let bytes = u64::try_from(target.len()).unwrap_or(u64::MAX);
        self.report(Event { op: Op::Write, object: &object, offset: 0, bytes, digest, derived_from: None })
    }

    /// `path_unlink_file`.
    pub fn path_unlink_file(&mut self, memory: &mut Memory, fd: u32, path: Text) -> Outcome {
        let (found, object) = self.find(memory, fd, Rights::PATH_UNLINK_FILE, path, false)?;
        if let Some(ino) = found.ino {
            self.flush_file(ino)?;
        }
        let gone = self.vfs.unlink(&found, self.now())?;
        self.report_erase(&object, gone)
    }

    fn report_derived(&mut self, object: &str, from: &str) -> Outcome {
        self.report(Event { op: Op::Access, object, offset: 0, bytes: 0, digest: Digest::ZERO, derived_from: Some(from) })
    }
}

fn follows(lookup: u32) -> bool {
    lookup & abi::SYMLINK_FOLLOW != 0
}

/// The rights of a newly opened file: what is asked for as far as it makes sense for a file, and what every open file has. `Notcapable` where the
/// directory cannot pass on what is asked for.
fn file_rights(opening: Opening, inherited: Rights) -> Result<Rights, Errno> {
    let mut wanted = Rights(opening.rights).and(Rights::FILE);
    if wanted.contains(Rights::FD_WRITE) {
        wanted = wanted.or(Rights::FILE_CHANGES.and(inherited));
    }
    if !inherited.contains(wanted) {
        return Err(Errno::Notcapable);
    }
    Ok(wanted.or(Rights::FILE_ALWAYS).and(inherited))
}
