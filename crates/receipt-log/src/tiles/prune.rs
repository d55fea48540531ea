//! Entries go, hashes stay: the front of a log's entries is deleted by a policy, and every proof still holds.
//!
//! Where entries begin stands in the store under `tile/entries-from`, a decimal number, written before anything is deleted: an entry that is gone on purpose is
//! never taken for a lost one. Not here: deleting one entry in the middle, and who may.

use super::{Store, TILE_WIDTH, TileError, TileId, TileTree};
use blockcloud_primitives::{Moment, Receipt};
use codec::Decode;
use std::io;

const FROM: &str = "tile/entries-from";

impl<S> TileTree<S> {
    /// Where in a store the position stands from which entries are kept, as a decimal number. Nothing there: from the first.
    pub const KEPT_FROM: &'static str = FROM;
}

/// Which entries stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// As many of the newest.
    Newest(u64),
    /// Receipts from this moment on (Unix milliseconds, by the guest's clock), and what stands behind the first of them.
    Since(Moment),
}

/// Deletes full bundles from the front as far as the policy allows, whole bundles only, and returns the position from which entries are kept. The tiles of
/// hashes are made to survive a power failure first: from then on nothing could make them again.
///
/// # Errors
/// [`TileError::Damaged`] if a bundle has to be read for its time and is not whole, [`TileError::Io`].
pub fn prune<S: Store>(tree: &TileTree<S>, store: &impl Store, keep: Keep) -> Result<u64, TileError> {
    let kept = kept_from(store)?;
    let full = tree.size() / TILE_WIDTH;
    let mut bundle = kept / TILE_WIDTH;
    let end = match keep {
        Keep::Newest(count) => (tree.size().saturating_sub(count) / TILE_WIDTH).min(full),
        Keep::Since(moment) => {
            let mut end = bundle;
            while end < full {
                // A guest's clock never runs backwards within a log, so the last entry of a bundle is its latest.
                let entry = tree.entry(end * TILE_WIDTH + TILE_WIDTH - 1)?;
                if !Receipt::decode(&mut &entry[..]).is_ok_and(|receipt| receipt.time < moment) {
                    break;
                }
                end += 1;
            }
            end
        }
    };
    if end <= bundle {
        return Ok(kept);
    }
    store.sync().map_err(TileError::io(FROM))?;
    let from = end * TILE_WIDTH;
    store.write(FROM, from.to_string().as_bytes()).map_err(TileError::io(FROM))?;
    store.sync().map_err(TileError::io(FROM))?;
    while bundle < end {
        if let Some(tile) = TileId::entries(bundle, tree.size()) {
            store.delete(&tile.to_string()).map_err(TileError::io(tile))?;
        }
        bundle += 1;
    }
    Ok(from)
}

/// The position from which entries are kept.
pub(super) fn kept_from(store: &impl Store) -> Result<u64, TileError> {
    let Some(bytes) = store.read(FROM).map_err(TileError::io(FROM))? else { return Ok(0) };
    let number = str::from_utf8(&bytes).ok().and_then(|text| text.parse().ok());
    number.ok_or_else(|| TileError::io(FROM)(io::Error::new(io::ErrorKind::InvalidData, "not a decimal number")))
}
