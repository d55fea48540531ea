//! `fd_*`: what a program does with an open descriptor.

use super::{
    Host, Memory, Outcome, abi,
    abi::fstflags,
    memory::{Buffer, offset},
};
use crate::sandbox::{
    Errno,
    descriptor::{Descriptor, Target},
    rights::Rights,
    vfs::{Directory, Ino},
};
use blockcloud_primitives::Op;

impl Host {
    /// `fd_advise`: advice is checked and ignored.
    pub fn fd_advise(&mut self, _memory: &mut Memory, fd: u32, place: u64, length: u64, advice: u32) -> Outcome {
        let descriptor = self.descriptors.get(fd)?;
        descriptor.file().map_err(not_a_file)?;
        descriptor.demand(Rights::FD_ADVISE)?;
        if advice > 5 || place.checked_add(length).is_none() {
            return Err(Errno::Inval.into());
        }
        Ok(())
    }

    /// `fd_allocate`: a file is at least that long afterwards.
    pub fn fd_allocate(&mut self, _memory: &mut Memory, fd: u32, place: u64, length: u64) -> Outcome {
        let descriptor = self.descriptors.get(fd)?;
        let (ino, _) = descriptor.file().map_err(not_a_file)?;
        descriptor.demand(Rights::FD_ALLOCATE)?;
        if length == 0 {
            return Err(Errno::Inval.into());
        }
        let end = place.checked_add(length).ok_or(Errno::Fbig)?;
        if end > self.vfs.content(ino)?.len() { self.resize(fd, ino, end) } else { Ok(()) }
    }

    /// `fd_close`.
    pub fn fd_close(&mut self, _memory: &mut Memory, fd: u32) -> Outcome {
        let descriptor = self.descriptors.remove(fd)?;
        self.release(descriptor)
    }

    /// `fd_datasync` and `fd_sync`: memory is always in step.
    pub fn fd_sync(&mut self, _memory: &mut Memory, fd: u32) -> Outcome {
        Ok(self.descriptors.get(fd)?.demand(Rights::FD_SYNC)?)
    }

    /// `fd_datasync`.
    pub fn fd_datasync(&mut self, _memory: &mut Memory, fd: u32) -> Outcome {
        Ok(self.descriptors.get(fd)?.demand(Rights::FD_DATASYNC)?)
    }

    /// `fd_fdstat_get`.
    pub fn fd_fdstat_get(&mut self, memory: &mut Memory, fd: u32, result: u32) -> Outcome {
        let descriptor = self.descriptors.get(fd)?;
        let filetype = match descriptor.target {
            Target::File { .. } => abi::filetype::REGULAR_FILE,
            Target::Directory { .. } => abi::filetype::DIRECTORY,
            _ => abi::filetype::UNKNOWN,
        };
        let record = abi::fdstat(filetype, descriptor.flags, descriptor.rights.0, descriptor.inheriting.0);
        Ok(memory.write(result, &record)?)
    }

    /// `fd_fdstat_set_flags`.
    pub fn fd_fdstat_set_flags(&mut self, _memory: &mut Memory, fd: u32, flags: u32) -> Outcome {
        let descriptor = self.descriptors.get_mut(fd)?;
        descriptor.demand(Rights::FD_FDSTAT_SET_FLAGS)?;
        descriptor.flags = known_flags(flags)?;
        Ok(())
    }

    /// `fd_fdstat_set_rights`: rights can only be given up.
    pub fn fd_fdstat_set_rights(&mut self, _memory: &mut Memory, fd: u32, base: u64, inheriting: u64) -> Outcome {
        let descriptor = self.descriptors.get_mut(fd)?;
        if !descriptor.rights.contains(Rights(base)) || !descriptor.inheriting.contains(Rights(inheriting)) {
            return Err(Errno::Notcapable.into());
        }
        descriptor.rights = Rights(base);
        descriptor.inheriting = Rights(inheriting);
        Ok(())
    }

    /// `fd_filestat_get`.
    pub fn fd_filestat_get(&mut self, memory: &mut Memory, fd: u32, result: u32) -> Outcome {
        let descriptor = self.descriptors.get(fd)?;
        descriptor.demand(Rights::FD_FILESTAT_GET)?;
        let object = descriptor.object.clone();
        match descriptor.ino() {
            Some(ino) => {
                memory.write(result, &abi::filestat(Some(&self.vfs.stat(ino)?)))?;
                self.report_access(&object)
            }
            None => Ok(memory.write(result, &abi::filestat(None))?),
        }
    }

