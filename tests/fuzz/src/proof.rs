//! What a chain proves to somebody who is offline, as an audit bundle carries it.

use blockcloud_client::proof::{ChainProof, JobRecord, Proved, keys, testing};
use blockcloud_primitives::{AccountId, Blob, Completion, Digest, End, Exit, Head, JobId, JobState, OfferId, Resources, SiteId, Usage};
use codec::{Decode, Encode};
use std::sync::LazyLock;

const JOB: JobId = JobId(5);
static GENESIS: LazyLock<Digest> = LazyLock::new(testing::genesis);

/// Reads everything of a block's state that an audit asks for, and holds it against its encoding. Whether all of it is there.
fn read(proved: &Proved) -> bool {
    let record = proved.job(JOB);
    let spec = proved.spec(JOB);
    let head = proved.head(JOB);
    if let Ok(Some(record)) = &record {
        assert_eq!(JobRecord::decode(&mut &record.encode()[..]).as_ref(), Ok(record));
    }
    matches!((record, spec, head), (Ok(Some(_)), Ok(Some(_)), Ok(Some(_))))
}

/// Verifies a proof from the first block on; the same proof says the same again.
fn verify(proof: &ChainProof) -> bool {
    let first = proof.verify(*GENESIS, None);
    let again = proof.verify(*GENESIS, None);
    assert_eq!(first.as_ref().map(|proved| proved.hash).map_err(Clone::clone), again.map(|proved| proved.hash));
    assert!(proof.verify(Digest::ZERO, None).is_err(), "no chain begins with a block whose hash is zero");
    first.is_ok_and(|proved| read(&proved))
}

fn parse(data: &[u8]) -> Option<ChainProof> {
    let proof: ChainProof = serde_json::from_slice(data).ok()?;
    let written = serde_json::to_vec(&proof).expect("a proof has a JSON form");
    assert_eq!(serde_json::from_slice::<ChainProof>(&written).as_ref().ok(), Some(&proof));
    Some(proof)
}

pub fn chain_proof(data: &[u8]) -> bool {
    parse(data).is_some_and(|proof| verify(&proof))
}

pub fn chain_proof_seeds() -> Vec<Vec<u8>> {
    let whole = proof();
    let anonymous = ChainProof { first: None, ..whole.clone() };
    let empty = testing::finalised(&[]);
    [whole, anonymous, empty].iter().map(|proof| serde_json::to_vec(proof).expect("a proof has a JSON form")).collect()
}

/// As `chain_proof`, but what the input ends in is justified anew by the authorities, so that changed headers and states are looked into.
pub fn chain_proof_signed(data: &[u8]) -> bool {
    parse(data).is_some_and(|mut proof| testing::justify_anew(&mut proof) && verify(&proof))
}

pub fn chain_proof_signed_seeds() -> Vec<Vec<u8>> {
    let mut longer = proof();
    // A header that does not follow.
    longer.descendants.push(longer.header.clone());
    chain_proof_seeds().into_iter().chain([serde_json::to_vec(&longer).expect("a proof has a JSON form")]).collect()
}

/// A final state that holds whatever the input says: three values, each with its length before it.
pub fn chain_state(data: &[u8]) -> bool {
    let mut rest = data;
    let Ok([job, spec, log]) = <[Vec<u8>; 3]>::decode(&mut rest) else { return false };
    let proof = testing::finalised(&[(keys::job(JOB), job), (keys::spec(JOB), spec), (keys::log(JOB), log)]);
    let proved = proof.verify(*GENESIS, None).expect("its authorities signed it");
    assert!(proved.job(JobId(6)).is_ok_and(|other| other.is_none()), "absence is proved as well");
    read(&proved)
}

pub fn chain_state_seeds() -> Vec<Vec<u8>> {
    let [job, spec, log] = values();
    vec![[job.clone(), spec.clone(), log].encode(), [job, spec, (7_u64, None::<Head>, true).encode()].encode()]
}

/// Job, spec and log as the chain stores them.
fn values() -> [Vec<u8>; 3] {
    let head = Head { size: 9, root: Digest([4; 32]), time: 3, usage: Usage::default(), accepted_at: 4 };
    let output = Blob { digest: Digest([6; 32]), bytes: 7 };
    let record = JobRecord {
        customer: AccountId([1; 32]),
        provider: AccountId([2; 32]),
        offer: OfferId(1),
        site: SiteId(1),
        terms: Digest([3; 32]),
        resources: Resources::default(),
        rate: 1,
        longest_run: 60,
        checkpoint_gap: 10,
        state: JobState::Settled(End::Completed),
        placed_at: 1,
        deadline: 2,
        queued: Some(3),
        session_until: Some(9),
        suspended: None,
        run: Some((1, 2, 3, 4)),
        completion: Some(Completion { version: 1, job: JOB, size: 9, root: head.root, output, exit: Exit::Code(0), erased: 8 }),
        deposit: 1,
        deposited: 2,
        paid: 1,
        returned: 1,
    };
    // The spec is compared with another's bytes and not decoded here.
    [record.encode(), vec![8; 100], (5_u64, Some(head), false).encode()]
}

fn proof() -> ChainProof {
    let [job, spec, log] = values();
    testing::finalised(&[(keys::job(JOB), job), (keys::spec(JOB), spec), (keys::log(JOB), log)])
}
