//! Killed at each step of a checkpoint and of a round, and started again.
//!
//! The program that is killed is this one, started again with an order in its environment: it runs the library with an observer that ends the process
//! by `SIGKILL` at the named step. Afterwards the real program goes on with the same folder.

use crate::support::*;
use blockcloud_aggregator::{FileSources, Outcome, Step, config::Config, run_with};
use std::{
    collections::BTreeMap,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

const STEPS: [(&str, Step); 9] = [
    ("written", Step::Written),
    ("synced", Step::Synced),
    ("cut", Step::Cut),
    ("built", Step::Built),
    ("prepared", Step::Prepared),
    ("finished", Step::Finished),
    ("sending", Step::Sending),
    ("acknowledged", Step::Acknowledged),
    ("noted", Step::Noted),
];
const ORDER: &str = "BLOCKCLOUD_TEST_KILL_AT";

/// `STEP:COUNT:CONFIG`.
fn order() -> Option<(Step, usize, std::path::PathBuf)> {
    let order = std::env::var(ORDER).ok()?;
    let mut words = order.splitn(3, ':');
    let name = words.next()?;
    let step = STEPS.iter().find(|(known, _)| *known == name)?.1;
    Some((step, words.next()?.parse().ok()?, words.next()?.into()))
}

fn die() {
    rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).unwrap();
    loop {
        std::thread::park();
    }
}

/// The program that is killed, where there is an order to that; else nothing but that there is none.
#[test]
fn stand_in() {
    let Some((step, count, config)) = order() else {
        assert!(std::env::var(ORDER).is_err(), "an order that cannot be read");
        return;
    };
    let config = Config::read(&config).unwrap();
    let reached = AtomicUsize::new(0);
    let observer = Arc::new(move |at: Step| {
        if at == step && reached.fetch_add(1, Ordering::SeqCst) + 1 == count {
            die();
        }
    });
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let sources = FileSources::new(&config.sources, config.part());
        let listener = tokio::net::TcpListener::bind(config.listen).await.unwrap();
        run_with(config, Box::new(sources), listener, observer, std::future::pending()).await.unwrap();
    });
}

#[derive(Clone, Copy, PartialEq)]
enum Victim {
    Top,
    Low,
}

async fn killed_at(victim: Victim, name: &str, count: usize) {
    let mut tiers = TwoTiers::new(&[3], &[16, 29], 40);
    let stand_in = |aggregator: &Aggregator| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "crash::stand_in", "--nocapture"]);
        command.env(ORDER, format!("{name}:{count}:{}", aggregator.config().display()));
        command
    };
    match victim {
        Victim::Top => {
            tiers.low.start().await;
            let command = stand_in(&tiers.top);
            tiers.top.start_as(command).await;
        }
        Victim::Low => {
            tiers.top.start().await;
            let command = stand_in(&tiers.low);
            tiers.low.start_as(command).await;
        }
    }
    // Turn by turn, until it is dead. What was answered is noted.
    let mut acknowledged: BTreeMap<u32, u64> = BTreeMap::new();
    let mut turn = 0;
    let dead = |tiers: &mut TwoTiers| match victim {
        Victim::Top => !tiers.top.is_running(),
        Victim::Low => !tiers.low.is_running(),
    };
    while !dead(&mut tiers) {
        turn += 1;
        assert!(turn < 5_000, "the step {name} was not reached {count} times");
        for (aggregator, guest) in tiers.guests() {
            match aggregator.send(&[guest.submission(turn)]).await.as_deref() {
                Some([Outcome::Accepted { .. } | Outcome::Known { .. }]) => drop(acknowledged.insert(guest.slot, turn)),
                Some(other) => panic!("{other:?}"),
                None => {}
            }
        }
    }
    let before = [signed(&tiers.top), signed(&tiers.low)];
    match victim {
        Victim::Top => tiers.top.start().await,
        Victim::Low => tiers.low.start().await,
    }
    // Nothing that was answered is lost, before anything is sent again.
    for (aggregator, guest) in tiers.guests() {
        if let Some(turn) = acknowledged.get(&guest.slot) {
            proved(aggregator, guest, turn * 10, &tiers.top_key).await;
        }
    }
    tiers.settle(turn + 1).await;
    // What was signed under a number then is what stands under it now.
    for (before, now) in before.iter().zip([signed(&tiers.top), signed(&tiers.low)]) {
        for (number, statement) in before {
            assert_eq!(now.get(number), Some(statement), "round {number}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_top_killed_at_each_step_loses_nothing_and_signs_no_number_twice() {
    for (name, _) in STEPS {
        for count in [1, 3] {
            killed_at(Victim::Top, name, count).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_killed_at_each_step_loses_nothing_and_signs_no_number_twice() {
    for (name, _) in STEPS {
        for count in [1, 3] {
            killed_at(Victim::Low, name, count).await;
        }
    }
}
