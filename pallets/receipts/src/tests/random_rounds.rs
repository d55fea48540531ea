//! Random sequences of registrations, rounds and checkpoints, through rounds and directly, against a plain ledger that knows slots and numbers and no hashes.

use crate::mock::*;
use blockcloud_primitives::{Checkpoint, Digest, Equivocation, JobId, List, Round};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Jobs, aggregators.
const JOBS: u64 = 3;
const AGGREGATORS: usize = 2;

/// What happens next.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// A party of a job registers it.
    Register { customer: bool, aggregator: usize, job: u64, vacant: Option<u32> },
    /// Somebody withdraws a slot.
    Withdraw { who: usize, aggregator: usize, slot: u32 },
    /// A guest writes and signs a checkpoint, and hands it to every aggregator.
    Sign { job: u64, receipts: u64 },
    /// An aggregator commits a round of what it was handed.
    Commit { aggregator: usize },
    /// Somebody brings what stands in a slot of one of the last rounds.
    Bring { aggregator: usize, back: usize, slot: u32 },
    /// Somebody brings a guest's last checkpoint directly.
    Direct { job: u64 },
    /// A job's log is closed.
    Close { job: u64 },
    /// An aggregator signs two rounds, and is reported.
    Fork { aggregator: usize },
    /// Time passes.
    Wait { seconds: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    let (aggregator, job, slot) = (0..AGGREGATORS, 0..JOBS, 0..4u32);
    prop_oneof![
        4 => (any::<bool>(), aggregator.clone(), job.clone(), prop_oneof![3 => Just(None), 1 => slot.clone().prop_map(Some)])
            .prop_map(|(customer, aggregator, job, vacant)| Step::Register { customer, aggregator, job, vacant }),
        2 => (0..3usize, aggregator.clone(), slot.clone()).prop_map(|(who, aggregator, slot)| Step::Withdraw { who, aggregator, slot }),
        6 => (job.clone(), 1..5u64).prop_map(|(job, receipts)| Step::Sign { job, receipts }),
        6 => aggregator.clone().prop_map(|aggregator| Step::Commit { aggregator }),
        8 => (aggregator.clone(), 0..4usize, slot).prop_map(|(aggregator, back, slot)| Step::Bring { aggregator, back, slot }),
        3 => job.clone().prop_map(|job| Step::Direct { job }),
        1 => job.prop_map(|job| Step::Close { job }),
        1 => aggregator.prop_map(|aggregator| Step::Fork { aggregator }),
        3 => prop_oneof![3 => 1..30u64, 1 => 100..400u64].prop_map(|seconds| Step::Wait { seconds }),
    ]
}

/// A source as the ledger knows it: job, whether of its customer, first round.
type Source = (u64, bool, u64);

/// What the chain should know.
struct Ledger {
    now: u64,
    open: [bool; JOBS as usize],
    heads: BTreeMap<u64, Checkpoint>,
    sources: BTreeMap<(usize, u32), Source>,
    width: [u32; AGGREGATORS],
    stopped: [bool; AGGREGATORS],
    /// Of each aggregator: when each round was committed.
    rounds: [Vec<u64>; AGGREGATORS],
}

impl Ledger {
    fn register(&mut self, customer: bool, aggregator: usize, job: u64, vacant: Option<u32>) -> bool {
        let of_job = || self.sources.iter().filter(|(_, source)| source.0 == job);
        let next = self.rounds[aggregator].len() as u64;
        let given = match vacant {
            None => (self.width[aggregator] < 1 << HEIGHT).then_some((self.width[aggregator], next)),
            Some(slot) => (slot < self.width[aggregator] && !self.sources.contains_key(&(aggregator, slot))).then_some((slot, next + 1)),
        };
        let free = of_job().all(|((with, _), _)| *with != aggregator) && of_job().filter(|(_, source)| source.1 == customer).count() < 2;
        let Some((slot, from)) = given.filter(|_| self.open[job as usize] && !self.stopped[aggregator] && free) else { return false };
        self.width[aggregator] = self.width[aggregator].max(slot + 1);
        self.sources.insert((aggregator, slot), (job, customer, from));
        true
    }

