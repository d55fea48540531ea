//! A log as if all of it lay in a store as tiles: what proofs, audits and mirrors read.
//!
//! Not here: where tiles really lie (`tiles::Packed`), what a segment looks like (`log`).

use super::{ReceiptLog, offset_of, segment_path};
use crate::{
    record::SLOT_LEN,
    tiles::{Part, Store, TILE_WIDTH, TileId, TileTree},
};
use blockcloud_primitives::Receipt;
use std::{
    fs::File,
    io::{self, ErrorKind},
    os::unix::fs::FileExt,
};

/// A log's tiles and bundles, as if all of them lay in a store: partial tiles come from memory, bundles are put together from the segments.
#[derive(Clone, Copy, Debug)]
pub struct LogStore<'a> {
    pub(super) log: &'a ReceiptLog,
}

impl LogStore<'_> {
    fn bundle(&self, bundle: TileId) -> io::Result<Option<Vec<u8>>> {
        let (log, first) = (self.log, bundle.index * TILE_WIDTH);
        if first < log.from || first + u64::from(bundle.width) > log.confirmed() {
            return Ok(None);
        }
        let file = match File::open(segment_path(&log.folder(), first / log.options.segment)) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        let mut slots = vec![0; usize::from(bundle.width) * SLOT_LEN];
        match file.read_exact_at(&mut slots, offset_of(first % log.options.segment)) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
            other => other?,
        }
        let length = (Receipt::ENCODED_LEN as u16).to_be_bytes();
        Ok(Some(slots.chunks_exact(SLOT_LEN).flat_map(|slot| length.iter().chain(&slot[..Receipt::ENCODED_LEN])).copied().collect()))
    }
}

impl Store for LogStore<'_> {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        match TileId::parse(path) {
            Some(bundle) if bundle.part == Part::Entries => self.bundle(bundle),
            Some(tile) if !tile.is_full() => match self.log.tiles.end(tile) {
                Some(hashes) => Ok(Some(hashes.as_flattened().to_vec())),
                None => self.log.tiles.store().read(path),
            },
            None if path == TileTree::<Self>::KEPT_FROM => Ok(Some(self.log.from.to_string().into_bytes())),
            _ => self.log.tiles.store().read(path),
        }
    }

    /// Tiles of hashes only: entries are the log's own.
    fn write(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        match TileId::parse(path) {
            Some(TileId { part: Part::Hashes { .. }, .. }) => self.log.tiles.store().write(path, bytes),
            _ => Err(io::Error::new(ErrorKind::PermissionDenied, "entries are written by appending and deleted by pruning or erasing")),
        }
    }

    fn delete(&self, _: &str) -> io::Result<()> {
        Err(io::Error::new(ErrorKind::PermissionDenied, "a log's tiles stay, its entries are deleted by pruning"))
    }

    fn sync(&self) -> io::Result<()> {
        self.log.tiles.store().sync()
    }
}
