//! A folder in which tiles of leaves lie together, 256 to a file.
//!
//! A file for every 256 leaves costs the file system more than hashing them. Here full tiles of level 0 have fixed places in files of 2 MiB
//! (`leaves/<number>`), and are not written atomically: whoever uses this writes again, or checks, what was not synced. All other tiles are files of their own.
//! Under their usual paths all of them are read as ever. Not for serving as it lies there; that is what [`mirror`](super::mirror) is for.

use super::{Directory, Flush, Part, Store, TILE_WIDTH, TileId, store::sync_folder};
use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Bytes in a full tile.
const TILE_LEN: usize = TILE_WIDTH as usize * 32;

/// Tiles as files below a folder, those of leaves 256 to a file.
#[derive(Debug)]
pub struct Packed {
    directory: Directory,
    folder: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The file written to last.
    open: Option<(u64, File)>,
    /// Files that hold what was not synced.
    unsynced: BTreeSet<u64>,
}

impl Packed {
    /// Opens a folder, or makes it.
    ///
    /// # Errors
    /// Whatever the operating system says.
    pub fn open(root: &Path) -> io::Result<Self> {
        let folder = root.join("leaves");
        fs::create_dir_all(&folder)?;
        sync_folder(root)?;
        Ok(Self { directory: Directory::open(root, Flush::EachWrite)?, folder, state: Mutex::default() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in it is left half changed by a panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, number: u64) -> PathBuf {
        self.folder.join(format!("{number:010}"))
    }
}

/// The file that a tile lies in, and where, if it is one of those that lie together.
fn place(path: &str) -> Option<(u64, u64)> {
    let tile = TileId::parse(path)?;
    (tile.part == Part::Hashes { level: 0 } && tile.is_full())
        .then_some((tile.index / TILE_WIDTH, tile.index % TILE_WIDTH * TILE_LEN as u64))
}

impl Store for Packed {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        let Some((number, at)) = place(path) else { return self.directory.read(path) };
        let file = match File::open(self.path(number)) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let mut bytes = vec![0; TILE_LEN];
        match file.read_exact_at(&mut bytes, at) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(None),
            read => read.map(|()| Some(bytes)),
        }
    }

    fn write(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let Some((number, at)) = place(path) else { return self.directory.write(path, bytes) };
        if bytes.len() != TILE_LEN {
            return Err(io::Error::new(ErrorKind::InvalidInput, "a full tile has 8,192 bytes"));
        }
        let state = &mut *self.state();
        let file = match &mut state.open {
            Some((open, file)) if *open == number => file,
            other => {
                let file = OpenOptions::new().write(true).create(true).truncate(false).open(self.path(number))?;
                &mut other.insert((number, file)).1
            }
        };
        file.write_all_at(bytes, at)?;
        state.unsynced.insert(number);
        Ok(())
    }

    fn delete(&self, path: &str) -> io::Result<()> {
        match place(path) {
            Some(_) => Err(io::Error::new(ErrorKind::Unsupported, "tiles that lie together cannot be deleted one by one")),
            None => self.directory.delete(path),
        }
    }

    fn sync(&self) -> io::Result<()> {
        let state = &mut *self.state();
        for number in &state.unsynced {
            File::open(self.path(*number))?.sync_all()?;
        }
        if !state.unsynced.is_empty() {
            sync_folder(&self.folder)?;
        }
        // Only now: after an error everything is synced again.
        state.unsynced.clear();
        self.directory.sync()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_of_leaves_lie_together_and_are_read_under_their_paths() {
        let folder = tempfile::tempdir().unwrap();
        let store = Packed::open(folder.path()).unwrap();
        let tile = |byte: u8| vec![byte; TILE_LEN];
        for (path, byte) in
            [("tile/0/000", 1), ("tile/0/255", 2), ("tile/0/256", 3), ("tile/0/001", 4), ("tile/1/000", 5), ("tile/0/x001/000", 6)]
        {
            assert_eq!(store.read(path).unwrap().filter(|bytes| *bytes != tile(0)), None, "{path}");
            store.write(path, &tile(byte)).unwrap();
            assert_eq!(store.read(path).unwrap(), Some(tile(byte)), "{path}");
        }
        store.write("tile/0/002.p/3", &[7; 96]).unwrap();
        assert_eq!(store.read("tile/0/002.p/3").unwrap(), Some(vec![7; 96]));
        store.sync().unwrap();
        let mut files: Vec<_> = fs::read_dir(folder.path().join("leaves")).unwrap().map(|file| file.unwrap().file_name()).collect();
        files.sort();
        assert_eq!(files, ["0000000000", "0000000001", "0000000003"]);
    }

    #[test]
    fn fails_for_a_tile_of_another_length_and_to_delete_one() {
        let folder = tempfile::tempdir().unwrap();
        let store = Packed::open(folder.path()).unwrap();
        assert_eq!(store.write("tile/0/000", &[0; 8_191]).unwrap_err().kind(), ErrorKind::InvalidInput);
        assert_eq!(store.delete("tile/0/000").unwrap_err().kind(), ErrorKind::Unsupported);
        store.delete("tile/0/000.p/7").unwrap();
    }
}
