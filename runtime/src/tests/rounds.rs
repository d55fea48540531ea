//! Rounds and equivocation through the real pallets: what a checkpoint out of a round does to its job, and what a proof does.

use super::chain;
use crate::{AccountId, Bonds, Jobs, Offers, Receipts, Runtime, RuntimeOrigin, Timestamp, UNIT, config::market::Guests, genesis::DEV};
use blockcloud_evidence::snp::Product;
use blockcloud_primitives::{
    AggregatorId, Allow, Blob, Checkpoint, Digest, End, Equivocation, Firmware, JobId, JobSpec, JobState, List, Measurement, Measurements,
    Moment, OfferTerms, Policy, Price, PublicKey, Resources, Round, Session, Signature, SignedCheckpoint, SignedRound, SiteId, SlotEntry,
    Tcb, Tee, Usage, Workload,
};
use blockcloud_receipt_log::{EMPTY_ROOT, SlotTree, Tree, leaf_hash, slot_hash};
use frame_support::{assert_noop, assert_ok, traits::Time};
use pallet_receipts::{Error, Sessions as _};
use sp_core::{Pair, ed25519};
use sp_keyring::Sr25519Keyring::{Alice, Bob, Charlie};

const JOB: JobId = JobId(0);
const AGGREGATOR: AggregatorId = AggregatorId(0);
const SECOND: Moment = 1_000;
const START: Moment = 1_800_000_000_000;

fn customer() -> AccountId {
    Alice.to_account_id()
}

fn provider() -> AccountId {
    Bob.to_account_id()
}

fn signed(account: AccountId) -> RuntimeOrigin {
    RuntimeOrigin::signed(account)
}

fn set_time(now: Moment) {
    pallet_timestamp::Now::<Runtime>::put(now);
}

fn genesis() -> Digest {
    Digest(frame_system::Pallet::<Runtime>::block_hash(0).0)
}

fn key(seed: u8) -> ed25519::Pair {
    ed25519::Pair::from_seed(&[seed; 32])
}

fn spec() -> JobSpec {
    JobSpec {
        workload: Workload::Wasm {
            module: Digest::ZERO,
            engine: Digest::ZERO,
            fuel: 1,
            memory_mib: 1,
            seed: Digest::ZERO,
            args: List::new(),
        },
        manifest: Blob { digest: Digest::ZERO, bytes: 8 },
        inputs: List::new(),
        resources: Resources { vcpus: 1, memory_gib: 1, storage_gib: 1, gpus: 0 },
        longest_run: 1_000,
        policy: Policy {
            regions: Allow::Any,
            jurisdictions: Allow::Any,
            certificates: List::new(),
            tees: vec![Tee::SevSnp].try_into().unwrap(),
            firmware_floor: Tcb::default(),
            tdx_floor: Default::default(),
            legacy_hardware: false,
            chip_endorsements: 0,
            longest_session: 0,
            measurements: Measurements::Approved,
            denied_providers: List::new(),
            erase_within: 60,
            recipients: List::new(),
            checkpoint_gap: 60,
            suspension_grace: 0,
        },
        price_limit: 1_000,
        escrow: 10_000,
        cover: UNIT / 2,
    }
}

/// A session of the job whose evidence needs nothing but what is stored here.
fn session(since: Moment, previous: Option<Digest>, valid_until: Moment) {
    let hardware = (Tee::SevSnp, Product::Genoa);
    let roots = pallet_attestation::Roots { root: Default::default(), issuer: Default::default() };
    let issuer = Digest(sp_io::hashing::sha2_256(&roots.issuer));
    pallet_attestation::RootsOf::<Runtime>::insert(hardware, roots);
    pallet_attestation::Floors::<Runtime>::insert(hardware, pallet_attestation::Scheduled::at_once(Tcb::default()));
    let session = Session {
        provider: blockcloud_primitives::AccountId(provider().into()),
        tee: Tee::SevSnp,
        receipt_key: PublicKey(key(1).public().0),
        wrapping_key: PublicKey([0; 32]),
        measurement: Measurement([0; 48]),
        chip: Digest::ZERO,
        firmware: Firmware::SevSnp(Tcb::default()),
        evidence: Digest::ZERO,
        previous,
        since,
        valid_until,
    };
    let basis = pallet_attestation::Basis::SevSnp { product: Product::Genoa, issuer };
    let approved_by = pallet_attestation::ApprovedBy::Customer;
    pallet_attestation::Sessions::<Runtime>::insert(JOB, pallet_attestation::Guest { session, basis, approved_by, endorsements: 0 });
}

