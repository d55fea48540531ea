//! Benchmarks at the worst case: the largest spec, full seconds of the queue, the longest proof. What verifying evidence weighs is the verifier's to
//! measure (`Attester::open_weight`).

// Not chain code: a benchmark that cannot be set up must stop.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions)]

use super::*;
use crate::traits::{BenchmarkHelper as _, Logs as _};
use alloc::{boxed::Box, string::String, vec, vec::Vec};
use blockcloud_primitives::{
    AccountId, Allow, Balance, Blob, Checkpoint, Completion, Digest, End, Exit, Head, JobId, JobSpec, JobState, Lapse, List, Measurement,
    Measurements, Moment, Op, Party, Policy, PublicKey, Receipt, Resources, Signature, Suspension, Tcb, Tee, Usage, Workload,
};
use blockcloud_receipt_log::{node_hash, receipt_hash};
use codec::Encode;
use frame_benchmarking::v2::*;
use frame_support::{
    pallet_prelude::*,
    traits::fungible::{Inspect, Mutate},
    weights::WeightMeter,
};
use frame_system::{RawOrigin, pallet_prelude::BlockNumberFor};
use sp_core::{crypto::KeyTypeId, ed25519};
use sp_runtime::{AccountId32, traits::Zero};

/// Under which name the keystore keeps the benchmark's receipt key.
const KEYS: KeyTypeId = KeyTypeId(*b"jobs");
/// The escrow of the benchmarks' jobs.
const ESCROW: Balance = 1_000_000_000_000_000;

fn full<Item: Clone, const N: u32>(item: Item) -> List<Item, N> {
    List::truncate_from(vec![item; N as usize])
}

fn text<const N: u32>() -> blockcloud_primitives::Text<N> {
    core::iter::repeat_n('x', N as usize).collect::<alloc::string::String>().parse().unwrap_or_default()
}

/// Different texts, as many as there is room for.
fn texts<const LENGTH: u32, const N: u32>() -> List<blockcloud_primitives::Text<LENGTH>, N> {
    let texts = (b'A'..).take(N as usize).map(|letter| {
        let text = [letter].repeat(LENGTH as usize);
        String::from_utf8(text).unwrap_or_default().parse().unwrap_or_default()
    });
    List::truncate_from(texts.collect())
}

/// The largest spec that an offer can meet, and the dearest to judge: all lists are full, and every kind of fact is demanded.
fn spec<T: Config>() -> JobSpec {
    JobSpec {
        workload: Workload::Wasm {
            module: Digest::ZERO,
            engine: Digest::ZERO,
            fuel: u64::MAX,
            memory_mib: 1024,
            seed: Digest::ZERO,
            args: full(text()),
        },
        manifest: Blob { digest: Digest::ZERO, bytes: 1 },
        inputs: full(Blob { digest: Digest::ZERO, bytes: 1 }),
        resources: Resources { vcpus: 1, memory_gib: 1, storage_gib: 1, gpus: 0 },
        longest_run: 3_600,
        policy: Policy {
            regions: Allow::Only(texts()),
            jurisdictions: Allow::Only(texts()),
            certificates: texts(),
            tees: full(Tee::SevSnp),
            firmware_floor: Tcb::default(),
            tdx_floor: Default::default(),
            legacy_hardware: false,
            chip_endorsements: 0,
            longest_session: 0,
            measurements: Measurements::Only(full(Measurement([0; 48]))),
            denied_providers: full(AccountId([0; 32])),
            erase_within: 60,
            recipients: full(PublicKey([0; 32])),
            checkpoint_gap: T::MaxCheckpointGap::get(),
            suspension_grace: 0,
        },
        price_limit: Balance::MAX,
        escrow: ESCROW,
        cover: 1,
    }
}

fn customer<T>() -> AccountId32
where
    T: Config,
    T::Currency: Mutate<AccountId32>,
{
    let customer = account("customer", 0, 0);
    let funds = ESCROW.saturating_mul(1_000).saturating_add(T::Currency::minimum_balance());
    T::Currency::set_balance(&customer, funds);
    customer
}

/// A job in state `Reserved`, and its customer.
fn placed<T>() -> (JobId, AccountId32)
where
    T: Config,
    T::Currency: Mutate<AccountId32>,
{
    let (customer, spec) = (customer::<T>(), spec::<T>());
    let offer = T::BenchmarkHelper::offer(&spec);
    let job = Pallet::<T>::do_place(customer.clone(), offer, spec).expect("the offer was made for the spec");
    T::BenchmarkHelper::withdraw(offer);
    (job, customer)
}

