//! `kill -9` of the real programs at moments that nobody chose, and data folders that must not be used.

use crate::{
    soak::{Options, soak},
    support::*,
};
use blockcloud_aggregator::Outcome;
use std::{process::Command, time::Duration};

/// The seed of the moments, unless `BLOCKCLOUD_SEED` names another.
const SEED: u64 = 0x0b10_c10d;

pub fn seed() -> u64 {
    let seed = std::env::var("BLOCKCLOUD_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(SEED);
    println!("BLOCKCLOUD_SEED={seed}");
    seed
}

/// A few seconds of it.
pub fn short(seed: u64) -> Options {
    Options {
        guests: 60,
        parts: 3,
        seed,
        least: (Duration::ZERO, 20),
        beat: Duration::from_millis(100),
        batch: 5,
        interval_ms: 100,
        pauses: (Duration::from_millis(500), Duration::from_millis(300)),
    }
}

/// The example `soak` is the same with a thousand guests for minutes.
#[tokio::test(flavor = "multi_thread")]
async fn a_tree_under_load_whose_aggregators_are_killed_loses_nothing_and_counts_every_receipt_once() {
    let folder = tempfile::tempdir().unwrap();
    let report = soak(folder.path(), &short(seed()), None).await;
    println!("{report}");
    assert!(report.looked_up > 0 && report.proofs == 60);
    assert_eq!(report.receipts[0], report.receipts[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_random_nothing_acknowledged_is_lost_and_every_receipt_is_counted_once() {
    let mut numbers = Numbers(seed());
    let mut tiers = TwoTiers::new(&[0, 1, 40], &[16, 17, 20, 29, 31], 30);
    tiers.top.start().await;
    tiers.low.start().await;
    let mut turn = 0;
    for _ in 0..16 {
        let top = numbers.below(2) == 0;
        for _ in 0..numbers.below(12) + 1 {
            turn += 1;
            for (aggregator, guest) in tiers.guests() {
                let outcomes = aggregator.send(&[guest.submission(turn)]).await.unwrap();
                assert!(matches!(outcomes[..], [Outcome::Accepted { .. }]), "{outcomes:?}");
            }
        }
        // One turn is on its way while the program is killed: who gets no answer sends it again later.
        turn += 1;
        let (aggregator, guests) = if top { (&tiers.top, &tiers.of_top) } else { (&tiers.low, &tiers.of_low) };
        let sending = futures::future::join_all(guests.iter().map(|guest| {
            let submission = guest.submission(turn);
            async move { aggregator.send(&[submission]).await }
        }));
        let pid = rustix::process::Pid::from_raw(i32::try_from(aggregator.pid()).unwrap()).unwrap();
        let polls = numbers.below(200);
        let killing = async {
            for _ in 0..polls {
                tokio::task::yield_now().await;
            }
            rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        };
        let (answers, ()) = futures::future::join(sending, killing).await;
        let answered: Vec<bool> = answers.iter().map(Option::is_some).collect();
        let victim = if top { &mut tiers.top } else { &mut tiers.low };
        victim.kill();
        victim.start().await;
        // What was answered is known; what was not may be. Nobody else's turn is disturbed.
        for (aggregator, guest) in tiers.guests() {
            let known = guests_of(&tiers, top).position(|other| other == guest.slot).is_some_and(|at| answered[at]);
            let outcomes = aggregator.send(&[guest.submission(turn)]).await.unwrap();
            match outcomes[..] {
                [Outcome::Known { .. }] => {}
                [Outcome::Accepted { .. }] if !known => {}
                _ => panic!("acknowledged {known}, then {outcomes:?}"),
            }
        }
    }
    tiers.settle(turn + 1).await;
}

fn guests_of(tiers: &TwoTiers, top: bool) -> impl Iterator<Item = u32> {
    let guests = if top { &tiers.of_top } else { &tiers.of_low };
    guests.iter().map(|guest| guest.slot)
}

/// Runs the program on an aggregator's folder until it ends by itself; gives what it says.
fn refused(aggregator: &Aggregator) -> String {
    let output = Command::new(program()).arg("run").arg("--config").arg(aggregator.config()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()));
        } else {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_copy_of_a_data_folder_signs_nothing() {
    for of_top in [true, false] {
        let mut tiers = TwoTiers::new(&[0], &[16], 30);
        tiers.top.start().await;
        tiers.low.start().await;
        tiers.settle(1).await;
        let folder = if of_top { &tiers.top.folder } else { &tiers.low.folder }.clone();
        // A copy of a folder in use is as a crash would leave it; the older, the worse.
        copy(&folder.join("data"), &folder.join("backup"));
        tiers.settle(2).await;
        tiers.settle(3).await;
        if of_top {
            tiers.top.kill();
        } else {
            tiers.low.kill();
        }
        std::fs::remove_dir_all(folder.join("data")).unwrap();
        std::fs::rename(folder.join("backup"), folder.join("data")).unwrap();
        let victim = if of_top { &tiers.top } else { &tiers.low };
        let before = signed(victim);
        let words = refused(victim);
        assert!(words.contains("older than what was sent"), "{words}");
        assert_eq!(signed(victim), before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_in_use_or_of_another_aggregator_is_refused() {
    let mut tiers = TwoTiers::new(&[0], &[16], 30);
    tiers.top.start().await;
    // The address is taken too; another is named so that this is not what is refused.
    let config = std::fs::read_to_string(tiers.top.config()).unwrap();
    let address = tiers.top.url.strip_prefix("http://").unwrap();
    std::fs::write(tiers.top.config(), config.replace(address, "127.0.0.1:0")).unwrap();
    assert!(refused(&tiers.top).contains("another aggregator runs on this data folder"));
    tiers.top.kill();
    for (from, to) in [("aggregator = 5", "aggregator = 6"), ("height = 6", "height = 7"), ("genesis = \"0x07", "genesis = \"0x08")] {
        assert!(config.contains(from));
        std::fs::write(tiers.top.config(), config.replace(from, to)).unwrap();
        let words = refused(&tiers.top);
        assert!(words.contains("use another folder"), "{words}");
    }
}