/// An accepted job with a live session and an open log, as after its attestation, registered by its customer with an aggregator.
fn attested() {
    set_time(START);
    assert_ok!(Bonds::bond(signed(provider()), UNIT));
    assert_ok!(Offers::register(signed(provider()), "https://a".parse().unwrap()));
    assert_ok!(Offers::add_site(signed(provider())));
    let site = SiteId(pallet_offers::NextSite::<Runtime>::get().0 - 1);
    let offer = pallet_offers::NextOffer::<Runtime>::get();
    let price = Price { vcpu: 5, memory_gib: 3, storage_gib: 2, gpu: 0 };
    let (tees, total) = (spec().policy.tees, spec().resources);
    let terms = OfferTerms { site, tees, total, price, opens: 0, closes: Moment::MAX, longest_job: 1_000, cover_per_job: UNIT };
    assert_ok!(Offers::publish(signed(provider()), terms));
    assert_ok!(Jobs::place(signed(customer()), offer, Box::new(spec())));
    assert_ok!(Jobs::accept(signed(provider()), JOB));
    session(START, None, Moment::MAX);
    assert_ok!(Receipts::open(JOB));
    pallet_jobs::Jobs::<Runtime>::mutate(JOB, |job| {
        let job = job.as_mut().unwrap();
        (job.state, job.session_until, job.deadline) = (JobState::Attested, Some(Moment::MAX), START + 900 * SECOND);
    });
    assert_ok!(Receipts::register_aggregator(signed(Charlie.to_account_id()), PublicKey(key(2).public().0), 4));
    assert_ok!(Receipts::register_source(signed(customer()), AGGREGATOR, JOB, None));
}

/// The guest's log after so many receipts, and its checkpoint of it.
fn checkpoint(size: u64, previous: u64, time: Moment) -> (Tree, SignedCheckpoint) {
    let log = |size: u64| (0..size).map(|index| leaf_hash(&index.to_le_bytes())).collect::<Tree>();
    let root = |tree: &Tree| Digest(if tree.size() == 0 { EMPTY_ROOT } else { tree.root() });
    let tree = log(size);
    let checkpoint = Checkpoint {
        version: Checkpoint::VERSION,
        job: JOB,
        size,
        root: root(&tree),
        time,
        usage: Usage::default(),
        previous_size: previous,
        previous_root: root(&log(previous)),
    };
    let signature = Signature(key(1).sign(&checkpoint.signing_payload(&genesis())).0);
    (tree, SignedCheckpoint { checkpoint, signature })
}

fn sign(round: Round) -> SignedRound {
    SignedRound { round, signature: Signature(key(2).sign(&round.signing_payload(&genesis())).0) }
}

/// Commits a round with this checkpoint in slot zero now. Answers entry and path.
fn commit(number: u64, signed_checkpoint: SignedCheckpoint) -> (SlotEntry, List<Digest, 30>) {
    let entry = SlotEntry::new(signed_checkpoint.checkpoint, signed_checkpoint.signature);
    let tree = SlotTree::of_slots(4, vec![(0, slot_hash(Some(&entry)))]).unwrap();
    let time = <Timestamp as Time>::now();
    let round = Round { version: 1, aggregator: AGGREGATOR, number, root: Digest(tree.root()), filled: 1, receipts: 1, time };
    let SignedRound { round, signature } = sign(round);
    assert_ok!(Receipts::commit_round(signed(Charlie.to_account_id()), round, signature));
    let path = tree.path(0).unwrap().into_iter().map(Digest).collect::<Vec<_>>();
    (entry, path.try_into().unwrap())
}

/// Brings what stands in slot zero of a round.
fn bring(number: u64, (entry, path): (SlotEntry, List<Digest, 30>), proof: &[[u8; 32]]) -> sp_runtime::DispatchResult {
    let proof = proof.iter().copied().map(Digest).collect::<Vec<_>>().try_into().unwrap();
    Receipts::checkpoint_in_round(signed(Charlie.to_account_id()), AGGREGATOR, number, 0, entry, path, proof)
}

#[test]
fn a_checkpoint_out_of_a_round_starts_the_job_and_earns_as_of_the_rounds_moment() {
    chain(DEV).execute_with(|| {
        attested();
        set_time(START + 10 * SECOND);
        let first = commit(0, checkpoint(5, 0, START + 9 * SECOND).1);
        set_time(START + 40 * SECOND);
        let (tree, second) = checkpoint(8, 5, START + 39 * SECOND);
        let second = commit(1, second);
        // Both are brought later, in their order.
        set_time(START + 55 * SECOND);
        assert_ok!(bring(0, first, &[]));
        assert_eq!(Jobs::job(JOB).map(|job| (job.state, job.run.unwrap().started_at)), Some((JobState::Running, START + 10 * SECOND)));
        assert_ok!(bring(1, second.clone(), &tree.consistency_proof(5, 8).unwrap()));
        let job = Jobs::job(JOB).unwrap();
        assert_eq!((job.earned(), job.run.unwrap().last_checkpoint), (10 * 30, START + 40 * SECOND));
        assert_noop!(bring(1, second, &tree.consistency_proof(5, 8).unwrap()), Error::<Runtime>::Stale);
    });
}

