//! Upstream that is away, has no room, or has something else.

use crate::{local::*, support::*};
use blockcloud_aggregator::{Outcome, Statement};
use blockcloud_client::{Scheme, Signer};

#[tokio::test(flavor = "multi_thread")]
async fn a_part_takes_checkpoints_while_the_aggregator_above_is_away_and_hands_all_up_later() {
    let mut tiers = TwoTiers::new(&[0], &[16, 17], 30);
    tiers.low.start().await;
    for turn in 1..=5 {
        for guest in &tiers.of_low {
            let outcomes = tiers.low.send(&[guest.submission(turn)]).await.unwrap();
            assert!(matches!(outcomes[..], [Outcome::Accepted { .. }]), "{outcomes:?}");
        }
    }
    let health = tiers.low.health().await.unwrap();
    // Not before it is known that nothing was signed that is not here.
    assert_eq!((health.upstream, health.rounds), (false, 0));
    tiers.top.start().await;
    tiers.settle(6).await;
    // Away again, now that it is known: rounds go on and wait.
    tiers.top.kill();
    for guest in &tiers.of_low {
        tiers.low.send(&[guest.submission(7)]).await.unwrap();
    }
    until("a round that waits", async || {
        let health = tiers.low.health().await?;
        (health.rounds > health.acknowledged).then_some(())
    })
    .await;
    tiers.top.start().await;
    tiers.settle(8).await;
}

#[tokio::test]
async fn no_more_rounds_than_may_wait_are_closed_and_all_is_in_the_next() {
    let guests = [Guest::new(1)];
    let local = Local::start(&guests, vec![], |config| config.rounds.max_unacknowledged = 3).await;
    local.send(&[guests[0].submission(1)]).await;
    until("a round", async || (local.delivered().len() == 1).then_some(())).await;
    // Nothing can be put where a file stands in the folder's place.
    let out = local.folder.path().join("out");
    std::fs::rename(&out, local.folder.path().join("kept")).unwrap();
    std::fs::write(&out, "").unwrap();
    for turn in 2..=40 {
        let outcomes = local.send(&[guests[0].submission(turn)]).await;
        assert!(matches!(outcomes[..], [Outcome::Accepted { .. }]), "{outcomes:?}");
        until("a beat", async || {
            let rounds = local.rounds().await;
            (rounds == 4 || rounds >= turn).then_some(())
        })
        .await;
    }
    assert_eq!(local.rounds().await, 4);
    std::fs::remove_file(&out).unwrap();
    std::fs::rename(local.folder.path().join("kept"), &out).unwrap();
    until("all of it", async || (local.delivered().iter().map(Statement::receipts).sum::<u64>() == 400).then_some(())).await;
    assert!(local.delivered().len() < 10, "what waited went into few rounds");
    local.stop().await;
}

#[tokio::test]
async fn another_round_under_the_same_number_ends_it() {
    let guests = [Guest::new(1)];
    let local = Local::start(&guests, vec![], |_| ()).await;
    local.send(&[guests[0].submission(1)]).await;
    until("a round", async || (local.delivered().len() == 1).then_some(())).await;
    let out = local.folder.path().join("out");
    std::fs::copy(out.join("0000000000000000.json"), out.join("0000000000000001.json")).unwrap();
    local.send(&[guests[0].submission(2)]).await;
    let words = local.failed().await;
    assert!(words.contains("another round 1"), "{words}");
}

#[tokio::test]
async fn a_key_of_another_kind_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    Signer::create(&folder.path().join("aggregator.key"), Scheme::Sr25519).unwrap();
    register(folder.path(), &[], vec![]);
    let words = Local::start_in(folder, |_| ()).await.failed().await;
    assert!(words.contains("ed25519"), "{words}");
}

#[tokio::test]
async fn fewer_rounds_than_were_acknowledged_are_refused() {
    let local = Local::start(&[], vec![], |_| ()).await;
    let folder = local.stop().await;
    std::fs::write(folder.path().join("data/acknowledged"), "7").unwrap();
    let words = Local::start_in(folder, |_| ()).await.failed().await;
    assert!(words.contains("restore the data folder"), "{words}");
}

#[tokio::test]
async fn damage_in_the_queue_is_named_at_the_start() {
    let guests = [Guest::new(1)];
    let local = Local::start(&guests, vec![], |config| config.rounds.interval_ms = 3_600_000).await;
    for turn in 1..=3 {
        local.send(&[guests[0].submission(turn)]).await;
    }
    let folder = local.stop().await;
    let path = folder.path().join("data/queue/0000000000000000.queue");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let words = Local::start_in(folder, |_| ()).await.failed().await;
    assert!(words.contains("is damaged") && words.contains("byte 32"), "{words}");
}
