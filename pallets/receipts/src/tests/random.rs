//! Random sequences of honest and dishonest checkpoints against a plain ledger: the head only ever moves forward along one history.

use crate::mock::*;
use blockcloud_primitives::{Checkpoint, Digest, JobId};
use proptest::prelude::*;

/// What happens next.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// The guest writes receipts.
    Write(u64),
    /// The guest signs a checkpoint; it is submitted.
    Submit,
    /// The guest signs a checkpoint; it is lost.
    Lose,
    /// An earlier checkpoint is submitted once more.
    Repeat(usize),
    /// The guest changes its last receipt and signs.
    Fork,
    /// The guest forgets its last receipts and signs.
    Truncate(u64),
    /// Time passes.
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..9u64).prop_map(Step::Write),
        4 => Just(Step::Submit),
        1 => Just(Step::Lose),
        1 => (0..8usize).prop_map(Step::Repeat),
        1 => Just(Step::Fork),
        1 => (1..5u64).prop_map(Step::Truncate),
        1 => (1..400u64).prop_map(Step::Wait),
    ]
}

/// The chain as a plain list: whether a checkpoint is taken is decided from the leaves themselves, not from hashes.
struct Ledger {
    leaves: Vec<[u8; 32]>,
    head: Option<Checkpoint>,
}

impl Ledger {
    fn takes(&self, guest: &Guest, checkpoint: &Checkpoint, now: u64) -> bool {
        let leaves: Vec<_> = (0..guest.tree.size()).map(|index| guest.tree.leaf(index).unwrap()).collect();
        checkpoint.time + u64::from(MAX_AGE) * 1_000 >= now
            && checkpoint.time <= now + u64::from(MAX_AHEAD) * 1_000
            && checkpoint.size == guest.tree.size()
            && checkpoint.size > 0
            && checkpoint.size >= checkpoint.previous_size
            && self.head.is_none_or(|head| {
                checkpoint.size > head.size
                    && checkpoint.time > head.time
                    && checkpoint.usage.extends(&head.usage)
                    && leaves.starts_with(&self.leaves)
                    && (checkpoint.previous_size != head.size || checkpoint.previous_root == head.root)
            })
            && (checkpoint.size != checkpoint.previous_size || checkpoint.root == checkpoint.previous_root)
    }

    fn take(&mut self, guest: &Guest, checkpoint: Checkpoint) {
        self.leaves = (0..guest.tree.size()).map(|index| guest.tree.leaf(index).unwrap()).collect();
        self.head = Some(checkpoint);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn the_head_follows_one_history(steps in prop::collection::vec(step(), 1..60)) {
        run(|| {
            let mut guest = Guest::attested(JOB, 0);
            let bystander = Guest::attested(JobId(8), 0);
            let mut ledger = Ledger { leaves: Vec::new(), head: None };
            // Each with the guest's log at that time: only then can its proof be made.
            let mut signed: Vec<(Guest, Checkpoint)> = Vec::new();
            let mut now = NOW;
            for step in steps {
                let submitted = match step {
                    Step::Write(receipts) => {
                        guest.write(receipts);
                        None
                    }
                    Step::Submit => {
                        let checkpoint = guest.checkpoint();
                        signed.push((guest.clone(), checkpoint));
                        Some((guest.clone(), checkpoint))
                    }
                    Step::Lose => {
                        let checkpoint = guest.checkpoint();
                        signed.push((guest.clone(), checkpoint));
                        None
                    }
                    Step::Repeat(which) => signed.get(which).cloned(),
                    Step::Fork if guest.tree.size() > 0 => {
                        let mut dishonest = guest.clone();
                        dishonest.fork();
                        let checkpoint = dishonest.checkpoint();
                        Some((dishonest, checkpoint))
                    }
                    Step::Truncate(receipts) if guest.tree.size() > receipts => {
                        let mut dishonest = guest.clone();
                        dishonest.tree = (0..guest.tree.size() - receipts).map(|index| guest.tree.leaf(index).unwrap()).collect();
                        let checkpoint = dishonest.checkpoint();
                        Some((dishonest, checkpoint))
                    }
                    Step::Wait(seconds) => {
                        now += seconds * 1_000;
                        guest.time = now;
                        set_time(now);
                        None
                    }
                    Step::Fork | Step::Truncate(_) => None,
                };
                if let Some((author, checkpoint)) = submitted {
                    let expected = ledger.takes(&author, &checkpoint, now);
                    assert_eq!(author.submit(checkpoint).is_ok(), expected, "{checkpoint:?} after {:?}", ledger.head);
                    if expected {
                        ledger.take(&author, checkpoint);
                    }
                }
                let head = Receipts::head(JOB).map(|head| (head.size, head.root, head.time, head.usage));
                assert_eq!(head, ledger.head.map(|head| (head.size, head.root, head.time, head.usage)));
                assert_eq!(head.map_or(0, |head| head.0), ledger.leaves.len() as u64);
                Receipts::do_try_state().unwrap();
            }
            assert_eq!(Receipts::head(bystander.job), None);
            assert_ne!(guest.previous.1, Digest::ZERO);
        });
    }
}
