//! Tiles and bundles as a log grows, in memory that does not grow with it.
//!
//! A full tile is written as soon as it is full, a partial one when it is asked for ([`TileWriter::publish`]). Not here: what survives a crash (that is the
//! store's `sync`, and whoever keeps the frontier), and checking tiles that were written before.

use super::{Part, Store, TILE_HEIGHT, TILE_WIDTH, TileError, TileId, TileTree};
use crate::{batch::PIECE, frontier::Frontier, hash::Hash};
use codec::{DecodeAll, Encode};

/// Writes the hash tiles of a tree.
#[derive(Debug)]
pub struct TileWriter<S> {
    store: S,
    frontier: Frontier,
    levels: Vec<Level>,
}

/// The end of one level.
#[derive(Debug, Default)]
struct Level {
    /// Full tiles that are written.
    full: u64,
    /// Hashes behind them, fewer than a tile's between two calls.
    hashes: Vec<Hash>,
    /// Widths under which the partial tile lies in the store.
    published: Vec<u16>,
}

impl<S: Store> TileWriter<S> {
    /// A new tree's tiles.
    pub fn new(store: S) -> Self {
        Self { store, frontier: Frontier::new(), levels: Vec::new() }
    }

    /// Carries on behind tiles that are published up to this frontier.
    ///
    /// # Errors
    /// [`TileError::Damaged`] if the partial tiles in the store are not those of the frontier, [`TileError::Io`].
    pub fn resume(store: S, frontier: Frontier) -> Result<Self, TileError> {
        let mut levels = Vec::new();
        let tree = TileTree::new(&store, frontier.clone());
        for level in 0..=7_u8 {
            let count = frontier.size() >> (u32::from(level) * TILE_HEIGHT);
            if count == 0 {
                break;
            }
            let full = count / TILE_WIDTH;
            let partial = TileId::hashes(level, full, frontier.size());
            let hashes = partial.map_or(Ok(Vec::new()), |tile| tree.tile(tile))?;
            levels.push(Level { full, hashes, published: partial.map(|tile| tile.width).into_iter().collect() });
        }
        Ok(Self { store, frontier, levels })
    }

    /// All that has to be kept to carry on, tiles in the store apart: the frontier and the hashes behind the full tiles of each level, in SCALE.
    pub fn state(&self) -> Vec<u8> {
        let ends: Vec<&Vec<Hash>> = self.levels.iter().map(|level| &level.hashes).collect();
        (&self.frontier, ends).encode()
    }

    /// Carries on from a [`state`](Self::state). Partial tiles that lie in the store are deleted; the next [`publish`](Self::publish) writes them.
    ///
    /// # Errors
    /// [`TileError::State`] if the hashes are not those of the frontier, [`TileError::Io`].
    pub fn restore(store: S, mut state: &[u8]) -> Result<Self, TileError> {
        let (frontier, ends) = <(Frontier, Vec<Vec<Hash>>)>::decode_all(&mut state).map_err(|_| TileError::State)?;
        let mut levels = Vec::new();
        let tree = TileTree::new(&store, frontier.clone());
        for (level, hashes) in (0..8_u8).zip(&ends) {
            let full = (frontier.size() >> (u32::from(level) * TILE_HEIGHT)) / TILE_WIDTH;
            if !tree.is_end(level, hashes) {
                return Err(TileError::State);
            }
            let tile = TileId { part: Part::Hashes { level }, index: full, width: 0 };
            withdraw(&store, tile, &mut (1..TILE_WIDTH as u16).collect())?;
            levels.push(Level { full, hashes: hashes.clone(), published: Vec::new() });
        }
        let deep = frontier.size().checked_ilog2().map_or(0, |height| height / TILE_HEIGHT + 1);
        if ends.len() as u64 != u64::from(deep) {
            return Err(TileError::State);
        }
        Ok(Self { store, frontier, levels })
    }

    /// The tree so far.
    pub fn frontier(&self) -> &Frontier {
        &self.frontier
    }

    /// The hashes of a partial tile at the end of its level, if it is just this one.
    pub(crate) fn end(&self, tile: TileId) -> Option<&[Hash]> {
        let Part::Hashes { level } = tile.part else { return None };
        let level = self.levels.get(usize::from(level))?;
        (level.full == tile.index && level.hashes.len() == usize::from(tile.width)).then_some(&level.hashes)
    }

    /// Where the tiles go.
    pub fn store(&self) -> &S {
        &self.store
    }

    /// Appends leaves by their hashes, and writes the tiles that become full.
    ///
    /// # Errors
    /// [`TileError::Io`]. Then the writer is not to be used any more: resume from the last frontier whose tiles were written.
    pub fn append(&mut self, leaves: &[Hash]) -> Result<(), TileError> {
        for piece in leaves.chunks(PIECE) {
            let levels = &mut self.levels;
            self.frontier.extend_with(piece, |height, _, hashes| {
                if height % TILE_HEIGHT != 0 {
                    return;
                }
                let level = (height / TILE_HEIGHT) as usize;
                if levels.len() <= level {
                    levels.resize_with(level + 1, Level::default);
                }
                levels[level].hashes.extend_from_slice(hashes);
            });
            self.write_full()?;
        }
        Ok(())
    }

