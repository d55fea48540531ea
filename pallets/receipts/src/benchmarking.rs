//! Benchmarks: this pallet's own work at its worst. What the neighbours cost is theirs to measure (`Sessions::weight`, `OnCheckpoint::weight`).

use super::*;
use crate::rounds::MAX_ROUNDS;
use alloc::{boxed::Box, vec::Vec};
use blockcloud_primitives::{
    AggregatorId, Checkpoint, Digest, Equivocation, Head, JobId, List, PublicKey, Round, Signature, SignedCheckpoint, SignedRound,
    SlotEntry, Usage,
};
use blockcloud_receipt_log::{Hash, Peaks, leaf_hash, node_hash, slot_hash};
use frame_benchmarking::v2::*;
use frame_support::{
    pallet_prelude::*,
    traits::{
        Time,
        fungible::{Inspect, Mutate},
    },
};
use frame_system::RawOrigin;
use sp_core::{crypto::KeyTypeId, ed25519};
use sp_runtime::AccountId32;

const JOB: JobId = JobId(u64::MAX);
/// Under which name the keystore keeps the benchmark's receipt key.
const KEYS: KeyTypeId = KeyTypeId(*b"rcpt");

/// A head, a root and the proof from one to the other with exactly `digests` digests, nearly all of which are hashed twice.
///
/// The older tree has `2^k - 1` leaves, the newer one a single leaf more: from the second digest after the seed on, the path runs along the right
/// edge of both, so that every digest goes into both roots. Any digests make a valid proof if the roots are computed from them.
fn extension(digests: u32) -> (Head, u64, Digest, Vec<Digest>) {
    let proof: Vec<Digest> = (0..digests).map(|index| Digest::of(&index.encode())).collect();
    let mut siblings = proof.iter().map(|digest| digest.0);
    let seed = siblings.next().unwrap_or_default();
    let mut old = seed;
    let mut new = siblings.next().map_or(seed, |right| node_hash(&seed, &right));
    for left in siblings {
        old = node_hash(&left, &old);
        new = node_hash(&left, &new);
    }
    let size = 1u64 << digests.saturating_sub(1);
    let head = Head { size: size - 1, root: Digest(old), time: 0, usage: Usage::default(), accepted_at: 0 };
    (head, size, Digest(new), proof)
}

/// A new key of the keystore's.
fn key() -> ed25519::Public {
    sp_io::crypto::ed25519_generate(KEYS, None)
}

/// Its signature over these bytes.
fn sign(key: &ed25519::Public, payload: &[u8]) -> Signature {
    sp_io::crypto::ed25519_sign(KEYS, key, payload).map(|signature| Signature(signature.0)).expect("the key was generated before")
}

