//! Evidence that is wrong in one point fails in that point, so that the key is not released.

use super::*;
use blockcloud_primitives::{
    AccountId, Allow, Blob, JobState, List, Measurement, OfferId, Policy, PublicKey, Resources, Session, Signature, SiteId, Text, Workload,
};
use blockcloud_simulator::{Processor, dev_root};

pub const AT: Moment = 1_800_000_000_000;
pub const GUEST: [u8; 48] = [7; 48];

pub fn job() -> JobView {
    let policy = Policy {
        regions: Allow::Any,
        jurisdictions: Allow::Any,
        certificates: List::new(),
        tees: vec![Tee::Simulated].try_into().unwrap(),
        firmware_floor: Tcb::default(),
        tdx_floor: Default::default(),
        legacy_hardware: false,
        chip_endorsements: 0,
        longest_session: 0,
        measurements: Measurements::Only(vec![Measurement(GUEST)].try_into().unwrap()),
        denied_providers: List::new(),
        erase_within: 60,
        recipients: List::new(),
        checkpoint_gap: 30,
        suspension_grace: 0,
    };
    let spec = JobSpec {
        workload: Workload::Wasm {
            module: Digest::ZERO,
            engine: Digest::ZERO,
            fuel: 1,
            memory_mib: 1,
            seed: Digest::ZERO,
            args: List::new(),
        },
        manifest: Blob { digest: Digest::ZERO, bytes: 1 },
        inputs: List::new(),
        resources: Resources { vcpus: 1, memory_gib: 1, storage_gib: 0, gpus: 0 },
        longest_run: 60,
        policy,
        price_limit: 1,
        escrow: 60,
        cover: 0,
    };
    JobView {
        id: JobId(5),
        customer: AccountId([1; 32]),
        provider: AccountId([2; 32]),
        endpoint: Text::default(),
        offer: OfferId(0),
        site: SiteId(1),
        state: JobState::Attested,
        deadline: 0,
        placed_at: 0,
        started_at: None,
        terms: spec.terms(),
        spec,
        rate: 1,
        deposited: 60,
        earned: 0,
        paid: 0,
        returned: 0,
        session: None,
        lapse: None,
        suspended: None,
        head: None,
        completion: None,
    }
}

pub fn setting() -> Setting {
    Setting {
        genesis: Digest([3; 32]),
        anchor_hash: Some(Digest([4; 32])),
        roots: Some(Roots { root: dev_root::ROOT.to_vec(), issuer: dev_root::ISSUER.to_vec() }),
        collateral: Vec::new(),
        root: None,
        at: AT,
    }
}

/// Evidence of a simulated guest that was launched with this measurement for these terms.
pub fn evidence(job: &JobView, measurement: [u8; 48], terms: Digest) -> Evidence {
    evidence_of(job, Tee::Simulated, measurement, terms, PublicKey([6; 32]))
}

/// The same for a guest that says what hardware it has and what its wrapping key is.
pub fn evidence_of(job: &JobView, tee: Tee, measurement: [u8; 48], terms: Digest, wrapping_key: PublicKey) -> Evidence {
    let processor = Processor::new([9; 32]);
    let receipt_key = PublicKey([5; 32]);
    let binding = ReportBinding {
        genesis: setting().genesis,
        tee,
        provider: job.provider,
        job: job.id,
        terms: job.terms,
        anchor: 8,
        anchor_hash: Digest([4; 32]),
        receipt_key,
        wrapping_key,
        tls_key: None,
        gpu_evidence: None,
        previous: None,
    };
    let report = processor.launch(measurement, terms.0).report(binding.report_data());
    Evidence {
        tee,
        report: report.to_vec().try_into().unwrap(),
        certificate: processor.certificate().to_vec().try_into().unwrap(),
        anchor: 8,
        receipt_key,
        wrapping_key,
        possession: Signature([0; 64]),
    }
}

