//! Proofs out of tiles, and the check that what was read is whole.
//!
//! Nothing that was read is used before it was checked: a full tile's hashes must lead to the hash that stands for it in the tile above, and a partial
//! tile's to the peaks of a frontier that the caller trusts. So the tile that is named as damaged is the one that is. Not here: writing tiles as a log
//! grows, and where the frontier comes from.

use super::{Damage, Part, Store, TILE_HEIGHT, TILE_WIDTH, TileError, TileId};
use crate::{
    erased::{ErasedEntry, entry_leaf},
    frontier::Frontier,
    hash::Hash,
    lanes::Kernel,
    paths,
    tree::TreeError,
};
use std::{cell::RefCell, collections::HashMap, rc::Rc};

/// A tree that lies in a store as tiles.
#[derive(Debug)]
pub struct TileTree<S> {
    store: S,
    frontier: Frontier,
}

/// Tiles that one question has read already.
type Read = RefCell<HashMap<(u8, u64), Rc<[Hash]>>>;

impl<S: Store> TileTree<S> {
    /// The tree with this frontier, which the caller trusts. Nothing is read yet.
    pub fn new(store: S, frontier: Frontier) -> Self {
        Self { store, frontier }
    }

    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// Where the tiles lie.
    pub fn store(&self) -> &S {
        &self.store
    }

    /// The frontier.
    pub fn frontier(&self) -> &Frontier {
        &self.frontier
    }

    /// Hash of a leaf.
    ///
    /// # Errors
    /// [`TileError::Tree`], [`TileError::Damaged`], [`TileError::Io`].
    pub fn leaf(&self, index: u64) -> Result<Hash, TileError> {
        self.check_index(index, self.size())?;
        self.node(&Read::default(), 0, index)
    }

    /// The root when the tree had `size` leaves.
    ///
    /// # Errors
    /// [`TileError::Tree`], [`TileError::Damaged`], [`TileError::Io`].
    pub fn root_at(&self, size: u64) -> Result<Hash, TileError> {
        self.check_size(size)?;
        let read = Read::default();
        paths::subtree(0, size, |height, index| self.node(&read, height, index))
    }

    /// The proof that leaf `index` is in the tree of the first `size` leaves, as [`Tree::inclusion_proof`](crate::Tree::inclusion_proof) makes it.
    ///
    /// # Errors
    /// [`TileError::Tree`], [`TileError::Damaged`], [`TileError::Io`].
    pub fn inclusion_proof(&self, index: u64, size: u64) -> Result<Vec<Hash>, TileError> {
        self.check_size(size)?;
        self.check_index(index, size)?;
        let read = Read::default();
        paths::inclusion(index, size, |height, index| self.node(&read, height, index))
    }

    /// The proof that the tree of the first `new` leaves continues that of the first `old`, as [`Tree::consistency_proof`](crate::Tree::consistency_proof)
    /// makes it.
    ///
    /// # Errors
    /// [`TileError::Tree`], [`TileError::Damaged`], [`TileError::Io`].
    pub fn consistency_proof(&self, old: u64, new: u64) -> Result<Vec<Hash>, TileError> {
        self.check_size(new)?;
        if old > new {
            return Err(TreeError::SizesReversed { old, new }.into());
        }
        if old == 0 && new > 0 {
            return Err(TreeError::EmptyOldTree.into());
        }
        let read = Read::default();
        paths::consistency(old, new, |height, index| self.node(&read, height, index))
    }

    /// The entry at a position, checked against its leaf.
    ///
    /// # Errors
    /// [`TileError::Pruned`], [`TileError::Erased`], [`TileError::Tree`], [`TileError::Damaged`], [`TileError::Io`].
    pub fn entry(&self, index: u64) -> Result<Vec<u8>, TileError> {
        let leaf = self.leaf(index)?;
        let (tile, bytes) = self.bundle_with(index)?;
        let entry = entries(&bytes).nth((index % TILE_WIDTH) as usize).unwrap_or_default();
        match (entry_leaf(entry) == leaf, ErasedEntry::parse(entry)) {
            (true, None) => Ok(entry.to_vec()),
            (true, Some(_)) => Err(TileError::Erased { index }),
            (false, _) => Err(TileError::Damaged { tile, damage: Damage::Entry { index } }),
        }
    }