fn provider<T: Config>(job: JobId) -> AccountId32 {
    stored::<T>(job).provider
}

fn stored<T: Config>(job: JobId) -> JobOf<T> {
    Jobs::<T>::get(job).expect("the job is stored")
}

/// A job in state `Accepted`, and its customer.
fn accepted<T>() -> (JobId, AccountId32)
where
    T: Config,
    T::Currency: Mutate<AccountId32>,
{
    let (job, customer) = placed::<T>();
    Pallet::<T>::do_accept(&provider::<T>(job), job).expect("the job was just placed");
    (job, customer)
}

/// A job in state `Attested`, its customer, and the receipt key in the keystore.
fn attested<T>() -> (JobId, AccountId32, ed25519::Public)
where
    T: Config,
    T::Currency: Mutate<AccountId32>,
{
    let (job, customer) = accepted::<T>();
    let key: ed25519::Public = sp_io::crypto::ed25519_generate(KEYS, None);
    T::BenchmarkHelper::session(job, &provider::<T>(job), PublicKey(key.0));
    Pallet::<T>::attested(job, stored::<T>(job), Pallet::<T>::now()).expect("the session is open");
    (job, customer, key)
}

/// A job in state `Running` with pay due, its customer, and the receipt key in the keystore.
fn running<T>() -> (JobId, AccountId32, ed25519::Public)
where
    T: Config,
    T::Currency: Mutate<AccountId32>,
{
    let (job, customer, key) = attested::<T>();
    Pallet::<T>::on_checkpoint(job, &checkpoint::<T>(job), Pallet::<T>::now()).expect("the job is attested");
    // As if checkpoints had vouched for a while: the clock stands still in a benchmark.
    Jobs::<T>::mutate(job, |stored| {
        if let Some(run) = stored.as_mut().and_then(|stored| stored.run.as_mut()) {
            run.covered_ms = 1_000_000;
        }
    });
    (job, customer, key)
}

fn checkpoint<T: Config>(job: JobId) -> Checkpoint {
    Checkpoint {
        version: Checkpoint::VERSION,
        job,
        size: 1,
        root: Digest::ZERO,
        time: Pallet::<T>::now(),
        usage: Usage::default(),
        previous_size: 0,
        previous_root: Digest::ZERO,
    }
}

/// An erase receipt, and a log of which a proof of exactly this many digests shows that it holds the receipt.
fn erasure(job: JobId, digests: u32) -> (Receipt, u64, Digest, List<Digest, PER_PROOF>) {
    let seq = 0;
    let receipt = Receipt {
        version: Receipt::VERSION,
        job,
        seq,
        time: 0,
        op: Op::Erase,
        object: Digest::ZERO,
        offset: 0,
        bytes: 0,
        digest: Digest::ZERO,
        actor: Digest::ZERO,
        from: Party::GUEST,
        to: Party::GUEST,
        derived_from: Digest::ZERO,
        purpose: 0,
        salt: [0; 16],
    };
    let proof: Vec<_> = (0..digests).map(|index| Digest::of(&index.encode())).collect();
    // The first leaf's siblings all stand right of it.
    let root = proof.iter().fold(receipt_hash(&receipt), |left, right| node_hash(&left, &right.0));
    let size = 1u64.checked_shl(digests).unwrap_or(u64::MAX);
    (receipt, size, Digest(root), List::truncate_from(proof))
}

/// As if the job's deadline had come and its entry had been taken out of the queue.
fn let_it_be_overdue<T: Config>(job: JobId) {
    Jobs::<T>::mutate(job, |stored| {
        if let Some(stored) = stored {
            Pallet::<T>::unqueue(job, stored);
            stored.deadline = 0;
        }
    });
}

/// Leaves room for one entry with this deadline, in the last of all seconds that are tried for it.
fn crowd<T: Config>(deadline: Moment, before: u64) {
    let candidates = Pallet::<T>::candidates(queue::second_of(deadline), queue::next_second(Pallet::<T>::now()), before);
    let candidates: Vec<_> = candidates.collect();
    let (last, others) = candidates.split_last().expect("some second is tried");
    let filler = |count: usize| List::truncate_from(vec![JobId(u64::MAX); count]);
    for second in others {
        Due::<T>::insert(second, filler(PER_SECOND as usize));
    }
    Due::<T>::insert(last, filler(PER_SECOND as usize - 1));
}

