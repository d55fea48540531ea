//! The file system that a program sees: in memory, from the empty root up, with quotas.
//!
//! It behaves as POSIX says and answers with preview1's error numbers. Not for descriptors, rights or receipts: those belong to the WASI functions
//! that stand in front of it.

mod content;
mod inode;
mod path;

pub use content::{Content, Reader};
pub use inode::{Directory, Ino, Inode, Kind, Node, Stat, Times};
pub use path::{Found, NAME_MAX, PATH_MAX};

use super::Errno;
use blockcloud_seal::room::{INODE_COST, PAGE, content_cost, entry_cost};
use std::collections::HashMap;

/// Largest file, in bytes. Far above any quota; keeps sums of offsets from overflowing.
const FILE_MAX: u64 = 1 << 53;

/// How much a program may keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Bytes that everything together may cost, by the rules of [`blockcloud_seal::room`]: content in whole pages, holes included, names, targets.
    pub bytes: u64,
    /// Directory entries in all directories together.
    pub entries: u64,
}

/// An in-memory file system.
pub struct Vfs {
    inodes: HashMap<Ino, Inode>,
    next: Ino,
    quota: Quota,
    bytes: u64,
    used: u64,
    entries: u64,
    stdin: Option<Ino>,
}

/// What an inode costs.
fn node_cost(node: &Node) -> u64 {
    INODE_COST.saturating_add(match node {
        Node::File(content) => content_cost(content.len()),
        Node::Directory(_) => 0,
        Node::Symlink(target) => u64::try_from(target.len()).unwrap_or(u64::MAX),
    })
}

impl Vfs {
    /// The root directory.
    pub const ROOT: Ino = 1;

    /// A file system with an empty root.
    pub fn new(quota: Quota, now: u64) -> Self {
        let root = Inode { node: Node::Directory(Directory::new(Self::ROOT, String::new())), links: 1, opens: 0, times: Times::all(now) };
        Self { inodes: HashMap::from([(Self::ROOT, root)]), next: 2, quota, bytes: 0, used: 0, entries: 0, stdin: None }
    }

    /// Bytes in all files.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What everything together costs.
    pub fn used(&self) -> u64 {
        self.used
    }

    fn room(&self) -> u64 {
        self.quota.bytes.saturating_sub(self.used)
    }

    /// Directory entries in all directories.
    pub fn entries(&self) -> u64 {
        self.entries
    }

    pub(super) fn inode(&self, ino: Ino) -> Result<&Inode, Errno> {
        self.inodes.get(&ino).ok_or(Errno::Noent)
    }

    fn inode_mut(&mut self, ino: Ino) -> Result<&mut Inode, Errno> {
        self.inodes.get_mut(&ino).ok_or(Errno::Noent)
    }

    /// The body of an inode, for whoever packs what a program left behind.
    pub fn node(&self, ino: Ino) -> Option<&Node> {
        self.inodes.get(&ino).map(|inode| &inode.node)
    }

    /// A directory's entries. `Noent` once it has been removed, `Notdir` for anything else.
    pub fn directory(&self, ino: Ino) -> Result<&Directory, Errno> {
        match self.inode(ino)? {
            Inode { links: 0, node: Node::Directory(_), .. } => Err(Errno::Noent),
            Inode { node: Node::Directory(directory), .. } => Ok(directory),
            _ => Err(Errno::Notdir),
        }
    }

    fn directory_mut(&mut self, ino: Ino) -> Result<&mut Directory, Errno> {
        match self.inode_mut(ino)? {
            Inode { links: 0, node: Node::Directory(_), .. } => Err(Errno::Noent),
            Inode { node: Node::Directory(directory), .. } => Ok(directory),
            _ => Err(Errno::Notdir),
        }
    }

    /// A file's content. `Isdir` for a directory, `Inval` for a symbolic link.
    pub fn content(&self, ino: Ino) -> Result<&Content, Errno> {
        match &self.inode(ino)?.node {
            Node::File(content) => Ok(content),
            Node::Directory(_) => Err(Errno::Isdir),
            Node::Symlink(_) => Err(Errno::Inval),
        }
    }

    fn content_mut(&mut self, ino: Ino) -> Result<&mut Content, Errno> {
        match &mut self.inode_mut(ino)?.node {
            Node::File(content) => Ok(content),
            Node::Directory(_) => Err(Errno::Isdir),
            Node::Symlink(_) => Err(Errno::Inval),
        }
    }

    /// A symbolic link's target. `Inval` for anything else.
    pub fn target(&self, ino: Ino) -> Result<&str, Errno> {
        match &self.inode(ino)?.node {
            Node::Symlink(target) => Ok(target),
            _ => Err(Errno::Inval),
        }
    }

