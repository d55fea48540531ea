//! The tree as files: C2SP tlog-tiles (<https://c2sp.org/tlog-tiles>), which any static mirror can serve and from which anybody can make proofs.
//!
//! A tile holds up to 256 hashes of one level: level 0 the leaves, level `l` the roots of complete subtrees of `256^l` leaves. Beside them, entry bundles
//! hold the entries of 256 leaves each, every one behind its length (u16, big-endian). What is full never changes; the end of each level is a partial tile
//! under a name of its own (`.p/<width>`), replaced as the log grows.
//!
//! | item | what it is for |
//! | --- | --- |
//! | [`TileId`] | the name of a tile or bundle, and its path |
//! | [`Store`] | where they lie: [`Directory`], [`Packed`], and with the feature `object-store` any store of that crate (`Objects`) |
//! | [`TileWriter`] | tiles of a growing tree, in bounded memory |
//! | [`BundleWriter`] | entry bundles of a growing log |
//! | [`TileTree`] | proofs out of nothing but tiles; what is read is checked up to a frontier one trusts, damage has the tile's name |
//! | [`mirror`] | copies what is new to another store, every tile checked |
//! | [`prune`] | entries go, from the front, by a policy; hashes stay, and with them every proof |
//!
//! Not here: checkpoints and who signed them (the size and the frontier come from the caller), serving over HTTP.

mod mirror;
#[cfg(feature = "object-store")]
mod objects;
mod packed;
mod prune;
mod store;
mod tree;
mod writer;

pub use mirror::mirror;
#[cfg(feature = "object-store")]
pub use objects::Objects;
pub use packed::Packed;
pub use prune::{Keep, prune};
pub(crate) use store::sync_folder;
pub use store::{Directory, Flush, Store};
pub use tree::TileTree;
pub use writer::{BundleWriter, TileWriter};

use crate::tree::TreeError;
use std::{fmt, io};
use thiserror::Error;

/// Levels of the tree within one tile.
pub const TILE_HEIGHT: u32 = 8;
/// Hashes in a full tile, entries in a full bundle.
pub const TILE_WIDTH: u64 = 1 << TILE_HEIGHT;

/// What a tile holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// Hashes of complete subtrees of `256^level` leaves.
    Hashes {
        /// From 0, for leaves, to 7.
        level: u8,
    },
    /// Entries.
    Entries,
}

/// The name of a tile or of an entry bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TileId {
    /// What it holds.
    pub part: Part,
    /// Its position among those of its level.
    pub index: u64,
    /// How many hashes or entries it holds: 256 if it is full, otherwise from 1 to 255.
    pub width: u16,
}

impl TileId {
    /// The tile of a level at a position in a tree of `size` leaves. None if there is nothing in it, or no such level.
    pub fn hashes(level: u8, index: u64, size: u64) -> Option<Self> {
        let on_level = size.checked_shr(u32::from(level) * TILE_HEIGHT)?;
        Some(Self { part: Part::Hashes { level }, index, width: width(index, on_level)? })
    }

    /// The bundle at a position in a log of `size` entries. None if there is nothing in it.
    pub fn entries(index: u64, size: u64) -> Option<Self> {
        Some(Self { part: Part::Entries, index, width: width(index, size)? })
    }

    /// The same tile when it is full.
    pub fn full(self) -> Self {
        Self { width: TILE_WIDTH as u16, ..self }
    }

    /// Whether it will not change any more.
    pub fn is_full(self) -> bool {
        u64::from(self.width) == TILE_WIDTH
    }

    /// Reads a path as [`fmt::Display`] writes it. None for anything else.
    pub fn parse(path: &str) -> Option<Self> {
        let (part, rest) = path.strip_prefix("tile/")?.split_once('/')?;
        let part = match part {
            "entries" => Part::Entries,
            level => Part::Hashes { level: level.parse().ok()? },
        };
        let (number, width) = match rest.split_once(".p/") {
            Some((number, width)) => (number, width.parse().ok().filter(|width| (1..TILE_WIDTH as u16).contains(width))?),
            None => (rest, TILE_WIDTH as u16),
        };
        let mut index = 0_u64;
        for group in number.split('/') {
            let digits = group.strip_prefix('x').unwrap_or(group);
            index = index.checked_mul(1000)?.checked_add(digits.parse().ok()?)?;
        }
        let id = Self { part, index, width };
        // Leading zeros, signs and missing digits all come out differently.
        (matches!(part, Part::Entries | Part::Hashes { level: 0..8 }) && id.to_string() == path).then_some(id)
    }
}

/// Width of the tile at `index` where there are `count` hashes on its level.
fn width(index: u64, count: u64) -> Option<u16> {
    let before = index.checked_mul(TILE_WIDTH)?;
    let width = count.checked_sub(before)?.min(TILE_WIDTH);
    (width > 0).then_some(width as u16)
}