/// An account that can pay any deposit here.
fn rich<T: Config>(name: &'static str) -> AccountId32
where
    T::Currency: Mutate<AccountId32>,
{
    let account = account(name, 0, 0);
    let deposit = Pallet::<T>::aggregator_deposit().saturating_add(Pallet::<T>::source_deposit());
    T::Currency::set_balance(&account, deposit.saturating_add(T::Currency::minimum_balance()).saturating_mul(1_000));
    account
}

/// An aggregator of the greatest height with this key, and its owner.
fn aggregator<T: Config>(key: &ed25519::Public) -> (AggregatorId, AccountId32)
where
    T::Currency: Mutate<AccountId32>,
{
    let owner = rich::<T>("owner");
    let id = NextAggregator::<T>::get();
    Pallet::<T>::do_register_aggregator(owner.clone(), PublicKey(key.0), Round::MAX_HEIGHT).expect("the owner is rich");
    (id, owner)
}

/// A round of this aggregator at the chain's time.
fn round<T: Config>(aggregator: AggregatorId, number: u64, root: Hash) -> Round {
    let time = T::Time::now().saturating_add(1);
    Round { version: Round::VERSION, aggregator, number, root: Digest(root), filled: 0, receipts: 0, time }
}

/// A round with its signature.
fn signed<T: Config>(key: &ed25519::Public, round: Round) -> SignedRound {
    SignedRound { round, signature: sign(key, &round.signing_payload(&Pallet::<T>::genesis())) }
}

/// An open log without a head.
fn open_log<T: Config>(job: JobId) {
    Logs::<T>::insert(job, Log { opened_at: T::Time::now(), head: None, equivocated: false });
}

/// As many places of a job as one side has, taken by the other.
fn crowd<T: Config>(job: JobId) {
    let place = |slot| Place { aggregator: AggregatorId(u32::MAX), slot, side: Side::Provider };
    let places: Vec<_> = (0..PER_SIDE).map(place).collect();
    Places::<T>::insert(job, List::truncate_from(places));
}

#[benchmarks(where T::Currency: Mutate<AccountId32>)]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn checkpoint(p: Linear<3, 64>) {
        let now = T::Time::now();
        let (head, size, root, proof) = extension(p);
        Logs::<T>::insert(JOB, Log { opened_at: now, head: Some(head), equivocated: false });
        let next = Checkpoint {
            version: Checkpoint::VERSION,
            job: JOB,
            size,
            root,
            time: now.saturating_add(1),
            usage: Usage::default(),
            previous_size: head.size,
            previous_root: head.root,
        };
        let key = key();
        let signature = sign(&key, &next.signing_payload(&Pallet::<T>::genesis()));

        #[block]
        {
            let log = Logs::<T>::get(JOB).expect("inserted above");
            Pallet::<T>::advance(log, &PublicKey(key.0), &next, &signature, &proof, T::Time::now())
                .expect("the checkpoint follows the head");
        }
        assert_eq!(Pallet::<T>::head(JOB).map(|head| head.root), Some(root));
    }

    #[benchmark]
    fn open() {
        #[block]
        {
            Pallet::<T>::open(JOB).expect("no log is open");
        }
        assert!(Logs::<T>::contains_key(JOB));
    }

    #[benchmark]
    fn close() {
        let (head, ..) = extension(3);
        Logs::<T>::insert(JOB, Log { opened_at: T::Time::now(), head: Some(head), equivocated: false });
        #[block]
        {
            Pallet::<T>::close(JOB);
        }
        assert!(!Logs::<T>::contains_key(JOB));
    }

    #[benchmark]
    fn register_aggregator() {
        let owner = rich::<T>("owner");

        #[extrinsic_call]
        _(RawOrigin::Signed(owner), PublicKey([1; 32]), Round::MAX_HEIGHT);

        assert!(Aggregators::<T>::contains_key(AggregatorId(0)));
    }

    /// All rounds that can be kept are.
    #[benchmark]
    fn retire_aggregator() {
        let (id, owner) = aggregator::<T>(&key());
        for place in 0..KEPT_ROUNDS {
            let round = round::<T>(id, place.into(), Hash::default());
            Rounds::<T>::insert(id, place, Committed { round, at: T::Time::now() });
        }
        RoundLogs::<T>::mutate(id, |log| log.rounds = Peaks::dearest(31));

        #[extrinsic_call]
        _(RawOrigin::Signed(owner), id);

        assert!(!Aggregators::<T>::contains_key(id));
        assert_eq!(Rounds::<T>::iter_prefix(id).count(), 0);
    }

    #[benchmark]
    fn register_source() {
        let (id, _) = aggregator::<T>(&key());
        RoundLogs::<T>::mutate(id, |log| log.rounds = Peaks::dearest(31));
        Aggregators::<T>::mutate(id, |record| record.as_mut().map(|record| record.width = u32::MAX));
        open_log::<T>(JOB);
        crowd::<T>(JOB);
        let holder = rich::<T>("holder");

        #[block]
        {
            Pallet::<T>::do_register_source(holder, Side::Customer, id, JOB, Some(7)).expect("the slot is vacant");
        }

        assert!(Sources::<T>::contains_key(id, 7));
    }

    #[benchmark]
    fn withdraw_source() {
        let (id, _) = aggregator::<T>(&key());
        open_log::<T>(JOB);
        crowd::<T>(JOB);
        let holder = rich::<T>("holder");
        Pallet::<T>::do_register_source(holder, Side::Customer, id, JOB, None).expect("there are slots");
        Pallet::<T>::close(JOB);
        let caller: AccountId32 = account("caller", 0, 0);

        #[extrinsic_call]
        _(RawOrigin::Signed(caller), id, 0);

        assert!(!Sources::<T>::contains_key(id, 0));
    }

    /// The last round that can be committed but one, with which most peaks are joined.
    #[benchmark]
    fn commit_round() {
        let key = key();
        let (id, _) = aggregator::<T>(&key);
        let rounds = Peaks::dearest(30);
        let number = rounds.size();
        assert!(number < MAX_ROUNDS);
        RoundLogs::<T>::insert(id, RoundLog { rounds, time: Some(0), receipts: 0 });
        let SignedRound { round, signature } = signed::<T>(&key, round::<T>(id, number, Hash::default()));
        let before = Committed { round: Round { number: number - u64::from(KEPT_ROUNDS), ..round }, at: T::Time::now() };
        Rounds::<T>::insert(id, Pallet::<T>::place_in_ring(number), before);
        let caller: AccountId32 = account("caller", 0, 0);

        #[extrinsic_call]
        _(RawOrigin::Signed(caller), round, signature);

        assert_eq!(Pallet::<T>::kept_round(id, number).map(|kept| kept.round), Some(round));
    }

    /// What is between the neighbours: from the round to the new head.
    #[benchmark]
    fn checkpoint_in_round(s: Linear<0, 30>, p: Linear<3, 64>) {
        let key = key();
        let (id, _) = aggregator::<T>(&key);
        Aggregators::<T>::mutate(id, |record| record.as_mut().map(|record| record.height = u8::try_from(s).unwrap_or(30)));
        let (head, size, root, proof) = extension(p);
        let now = T::Time::now();
        Logs::<T>::insert(JOB, Log { opened_at: now, head: Some(head), equivocated: false });
        let (previous_size, previous_root) = (head.size, head.root);
        let (time, usage) = (now.saturating_add(1), Usage::default());
        let next = Checkpoint { version: Checkpoint::VERSION, job: JOB, size, root, time, usage, previous_size, previous_root };
        let entry = SlotEntry::new(next, sign(&key, &next.signing_payload(&Pallet::<T>::genesis())));
        let path: Vec<Digest> = (0..s).map(|level| Digest::of(&level.encode())).collect();
        // In slot zero everything stands to the right.
        let top = path.iter().fold(slot_hash(Some(&entry)), |left, right| node_hash(&left, &right.0));
        Rounds::<T>::insert(id, 0, Committed { round: round::<T>(id, 0, top), at: now });
        let source = Source { job: JOB, holder: account("holder", 0, 0), side: Side::Customer, from: 0, deposit: 0 };
        Sources::<T>::insert(id, 0, source);

        #[block]
        {
            let key = PublicKey(key.0);
            let come = Pallet::<T>::come_in_round(id, 0, 0, &entry, &path).expect("the checkpoint is in the round");
            Pallet::<T>::advance(come.log, &key, &next, &entry.signature, &proof, come.at).expect("the checkpoint follows the head");
        }

        assert_eq!(Pallet::<T>::head(JOB).map(|head| head.root), Some(root));
    }

    /// What is between the neighbours: up to the mark on the log.
    #[benchmark]
    fn report_checkpoints() {
        let key = key();
        open_log::<T>(JOB);
        let (previous_size, previous_root) = (0, Digest(blockcloud_receipt_log::EMPTY_ROOT));
        let (time, usage) = (T::Time::now(), Usage::default());
        let both = [Digest([1; 32]), Digest([2; 32])].map(|root| {
            let said = Checkpoint { version: Checkpoint::VERSION, job: JOB, size: 9, root, time, usage, previous_size, previous_root };
            SignedCheckpoint { checkpoint: said, signature: sign(&key, &said.signing_payload(&Pallet::<T>::genesis())) }
        });
        let key = PublicKey(key.0);

        #[block]
        {
            Pallet::<T>::convict_log(&both, Digest::ZERO, |_| Some(key)).expect("the two contradict each other");
        }

        assert_eq!(Logs::<T>::get(JOB).map(|log| log.equivocated), Some(true));
    }

    /// Against a round of a log with as many as the proof can be for. Two signatures instead of the path are no dearer: a signature weighs less than 25
    /// hashes and the root.
    #[benchmark]
    fn report_rounds() {
        let key = key();
        let (id, _) = aggregator::<T>(&key);
        let committed = round::<T>(id, 0, Hash::default());
        // A log of 2^25 - 1 rounds has 25 peaks; round zero stands 24 levels below the first, and the others together are the last of its path.
        let digests = |from: u32| (from..from.saturating_add(24)).map(|seed| Digest::of(&seed.encode())).collect::<Vec<_>>();
        let (mut path, mut peaks) = (digests(0), digests(100));
        let first = path.iter().fold(leaf_hash(&committed.encode()), |left, right| node_hash(&left, &right.0));
        let others = peaks.iter().rev().map(|peak| peak.0).reduce(|right, left| node_hash(&left, &right)).expect("there are 24");
        path.push(Digest(others));
        peaks.insert(0, Digest(first));
        let encoded = ((1u64 << 25) - 1, List::<Digest, 64>::truncate_from(peaks)).encode();
        let rounds = Peaks::decode(&mut &encoded[..]).expect("that is how peaks are encoded");
        RoundLogs::<T>::insert(id, RoundLog { rounds, time: Some(0), receipts: 0 });
        let signed = signed::<T>(&key, Round { root: Digest([9; 32]), ..committed });
        let path = List::truncate_from(path);
        let proof = Box::new(Equivocation::Committed { signed, committed, path });
        let caller: AccountId32 = account("caller", 0, 0);

        #[extrinsic_call]
        report_equivocation(RawOrigin::Signed(caller), proof);

        assert_eq!(Aggregators::<T>::get(id).map(|record| record.stopped), Some(true));
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::storage(), crate::mock::Test);
}