    /// An inode's attributes.
    pub fn stat(&self, ino: Ino) -> Result<Stat, Errno> {
        let inode = self.inode(ino)?;
        let (kind, size) = match &inode.node {
            Node::File(content) => (Kind::File, content.len()),
            Node::Directory(_) => (Kind::Directory, 0),
            Node::Symlink(target) => (Kind::Symlink, u64::try_from(target.len()).unwrap_or(u64::MAX)),
        };
        Ok(Stat { ino, kind, links: inode.links, size, times: inode.times })
    }

    /// Sets an inode's times of access and modification where given.
    pub fn set_times(&mut self, ino: Ino, accessed: Option<u64>, modified: Option<u64>, now: u64) -> Result<(), Errno> {
        let times = &mut self.inode_mut(ino)?.times;
        times.accessed = accessed.unwrap_or(times.accessed);
        times.modified = modified.unwrap_or(times.modified);
        times.changed = now;
        Ok(())
    }

    /// Notes that a descriptor holds the inode.
    pub fn opened(&mut self, ino: Ino) {
        if let Ok(inode) = self.inode_mut(ino) {
            inode.opens = inode.opens.saturating_add(1);
        }
    }

    /// Notes that a descriptor let go of the inode, which ends it if no name is left.
    pub fn closed(&mut self, ino: Ino) {
        if let Ok(inode) = self.inode_mut(ino) {
            inode.opens = inode.opens.saturating_sub(1);
        }
        self.reap(ino);
    }

    /// Reads a file from `offset`.
    pub fn read(&mut self, ino: Ino, offset: u64, buffer: &mut [u8], now: u64) -> Result<usize, Errno> {
        let count = self.content(ino)?.read_at(offset, buffer);
        self.inode_mut(ino)?.times.accessed = now;
        Ok(count)
    }

    /// Writes to a file at `offset`: as much as the quota lets, `Nospc` if that is nothing.
    pub fn write(&mut self, ino: Ino, offset: u64, data: &[u8], now: u64) -> Result<usize, Errno> {
        if data.is_empty() {
            self.content(ino)?;
            return Ok(0);
        }
        if offset >= FILE_MAX {
            return Err(Errno::Fbig);
        }
        let size = self.content(ino)?.len();
        // The rest of the last page is paid for.
        let limit = content_cost(size).saturating_add((self.room() / PAGE).saturating_mul(PAGE)).min(FILE_MAX);
        let room = usize::try_from(limit.saturating_sub(offset)).unwrap_or(usize::MAX);
        let data = data.get(..room.min(data.len())).filter(|data| !data.is_empty()).ok_or(Errno::Nospc)?;
        let content = self.content_mut(ino)?;
        content.write_at(offset, data);
        let len = content.len();
        self.bytes = self.bytes.saturating_add(len.saturating_sub(size));
        self.used = self.used.saturating_add(content_cost(len).saturating_sub(content_cost(size)));
        self.touch(ino, now)?;
        Ok(data.len())
    }

    /// Cuts or extends a file.
    pub fn set_size(&mut self, ino: Ino, size: u64, now: u64) -> Result<(), Errno> {
        if size > FILE_MAX {
            return Err(Errno::Fbig);
        }
        let old = self.content(ino)?.len();
        if content_cost(size).saturating_sub(content_cost(old)) > self.room() {
            return Err(Errno::Nospc);
        }
        self.content_mut(ino)?.set_len(size);
        self.bytes = self.bytes.saturating_sub(old).saturating_add(size);
        self.used = self.used.saturating_sub(content_cost(old)).saturating_add(content_cost(size));
        self.touch(ino, now)
    }

    /// Creates an empty file where `found` says that nothing is.
    pub fn create_file(&mut self, found: &Found, now: u64) -> Result<Ino, Errno> {
        if found.directory {
            return Err(Errno::Isdir);
        }
        self.create(found, Node::File(Content::default()), now)
    }

    /// Creates an empty directory where `found` says that nothing is.
    pub fn create_directory(&mut self, found: &Found, now: u64) -> Result<Ino, Errno> {
        let name = found.name.clone().ok_or(Errno::Exist)?;
        self.create(found, Node::Directory(Directory::new(found.parent, name)), now)
    }

    /// Creates a symbolic link where `found` says that nothing is.
    pub fn create_symlink(&mut self, found: &Found, target: &str, now: u64) -> Result<Ino, Errno> {
        path::check(target)?;
        match found {
            Found { ino: Some(_), .. } => Err(Errno::Exist),
            Found { directory: true, .. } => Err(Errno::Noent),
            _ => self.create(found, Node::Symlink(target.into()), now),
        }
    }