    /// The entry at a position and those behind it up to the end of their bundle, each checked against its leaf; an erased one as its [`ErasedEntry`].
    ///
    /// # Errors
    /// As [`entry`](Self::entry), but for `Erased`.
    pub fn entries_from(&self, index: u64) -> Result<Vec<Vec<u8>>, TileError> {
        self.check_index(index, self.size())?;
        let (tile, bytes) = self.bundle_with(index)?;
        self.check_leaves(tile, &entries(&bytes).map(entry_leaf).collect::<Vec<_>>())?;
        Ok(entries(&bytes).skip((index % TILE_WIDTH) as usize).map(<[u8]>::to_vec).collect())
    }

    /// Every tile of the tree, from the top level down, and every bundle that was not pruned: what is wrong with it, if anything. Tiles below a damaged one
    /// cannot be judged and are left out.
    ///
    /// # Errors
    /// [`TileError::Io`].
    pub fn audit(&self, mut damaged: impl FnMut(TileId, Damage)) -> Result<(), TileError> {
        for level in (0..8).rev() {
            for index in 0.. {
                let Some(tile) = TileId::hashes(level, index, self.size()) else { break };
                match self.tile(tile) {
                    Err(TileError::Damaged { tile: found, damage }) if found == tile => damaged(tile, damage),
                    Err(TileError::Damaged { .. }) | Ok(_) => {}
                    Err(other) => return Err(other),
                }
            }
        }
        let from = super::prune::kept_from(&self.store)?;
        for index in from / TILE_WIDTH.. {
            let Some(tile) = TileId::entries(index, self.size()) else { break };
            match self.bundle_leaves(tile) {
                Err(TileError::Damaged { tile: found, damage }) if found == tile => damaged(tile, damage),
                Err(TileError::Damaged { .. }) | Ok(_) => {}
                Err(other) => return Err(other),
            }
        }
        Ok(())
    }

    /// Makes a tile again from what lies below it, down to the entries if need be, and writes it if it is then the tile of the tree.
    ///
    /// # Errors
    /// [`TileError::Damaged`] with the tile that would have been needed, [`TileError::Tree`] if the tree has no such tile, [`TileError::Io`].
    pub fn rebuild(&self, level: u8, index: u64) -> Result<(), TileError> {
        let size = self.size();
        let tile = TileId::hashes(level, index, size).ok_or(TreeError::IndexOutOfRange { index, size })?;
        if tile.is_full() && self.tile(TileId::hashes(level + 1, index / TILE_WIDTH, size).unwrap_or(tile)).is_err() {
            // What is above says what is right, so it comes first.
            self.rebuild(level + 1, index / TILE_WIDTH)?;
        }
        let mut hashes = self.content(tile, false);
        if !matches!(&hashes, Ok(hashes) if self.is_of_the_tree(&Read::default(), tile, hashes)?) {
            hashes = self.content(tile, true);
        }
        let hashes = hashes?;
        if !self.is_of_the_tree(&Read::default(), tile, &hashes)? {
            return Err(TileError::Damaged { tile, damage: Damage::Hashes });
        }
        self.store.write(&tile.to_string(), hashes.as_flattened()).map_err(TileError::io(tile))
    }

    /// A tile's hashes from the tiles below it, or from the entries alone.
    fn content(&self, tile: TileId, from_entries: bool) -> Result<Vec<Hash>, TileError> {
        let Part::Hashes { level } = tile.part else { return Ok(Vec::new()) };
        let Some(below) = level.checked_sub(1) else { return self.raw_leaves(tile.index) };
        let first = tile.index * TILE_WIDTH;
        (first..first + u64::from(tile.width))
            .map(|index| {
                let child = TileId { part: Part::Hashes { level: below }, index, width: TILE_WIDTH as u16 };
                let hashes = match self.read(child) {
                    Ok(hashes) if !from_entries => hashes.to_vec(),
                    _ => self.content(child, from_entries)?,
                };
                Ok(fold(hashes))
            })
            .collect()
    }

    /// Leaves of a bundle, whether or not they are those of the tree.
    fn raw_leaves(&self, index: u64) -> Result<Vec<Hash>, TileError> {
        let size = self.size();
        let tile = TileId::entries(index, size).ok_or(TreeError::IndexOutOfRange { index: index.saturating_mul(TILE_WIDTH), size })?;
        let bytes = bundle(&self.store, tile)?;
        Ok(entries(&bytes).map(entry_leaf).collect())
    }