    /// `fd_filestat_set_size`.
    pub fn fd_filestat_set_size(&mut self, _memory: &mut Memory, fd: u32, size: u64) -> Outcome {
        let descriptor = self.descriptors.get(fd)?;
        let (ino, _) = descriptor.file().map_err(not_a_file)?;
        descriptor.demand(Rights::FD_FILESTAT_SET_SIZE)?;
        self.resize(fd, ino, size)
    }

    fn resize(&mut self, fd: u32, ino: Ino, size: u64) -> Outcome {
        self.flush_file(ino)?;
        self.vfs.set_size(ino, size, self.now())?;
        let object = self.descriptors.get(fd)?.object.clone();
        self.report_resize(&object, size)
    }

    /// `fd_filestat_set_times`.
    pub fn fd_filestat_set_times(&mut self, _memory: &mut Memory, fd: u32, accessed: u64, modified: u64, flags: u32) -> Outcome {
        let descriptor = self.descriptors.get(fd)?;
        descriptor.demand(Rights::FD_FILESTAT_SET_TIMES)?;
        let (ino, object) = (descriptor.ino().ok_or(Errno::Badf)?, descriptor.object.clone());
        self.set_times(ino, &object, accessed, modified, flags)
    }

    /// Sets times as preview1's `fstflags` say.
    pub(super) fn set_times(&mut self, ino: Ino, object: &str, accessed: u64, modified: u64, flags: u32) -> Outcome {
        let now = self.now();
        let choose = |given: u32, current: u32, time: u64| match (flags & given != 0, flags & current != 0) {
            (true, true) => Err(Errno::Inval),
            (true, false) => Ok(Some(time)),
            (false, true) => Ok(Some(now)),
            (false, false) => Ok(None),
        };
        let accessed = choose(fstflags::ATIM, fstflags::ATIM_NOW, accessed)?;
        let modified = choose(fstflags::MTIM, fstflags::MTIM_NOW, modified)?;
        self.vfs.set_times(ino, accessed, modified, now)?;
        self.report_access(object)
    }

    /// `fd_pread`.
    pub fn fd_pread(&mut self, memory: &mut Memory, fd: u32, buffers: u32, count: u32, place: u64, result: u32) -> Outcome {
        let descriptor = self.descriptors.get(fd)?;
        let (ino, _) = descriptor.file()?;
        descriptor.demand(Rights::FD_READ)?;
        let buffers = memory.buffers(buffers, count)?;
        let done = self.read_file(memory, fd, ino, place, &buffers)?;
        Ok(memory.write_u32(result, done)?)
    }

    /// `fd_read`.
    pub fn fd_read(&mut self, memory: &mut Memory, fd: u32, buffers: u32, count: u32, result: u32) -> Outcome {
        let descriptor = self.descriptors.get(fd)?;
        let (ino, place) = match descriptor.target {
            Target::Stdin => {
                descriptor.demand(Rights::FD_READ)?;
                memory.buffers(buffers, count)?;
                return Ok(memory.write_u32(result, 0)?);
            }
            Target::File { ino, offset } => (ino, offset),
            Target::Directory { .. } => return Err(Errno::Isdir.into()),
            Target::Stdout | Target::Stderr => return Err(Errno::Notcapable.into()),
        };
        descriptor.demand(Rights::FD_READ)?;
        let buffers = memory.buffers(buffers, count)?;
        let done = self.read_file(memory, fd, ino, place, &buffers)?;
        self.descriptors.get_mut(fd)?.move_to(place.saturating_add(u64::from(done)));
        Ok(memory.write_u32(result, done)?)
    }

    fn read_file(&mut self, memory: &mut Memory, fd: u32, ino: Ino, place: u64, buffers: &[Buffer]) -> Result<u32, super::Halt> {
        self.begin_span(fd, Op::Read, place)?;
        let now = self.now();
        let mut done = 0_u32;
        for buffer in buffers {
            let buffer = memory.bytes_mut(buffer.address, buffer.length)?;
            let count = self.vfs.read(ino, place.saturating_add(u64::from(done)), buffer, now)?;
            let taken = buffer.get(..count).unwrap_or_default();
            if let Some(span) = &mut self.descriptors.get_mut(fd)?.span {
                span.add(taken);
            }
            done = done.saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
            if count < buffer.len() {
                break;
            }
        }
        self.counters.bytes_read = self.counters.bytes_read.saturating_add(u64::from(done));
        self.charge = self.charge.saturating_add(u64::from(done) / 8);
        self.end_span(fd)?;
        Ok(done)
    }