/// The session that a chain keeps of this evidence.
pub fn session(job: &JobView, evidence: &Evidence) -> Session {
    Session {
        provider: job.provider,
        tee: evidence.tee,
        receipt_key: evidence.receipt_key,
        wrapping_key: evidence.wrapping_key,
        measurement: Measurement(GUEST),
        chip: Digest::ZERO,
        firmware: blockcloud_primitives::Firmware::SevSnp(Tcb::default()),
        previous: None,
        evidence: evidence.replay_key(),
        since: AT,
        valid_until: AT + 1,
    }
}

/// The statements that do not hold.
pub fn failures(verdict: Verdict) -> Vec<&'static str> {
    verdict.checks.into_iter().filter(|check| !check.holds).map(|check| check.claim).collect()
}

fn failing(job: &JobView, evidence: &Evidence, setting: &Setting) -> Vec<&'static str> {
    failures(judge(job, evidence, setting))
}

const ROOT: &str = "the vendor's root is one to believe";
const BINDS: &str = "it binds this chain, provider, job, block and these keys";

#[test]
fn good_evidence_holds() {
    let job = job();
    assert!(judge(&job, &evidence(&job, GUEST, job.terms), &setting()).holds());
}

#[test]
fn fails_for_another_guest() {
    let job = job();
    assert_eq!(failing(&job, &evidence(&job, [8; 48], job.terms), &setting()), ["the policy accepts this guest"]);
}

#[test]
fn fails_for_other_terms() {
    let job = job();
    assert_eq!(failing(&job, &evidence(&job, GUEST, Digest([1; 32])), &setting()), ["it was launched for this job's terms"]);
}

#[test]
fn fails_for_another_job_provider_chain_block_or_key() {
    let job = job();
    let good = evidence(&job, GUEST, job.terms);
    let other_job = JobView { id: JobId(6), ..job.clone() };
    let other_provider = JobView { provider: AccountId([9; 32]), ..job.clone() };
    assert_eq!(failing(&other_job, &good, &setting()), [BINDS]);
    assert_eq!(failing(&other_provider, &good, &setting()), [BINDS]);
    assert_eq!(failing(&job, &good, &Setting { genesis: Digest::ZERO, ..setting() }), [BINDS]);
    assert_eq!(failing(&job, &good, &Setting { anchor_hash: Some(Digest::ZERO), ..setting() }), [BINDS]);
    assert_eq!(failing(&job, &Evidence { wrapping_key: PublicKey([1; 32]), ..good }, &setting()), [BINDS]);
}

#[test]
fn fails_for_an_unknown_block() {
    let job = job();
    let setting = Setting { anchor_hash: None, ..setting() };
    assert_eq!(failing(&job, &evidence(&job, GUEST, job.terms), &setting), ["it names a block of this chain"]);
}

#[test]
fn fails_for_hardware_that_the_policy_does_not_accept() {
    let mut job = job();
    job.spec.policy.tees = vec![Tee::SevSnp].try_into().unwrap();
    let evidence = evidence(&job, GUEST, job.terms);
    assert_eq!(failing(&job, &evidence, &setting()), ["the policy accepts this kind of hardware"]);
}

#[test]
fn fails_below_the_firmware_floor() {
    let mut job = job();
    job.spec.policy.firmware_floor.snp = 255;
    let evidence = evidence(&job, GUEST, job.terms);
    assert_eq!(failing(&job, &evidence, &setting()), ["its firmware meets the policy's floor"]);
}

#[test]
fn fails_without_the_vendors_certificates_and_for_a_changed_report() {
    let job = job();
    let mut evidence = evidence(&job, GUEST, job.terms);
    assert_eq!(failing(&job, &evidence, &Setting { roots: None, ..setting() }), ["the chain holds the vendor's certificates for it"]);
    evidence.report[0x90] ^= 1;
    assert_eq!(failing(&job, &evidence, &setting()), ["the report is signed by a genuine chip in a safe state"]);
}