    /// A bundle as it is stored, every entry checked.
    pub(super) fn framed(&self, tile: TileId) -> Result<Vec<u8>, TileError> {
        let bytes = bundle(&self.store, tile)?;
        self.check_leaves(tile, &entries(&bytes).map(entry_leaf).collect::<Vec<_>>())?;
        Ok(bytes)
    }

    /// Leaves of a bundle, each of which is in the tree.
    fn bundle_leaves(&self, tile: TileId) -> Result<(), TileError> {
        let leaves = self.raw_leaves(tile.index)?;
        self.check_leaves(tile, &leaves)
    }

    /// The bundle that an entry is in, unless it was pruned.
    fn bundle_with(&self, index: u64) -> Result<(TileId, Vec<u8>), TileError> {
        let tile = TileId::entries(index / TILE_WIDTH, self.size()).ok_or(TreeError::IndexOutOfRange { index, size: self.size() })?;
        let from = super::prune::kept_from(&self.store)?;
        if index < from {
            return Err(TileError::Pruned { index, from });
        }
        Ok((tile, bundle(&self.store, tile)?))
    }

    /// Whether these are the leaves that stand in the tree where a bundle's do.
    fn check_leaves(&self, tile: TileId, leaves: &[Hash]) -> Result<(), TileError> {
        let hashes = self.tile(TileId { part: Part::Hashes { level: 0 }, ..tile })?;
        match leaves.iter().zip(&hashes).position(|(leaf, hash)| leaf != hash) {
            Some(position) => Err(TileError::Damaged { tile, damage: Damage::Entry { index: tile.index * TILE_WIDTH + position as u64 } }),
            None => Ok(()),
        }
    }

    /// A tile of the tree, read and checked.
    pub(super) fn tile(&self, tile: TileId) -> Result<Vec<Hash>, TileError> {
        let Part::Hashes { level } = tile.part else { return Ok(Vec::new()) };
        Ok(self.checked(&Read::default(), level, tile.index)?.to_vec())
    }

    /// Root of the complete subtree of `2^height` leaves at a position.
    fn node(&self, read: &Read, height: u32, index: u64) -> Result<Hash, TileError> {
        // What the frontier knows need not be read.
        if let Some((_, peak)) = self.frontier.peaks().find(|(of, _)| *of == height).filter(|_| index == (self.size() >> height) - 1) {
            return Ok(*peak);
        }
        let level = (height / TILE_HEIGHT) as u8;
        let within = height % TILE_HEIGHT;
        let first = index << within;
        let hashes = self.checked(read, level, first / TILE_WIDTH)?;
        let start = (first % TILE_WIDTH) as usize;
        Ok(fold(hashes[start..start + (1 << within)].to_vec()))
    }

    /// The hashes of a tile, checked up to the frontier.
    fn checked(&self, read: &Read, level: u8, index: u64) -> Result<Rc<[Hash]>, TileError> {
        if let Some(hashes) = read.borrow().get(&(level, index)) {
            return Ok(hashes.clone());
        }
        let size = self.size();
        let tile = TileId::hashes(level, index, size).ok_or(TreeError::IndexOutOfRange { index, size })?;
        let hashes: Rc<[Hash]> = self.read(tile)?.into();
        if !self.is_of_the_tree(read, tile, &hashes)? {
            return Err(TileError::Damaged { tile, damage: Damage::Hashes });
        }
        read.borrow_mut().insert((level, index), hashes.clone());
        Ok(hashes)
    }

    /// Whether these are the hashes behind the last full tile of a level.
    pub(super) fn is_end(&self, level: u8, hashes: &[Hash]) -> bool {
        let on_level = self.size() >> (u32::from(level) * TILE_HEIGHT);
        hashes.len() as u64 == on_level % TILE_WIDTH && self.leads_to_peaks(level, hashes)
    }

