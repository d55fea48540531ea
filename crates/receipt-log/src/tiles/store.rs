//! Where tiles lie: anything that holds bytes under paths.
//!
//! Not here: what the bytes mean.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

/// Bytes under paths such as `tile/0/x001/000`.
pub trait Store {
    /// What lies there, or None.
    ///
    /// # Errors
    /// Whatever the store says, except that nothing is there.
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>>;

    /// Puts bytes there, in place of what was there. Whoever reads sees the one or the other, whole.
    ///
    /// # Errors
    /// Whatever the store says.
    fn write(&self, path: &str, bytes: &[u8]) -> io::Result<()>;

    /// Deletes what lies there, if anything.
    ///
    /// # Errors
    /// Whatever the store says.
    fn delete(&self, path: &str) -> io::Result<()>;

    /// Returns when everything that was written before survives a power failure.
    ///
    /// # Errors
    /// Whatever the store says. Then nobody knows what survives.
    fn sync(&self) -> io::Result<()>;
}

impl<S: Store + ?Sized> Store for &S {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        (**self).read(path)
    }

    fn write(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        (**self).write(path, bytes)
    }

    fn delete(&self, path: &str) -> io::Result<()> {
        (**self).delete(path)
    }

    fn sync(&self) -> io::Result<()> {
        (**self).sync()
    }
}

/// When a [`Directory`] makes sure that a file survives a power failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flush {
    /// Before every `write` returns.
    EachWrite,
    /// Only when `sync` is called, for all files at once: for many small files that could be made again.
    Together,
}

/// Tiles as files below a folder.
///
/// A file is written under another name, then renamed, so that no reader and no crash of the process sees half of it.
#[derive(Debug)]
pub struct Directory {
    root: PathBuf,
    flush: Flush,
    /// Makes names of unfinished files differ.
    unfinished: AtomicU64,
}

impl Directory {
    /// Opens a folder, or makes it.
    ///
    /// # Errors
    /// Whatever the operating system says.
    pub fn open(root: impl Into<PathBuf>, flush: Flush) -> io::Result<Self> {
        let root = root.into();
        fs::create_dir_all(&root)?;
        Ok(Self { root, flush, unfinished: AtomicU64::new(0) })
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where a path lies in the file system. Refused: what could lead out of the folder.
    fn place(&self, path: &str) -> io::Result<PathBuf> {
        let safe = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.contains(['\\', '\0']);
        if path.split('/').all(safe) {
            Ok(self.root.join(path))
        } else {
            Err(io::Error::new(ErrorKind::InvalidInput, "not a path of a tile"))
        }
    }

    fn put(&self, place: &Path, bytes: &[u8]) -> io::Result<()> {
        let number = self.unfinished.fetch_add(1, Ordering::Relaxed);
        let unfinished = self.root.join(format!(".unfinished-{}-{number}", std::process::id()));
        let mut file = File::create(&unfinished)?;
        file.write_all(bytes)?;
        if self.flush == Flush::EachWrite {
            file.sync_all()?;
        }
        drop(file);
        fs::rename(&unfinished, place).inspect_err(|_| {
            // The rename's error is the one to tell.
            let _ = fs::remove_file(&unfinished);
        })
    }
}

impl Store for Directory {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        match fs::read(self.place(path)?) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn write(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let place = self.place(path)?;
        let folder = place.parent().unwrap_or(&self.root);
        match self.put(&place, bytes) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                fs::create_dir_all(folder)?;
                self.put(&place, bytes)?;
                if self.flush == Flush::EachWrite {
                    // New folders have to survive, too.
                    let mut new = folder.ancestors().skip(1).take_while(|folder| folder.starts_with(&self.root));
                    new.try_for_each(sync_folder)?;
                }
            }
            other => other?,
        }
        if self.flush == Flush::EachWrite { sync_folder(folder) } else { Ok(()) }
    }

    fn delete(&self, path: &str) -> io::Result<()> {
        match fs::remove_file(self.place(path)?) {
            Err(error) if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Err(error),
            _ => Ok(()),
        }
    }

    fn sync(&self) -> io::Result<()> {
        match self.flush {
            Flush::EachWrite => sync_folder(&self.root),
            #[cfg(target_os = "linux")]
            Flush::Together => rustix::fs::syncfs(File::open(&self.root)?).map_err(io::Error::from),
            #[cfg(not(target_os = "linux"))]
            Flush::Together => sync_below(&self.root),
        }
    }
}

/// Makes the names in a folder survive.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(target_os = "linux"))]
fn sync_below(folder: &Path) -> io::Result<()> {
    for item in fs::read_dir(folder)? {
        let item = item?;
        if item.file_type()?.is_dir() { sync_below(&item.path())? } else { File::open(item.path())?.sync_all()? }
    }
    sync_folder(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_replaced_and_deleted() {
        for flush in [Flush::EachWrite, Flush::Together] {
            let folder = tempfile::tempdir().unwrap();
            let store = Directory::open(folder.path().join("new/log"), flush).unwrap();
            assert_eq!(store.read("tile/0/x001/000").unwrap(), None);
            store.write("tile/0/x001/000", b"one").unwrap();
            store.write("tile/0/x001/001", b"").unwrap();
            store.write("tile/0/x001/000", b"two").unwrap();
            store.sync().unwrap();
            assert_eq!(store.read("tile/0/x001/000").unwrap(), Some(b"two".to_vec()));
            assert_eq!(store.read("tile/0/x001/001").unwrap(), Some(Vec::new()));
            // A partial tile's folder does not stand in the way of the full tile.
            store.write("tile/0/x001/002.p/7", b"part").unwrap();
            store.write("tile/0/x001/002", b"full").unwrap();
            assert_eq!(store.read("tile/0/x001/002/000").unwrap(), None);
            store.delete("tile/0/x001/000").unwrap();
            store.delete("tile/0/x001/000").unwrap();
            assert_eq!(store.read("tile/0/x001/000").unwrap(), None);
            let left = fs::read_dir(store.root()).unwrap().map(|item| item.unwrap().file_name()).collect::<Vec<_>>();
            assert_eq!(left, ["tile"], "nothing unfinished stays behind");
        }
    }

    #[test]
    fn fails_for_paths_that_could_lead_out() {
        let folder = tempfile::tempdir().unwrap();
        let store = Directory::open(folder.path(), Flush::Together).unwrap();
        for path in ["", "/etc/passwd", "../x", "tile/../../x", "tile//0", "tile/./0", ".unfinished", "tile/a\\b"] {
            assert_eq!(store.read(path).unwrap_err().kind(), ErrorKind::InvalidInput, "{path}");
            assert_eq!(store.write(path, b"").unwrap_err().kind(), ErrorKind::InvalidInput, "{path}");
            assert_eq!(store.delete(path).unwrap_err().kind(), ErrorKind::InvalidInput, "{path}");
        }
    }
}
