//! Benchmarks: this pallet's own work at its worst. What the neighbours cost is theirs to measure (`Sessions::weight`, `OnCheckpoint::weight`).

use super::*;
use alloc::vec::Vec;
use blockcloud_primitives::{Checkpoint, Digest, Head, JobId, PublicKey, Signature, Usage};
use blockcloud_receipt_log::node_hash;
use frame_benchmarking::v2::*;
use frame_support::{pallet_prelude::*, traits::Time};
use sp_core::{crypto::KeyTypeId, ed25519};

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

#[benchmarks]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn checkpoint(p: Linear<3, 64>) {
        let now = T::Time::now();
        let (head, size, root, proof) = extension(p);
        Logs::<T>::insert(JOB, Log { opened_at: now, head: Some(head) });
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
        let genesis = Digest(frame_system::Pallet::<T>::block_hash(frame_system::pallet_prelude::BlockNumberFor::<T>::from(0u32)).0);
        let key: ed25519::Public = sp_io::crypto::ed25519_generate(KEYS, None);
        let signature = sp_io::crypto::ed25519_sign(KEYS, &key, &next.signing_payload(&genesis))
            .map(|signature| Signature(signature.0))
            .expect("the key was generated above");

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
        Logs::<T>::insert(JOB, Log { opened_at: T::Time::now(), head: Some(head) });
        #[block]
        {
            Pallet::<T>::close(JOB);
        }
        assert!(!Logs::<T>::contains_key(JOB));
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::storage(), crate::mock::Test);
}