    /// Whether the hashes of a partial tile lead to the peaks of the frontier.
    fn leads_to_peaks(&self, level: u8, hashes: &[Hash]) -> bool {
        let bottom = u32::from(level) * TILE_HEIGHT;
        let mut rest = hashes;
        self.frontier.peaks().filter(|(height, _)| (bottom..bottom + TILE_HEIGHT).contains(height)).all(|(height, peak)| {
            let (subtree, behind) = rest.split_at(1 << (height - bottom));
            rest = behind;
            fold(subtree.to_vec()) == *peak
        })
    }

    /// Whether a tile's hashes lead to what is above it.
    fn is_of_the_tree(&self, read: &Read, tile: TileId, hashes: &[Hash]) -> Result<bool, TileError> {
        let Part::Hashes { level } = tile.part else { return Ok(false) };
        if hashes.len() != usize::from(tile.width) {
            return Ok(false);
        }
        let bottom = u32::from(level) * TILE_HEIGHT;
        if tile.is_full() {
            return Ok(fold(hashes.to_vec()) == self.node(read, bottom + TILE_HEIGHT, tile.index)?);
        }
        Ok(self.leads_to_peaks(level, hashes))
    }

    /// The hashes of a tile as they lie in the store. If a partial tile is not there, the full one may be.
    fn read(&self, tile: TileId) -> Result<Vec<Hash>, TileError> {
        let expected = usize::from(tile.width) * size_of::<Hash>();
        let mut bytes = get(&self.store, tile)?;
        if bytes.is_none() && !tile.is_full() {
            bytes = get(&self.store, tile.full())?.filter(|bytes| bytes.len() == TILE_WIDTH as usize * size_of::<Hash>());
            bytes.iter_mut().for_each(|bytes| bytes.truncate(expected));
        }
        let bytes = bytes.ok_or(TileError::Damaged { tile, damage: Damage::Missing })?;
        if bytes.len() != expected {
            return Err(TileError::Damaged { tile, damage: Damage::Length { expected, found: bytes.len() } });
        }
        Ok(bytes.as_chunks().0.to_vec())
    }

    fn check_size(&self, asked: u64) -> Result<(), TreeError> {
        let size = self.size();
        if asked > size { Err(TreeError::SizeBeyondEnd { asked, size }) } else { Ok(()) }
    }

    fn check_index(&self, index: u64, size: u64) -> Result<(), TreeError> {
        if index >= size { Err(TreeError::IndexOutOfRange { index, size }) } else { Ok(()) }
    }
}

fn get(store: &impl Store, tile: TileId) -> Result<Option<Vec<u8>>, TileError> {
    store.read(&tile.to_string()).map_err(TileError::io(tile))
}

/// A bundle's bytes, which are as many whole entries as it should hold. If a partial bundle is not there, the full one may be.
pub(super) fn bundle(store: &impl Store, tile: TileId) -> Result<Vec<u8>, TileError> {
    let (mut bytes, mut count) = (get(store, tile)?, usize::from(tile.width));
    if bytes.is_none() && !tile.is_full() {
        (bytes, count) = (get(store, tile.full())?, TILE_WIDTH as usize);
    }
    let mut bytes = bytes.ok_or(TileError::Damaged { tile, damage: Damage::Missing })?;
    let framed = entries(&bytes).map(|entry| entry.len() + 2);
    if framed.clone().count() != count || framed.clone().sum::<usize>() != bytes.len() {
        return Err(TileError::Damaged { tile, damage: Damage::Framing });
    }
    let wanted = framed.take(usize::from(tile.width)).sum();
    bytes.truncate(wanted);
    Ok(bytes)
}

/// The entries of a bundle, up to the first that is not whole.
fn entries(bytes: &[u8]) -> impl Iterator<Item = &[u8]> + Clone {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (length, behind) = rest.split_first_chunk()?;
        let (entry, behind) = behind.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        rest = behind;
        Some(entry)
    })
}

/// Root over a number of hashes that is a power of two.
fn fold(mut hashes: Vec<Hash>) -> Hash {
    let kernel = Kernel::fastest();
    let mut above = vec![[0; 32]; hashes.len() / 2];
    while hashes.len() > 1 {
        let pairs = hashes.len() / 2;
        kernel.nodes(&hashes[..2 * pairs], &mut above[..pairs]).expect("two children for each node");
        hashes.truncate(pairs);
        hashes.copy_from_slice(&above[..pairs]);
    }
    hashes.first().copied().unwrap_or_default()
}