#[test]
fn an_empty_list_of_guests_accepts_none() {
    let mut job = job();
    job.spec.policy.measurements = Measurements::Only(List::new());
    let evidence = evidence(&job, GUEST, job.terms);
    assert_eq!(failing(&job, &evidence, &setting()), ["the policy accepts this guest"]);
}

#[test]
fn fails_for_hardware_under_a_root_that_is_not_the_vendors_unless_it_is_named() {
    let mut job = job();
    job.spec.policy.tees = vec![Tee::SevSnp].try_into().unwrap();
    let evidence = evidence_of(&job, Tee::SevSnp, GUEST, job.terms, PublicKey([6; 32]));
    assert_eq!(failing(&job, &evidence, &setting()), [ROOT]);
    assert_eq!(failing(&job, &evidence, &Setting { root: Some(Digest::ZERO), ..setting() }), [ROOT]);
    assert!(judge(&job, &evidence, &Setting { root: Some(Digest::of(dev_root::ROOT)), ..setting() }).holds());
}

#[test]
fn fails_for_a_session_of_another_guest_or_with_another_wrapping_key() {
    let mut job = job();
    let good = evidence(&job, GUEST, job.terms);
    let session = session(&job, &good);
    job.session = Some(session.clone());
    assert!(judge(&job, &good, &setting()).holds());
    job.session = Some(Session { wrapping_key: PublicKey([1; 32]), ..session.clone() });
    assert_eq!(failing(&job, &good, &setting()), ["the chain's session names the evidence's wrapping key"]);
    job.session = Some(Session { evidence: Digest::ZERO, ..session });
    assert_eq!(failing(&job, &good, &setting()), ["the chain's session rests on this evidence"]);
}

#[test]
fn fails_when_the_session_lapsed_a_moment_ago() {
    let mut job = job();
    let good = evidence(&job, GUEST, job.terms);
    job.session = Some(session(&job, &good));
    assert!(judge(&job, &good, &setting()).holds());
    job.lapse = Some(blockcloud_primitives::Lapse::ChipDenied);
    assert_eq!(failing(&job, &good, &setting()), ["the chain's session counts"]);
}

#[test]
fn judges_renewed_evidence_by_what_it_renewed() {
    let mut job = job();
    let first = evidence(&job, GUEST, job.terms);
    job.session = Some(Session { previous: Some(Digest([7; 32])), ..session(&job, &first) });
    assert_eq!(failing(&job, &first, &setting()), [BINDS]);
}

#[test]
fn fails_when_the_node_shows_another_job_than_the_customer_agreed_to() {
    const AGREED: &str = "the node shows the job that you agreed to";
    let honest = job();
    let (agreed, good) = (&honest.spec, evidence(&honest, GUEST, honest.terms));
    assert!(judge_agreed(honest.id, agreed, &honest, &good, &setting()).holds());

    // A weaker policy, with the terms that go with it and without.
    let mut weaker = honest.clone();
    weaker.spec.policy.measurements = Measurements::Approved;
    assert_eq!(failures(judge_agreed(honest.id, agreed, &weaker, &good, &setting())), [AGREED]);
    weaker.terms = weaker.spec.terms();
    assert_eq!(failures(judge_agreed(honest.id, agreed, &weaker, &good, &setting())), [AGREED]);
    let foreign = evidence(&weaker, [8; 48], weaker.terms);
    assert!(judge(&weaker, &foreign, &setting()).holds());
    let judged = failures(judge_agreed(honest.id, agreed, &weaker, &foreign, &setting()));
    assert_eq!(judged, [AGREED, "the policy accepts this guest", "it was launched for this job's terms", BINDS]);

    let other = JobView { id: JobId(6), ..honest.clone() };
    assert_eq!(failures(judge_agreed(honest.id, agreed, &other, &good, &setting())), [AGREED]);
}
