//! What is read of a log that others keep: paths, frontiers, and tiles and bundles in place of genuine ones.

use blockcloud_receipt_log::{
    Frontier, Hash, leaf_hash,
    tiles::{BundleWriter, Store, TileId, TileTree, TileWriter},
    verify_inclusion,
};
use codec::{Decode, Encode};
use std::{cell::RefCell, collections::BTreeMap, io, sync::OnceLock};

const SIZE: u64 = 700;

pub fn tile_path(data: &[u8]) -> bool {
    let Some(path) = std::str::from_utf8(data).ok() else { return false };
    let Some(tile) = TileId::parse(path) else { return false };
    assert_eq!(tile.to_string(), path);
    assert!((1..=256).contains(&tile.width));
    true
}

pub fn tile_path_seeds() -> Vec<Vec<u8>> {
    ["tile/0/x001/x234/067", "tile/7/000.p/1", "tile/entries/x070/000.p/255", "tile/0/x072/x057/x594/x037/x927/935"]
        .map(|path| path.as_bytes().to_vec())
        .to_vec()
}

pub fn frontier(data: &[u8]) -> bool {
    let mut rest = data;
    let Ok(mut frontier) = Frontier::decode(&mut rest) else { return false };
    assert_eq!(frontier.encode(), data[..data.len() - rest.len()]);
    let (size, root) = (frontier.size(), frontier.root());
    assert_eq!(frontier.append([7; 32]), size);
    assert!(frontier.size() == size + 1 && frontier.root() != root);
    let mut both = frontier.clone();
    both.extend_from_slice(&[[8; 32]; 3]);
    (0..3).for_each(|_| {
        frontier.append([8; 32]);
    });
    assert_eq!(both, frontier);
    true
}

pub fn frontier_seeds() -> Vec<Vec<u8>> {
    let of = |leaves: u8| {
        let mut frontier = Frontier::new();
        (0..leaves).for_each(|leaf| {
            frontier.append([leaf; 32]);
        });
        frontier.encode()
    };
    vec![of(7), of(0), of(128), [&(u64::MAX >> 1).to_le_bytes()[..], &[1; 63 * 32]].concat()]
}

/// The number of a file, then what stands in it. Every answer is an error or right.
pub fn tiles(data: &[u8]) -> bool {
    let [number, content @ ..] = data else { return false };
    let (genuine, frontier) = genuine();
    let Some(path) = genuine.keys().nth(usize::from(*number)) else { return false };
    let store = Memory(RefCell::new(genuine.clone()));
    store.0.borrow_mut().insert(path.clone(), content.to_vec());
    let tree = TileTree::new(&store, frontier.clone());
    let mut whole = true;
    tree.audit(|tile, _| {
        assert_eq!(tile.to_string(), *path, "only what was changed is damaged");
        whole = false;
    })
    .expect("memory refuses nothing");
    for index in [0, 255, 256, 511, 512, 699] {
        if let Ok(proof) = tree.inclusion_proof(index, SIZE) {
            assert_eq!(verify_inclusion(&frontier.root(), SIZE, index, &leaf_hash(&entry(index)), &proof), Ok(()));
        }
        assert!(tree.entry(index).is_err() || tree.entry(index).is_ok_and(|found| found == entry(index)));
    }
    assert_eq!(whole, genuine[path] == content);
    whole
}

pub fn tiles_seeds() -> Vec<Vec<u8>> {
    genuine().0.values().zip(0..).map(|(content, number)| [&[number], &content[..]].concat()).collect()
}

fn entry(index: u64) -> Vec<u8> {
    index.to_be_bytes()[..(index % 9) as usize].to_vec()
}

fn genuine() -> &'static (BTreeMap<String, Vec<u8>>, Frontier) {
    static GENUINE: OnceLock<(BTreeMap<String, Vec<u8>>, Frontier)> = OnceLock::new();
    GENUINE.get_or_init(|| {
        let store = Memory::default();
        let (mut tiles, mut bundles) = (TileWriter::new(&store), BundleWriter::new(&store));
        tiles.append(&(0..SIZE).map(|index| leaf_hash(&entry(index))).collect::<Vec<Hash>>()).expect("memory refuses nothing");
        (0..SIZE).for_each(|index| bundles.append(&entry(index)).expect("memory refuses nothing"));
        tiles.publish().expect("memory refuses nothing");
        bundles.publish().expect("memory refuses nothing");
        let frontier = tiles.frontier().clone();
        (store.0.take(), frontier)
    })
}

#[derive(Debug, Default)]
struct Memory(RefCell<BTreeMap<String, Vec<u8>>>);

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