#[benchmarks(where T::Currency: Mutate<AccountId32>)]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn place() {
        let (customer, spec) = (customer::<T>(), spec::<T>());
        let offer = T::BenchmarkHelper::offer(&spec);
        crowd::<T>(Pallet::<T>::after(Pallet::<T>::now(), T::AcceptWithin::get()), u64::MAX);

        #[extrinsic_call]
        _(RawOrigin::Signed(customer), offer, Box::new(spec));

        assert_eq!(Jobs::<T>::iter().count(), 1);
    }

    #[benchmark]
    fn accept() {
        let (job, _) = placed::<T>();

        #[extrinsic_call]
        _(RawOrigin::Signed(provider::<T>(job)), job);

        assert_eq!(stored::<T>(job).state, JobState::Accepted);
    }

    #[benchmark]
    fn attest() {
        let (job, _) = accepted::<T>();
        T::BenchmarkHelper::session(job, &provider::<T>(job), PublicKey([0; 32]));
        // The deadline comes nearer: the entry of the queue moves.
        Jobs::<T>::mutate(job, |stored| {
            if let Some(stored) = stored {
                Pallet::<T>::unqueue(job, stored);
                stored.deadline = Moment::MAX / 2;
                let _ = Pallet::<T>::schedule(job, stored, 0);
            }
        });
        let now = Pallet::<T>::now();
        let queued = stored::<T>(job).queued.expect("every job is queued");
        crowd::<T>(Pallet::<T>::after(now, T::StartWithin::get()), queued);

        #[block]
        {
            let (stored, _) = (stored::<T>(job), Pallet::<T>::policy(job));
            Pallet::<T>::attested(job, stored, now).expect("the session is open");
        }

        assert_eq!(stored::<T>(job).state, JobState::Attested);
    }

    /// At its worst the job is suspended, and there is hardly room for its earlier deadline.
    #[benchmark]
    fn renew() {
        let (job, _, _) = running::<T>();
        let now = Pallet::<T>::now();
        let until = Pallet::<T>::after(now, T::MaxSuspensionGrace::get());
        let suspension = Suspension { since: now, reason: Lapse::Expired, until };
        Jobs::<T>::mutate(job, |stored| {
            if let Some(stored) = stored {
                (stored.suspended, stored.deadline) = (Some(suspension), until);
            }
        });
        let stored = stored::<T>(job);
        crowd::<T>(Pallet::<T>::after(now, T::MinCheckpointGap::get()), stored.queued.expect("every job is queued"));

        #[block]
        {
            let (stored, _) = (self::stored::<T>(job), Pallet::<T>::policy(job));
            Pallet::<T>::renewed(job, stored, now).expect("the session is open");
        }

        assert_eq!(self::stored::<T>(job).suspended, None);
    }

    #[benchmark]
    fn settle() {
        let (job, customer, _) = running::<T>();

        #[extrinsic_call]
        _(RawOrigin::Signed(customer), job);

        assert!(stored::<T>(job).paid > 0);
    }

    #[benchmark]
    fn complete(p: Linear<0, PER_PROOF>) {
        let (job, customer, key) = running::<T>();
        let (receipt, size, root, proof) = erasure(job, p);
        let now = Pallet::<T>::now();
        T::BenchmarkHelper::head(job, Head { size, root, time: now, usage: Usage::default(), accepted_at: now });
        let completion = Completion {
            version: Completion::VERSION,
            job,
            size,
            root,
            output: Blob { digest: Digest::ZERO, bytes: 0 },
            exit: Exit::Code(0),
            erased: receipt.seq,
        };
        let genesis = frame_system::Pallet::<T>::block_hash(BlockNumberFor::<T>::zero());
        let genesis = Digest(genesis.as_ref().try_into().unwrap_or_default());
        let signature = sp_io::crypto::ed25519_sign(KEYS, &key, &completion.signing_payload(&genesis)).expect("the key was generated");
        assert_eq!(T::Logs::head(job).map(|head| head.size), Some(size));

        #[extrinsic_call]
        _(RawOrigin::Signed(customer), job, completion, Signature(signature.0), receipt, proof);

        assert_eq!(stored::<T>(job).completion, Some(completion));
    }

    #[benchmark]
    fn cancel() {
        let (job, customer, _) = running::<T>();

        #[extrinsic_call]
        _(RawOrigin::Signed(customer), job);

        assert!(!stored::<T>(job).is_live());
    }

    #[benchmark]
    fn cancel_early() {
        let (job, customer) = accepted::<T>();

        #[extrinsic_call]
        cancel(RawOrigin::Signed(customer), job);

        assert!(!Jobs::<T>::contains_key(job));
    }

    #[benchmark]
    fn top_up() {
        let (job, customer, _) = running::<T>();

        #[extrinsic_call]
        _(RawOrigin::Signed(customer), job, 1);

        assert_eq!(stored::<T>(job).deposited, ESCROW + 1);
    }

    #[benchmark]
    fn poke() {
        let (job, customer, _) = running::<T>();
        Jobs::<T>::mutate(job, |stored| stored.as_mut().map(|stored| stored.deadline = 0));

        #[extrinsic_call]
        _(RawOrigin::Signed(customer), job);

        assert!(!stored::<T>(job).is_live());
    }

    #[benchmark]
    fn on_checkpoint() {
        let (job, _, _) = attested::<T>();
        let (checkpoint, now) = (checkpoint::<T>(job), Pallet::<T>::now());
        // The deadline comes nearer, and there is hardly room for an earlier entry.
        let gap = T::MinCheckpointGap::get();
        Jobs::<T>::mutate(job, |stored| stored.as_mut().map(|stored| stored.checkpoint_gap = gap));
        let queued = stored::<T>(job).queued.expect("every job is queued");
        crowd::<T>(Pallet::<T>::after(now, gap.saturating_add(T::SilenceGrace::get())), queued);

        #[block]
        {
            Pallet::<T>::on_checkpoint(job, &checkpoint, now).expect("the job is attested");
        }

        assert_eq!(stored::<T>(job).state, JobState::Running);
    }

    /// A running job that ends: as dear as an end can be.
    #[benchmark]
    fn on_equivocation() {
        let (job, _, _) = running::<T>();
        crowd::<T>(Pallet::<T>::after(Pallet::<T>::now(), T::ClaimWindow::get()), u64::MAX);

        #[block]
        {
            Pallet::<T>::on_equivocation(job).expect("the job runs");
        }

        assert_eq!(stored::<T>(job).state, JobState::Settled(End::Equivocated));
    }

    #[benchmark]
    fn drain() {
        Cursor::<T>::put(queue::next_second(Pallet::<T>::now()));

        #[block]
        {
            Pallet::<T>::drain(&mut WeightMeter::new());
        }
    }

    #[benchmark]
    fn drain_second() {
        let now = Pallet::<T>::now();
        let mut left = 1;

        #[block]
        {
            let _ = Pallet::<T>::drain_second(0, now, &mut left, &mut WeightMeter::new());
        }
    }

    /// A running job that ends: it is paid, the rest returns, its capacity is released, and it is queued again for its claim window.
    #[benchmark]
    fn drain_job() {
        let (job, _, _) = running::<T>();
        let_it_be_overdue::<T>(job);
        let now = Pallet::<T>::now();
        crowd::<T>(Pallet::<T>::after(now, T::ClaimWindow::get()), u64::MAX);

        #[block]
        {
            assert!(Pallet::<T>::process(job, now));
        }

        assert!(!stored::<T>(job).is_live());
    }

    /// A job before its attestation: it ends and is closed at once.
    #[benchmark]
    fn drain_early() {
        let (job, _) = accepted::<T>();
        let_it_be_overdue::<T>(job);
        let now = Pallet::<T>::now();

        #[block]
        {
            assert!(Pallet::<T>::process(job, now));
        }

        assert!(!Jobs::<T>::contains_key(job));
    }

    /// An ended job that closes.
    #[benchmark]
    fn drain_close() {
        let (job, customer, _) = running::<T>();
        Pallet::<T>::do_cancel(&customer, job).expect("the job runs");
        let_it_be_overdue::<T>(job);
        let now = Pallet::<T>::now();

        #[block]
        {
            assert!(Pallet::<T>::process(job, now));
        }

        assert!(!Jobs::<T>::contains_key(job));
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
