//! Two and three tiers, end to end.

use crate::support::*;
use blockcloud_aggregator::{Anchor, Child, Outcome, Part, SlotProof, Statement};
use blockcloud_primitives::PublicKey;

#[tokio::test(flavor = "multi_thread")]
async fn paths_of_all_tiers_lead_to_one_root() {
    let folder = tempfile::tempdir().unwrap();
    let keys: Vec<PublicKey> = ["top", "middle", "low", "side"].iter().map(|name| make_key(&folder.path().join(name))).collect();
    let (middle_part, low_part, side_part) = (Part { base: 256, height: 8 }, Part { base: 320, height: 4 }, Part { base: 64, height: 5 });
    let child = |part: Part, key| Child { base: part.base, height: part.height, key, first: 0 };
    let guests = |slots: &[u32]| slots.iter().copied().map(Guest::new).collect::<Vec<_>>();
    // A tree of 2^12 slots: some filled at the top, a part in the middle with some of its own, one below that, and one beside it.
    let (of_top, of_middle, of_low, of_side) = (guests(&[0, 5, 4_095]), guests(&[256, 511]), guests(&[320, 335, 329]), guests(&[64, 95]));
    let setup = |part, parent, guests, children| Setup { height: 12, part, parent, guests, children, interval_ms: 100, ingest: "" };
    let top_children = vec![child(middle_part, keys[1]), child(side_part, keys[3])];
    let mut top = Aggregator::new(folder.path().join("top"), &setup(None, None, &of_top, top_children));
    let url = top.url.clone();
    let mut middle = Aggregator::new(
        folder.path().join("middle"),
        &setup(Some((middle_part, keys[0])), Some(&url), &of_middle, vec![child(low_part, keys[2])]),
    );
    let middle_url = middle.url.clone();
    let mut low = Aggregator::new(folder.path().join("low"), &setup(Some((low_part, keys[0])), Some(&middle_url), &of_low, vec![]));
    let mut side = Aggregator::new(folder.path().join("side"), &setup(Some((side_part, keys[0])), Some(&url), &of_side, vec![]));
    for aggregator in [&mut low, &mut side, &mut middle, &mut top] {
        aggregator.start().await;
    }

    let all: Vec<(&Aggregator, &Guest)> = [(&top, &of_top), (&middle, &of_middle), (&low, &of_low), (&side, &of_side)]
        .into_iter()
        .flat_map(|(aggregator, guests)| guests.iter().map(move |guest| (aggregator, guest)))
        .collect();
    for turn in 1..=3 {
        for (aggregator, guest) in &all {
            let outcomes = aggregator.send(&[guest.submission(turn)]).await.unwrap();
            assert!(matches!(outcomes[..], [Outcome::Accepted { slot, .. }] if slot == guest.slot), "{outcomes:?}");
            proved(aggregator, guest, turn * 10, &keys[0]).await;
        }
    }
    // All that was sent is counted once, whichever tier it came through.
    let total = all.len() as u64 * 30;
    until("the exact sum", async || (top.delivered().iter().map(Statement::receipts).sum::<u64>() == total).then_some(())).await;
    let rounds = top.delivered();
    assert!(rounds.iter().map(Statement::number).eq(0..rounds.len() as u64));
    assert_eq!(rounds.last().unwrap().filled(), all.len() as u32);

    // An empty slot is proved, too, by whoever collects it; of another's slot nothing is said.
    let empty: SlotProof = low.get("/v1/sources/321/proof").await.unwrap();
    empty.verify(&GENESIS, &keys[0]).unwrap();
    assert_eq!(empty.entry, None);
    assert_eq!(top.get::<SlotProof>("/v1/sources/321/proof").await, None);
    assert_eq!(low.get::<SlotProof>("/v1/sources/64/proof").await, None);
    // Nothing of it holds for another slot, entry, root or key.
    let good = proved(&low, &of_low[0], 30, &keys[0]).await;
    assert!(SlotProof { slot: 321, ..good.clone() }.verify(&GENESIS, &keys[0]).is_err());
    assert!(SlotProof { entry: None, ..good.clone() }.verify(&GENESIS, &keys[0]).is_err());
    assert!(good.verify(&GENESIS, &keys[1]).is_err());
    assert!(SlotProof { height: 11, ..good.clone() }.verify(&GENESIS, &keys[0]).is_err());
    let mut changed = good.clone();
    changed.path[7].0[0] ^= 1;
    assert!(changed.verify(&GENESIS, &keys[0]).is_err());
    // A round of the part's own is proved under the part's key.
    let own: SlotProof = low.get("/v1/rounds/0/slots/320").await.unwrap();
    own.verify(&GENESIS, &keys[2]).unwrap();
    assert!(matches!(own.statement, Statement::Branch(_)) && own.path.len() == 4);
    // What the aggregator above says about a part is verified against the part's own root.
    let anchors: Vec<Anchor> = middle.get("/v1/parts/320/4/anchors").await.unwrap();
    let branch: Statement = low.get(&format!("/v1/rounds/{}", anchors[0].branch)).await.unwrap();
    anchors[0].verify(&low_part, &branch.root(), 12, &GENESIS, &keys[0]).unwrap();
    assert!(anchors[0].verify(&Part { base: 336, height: 4 }, &branch.root(), 12, &GENESIS, &keys[0]).is_err());
    assert!(anchors[0].verify(&low_part, &branch.root(), 12, &GENESIS, &keys[1]).is_err());
}