/// The path: `tile/<level>/<index>` or `tile/entries/<index>`, the index in groups of three digits of which all but the last begin with `x`, then
/// `.p/<width>` if it is partial.
impl fmt::Display for TileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.part {
            Part::Hashes { level } => write!(f, "tile/{level}/")?,
            Part::Entries => f.write_str("tile/entries/")?,
        }
        let mut groups = 1;
        while groups < 7 && self.index / 1000_u64.pow(groups) > 0 {
            groups += 1;
        }
        for group in (0..groups).rev() {
            let digits = self.index / 1000_u64.pow(group) % 1000;
            if group > 0 { write!(f, "x{digits:03}/")? } else { write!(f, "{digits:03}")? }
        }
        if self.is_full() { Ok(()) } else { write!(f, ".p/{}", self.width) }
    }
}

/// What is wrong with a tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Damage {
    /// It is not there.
    #[error("it is missing")]
    Missing,
    /// It has another length.
    #[error("it has {found} bytes instead of {expected}")]
    Length {
        /// Bytes it should have.
        expected: usize,
        /// Bytes it has.
        found: usize,
    },
    /// Its hashes do not lead to what is known of the tree above it.
    #[error("its hashes are not those of the tree")]
    Hashes,
    /// The lengths in the bundle do not add up to it.
    #[error("it is not a sequence of as many entries as it should hold")]
    Framing,
    /// An entry is not the one whose hash is in the tree.
    #[error("the entry at position {index} is not the one in the tree")]
    Entry {
        /// Position in the log.
        index: u64,
    },
}

/// Why tiles are not written, or not believed.
#[derive(Debug, Error)]
pub enum TileError {
    /// A tile or bundle is damaged or not there.
    #[error("{tile}: {damage}")]
    Damaged {
        /// Which.
        tile: TileId,
        /// What is wrong with it.
        damage: Damage,
    },
    /// The entry was deleted on purpose.
    #[error("the entry at position {index} was pruned: entries are kept from position {from} on")]
    Pruned {
        /// The entry asked for.
        index: u64,
        /// Where entries begin.
        from: u64,
    },
    /// The entry was erased on purpose. Its leaf hash stays.
    #[error("the entry at position {index} was erased")]
    Erased {
        /// Its position.
        index: u64,
    },
    /// Entries of more than 65,535 bytes do not fit into a bundle.
    #[error("an entry of {0} bytes does not fit into a bundle")]
    EntryTooLong(usize),
    /// What a writer was to carry on from is not a state of a tree.
    #[error("the state does not belong to a tree: its hashes do not lead to its frontier")]
    State,
    /// The question has no answer.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// The store refused.
    #[error("{path}: {source}")]
    Io {
        /// What was read or written.
        path: String,
        /// What it said.
        source: io::Error,
    },
}

impl TileError {
    fn io(path: impl fmt::Display) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { path: path.to_string(), source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_specification() {
        let tile = |part, index, width| TileId { part, index, width };
        let level = |level| Part::Hashes { level };
        for (id, path) in [
            (tile(level(0), 0, 256), "tile/0/000"),
            (tile(level(0), 999, 256), "tile/0/999"),
            (tile(level(0), 1_000, 256), "tile/0/x001/000"),
            (tile(level(0), 1_234_067, 256), "tile/0/x001/x234/067"),
            (tile(level(1), 1_234_067, 17), "tile/1/x001/x234/067.p/17"),
            (tile(level(7), 0, 1), "tile/7/000.p/1"),
            (tile(Part::Entries, 5, 256), "tile/entries/005"),
            (tile(Part::Entries, 70_000, 255), "tile/entries/x070/000.p/255"),
            (tile(level(0), u64::MAX >> 8, 256), "tile/0/x072/x057/x594/x037/x927/935"),
        ] {
            assert_eq!(id.to_string(), path);
            assert_eq!(TileId::parse(path), Some(id));
        }
    }

    #[test]
    fn fails_to_parse_any_other_path() {
        for path in [
            "",
            "tile",
            "tile/",
            "tile/0",
            "tile/0/",
            "tile/0/0",
            "tile/0/00",
            "tile/0/0000",
            "tile/00/000",
            "tile/8/000",
            "tile/-1/000",
            "tile/+1/000",
            "tile/0/x000/000",
            "tile/0/001/000",
            "tile/0/x001",
            "tile/0/+01",
            "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/0/000.p/01",
            "tile/0/000.p/",
            "tile/0/000/",
            "/tile/0/000",
            "tile/data/000",
            "tile/0/x999/x999/x999/x999/x999/x999/999",
            "tile/0/..",
            "tile/entries/../../000",
        ] {
            assert_eq!(TileId::parse(path), None, "{path}");
        }
    }

    #[test]
    fn a_tile_is_as_wide_as_the_tree_says() {
        let width = |level, index, size| TileId::hashes(level, index, size).map(|tile| tile.width);
        assert_eq!(width(0, 0, 0), None);
        assert_eq!((width(0, 0, 1), width(0, 0, 256), width(0, 0, 257), width(0, 1, 257)), (Some(1), Some(256), Some(256), Some(1)));
        assert_eq!((width(1, 0, 255), width(1, 0, 256), width(1, 0, 70_000), width(1, 1, 70_000)), (None, Some(1), Some(256), Some(17)));
        assert_eq!((width(7, 0, u64::MAX), width(8, 0, u64::MAX), width(0, u64::MAX, u64::MAX)), (Some(255), None, None));
        assert_eq!(TileId::entries(1, 300).map(|bundle| bundle.width), Some(44));
    }
}
