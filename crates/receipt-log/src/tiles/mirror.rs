//! Copies a tree's tiles to where others read them, as far as they are not there.
//!
//! Every tile is checked before it is copied: what a mirror serves is what the log holds. Not here: how the mirror is served, and who says that it may.

use super::{Part, Store, TILE_HEIGHT, TILE_WIDTH, TileError, TileId, TileTree};

/// Writes to `to` what the tree has and the tree of its first `from` leaves had not: tiles, and bundles unless they were pruned. Partial tiles of the size
/// `from` stay for readers of that size until full ones stand in for them; its partial bundle goes, because what is erased later must not be left in it.
/// Returns the size that is mirrored now, to go on from next time.
///
/// # Errors
/// [`TileError::Damaged`], [`TileError::Io`]. What was copied until then is whole; begin again from the same size.
pub fn mirror<S: Store>(tree: &TileTree<S>, from: u64, to: &impl Store) -> Result<u64, TileError> {
    let size = tree.size();
    let kept = super::prune::kept_from(tree.store())?;
    // Entries and lower levels first: whoever sees a tile can ask for what is below it.
    let bundles = (from / TILE_WIDTH).max(kept / TILE_WIDTH)..size.div_ceil(TILE_WIDTH);
    for tile in bundles.filter_map(|index| TileId::entries(index, size)) {
        put(to, tile, &tree.framed(tile)?)?;
    }
    for level in 0..8_u8 {
        let below = u32::from(level) * TILE_HEIGHT;
        for index in (from >> below) / TILE_WIDTH.. {
            let Some(tile) = TileId::hashes(level, index, size) else { break };
            put(to, tile, tree.tile(tile)?.as_flattened())?;
        }
    }
    to.sync().map_err(TileError::io("tile"))?;
    let last = |part| match part {
        Part::Hashes { level } => TileId::hashes(level, (from >> (u32::from(level) * TILE_HEIGHT)) / TILE_WIDTH, from),
        Part::Entries => TileId::entries(from / TILE_WIDTH, from),
    };
    for old in (0..8).map(|level| Part::Hashes { level }).chain([Part::Entries]).filter_map(last) {
        let goes = match old.part {
            Part::Hashes { level } => TileId::hashes(level, old.index, size).is_some_and(TileId::is_full),
            Part::Entries => TileId::entries(old.index, size) != Some(old),
        };
        if goes {
            to.delete(&old.to_string()).map_err(TileError::io(old))?;
        }
    }
    Ok(size)
}

fn put(to: &impl Store, tile: TileId, bytes: &[u8]) -> Result<(), TileError> {
    to.write(&tile.to_string(), bytes).map_err(TileError::io(tile))
}