    fn create(&mut self, found: &Found, node: Node, now: u64) -> Result<Ino, Errno> {
        let name = self.vacant(found, node_cost(&node))?;
        let ino = self.add(Inode { node, links: 1, opens: 0, times: Times::all(now) })?;
        self.enter(found.parent, name, ino, now)?;
        Ok(ino)
    }

    fn add(&mut self, inode: Inode) -> Result<Ino, Errno> {
        let ino = self.next;
        self.next = self.next.checked_add(1).ok_or(Errno::Nospc)?;
        self.used = self.used.saturating_add(node_cost(&inode.node));
        self.inodes.insert(ino, inode);
        Ok(ino)
    }

    /// Gives a file or symbolic link another name.
    pub fn link(&mut self, ino: Ino, found: &Found, now: u64) -> Result<(), Errno> {
        if self.kind(ino)? == Kind::Directory {
            return Err(Errno::Perm);
        }
        if found.ino.is_none() && found.directory {
            return Err(Errno::Noent);
        }
        let name = self.vacant(found, 0)?;
        let inode = self.inode_mut(ino)?;
        inode.links = inode.links.checked_add(1).ok_or(Errno::Mlink)?;
        inode.times.changed = now;
        self.enter(found.parent, name, ino, now)
    }

    /// Removes a file's or symbolic link's name, and with the last one its content. Returns the number of bytes that went.
    pub fn unlink(&mut self, found: &Found, now: u64) -> Result<u64, Errno> {
        let (Some(ino), name) = (found.ino, found.name.as_deref()) else { return Err(Errno::Noent) };
        let (Some(name), false) = (name, self.kind(ino)? == Kind::Directory) else { return Err(Errno::Isdir) };
        self.leave(found.parent, name, now)?;
        Ok(self.drop_link(ino, now))
    }

    /// Removes an empty directory.
    pub fn remove_directory(&mut self, found: &Found, now: u64) -> Result<(), Errno> {
        let ino = found.ino.ok_or(Errno::Noent)?;
        if ino == Self::ROOT {
            return Err(Errno::Busy);
        }
        let name = found.name.as_deref().ok_or(Errno::Inval)?;
        if !self.directory(ino)?.is_empty() {
            return Err(Errno::Notempty);
        }
        self.leave(found.parent, name, now)?;
        self.drop_link(ino, now);
        Ok(())
    }

    /// Moves what is at `from` to `to`, replacing what is there. Returns the number of bytes of a replaced file that went.
    pub fn rename(&mut self, from: &Found, to: &Found, now: u64) -> Result<u64, Errno> {
        let ino = from.ino.ok_or(Errno::Noent)?;
        let (Some(old_name), Some(new_name)) = (from.name.as_deref(), to.name.as_deref()) else { return Err(Errno::Busy) };
        let is_directory = self.kind(ino)? == Kind::Directory;
        if !is_directory && to.directory {
            return Err(if to.ino.is_some() { Errno::Isdir } else { Errno::Notdir });
        }
        if is_directory && self.lies_within(to.parent, ino) {
            return Err(Errno::Inval);
        }
        self.check_path_length(to.parent, new_name)?;
        if is_directory {
            self.check_paths_below(ino, self.path_in(from.parent, old_name).len(), self.path_in(to.parent, new_name).len())?;
        }
        let mut gone = 0;
        match to.ino {
            Some(replaced) if replaced == ino => return Ok(0),
            Some(replaced) => {
                match (is_directory, self.kind(replaced)? == Kind::Directory) {
                    (true, false) => return Err(Errno::Notdir),
                    (false, true) => return Err(Errno::Isdir),
                    (true, true) if !self.directory(replaced)?.is_empty() => return Err(Errno::Notempty),
                    _ => {}
                }
                self.directory_mut(to.parent)?.replace(new_name, ino);
                self.leave(from.parent, old_name, now)?;
                gone = self.drop_link(replaced, now);
            }
            None => {
                self.directory(to.parent)?;
                if entry_cost(new_name).saturating_sub(entry_cost(old_name)) > self.room() {
                    return Err(Errno::Nospc);
                }
                self.leave(from.parent, old_name, now)?;
                self.enter(to.parent, new_name.into(), ino, now)?;
            }
        }
        if let Node::Directory(directory) = &mut self.inode_mut(ino)?.node {
            directory.parent = to.parent;
            directory.name = new_name.into();
        }
        self.inode_mut(ino)?.times.changed = now;
        self.touch(to.parent, now)?;
        Ok(gone)
    }