#[test]
fn only_the_parties_of_a_job_register_it() {
    chain(DEV).execute_with(|| {
        attested();
        assert_ok!(Receipts::register_aggregator(signed(Charlie.to_account_id()), PublicKey([1; 32]), 4));
        let register = |account| Receipts::register_source(signed(account), AggregatorId(1), JOB, None);
        assert_noop!(register(Charlie.to_account_id()), Error::<Runtime>::NotParty);
        assert_ok!(register(provider()));
    });
}

#[test]
fn a_session_speaks_for_no_moment_before_it_began_unless_it_was_renewed() {
    chain(DEV).execute_with(|| {
        set_time(START + 10 * SECOND);
        let receipt_key = |at| <Guests as pallet_receipts::Sessions>::receipt_key(JOB, at);
        let expected = Some(PublicKey(key(1).public().0));
        assert_eq!((receipt_key(START), Guests::known_key(JOB)), (None, None));
        let chip = pallet_attestation::Chip {
            provider: provider(),
            site: SiteId(1),
            deposit: 0,
            sessions: 1,
            endorsements: Default::default(),
            key: None,
        };
        pallet_attestation::Chips::<Runtime>::insert(Digest::ZERO, chip);
        session(START, None, Moment::MAX);
        assert_eq!((receipt_key(START - 1), receipt_key(START), receipt_key(START + SECOND)), (None, expected, expected));
        session(START, Some(Digest::ZERO), Moment::MAX);
        assert_eq!(receipt_key(START - 1), expected);
        // One that is over speaks for no moment at all, but its key stays known.
        session(START, None, START + 10 * SECOND);
        assert_eq!((receipt_key(START + SECOND), Guests::known_key(JOB)), (None, expected));
    });
}

#[test]
fn a_guest_that_signed_two_histories_ends_its_job_and_stands_in_the_providers_record() {
    chain(DEV).execute_with(|| {
        attested();
        let (_, first) = checkpoint(5, 0, START + SECOND);
        let (_, second) = checkpoint(7, 0, START + 2 * SECOND);
        let proof = Box::new(Equivocation::Checkpoints([first, second]));
        assert_ok!(Receipts::report_equivocation(signed(Charlie.to_account_id()), proof.clone()));
        assert_eq!(Jobs::job(JOB).map(|job| job.state), Some(JobState::Settled(End::Equivocated)));
        let record = pallet_offers::Providers::<Runtime>::get(provider()).unwrap().record;
        assert_eq!((record.equivocated, record.failed), (1, 0));
        assert_eq!(pallet_bonds::Bonds::<Runtime>::get(provider()).unwrap().reserved, UNIT / 2);
        let again = Receipts::report_equivocation(signed(Charlie.to_account_id()), proof);
        assert_noop!(again, Error::<Runtime>::AlreadyReported);
    });
}

#[test]
fn an_aggregator_that_signed_two_rounds_loses_its_stake_and_its_sources_may_leave() {
    chain(DEV).execute_with(|| {
        use frame_support::traits::fungible::hold::Inspect as _;
        attested();
        let owner = Charlie.to_account_id();
        let reason = pallet_receipts::HoldReason::Aggregator.into();
        let (held, issued) = (crate::Balances::balance_on_hold(&reason, &owner), crate::Balances::total_issuance());
        assert!(held > 10 * UNIT && held < 14 * UNIT, "{held}");
        let round = Round { version: 1, aggregator: AGGREGATOR, number: 0, root: Digest::ZERO, filled: 1, receipts: 1, time: START };
        let proof = Equivocation::Rounds([sign(round), sign(Round { receipts: 2, ..round })]);
        assert_ok!(Receipts::report_equivocation(signed(provider()), Box::new(proof)));
        assert_eq!((crate::Balances::balance_on_hold(&reason, &owner), crate::Balances::total_issuance()), (0, issued - held));
        assert_ok!(Receipts::withdraw_source(signed(provider()), AGGREGATOR, 0));
        assert_ok!(Receipts::retire_aggregator(signed(provider()), AGGREGATOR));
        assert_eq!(Receipts::aggregator_view(AGGREGATOR), None);
    });
}