    fn withdraw(&mut self, who: usize, aggregator: usize, slot: u32) -> bool {
        let allowed = self.sources.get(&(aggregator, slot)).is_some_and(|(job, customer, _)| {
            self.stopped[aggregator] || !self.open[*job as usize] || who == if *customer { 0 } else { 1 }
        });
        if allowed {
            self.sources.remove(&(aggregator, slot));
        }
        allowed
    }

    /// A checkpoint of an honest guest that counts as of `at`.
    fn take(&mut self, job: u64, checkpoint: &Checkpoint, at: u64) -> bool {
        let timely = checkpoint.time <= at + u64::from(MAX_AHEAD) * 1_000 && checkpoint.time + u64::from(MAX_AGE) * 1_000 >= at;
        let newer = self.heads.get(&job).is_none_or(|head| checkpoint.size > head.size && checkpoint.time > head.time);
        let taken = self.open[job as usize] && timely && newer;
        if taken {
            self.heads.insert(job, *checkpoint);
        }
        taken
    }

    /// What stood in a slot in a round comes.
    fn bring(&mut self, aggregator: usize, number: u64, slot: u32, checkpoint: &Checkpoint) -> bool {
        let Some((job, _, from)) = self.sources.get(&(aggregator, slot)).copied() else { return false };
        let at = self.rounds[aggregator][number as usize];
        JobId(job) == checkpoint.job && from <= number && self.take(job, checkpoint, at)
    }
}