    /// Loads a file at a path below the root, making directories on the way. For the host's own use before the program starts.
    pub fn load(&mut self, path: &str, bytes: &[u8], now: u64) -> Result<Ino, Errno> {
        let path = path.trim_start_matches('/');
        for (end, _) in path.match_indices('/') {
            let found = self.resolve(Self::ROOT, path.get(..end).unwrap_or_default(), false)?;
            if found.ino.is_none() {
                self.create_directory(&found, now)?;
            }
        }
        let found = self.resolve(Self::ROOT, path, false)?;
        if found.ino.is_some() {
            return Err(Errno::Exist);
        }
        let ino = self.create_file(&found, now)?;
        if self.write(ino, 0, bytes, now)? < bytes.len() {
            return Err(Errno::Nospc);
        }
        Ok(ino)
    }

    /// Loads what the program is to read as its standard input: a file without a name. For the host's own use before the program starts.
    pub fn load_stdin(&mut self, bytes: &[u8], now: u64) -> Result<(), Errno> {
        if INODE_COST.saturating_add(content_cost(u64::try_from(bytes.len()).unwrap_or(u64::MAX))) > self.room() {
            return Err(Errno::Nospc);
        }
        let ino = self.add(Inode { node: Node::File(Content::default()), links: 0, opens: 1, times: Times::all(now) })?;
        self.stdin = Some(ino);
        self.write(ino, 0, bytes, now)?;
        Ok(())
    }

    /// The file that is standard input, if there is one. It counts as open.
    pub fn stdin(&self) -> Option<Ino> {
        self.stdin
    }

    /// Takes a file's content out. For whoever packs what a program left behind, so that it is not in memory twice.
    pub fn take_content(&mut self, ino: Ino) -> Option<Content> {
        self.content_mut(ino).ok().map(std::mem::take)
    }

    /// The name that `found` leaves free, checked against the quota together with what is to stand behind it.
    fn vacant(&self, found: &Found, cost: u64) -> Result<String, Errno> {
        let (None, Some(name)) = (found.ino, &found.name) else { return Err(Errno::Exist) };
        self.directory(found.parent)?;
        if self.entries >= self.quota.entries || entry_cost(name).saturating_add(cost) > self.room() {
            return Err(Errno::Nospc);
        }
        self.check_path_length(found.parent, name)?;
        Ok(name.clone())
    }

    fn check_path_length(&self, parent: Ino, name: &str) -> Result<(), Errno> {
        if self.path_in(parent, name).len() > PATH_MAX { Err(Errno::Nametoolong) } else { Ok(()) }
    }

    /// Refuses to make the path of a directory longer if a path below it would become too long.
    fn check_paths_below(&self, directory: Ino, old: usize, new: usize) -> Result<(), Errno> {
        if new <= old {
            return Ok(());
        }
        let mut todo = vec![(directory, new)];
        while let Some((ino, length)) = todo.pop() {
            if length > PATH_MAX {
                return Err(Errno::Nametoolong);
            }
            if let Ok(entries) = self.directory(ino) {
                todo.extend(entries.by_name().map(|(name, ino)| (ino, length.saturating_add(1).saturating_add(name.len()))));
            }
        }
        Ok(())
    }

    fn enter(&mut self, parent: Ino, name: String, ino: Ino, now: u64) -> Result<(), Errno> {
        let cost = entry_cost(&name);
        self.directory_mut(parent)?.insert(name, ino);
        self.used = self.used.saturating_add(cost);
        self.entries = self.entries.saturating_add(1);
        self.touch(parent, now)
    }

    fn leave(&mut self, parent: Ino, name: &str, now: u64) -> Result<(), Errno> {
        self.directory_mut(parent)?.remove(name);
        self.used = self.used.saturating_sub(entry_cost(name));
        self.entries = self.entries.saturating_sub(1);
        self.touch(parent, now)
    }

    fn touch(&mut self, ino: Ino, now: u64) -> Result<(), Errno> {
        let times = &mut self.inode_mut(ino)?.times;
        times.modified = now;
        times.changed = now;
        Ok(())
    }

    /// Takes one name away; returns the bytes of a file that lost its last one.
    fn drop_link(&mut self, ino: Ino, now: u64) -> u64 {
        let size = self.content(ino).map_or(0, Content::len);
        let Ok(inode) = self.inode_mut(ino) else { return 0 };
        inode.links = inode.links.saturating_sub(1);
        inode.times.changed = now;
        let last = inode.links == 0;
        self.reap(ino);
        if last { size } else { 0 }
    }

    fn reap(&mut self, ino: Ino) {
        if self.inodes.get(&ino).is_some_and(|inode| inode.links == 0 && inode.opens == 0) {
            let size = self.content(ino).map_or(0, Content::len);
            self.bytes = self.bytes.saturating_sub(size);
            if let Some(gone) = self.inodes.remove(&ino) {
                self.used = self.used.saturating_sub(node_cost(&gone.node));
            }
        }
    }
}

#[cfg(test)]
mod tests;