    /// `fd_pwrite`.
    pub fn fd_pwrite(&mut self, memory: &mut Memory, fd: u32, buffers: u32, count: u32, place: u64, result: u32) -> Outcome {
        let descriptor = self.descriptors.get(fd)?;
        let (ino, _) = descriptor.file().map_err(|errno| if errno == Errno::Spipe { errno } else { Errno::Badf })?;
        descriptor.demand(Rights::FD_WRITE)?;
        let buffers = memory.buffers(buffers, count)?;
        let done = self.write_file(memory, fd, ino, place, &buffers)?;
        Ok(memory.write_u32(result, done)?)
    }

    /// `fd_write`.
    pub fn fd_write(&mut self, memory: &mut Memory, fd: u32, buffers: u32, count: u32, result: u32) -> Outcome {
        let descriptor = self.descriptors.get(fd)?;
        let (target, flags) = (descriptor.target, descriptor.flags);
        if matches!(target, Target::Directory { .. }) {
            return Err(Errno::Badf.into());
        }
        descriptor.demand(Rights::FD_WRITE)?;
        let buffers = memory.buffers(buffers, count)?;
        let done = match target {
            Target::File { ino, offset } => {
                let place = if flags & Descriptor::APPEND != 0 { self.vfs.content(ino)?.len() } else { offset };
                let done = self.write_file(memory, fd, ino, place, &buffers)?;
                self.descriptors.get_mut(fd)?.move_to(place.saturating_add(u64::from(done)));
                done
            }
            _ => self.write_stream(memory, fd, target, &buffers)?,
        };
        Ok(memory.write_u32(result, done)?)
    }

    fn write_file(&mut self, memory: &Memory, fd: u32, ino: Ino, place: u64, buffers: &[Buffer]) -> Result<u32, super::Halt> {
        self.begin_span(fd, Op::Write, place)?;
        let now = self.now();
        let mut done = 0_u32;
        for buffer in buffers {
            let data = memory.bytes(buffer.address, buffer.length)?;
            let count = match self.vfs.write(ino, place.saturating_add(u64::from(done)), data, now) {
                Ok(count) => count,
                // What is written stays written and is reported; the next call meets the error.
                Err(_) if done > 0 => 0,
                Err(errno) => {
                    self.end_span(fd)?;
                    return Err(errno.into());
                }
            };
            if let Some(span) = &mut self.descriptors.get_mut(fd)?.span {
                span.add(data.get(..count).unwrap_or_default());
            }
            done = done.saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
            if count < data.len() {
                break;
            }
        }
        self.written(done);
        self.end_span(fd)?;
        Ok(done)
    }

    fn write_stream(&mut self, memory: &Memory, fd: u32, target: Target, buffers: &[Buffer]) -> Result<u32, super::Halt> {
        let place = self.stream_mut(target).map_or(0, |stream| stream.len());
        self.begin_span(fd, Op::Write, place)?;
        let mut done = 0_u32;
        let mut wanted = false;
        for buffer in buffers {
            let data = memory.bytes(buffer.address, buffer.length)?;
            wanted |= !data.is_empty();
            let count = self.stream_mut(target).map_or(0, |stream| stream.write(data));
            if let Some(span) = &mut self.descriptors.get_mut(fd)?.span {
                span.add(data.get(..count).unwrap_or_default());
            }
            done = done.saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
            if count < data.len() {
                break;
            }
        }
        self.written(done);
        self.end_span(fd)?;
        // A full stream is like a full disk: the program is told, nothing is lost silently.
        if done == 0 && wanted { Err(Errno::Nospc.into()) } else { Ok(done) }
    }

    fn written(&mut self, bytes: u32) {
        self.counters.bytes_written = self.counters.bytes_written.saturating_add(u64::from(bytes));
        self.charge = self.charge.saturating_add(u64::from(bytes) / 8);
    }

    /// `fd_prestat_get`.
    pub fn fd_prestat_get(&mut self, memory: &mut Memory, fd: u32, result: u32) -> Outcome {
        let name = u32::try_from(self.preopened(fd)?.len()).map_err(|_| Errno::Overflow)?;
        memory.write_u32(result, 0)?;
        Ok(memory.write_u32(offset(result, 4)?, name)?)
    }