/// The proof from the head on chain to a checkpoint of this guest's, if there can be one.
fn proof(guest: &Guest, checkpoint: &Checkpoint) -> List<Digest, 64> {
    let head = Receipts::head(guest.job).map_or(0, |head| head.size);
    if head == 0 || head >= checkpoint.size {
        return List::new();
    }
    let hashes = guest.tree.consistency_proof(head, checkpoint.size).unwrap();
    hashes.into_iter().map(Digest).collect::<Vec<_>>().try_into().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_chain_agrees_with_the_ledger(steps in prop::collection::vec(step(), 1..80)) {
        run(|| {
            let mut collectors: Vec<_> = (0..AGGREGATORS).map(|_| Collector::registered()).collect();
            let mut guests: Vec<_> = (0..JOBS).map(|job| Guest::attested(JobId(job), 0)).collect();
            let mut latest: BTreeMap<u64, Checkpoint> = BTreeMap::new();
            // Each aggregator as it was when it committed.
            let mut past: Vec<Vec<Collector>> = vec![Vec::new(); AGGREGATORS];
            let mut ledger = Ledger {
                now: NOW,
                open: [true; JOBS as usize],
                heads: BTreeMap::new(),
                sources: BTreeMap::new(),
                width: [0; AGGREGATORS],
                stopped: [false; AGGREGATORS],
                rounds: Default::default(),
            };
            let mut told = 0;
            for step in steps {
                let (happened, expected) = match step {
                    Step::Register { customer, aggregator, job, vacant } => {
                        let party = if customer { CUSTOMER } else { PROVIDER };
                        let id = collectors[aggregator].id;
                        let done = Receipts::register_source(RuntimeOrigin::signed(party), id, JobId(job), vacant).is_ok();
                        (done, ledger.register(customer, aggregator, job, vacant))
                    }
                    Step::Withdraw { who, aggregator, slot } => {
                        let account = [CUSTOMER, PROVIDER, ANYONE][who].clone();
                        let done = Receipts::withdraw_source(RuntimeOrigin::signed(account), collectors[aggregator].id, slot).is_ok();
                        (done, ledger.withdraw(who, aggregator, slot))
                    }
                    Step::Sign { job, receipts } => {
                        let guest = &mut guests[job as usize];
                        guest.time = guest.time.max(ledger.now);
                        guest.write(receipts);
                        latest.insert(job, guest.checkpoint());
                        (true, true)
                    }
                    Step::Commit { aggregator } => {
                        let collector = &mut collectors[aggregator];
                        collector.slots.clear();
                        for ((_, slot), (job, ..)) in ledger.sources.iter().filter(|((with, _), _)| *with == aggregator) {
                            if let Some(checkpoint) = latest.get(job) {
                                collector.take(*slot, &guests[*job as usize], *checkpoint);
                            }
                        }
                        collector.time = collector.time.max(ledger.now);
                        let expected = !ledger.stopped[aggregator] && collector.time + 1_000 <= ledger.now + u64::from(MAX_AHEAD) * 1_000;
                        let done = collector.submit(collector.round()).is_ok();
                        if done {
                            past[aggregator].push(collector.clone());
                            collector.time = collector.round().time;
                            collector.number += 1;
                            ledger.rounds[aggregator].push(ledger.now);
                        }
                        (done, expected)
                    }
                    Step::Bring { aggregator, back, slot } => {
                        let then = past[aggregator].iter().rev().nth(back);
                        let Some((collector, entry)) = then.and_then(|then| Some((then, *then.slots.get(&slot)?))) else { continue };
                        let proof = proof(&guests[entry.checkpoint.job.0 as usize], &entry.checkpoint);
                        let (id, number, path) = (collector.id, collector.number, collector.path(slot));
                        let origin = RuntimeOrigin::signed(ANYONE);
                        let done = Receipts::checkpoint_in_round(origin, id, number, slot, entry, path, proof).is_ok();
                        told += u32::from(done);
                        (done, ledger.bring(aggregator, number, slot, &entry.checkpoint))
                    }
                    Step::Direct { job } => {
                        let Some(checkpoint) = latest.get(&job) else { continue };
                        let guest = &guests[job as usize];
                        let (origin, signature, proof) = (RuntimeOrigin::signed(ANYONE), guest.sign(checkpoint), proof(guest, checkpoint));
                        let done = Receipts::checkpoint(origin, *checkpoint, signature, proof).is_ok();
                        told += u32::from(done);
                        (done, ledger.take(job, checkpoint, ledger.now))
                    }
                    Step::Close { job } => {
                        Receipts::close(JobId(job));
                        ledger.open[job as usize] = false;
                        ledger.heads.remove(&job);
                        (true, true)
                    }
                    Step::Fork { aggregator } => {
                        let collector = &collectors[aggregator];
                        let round = collector.round();
                        let other = Round { root: Digest([9; 32]), ..round };
                        let proof = Box::new(Equivocation::Rounds([collector.signed(round), collector.signed(other)]));
                        let done = Receipts::report_equivocation(RuntimeOrigin::signed(ANYONE), proof).is_ok();
                        (done, !std::mem::replace(&mut ledger.stopped[aggregator], true))
                    }
                    Step::Wait { seconds } => {
                        ledger.now += seconds * 1_000;
                        set_time(ledger.now);
                        (true, true)
                    }
                };
                assert_eq!(happened, expected, "{step:?}");
                for job in 0..JOBS {
                    let head = Receipts::head(JobId(job)).map(|head| (head.size, head.root, head.time));
                    assert_eq!(head, ledger.heads.get(&job).map(|head| (head.size, head.root, head.time)));
                }
                assert_eq!(Told::get().len() as u32, told, "each counts once");
                Receipts::do_try_state().unwrap();
            }
            let sources = crate::Sources::<Test>::iter().count();
            assert_eq!(sources, ledger.sources.len());
            for (collector, (rounds, width)) in collectors.iter().zip(ledger.rounds.iter().zip(ledger.width)) {
                let view = Receipts::aggregator_view(collector.id).unwrap();
                assert_eq!((view.rounds, view.width), (rounds.len() as u64, width));
            }
        });
    }
}
