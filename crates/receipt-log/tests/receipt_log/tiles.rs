//! Tiles: what is written, what is proved from them, what is damaged, made again and pruned.

use crate::common::receipt;
use blockcloud_receipt_log::{
    Frontier, Hash, Tree, TreeError, leaf_hash, receipt_bytes, receipt_hash,
    tiles::{BundleWriter, Damage, Directory, Flush, Keep, Part, Store, TileError, TileId, TileTree, TileWriter, prune},
    verify_consistency, verify_inclusion,
};
use proptest::prelude::*;
use std::{cell::RefCell, collections::BTreeMap, io};

/// A store in memory that can be damaged.
#[derive(Debug, Default)]
struct Memory(RefCell<BTreeMap<String, Vec<u8>>>);

impl Memory {
    fn change(&self, path: &str, change: impl FnOnce(&mut Vec<u8>)) {
        change(self.0.borrow_mut().get_mut(path).unwrap());
    }

    fn paths(&self) -> Vec<String> {
        self.0.borrow().keys().cloned().collect()
    }
}

impl Store for Memory {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        Ok(self.0.borrow().get(path).cloned())
    }

    fn write(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.0.borrow_mut().insert(path.to_owned(), bytes.to_owned());
        Ok(())
    }

    fn delete(&self, path: &str) -> io::Result<()> {
        self.0.borrow_mut().remove(path);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

/// A store that refuses.
#[derive(Debug)]
struct Refusing;

impl Store for Refusing {
    fn read(&self, _: &str) -> io::Result<Option<Vec<u8>>> {
        Err(io::Error::other("refused"))
    }

    fn write(&self, _: &str, _: &[u8]) -> io::Result<()> {
        Err(io::Error::other("refused"))
    }

    fn delete(&self, _: &str) -> io::Result<()> {
        Err(io::Error::other("refused"))
    }

    fn sync(&self) -> io::Result<()> {
        Err(io::Error::other("refused"))
    }
}

fn leaves(count: u64) -> Vec<Hash> {
    (0..count).map(|number| leaf_hash(&number.to_be_bytes())).collect()
}

fn tree_of(leaves: &[Hash]) -> Tree {
    leaves.iter().copied().collect()
}

/// Tiles of so many leaves, published.
fn written(store: &impl Store, leaves: &[Hash]) -> Frontier {
    let mut writer = TileWriter::new(store);
    writer.append(leaves).unwrap();
    writer.publish().unwrap();
    writer.frontier().clone()
}

/// Tiles and bundles of so many receipts.
fn with_entries(store: &impl Store, count: u64) -> Frontier {
    let leaves: Vec<Hash> = (0..count).map(|seq| receipt_hash(&receipt(seq))).collect();
    let mut bundles = BundleWriter::new(store);
    for seq in 0..count {
        bundles.append(&receipt_bytes(&receipt(seq))).unwrap();
    }
    bundles.publish().unwrap();
    assert_eq!(bundles.size(), count);
    written(store, &leaves)
}

#[test]
fn every_tile_holds_the_nodes_of_the_tree_and_nothing_else_is_there() {
    for size in [0, 1, 2, 255, 256, 257, 1_000, 65_535, 65_536, 66_000] {
        let (store, leaves) = (Memory::default(), leaves(size));
        let frontier = written(&store, &leaves);
        let tree = tree_of(&leaves);
        assert_eq!((frontier.size(), frontier.root()), (size, tree.root()));
        let mut expected = Vec::new();
        for level in 0..8_u8 {
            for index in 0.. {
                let Some(tile) = TileId::hashes(level, index, size) else { break };
                let hashes = (index * 256..index * 256 + u64::from(tile.width)).map(|at| tree.node(u32::from(level) * 8, at).unwrap());
                assert_eq!(store.read(&tile.to_string()).unwrap(), Some(hashes.collect::<Vec<_>>().concat()), "{tile} of {size}");
                expected.push(tile.to_string());
            }
        }
        expected.sort();
        assert_eq!(store.paths(), expected);
    }
}

#[test]
fn bundles_hold_the_entries_behind_their_lengths() {
    let store = Memory::default();
    let mut bundles = BundleWriter::new(&store);
    for number in 0..300_u16 {
        bundles.append(&vec![7; usize::from(number)]).unwrap();
        bundles.publish().unwrap();
    }
    assert_eq!(store.paths(), ["tile/entries/000", "tile/entries/001.p/44"]);
    let bytes = store.read("tile/entries/001.p/44").unwrap().unwrap();
    assert_eq!(bytes[..2], [1, 0]);
    assert_eq!(bytes.len(), (256..300).map(|length| length + 2).sum::<usize>());
}

#[test]
fn fails_for_an_entry_that_does_not_fit_into_a_bundle() {
    let store = Memory::default();
    let mut bundles = BundleWriter::new(&store);
    assert!(matches!(bundles.append(&vec![0; 65_536]), Err(TileError::EntryTooLong(65_536))));
    assert_eq!(bundles.size(), 0);
    bundles.append(&vec![0; 65_535]).unwrap();
}

#[test]
fn proofs_are_those_of_the_tree_in_memory() {
    for size in [1, 2, 255, 256, 257, 600, 66_000] {
        let (store, leaves) = (Memory::default(), leaves(size));
        let tiles = TileTree::new(&store, written(&store, &leaves));
        let tree = tree_of(&leaves);
        let step = (size / 37).max(1);
        for index in (0..size).step_by(step as usize).chain([size - 1]) {
            assert_eq!(tiles.leaf(index).unwrap(), leaves[index as usize]);
            for of in [index + 1, (index + size).div_ceil(2).max(index + 1), size] {
                assert_eq!(tiles.root_at(of).unwrap(), tree.root_at(of).unwrap());
                let proof = tiles.inclusion_proof(index, of).unwrap();
                assert_eq!(proof, tree.inclusion_proof(index, of).unwrap());
                verify_inclusion(&tree.root_at(of).unwrap(), of, index, &leaves[index as usize], &proof).unwrap();
                let proof = tiles.consistency_proof(index + 1, of).unwrap();
                assert_eq!(proof, tree.consistency_proof(index + 1, of).unwrap());
                verify_consistency(index + 1, &tree.root_at(index + 1).unwrap(), of, &tree.root_at(of).unwrap(), &proof).unwrap();
            }
        }
    }
}

#[test]
fn fails_for_questions_without_an_answer() {
    let store = Memory::default();
    let tiles = TileTree::new(&store, written(&store, &leaves(5)));
    let tree = |error: TileError| match error {
        TileError::Tree(error) => error,
        other => panic!("{other}"),
    };
    let beyond = TreeError::SizeBeyondEnd { asked: 6, size: 5 };
    assert_eq!(tree(tiles.root_at(6).unwrap_err()), beyond);
    assert_eq!(tree(tiles.inclusion_proof(0, 6).unwrap_err()), beyond);
    assert_eq!(tree(tiles.consistency_proof(1, 6).unwrap_err()), beyond);
    assert_eq!(tree(tiles.inclusion_proof(4, 4).unwrap_err()), TreeError::IndexOutOfRange { index: 4, size: 4 });
    assert_eq!(tree(tiles.leaf(5).unwrap_err()), TreeError::IndexOutOfRange { index: 5, size: 5 });
    assert_eq!(tree(tiles.entry(5).unwrap_err()), TreeError::IndexOutOfRange { index: 5, size: 5 });
    assert_eq!(tree(tiles.rebuild(0, 1).unwrap_err()), TreeError::IndexOutOfRange { index: 1, size: 5 });
    assert_eq!(tree(tiles.consistency_proof(4, 3).unwrap_err()), TreeError::SizesReversed { old: 4, new: 3 });
    assert_eq!(tree(tiles.consistency_proof(0, 3).unwrap_err()), TreeError::EmptyOldTree);
}

#[test]
fn an_older_tree_is_proved_from_newer_tiles() {
    let (store, leaves) = (Memory::default(), leaves(700));
    let mut old = Frontier::new();
    old.extend_from_slice(&leaves[..300]);
    written(&store, &leaves[..]);
    // The partial tile of 44 hashes is gone, the full one stands in for it.
    let tiles = TileTree::new(&store, old);
    assert_eq!(tiles.inclusion_proof(299, 300).unwrap(), tree_of(&leaves[..300]).inclusion_proof(299, 300).unwrap());
}

#[test]
fn a_writer_carries_on_where_another_stopped() {
    let leaves = leaves(66_500);
    let whole = Memory::default();
    written(&whole, &leaves);
    let store = Memory::default();
    let mut frontier = Frontier::new();
    let mut rest = &leaves[..];
    for part in [1, 254, 1, 44, 65_236, 500, 464] {
        let (now, later) = rest.split_at(part);
        let mut writer = TileWriter::resume(&store, frontier).unwrap();
        writer.append(now).unwrap();
        writer.publish().unwrap();
        frontier = writer.frontier().clone();
        rest = later;
    }
    assert!(rest.is_empty());
    assert_eq!(*store.0.borrow(), *whole.0.borrow());
}

#[test]
fn fails_to_carry_on_behind_tiles_that_are_not_those_of_the_frontier() {
    let (store, leaves) = (Memory::default(), leaves(300));
    let frontier = written(&store, &leaves);
    store.change("tile/0/001.p/44", |bytes| bytes[0] ^= 1);
    let error = TileWriter::resume(&store, frontier).unwrap_err();
    assert_eq!(error.to_string(), "tile/0/001.p/44: its hashes are not those of the tree");
    store.delete("tile/0/001.p/44").unwrap();
    let mut bundles = BundleWriter::new(&store);
    bundles.append(b"one").unwrap();
    bundles.publish().unwrap();
    assert_eq!(BundleWriter::resume(&store, 1).unwrap().size(), 1);
    assert!(matches!(BundleWriter::resume(&store, 2), Err(TileError::Damaged { damage: Damage::Missing, .. })));
    store.change("tile/entries/000.p/1", |bytes| bytes.push(0));
    assert!(matches!(BundleWriter::resume(&store, 1), Err(TileError::Damaged { damage: Damage::Framing, .. })));
}

mod damage {
    use super::*;

    /// What is wrong by the whole tree's account.
    fn found(tree: &TileTree<&Memory>) -> Vec<(String, Damage)> {
        let mut found = Vec::new();
        tree.audit(|tile, damage| found.push((tile.to_string(), damage))).unwrap();
        found
    }

    /// Every file in turn, damaged in every way: the audit names this file and no other, no proof is made of it, and it can be made again.
    #[test]
    fn of_any_tile_has_its_name_and_is_repaired_from_what_is_below() {
        let store = Memory::default();
        let tree = TileTree::new(&store, with_entries(&store, 66_000));
        assert_eq!(found(&tree), []);
        let expected: Tree = (0..66_000).map(|seq| receipt_hash(&receipt(seq))).collect();
        let tiles = store.paths().into_iter().filter_map(|path| TileId::parse(&path));
        for tile in tiles.filter(|tile| matches!(tile.part, Part::Hashes { .. }) && (tile.index % 61 == 0 || !tile.is_full())) {
            let Part::Hashes { level } = tile.part else { continue };
            let path = tile.to_string();
            let whole = store.read(&path).unwrap().unwrap();
            let length = |found| Damage::Length { expected: whole.len(), found };
            type Change = fn(&mut Vec<u8>);
            let changes: [(Change, Damage); 4] = [
                (|bytes| bytes[0] ^= 1, Damage::Hashes),
                (|bytes| *bytes.last_mut().unwrap() ^= 0x80, Damage::Hashes),
                (|bytes| bytes.truncate(bytes.len() - 32), length(whole.len() - 32)),
                (|bytes| bytes.push(0), length(whole.len() + 1)),
            ];
            for (change, damage) in changes {
                store.change(&path, change);
                assert_eq!(found(&tree), [(path.clone(), damage)]);
                let index = tile.index << (8 * (u32::from(level) + 1));
                match tree.inclusion_proof(index, 66_000) {
                    Err(TileError::Damaged { tile: named, .. }) => assert_eq!(named, tile),
                    Err(other) => panic!("{path}: {other}"),
                    // What the frontier knows is not read.
                    Ok(proof) => assert!(!tile.is_full() && proof == expected.inclusion_proof(index, 66_000).unwrap(), "{path}"),
                }
                tree.rebuild(level, tile.index).unwrap();
                assert_eq!(store.read(&path).unwrap().unwrap(), whole);
            }
            store.delete(&path).unwrap();
            assert_eq!(found(&tree), [(path.clone(), Damage::Missing)]);
            tree.rebuild(level, tile.index).unwrap();
            assert_eq!(store.read(&path).unwrap().unwrap(), whole);
        }
        assert_eq!(found(&tree), []);
    }

    #[test]
    fn of_all_tiles_at_once_is_repaired_from_the_entries() {
        let store = Memory::default();
        let tree = TileTree::new(&store, with_entries(&store, 66_000));
        let whole = store.0.borrow().clone();
        for path in store.paths() {
            if matches!(TileId::parse(&path).unwrap().part, Part::Hashes { .. }) {
                store.change(&path, |bytes| bytes.fill(0xee));
            }
        }
        for level in (0..3).rev() {
            for index in 0.. {
                if TileId::hashes(level, index, 66_000).is_none() {
                    break;
                }
                tree.rebuild(level, index).unwrap();
            }
        }
        assert!(*store.0.borrow() == whole);
    }

    #[test]
    fn of_an_entry_has_its_position() {
        let store = Memory::default();
        let tree = TileTree::new(&store, with_entries(&store, 600));
        assert_eq!(tree.entry(300).unwrap(), receipt_bytes(&receipt(300)));
        store.change("tile/entries/001", |bytes| bytes[44 * 262 + 2] ^= 1);
        assert_eq!(found(&tree), [("tile/entries/001".into(), Damage::Entry { index: 300 })]);
        let error = tree.entry(300).unwrap_err();
        assert_eq!(error.to_string(), "tile/entries/001: the entry at position 300 is not the one in the tree");
        assert!(tree.entry(299).is_ok());
        store.change("tile/entries/001", |bytes| bytes[0] = 0xff);
        assert!(matches!(tree.entry(299), Err(TileError::Damaged { damage: Damage::Framing, .. })));
        store.delete("tile/entries/001").unwrap();
        assert!(matches!(tree.entry(299), Err(TileError::Damaged { damage: Damage::Missing, .. })));
        // Neither tiles nor proofs need entries; only a lost tile does.
        assert!(tree.inclusion_proof(300, 600).is_ok());
        store.delete("tile/0/001").unwrap();
        let error = tree.rebuild(0, 1).unwrap_err();
        assert_eq!(error.to_string(), "tile/entries/001: it is missing");
    }

    /// A wrong entry must not become a wrong tile.
    #[test]
    fn of_entries_and_tile_together_is_not_repaired() {
        let store = Memory::default();
        let tree = TileTree::new(&store, with_entries(&store, 600));
        store.change("tile/entries/001", |bytes| bytes[5] ^= 1);
        store.delete("tile/0/001").unwrap();
        assert!(matches!(tree.rebuild(0, 1), Err(TileError::Damaged { damage: Damage::Hashes, .. })));
        assert_eq!(store.read("tile/0/001").unwrap(), None);
    }

    #[test]
    fn fails_for_the_frontier_of_another_tree() {
        let store = Memory::default();
        written(&store, &leaves(600));
        let mut other = Frontier::new();
        other.extend_from_slice(&leaves(601)[1..]);
        let tree = TileTree::new(&store, other);
        for index in 0..600 {
            assert!(matches!(tree.leaf(index), Err(TileError::Damaged { .. })), "{index}");
        }
    }

    #[test]
    fn is_not_what_a_refusing_store_says() {
        let refused = |error: TileError| matches!(error, TileError::Io { .. });
        let mut frontier = Frontier::new();
        frontier.extend_from_slice(&leaves(300));
        let tree = TileTree::new(Refusing, frontier.clone());
        assert!(refused(tree.leaf(0).unwrap_err()));
        assert!(refused(tree.audit(|tile, _| panic!("{tile}")).unwrap_err()));
        assert!(refused(tree.rebuild(0, 0).unwrap_err()));
        assert!(refused(prune(&tree, &Refusing, Keep::Newest(0)).unwrap_err()));
        assert!(refused(TileWriter::resume(Refusing, frontier).unwrap_err()));
        let mut writer = TileWriter::new(Refusing);
        writer.append(&leaves(255)).unwrap();
        assert!(refused(writer.publish().unwrap_err()));
        assert!(refused(writer.append(&leaves(1)).unwrap_err()));
    }
}

mod pruning {
    use super::*;

    #[test]
    fn deletes_entries_from_the_front_and_keeps_every_proof() {
        let store = Memory::default();
        let tree = TileTree::new(&store, with_entries(&store, 1_000));
        assert_eq!(prune(&tree, &store, Keep::Newest(1_000)).unwrap(), 0);
        assert_eq!(prune(&tree, &store, Keep::Newest(400)).unwrap(), 512);
        assert_eq!(prune(&tree, &store, Keep::Newest(900)).unwrap(), 512, "what is gone does not come back");
        for index in [0, 511, 512, 999] {
            let proof = tree.inclusion_proof(index, 1_000).unwrap();
            verify_inclusion(&tree.root_at(1_000).unwrap(), 1_000, index, &receipt_hash(&receipt(index)), &proof).unwrap();
        }
        assert!(matches!(tree.entry(511), Err(TileError::Pruned { index: 511, from: 512 })));
        assert_eq!(tree.entry(512).unwrap(), receipt_bytes(&receipt(512)));
        tree.audit(|tile, damage| panic!("{tile}: {damage}")).unwrap();
        assert_eq!(prune(&tree, &store, Keep::Newest(0)).unwrap(), 768, "the partial bundle stays: the log still grows in it");
    }

    #[test]
    fn goes_by_the_time_of_receipts() {
        let store = Memory::default();
        let tree = TileTree::new(&store, with_entries(&store, 1_000));
        let time = |seq| receipt(seq).time;
        assert_eq!(prune(&tree, &store, Keep::Since(time(255))).unwrap(), 0);
        assert_eq!(prune(&tree, &store, Keep::Since(time(256))).unwrap(), 256);
        assert_eq!(prune(&tree, &store, Keep::Since(time(700))).unwrap(), 512);
        assert_eq!(prune(&tree, &store, Keep::Since(u64::MAX)).unwrap(), 768);
    }

    #[test]
    fn fails_when_the_mark_cannot_be_read() {
        let store = Memory::default();
        let tree = TileTree::new(&store, with_entries(&store, 300));
        store.write("tile/entries-from", b"many").unwrap();
        assert!(matches!(tree.entry(0), Err(TileError::Io { .. })));
        assert!(matches!(prune(&tree, &store, Keep::Newest(0)), Err(TileError::Io { .. })));
    }
}

#[test]
fn a_folder_holds_the_same_as_memory() {
    let folder = tempfile::tempdir().unwrap();
    for (flush, name) in [(Flush::EachWrite, "each"), (Flush::Together, "together")] {
        let memory = Memory::default();
        let directory = Directory::open(folder.path().join(name), flush).unwrap();
        let frontier = with_entries(&memory, 600);
        with_entries(&directory, 600);
        directory.sync().unwrap();
        for path in memory.paths() {
            assert_eq!(directory.read(&path).unwrap(), memory.read(&path).unwrap(), "{path}");
        }
        let tree = TileTree::new(&directory, frontier);
        tree.audit(|tile, damage| panic!("{tile}: {damage}")).unwrap();
        assert_eq!(tree.entry(599).unwrap(), receipt_bytes(&receipt(599)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn random_trees_prove_from_tiles_what_they_prove_from_memory(
        parts in proptest::collection::vec(1_usize..900, 1..5),
        picks in proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 8),
    ) {
        let size = parts.iter().sum::<usize>();
        let leaves = leaves(size as u64);
        let tree = tree_of(&leaves);
        let store = Memory::default();
        let mut writer = TileWriter::new(&store);
        let mut rest = &leaves[..];
        for part in parts {
            writer.append(&rest[..part]).unwrap();
            writer.publish().unwrap();
            rest = &rest[part..];
        }
        let tiles = TileTree::new(&store, writer.frontier().clone());
        for (index, of) in picks {
            let index = index.index(size) as u64;
            let of = index + 1 + of.index(size - index as usize) as u64;
            prop_assert_eq!(tiles.inclusion_proof(index, of).unwrap(), tree.inclusion_proof(index, of).unwrap());
            prop_assert_eq!(tiles.consistency_proof(index + 1, of).unwrap(), tree.consistency_proof(index + 1, of).unwrap());
        }
    }
}