    /// `fd_prestat_dir_name`.
    pub fn fd_prestat_dir_name(&mut self, memory: &mut Memory, fd: u32, path: u32, length: u32) -> Outcome {
        let name = self.preopened(fd)?;
        if usize::try_from(length).is_ok_and(|length| length < name.len()) {
            return Err(Errno::Nametoolong.into());
        }
        Ok(memory.write(path, name.as_bytes())?)
    }

    /// The name of a directory that the program found open.
    fn preopened(&self, fd: u32) -> Result<&str, Errno> {
        let descriptor = self.descriptors.get(fd)?;
        match descriptor.target {
            Target::Directory { preopened: true, .. } => Ok(&descriptor.object),
            _ => Err(Errno::Badf),
        }
    }

    /// `fd_readdir`. Fills the buffer to its end, cutting the last entry where it does not fit; less than a full buffer means that nothing more comes.
    pub fn fd_readdir(&mut self, memory: &mut Memory, fd: u32, buffer: u32, length: u32, cookie: u64, result: u32) -> Outcome {
        let descriptor = self.descriptors.get(fd)?;
        let ino = descriptor.directory()?;
        descriptor.demand(Rights::FD_READDIR)?;
        let object = descriptor.object.clone();
        memory.bytes(buffer, length)?;

        let directory = self.vfs.directory(ino)?;
        let dots = [(0, ".", ino), (1, "..", directory.parent)].into_iter().filter(|(place, ..)| *place >= cookie);
        let mut used = 0_u32;
        for (place, name, entry) in dots.chain(directory.from_place(cookie.max(Directory::FIRST_PLACE))) {
            let name_length = u32::try_from(name.len()).map_err(|_| Errno::Overflow)?;
            let record = abi::dirent(place.saturating_add(1), entry, name_length, abi::filetype_of(self.vfs.kind(entry)?));
            for part in [&record[..], name.as_bytes()] {
                let room = usize::try_from(length.saturating_sub(used)).unwrap_or(usize::MAX);
                let part = part.get(..room.min(part.len())).unwrap_or_default();
                memory.write(offset(buffer, used)?, part)?;
                used = used.saturating_add(u32::try_from(part.len()).unwrap_or(u32::MAX));
            }
            if used >= length {
                break;
            }
        }
        memory.write_u32(result, used)?;
        self.charge = self.charge.saturating_add(u64::from(used));
        self.report_access(&object)
    }

    /// `fd_renumber`: `to` is closed and means what `fd` meant.
    pub fn fd_renumber(&mut self, _memory: &mut Memory, fd: u32, to: u32) -> Outcome {
        self.descriptors.get(fd)?;
        self.descriptors.get(to)?;
        if fd == to {
            return Ok(());
        }
        let moved = self.descriptors.remove(fd)?;
        let replaced = self.descriptors.remove(to)?;
        self.descriptors.put(to, moved);
        self.release(replaced)
    }

    /// `fd_seek`.
    pub fn fd_seek(&mut self, memory: &mut Memory, fd: u32, delta: i64, whence: u32, result: u32) -> Outcome {
        let descriptor = self.descriptors.get_mut(fd)?;
        let (ino, here) = descriptor.file().map_err(not_a_file)?;
        let base = match whence {
            0 => 0,
            1 => here,
            2 => self.vfs.content(ino)?.len(),
            _ => return Err(Errno::Inval.into()),
        };
        // Asking where the offset is takes less than moving it.
        descriptor.demand(if delta == 0 && whence == 1 { Rights::FD_TELL } else { Rights::FD_SEEK })?;
        let place = base.checked_add_signed(delta).filter(|place| i64::try_from(*place).is_ok()).ok_or(Errno::Inval)?;
        descriptor.move_to(place);
        Ok(memory.write_u64(result, place)?)
    }

    /// `fd_tell`.
    pub fn fd_tell(&mut self, memory: &mut Memory, fd: u32, result: u32) -> Outcome {
        let descriptor = self.descriptors.get(fd)?;
        let (_, place) = descriptor.file().map_err(not_a_file)?;
        descriptor.demand(Rights::FD_TELL)?;
        Ok(memory.write_u64(result, place)?)
    }
}

/// For functions that POSIX does not know for directories: the descriptor is of the wrong kind.
fn not_a_file(errno: Errno) -> Errno {
    if errno == Errno::Isdir { Errno::Badf } else { errno }
}

/// The flags that preview1 knows; `Inval` for others.
pub(super) fn known_flags(flags: u32) -> Result<u16, Errno> {
    u16::try_from(flags).ok().filter(|flags| flags & !Descriptor::FLAGS == 0).ok_or(Errno::Inval)
}
