//! From a path to an inode, component by component.
//!
//! The boundary is the file system's own root, which is all that the program's one preopened directory can show: `..` never leads above it, an
//! absolute symbolic link starts at it. Not for changing anything.

use super::{Ino, Kind, Node, Vfs};
use crate::sandbox::Errno;

/// Longest path in bytes.
pub const PATH_MAX: usize = 4096;
/// Longest name in bytes.
pub const NAME_MAX: usize = 255;
/// How many symbolic links one resolution follows.
const LINKS_MAX: usize = 40;

/// Where a path leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The directory that holds, or would hold, the last component.
    pub parent: Ino,
    /// The last component; none where the path names a directory by `.`, `..` or the root.
    pub name: Option<String>,
    /// What is there, if anything.
    pub ino: Option<Ino>,
    /// Whether the path insists on a directory (it ends with a slash or a dot).
    pub directory: bool,
}

impl Vfs {
    /// Follows `path` from the directory `base`. A symbolic link in the last place is followed if `follow` says so or a slash comes after it.
    ///
    /// Errors: `Noent` for an empty path or a missing directory on the way, `Notdir`, `Loop`, `Nametoolong`, `Inval` for a zero byte, `Perm` for a
    /// path that is absolute or leads above the root.
    pub fn resolve(&self, base: Ino, path: &str, follow: bool) -> Result<Found, Errno> {
        check(path)?;
        if path.starts_with('/') {
            return Err(Errno::Perm);
        }
        let mut here = base;
        let mut directory = insists_on_directory(path);
        // The components still to come, last one first.
        let mut todo: Vec<String> = components(path).rev().map(String::from).collect();
        let mut links = 0_usize;
        while let Some(component) = todo.pop() {
            let entries = self.directory(here)?;
            match component.as_str() {
                "." => continue,
                ".." => {
                    if here == Self::ROOT {
                        return Err(Errno::Perm);
                    }
                    here = entries.parent;
                    continue;
                }
                name if name.len() > NAME_MAX => return Err(Errno::Nametoolong),
                _ => {}
            }
            let last = todo.is_empty();
            let Some(ino) = entries.get(&component) else {
                return if last { Ok(Found { parent: here, name: Some(component), ino: None, directory }) } else { Err(Errno::Noent) };
            };
            match &self.inode(ino)?.node {
                Node::Symlink(target) if !last || follow || directory => {
                    links = links.saturating_add(1);
                    if links > LINKS_MAX {
                        return Err(Errno::Loop);
                    }
                    if last {
                        directory |= insists_on_directory(target);
                    }
                    if target.starts_with('/') {
                        here = Self::ROOT;
                    }
                    todo.extend(components(target).rev().map(String::from));
                }
                Node::Directory(_) if !last => here = ino,
                _ if !last => return Err(Errno::Notdir),
                node => {
                    if directory && !matches!(node, Node::Directory(_)) {
                        return Err(Errno::Notdir);
                    }
                    return Ok(Found { parent: here, name: Some(component), ino: Some(ino), directory });
                }
            }
        }
        Ok(Found { parent: self.directory(here)?.parent, name: None, ino: Some(here), directory: true })
    }

    /// The full, normalised path of a directory: the name it has in receipts.
    pub fn path_of(&self, mut directory: Ino) -> String {
        let mut names = Vec::new();
        while directory != Self::ROOT {
            let Ok(entries) = self.directory(directory) else { break };
            names.push(entries.name.as_str());
            directory = entries.parent;
        }
        if names.is_empty() {
            return String::from("/");
        }
        names.iter().rev().fold(String::new(), |path, name| path + "/" + name)
    }

    /// The full, normalised path of what was found.
    pub fn path_of_found(&self, found: &Found) -> String {
        match (&found.name, found.ino) {
            (Some(name), _) => self.path_in(found.parent, name),
            (None, ino) => self.path_of(ino.unwrap_or(Self::ROOT)),
        }
    }

    /// The full path of an entry of a directory.
    pub fn path_in(&self, directory: Ino, name: &str) -> String {
        if directory == Self::ROOT { format!("/{name}") } else { format!("{}/{name}", self.path_of(directory)) }
    }

    /// Whether `inner` is `outer` or lies below it.
    pub(super) fn lies_within(&self, mut inner: Ino, outer: Ino) -> bool {
        loop {
            if inner == outer {
                return true;
            }
            match self.directory(inner) {
                Ok(entries) if inner != Self::ROOT => inner = entries.parent,
                _ => return false,
            }
        }
    }

    /// What kind of thing an inode is.
    pub fn kind(&self, ino: Ino) -> Result<Kind, Errno> {
        Ok(match self.inode(ino)?.node {
            Node::File(_) => Kind::File,
            Node::Directory(_) => Kind::Directory,
            Node::Symlink(_) => Kind::Symlink,
        })
    }
}

/// Refuses what cannot be a path: nothing at all, zero bytes, too many bytes.
pub(super) fn check(path: &str) -> Result<(), Errno> {
    match path {
        "" => Err(Errno::Noent),
        path if path.len() > PATH_MAX => Err(Errno::Nametoolong),
        path if path.contains('\0') => Err(Errno::Inval),
        _ => Ok(()),
    }
}

fn components(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    path.split('/').filter(|component| !component.is_empty())
}

fn insists_on_directory(path: &str) -> bool {
    matches!(path.rsplit('/').next(), Some("" | "." | ".."))
}
