//! What the file system is made of: inodes of three kinds.
//!
//! Not for rules: what may be created, removed or renamed is decided in `vfs`.

use super::Content;
use std::collections::BTreeMap;

/// Number of an inode. Never reused within a run; zero is never given.
pub type Ino = u64;

/// When something happened to an inode, as Unix time in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// Content last read.
    pub accessed: u64,
    /// Content last written.
    pub modified: u64,
    /// Inode last changed.
    pub changed: u64,
}

impl Times {
    /// All three at once.
    pub fn all(now: u64) -> Self {
        Self { accessed: now, modified: now, changed: now }
    }
}

/// What an inode is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
}

/// An inode's attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// Its number.
    pub ino: Ino,
    /// What it is.
    pub kind: Kind,
    /// How many names it has.
    pub links: u64,
    /// Length in bytes: of the content, or of the link's target.
    pub size: u64,
    /// Its times.
    pub times: Times,
}

/// An inode's body.
pub enum Node {
    /// A regular file.
    File(Content),
    /// A directory.
    Directory(Directory),
    /// A symbolic link and its target.
    Symlink(String),
}

/// One object of the file system.
pub struct Inode {
    /// The body.
    pub node: Node,
    /// How many directory entries name it (directories: 1 while they exist, 0 once removed).
    pub links: u64,
    /// How many descriptors hold it open.
    pub opens: u32,
    /// Its times.
    pub times: Times,
}

/// An entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its place in listings. Places only grow, so a listing goes on correctly while entries come and go.
    pub place: u64,
    /// The inode.
    pub ino: Ino,
}

/// A directory's body.
pub struct Directory {
    /// The directory that it is in; the root is in itself.
    pub parent: Ino,
    /// Its own name in there.
    pub name: String,
    entries: BTreeMap<String, Entry>,
    places: BTreeMap<u64, String>,
    next_place: u64,
}

impl Directory {
    /// The first place that is given to an entry: 0 and 1 are `.` and `..`.
    pub const FIRST_PLACE: u64 = 2;

    /// An empty directory.
    pub fn new(parent: Ino, name: String) -> Self {
        Self { parent, name, entries: BTreeMap::new(), places: BTreeMap::new(), next_place: Self::FIRST_PLACE }
    }

    /// The inode of that name.
    pub fn get(&self, name: &str) -> Option<Ino> {
        self.entries.get(name).map(|entry| entry.ino)
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Adds an entry at the end of listings. The name is free.
    pub fn insert(&mut self, name: String, ino: Ino) {
        let place = self.next_place;
        self.next_place = self.next_place.saturating_add(1);
        self.places.insert(place, name.clone());
        self.entries.insert(name, Entry { place, ino });
    }

    /// Lets an existing name mean another inode; it keeps its place.
    pub fn replace(&mut self, name: &str, ino: Ino) {
        if let Some(entry) = self.entries.get_mut(name) {
            entry.ino = ino;
        }
    }

    /// Removes an entry.
    pub fn remove(&mut self, name: &str) {
        if let Some(entry) = self.entries.remove(name) {
            self.places.remove(&entry.place);
        }
    }

    /// Entries by name, in byte order.
    pub fn by_name(&self) -> impl Iterator<Item = (&str, Ino)> {
        self.entries.iter().map(|(name, entry)| (name.as_str(), entry.ino))
    }

    /// Entries from that place on, in listing order: place, name, inode.
    pub fn from_place(&self, place: u64) -> impl Iterator<Item = (u64, &str, Ino)> {
        self.places.range(place..).filter_map(|(place, name)| Some((*place, name.as_str(), self.entries.get(name)?.ino)))
    }
}
