//! Tiles in any store of the `object_store` crate: S3 and what is compatible with it, other clouds, memory, files.
//!
//! Not here: which store, its credentials, retries (that crate's builders).

use super::Store;
use object_store::{Error, ObjectStore, ObjectStoreExt as _, path::Path};
use std::{io, sync::Arc};
use tokio::runtime::{Builder, Runtime};

/// An object store as a [`Store`]. Each call waits for its answer: not to be called from a thread that drives asynchronous tasks (`tokio` panics there), but
/// from one of its own, or within `spawn_blocking`.
///
/// `sync` has nothing to do: an object that was put is durable by the promise of such stores. `object_store`'s own `LocalFileSystem` gives none unless it is
/// told to; a [`Directory`](super::Directory) does.
#[derive(Debug)]
pub struct Objects {
    store: Arc<dyn ObjectStore>,
    runtime: Runtime,
}

impl Objects {
    /// Everything below the root of this store (a `PrefixStore` moves the root).
    ///
    /// # Errors
    /// Whatever the operating system says when no event loop can be made.
    pub fn new(store: Arc<dyn ObjectStore>) -> io::Result<Self> {
        Ok(Self { store, runtime: Builder::new_current_thread().enable_all().build()? })
    }
}

fn path(path: &str) -> io::Result<Path> {
    Path::parse(path).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))
}

impl Store for Objects {
    fn read(&self, place: &str) -> io::Result<Option<Vec<u8>>> {
        let place = path(place)?;
        self.runtime.block_on(async {
            match self.store.get(&place).await {
                Err(Error::NotFound { .. }) => Ok(None),
                found => Ok(Some(found?.bytes().await?.into())),
            }
        })
    }

    fn write(&self, place: &str, bytes: &[u8]) -> io::Result<()> {
        let place = path(place)?;
        self.runtime.block_on(self.store.put(&place, bytes.to_vec().into()))?;
        Ok(())
    }

    fn delete(&self, place: &str) -> io::Result<()> {
        match self.runtime.block_on(self.store.delete(&path(place)?)) {
            Err(Error::NotFound { .. }) => Ok(()),
            deleted => Ok(deleted?),
        }
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        frontier::Frontier,
        hash::{Hash, leaf_hash},
        tiles::{BundleWriter, TileTree, TileWriter, mirror},
    };
    use object_store::memory::InMemory;

    fn filled(store: &impl Store) -> Frontier {
        let entries: Vec<[u8; 8]> = (0..700_u64).map(u64::to_be_bytes).collect();
        let (mut tiles, mut bundles) = (TileWriter::new(store), BundleWriter::new(store));
        for entries in entries.chunks(300) {
            tiles.append(&entries.iter().map(|entry| leaf_hash(entry)).collect::<Vec<Hash>>()).unwrap();
            entries.iter().for_each(|entry| bundles.append(entry).unwrap());
            tiles.publish().unwrap();
            bundles.publish().unwrap();
        }
        tiles.frontier().clone()
    }

    #[test]
    fn tiles_are_written_read_replaced_and_mirrored() {
        let store = Objects::new(Arc::new(InMemory::new())).unwrap();
        let frontier = filled(&store);
        assert_eq!(store.read("tile/0/001.p/44").unwrap(), None, "replaced by the full tile");
        let tree = TileTree::new(&store, frontier.clone());
        tree.audit(|tile, damage| panic!("{tile}: {damage}")).unwrap();
        assert_eq!(tree.entry(699).unwrap(), 699_u64.to_be_bytes());
        let other = Objects::new(Arc::new(InMemory::new())).unwrap();
        assert_eq!(mirror(&tree, 0, &other).unwrap(), 700);
        TileTree::new(&other, frontier).audit(|tile, damage| panic!("{tile}: {damage}")).unwrap();
    }

    #[test]
    fn what_is_not_there_is_none_and_may_be_deleted() {
        let store = Objects::new(Arc::new(InMemory::new())).unwrap();
        assert_eq!(store.read("tile/0/000").unwrap(), None);
        store.delete("tile/0/000").unwrap();
        store.sync().unwrap();
    }

    #[test]
    fn fails_for_paths_that_no_object_can_have() {
        let store = Objects::new(Arc::new(InMemory::new())).unwrap();
        for path in ["tile//0", "tile/../0"] {
            assert_eq!(store.read(path).unwrap_err().kind(), io::ErrorKind::InvalidInput);
            assert_eq!(store.write(path, b"").unwrap_err().kind(), io::ErrorKind::InvalidInput);
            assert_eq!(store.delete(path).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        }
    }
}