    /// Writes the partial tiles at the end of every level, so that the store holds the whole tree, and deletes the ones they replace.
    ///
    /// # Errors
    /// [`TileError::Io`].
    pub fn publish(&mut self) -> Result<(), TileError> {
        for (number, level) in (0..).zip(&mut self.levels) {
            let width = level.hashes.len() as u16;
            let tile = TileId { part: Part::Hashes { level: number }, index: level.full, width };
            if width > 0 && !level.published.contains(&width) {
                write(&self.store, tile, level.hashes.as_flattened())?;
            }
            level.published.retain(|published| *published != width);
            withdraw(&self.store, tile, &mut level.published)?;
            level.published.extend((width > 0).then_some(width));
        }
        Ok(())
    }

    fn write_full(&mut self) -> Result<(), TileError> {
        for (number, level) in (0..).zip(&mut self.levels) {
            let mut written = 0;
            for hashes in level.hashes.chunks_exact(TILE_WIDTH as usize) {
                let tile = TileId { part: Part::Hashes { level: number }, index: level.full, width: TILE_WIDTH as u16 };
                write(&self.store, tile, hashes.as_flattened())?;
                withdraw(&self.store, tile, &mut level.published)?;
                level.full += 1;
                written += hashes.len();
            }
            level.hashes.drain(..written);
        }
        Ok(())
    }
}

/// Writes the entry bundles of a log.
#[derive(Debug)]
pub struct BundleWriter<S> {
    store: S,
    full: u64,
    /// Entries behind the full bundles, each behind its length.
    bytes: Vec<u8>,
    count: u16,
    published: Vec<u16>,
}

impl<S: Store> BundleWriter<S> {
    /// A new log's bundles.
    pub fn new(store: S) -> Self {
        Self { store, full: 0, bytes: Vec::new(), count: 0, published: Vec::new() }
    }

    /// Carries on a log of `size` entries whose bundles are published.
    ///
    /// # Errors
    /// [`TileError::Damaged`] if the partial bundle is missing or not a sequence of as many entries, [`TileError::Io`]. Whether they are the right entries is
    /// for [`TileTree::entry`] to say.
    pub fn resume(store: S, size: u64) -> Result<Self, TileError> {
        let mut writer = Self { full: size / TILE_WIDTH, ..Self::new(store) };
        if let Some(bundle) = TileId::entries(writer.full, size).filter(|bundle| !bundle.is_full()) {
            writer.bytes = super::tree::bundle(&writer.store, bundle)?;
            writer.count = bundle.width;
            writer.published.push(bundle.width);
        }
        Ok(writer)
    }

    /// Number of entries.
    pub fn size(&self) -> u64 {
        self.full * TILE_WIDTH + u64::from(self.count)
    }

    /// Appends an entry, and writes the bundle if it becomes full.
    ///
    /// # Errors
    /// [`TileError::EntryTooLong`], which changes nothing; [`TileError::Io`], after which the writer is not to be used any more.
    pub fn append(&mut self, entry: &[u8]) -> Result<(), TileError> {
        let length = u16::try_from(entry.len()).map_err(|_| TileError::EntryTooLong(entry.len()))?;
        self.bytes.extend_from_slice(&length.to_be_bytes());
        self.bytes.extend_from_slice(entry);
        self.count += 1;
        if u64::from(self.count) == TILE_WIDTH {
            let bundle = TileId { part: Part::Entries, index: self.full, width: self.count };
            write(&self.store, bundle, &self.bytes)?;
            withdraw(&self.store, bundle, &mut self.published)?;
            self.bytes.clear();
            (self.full, self.count) = (self.full + 1, 0);
        }
        Ok(())
    }

    /// Writes the partial bundle at the end, and deletes the one it replaces.
    ///
    /// # Errors
    /// [`TileError::Io`].
    pub fn publish(&mut self) -> Result<(), TileError> {
        let bundle = TileId { part: Part::Entries, index: self.full, width: self.count };
        if self.count > 0 && !self.published.contains(&self.count) {
            write(&self.store, bundle, &self.bytes)?;
        }
        self.published.retain(|published| *published != self.count);
        withdraw(&self.store, bundle, &mut self.published)?;
        self.published.extend((self.count > 0).then_some(self.count));
        Ok(())
    }
}

fn write(store: &impl Store, tile: TileId, bytes: &[u8]) -> Result<(), TileError> {
    store.write(&tile.to_string(), bytes).map_err(TileError::io(tile))
}

/// Deletes partial tiles that something newer stands in for.
fn withdraw(store: &impl Store, tile: TileId, published: &mut Vec<u16>) -> Result<(), TileError> {
    for width in published.drain(..) {
        let partial = TileId { width, ..tile };
        store.delete(&partial.to_string()).map_err(TileError::io(partial))?;
    }
    Ok(())
}
