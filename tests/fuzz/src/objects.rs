//! What is shown of an index of objects: whatever is believed is true.

use blockcloud_primitives::{Digest, JobId, Op, Party, Receipt};
use blockcloud_receipt_log::objects::{ObjectIndex, ObjectProof};

/// An index of thirteen objects, some with several receipts.
fn index() -> ObjectIndex {
    let receipt = |seq: u64| Receipt {
        version: Receipt::VERSION,
        job: JobId(1),
        seq,
        time: seq,
        op: Op::Read,
        object: Digest([u8::try_from(seq % 13 * 16 + 8).unwrap_or(0); 32]),
        offset: 0,
        bytes: 1,
        digest: Digest::ZERO,
        actor: Digest::ZERO,
        from: Party::GUEST,
        to: Party::GUEST,
        derived_from: Digest::ZERO,
        purpose: 0,
        salt: [0; 16],
    };
    ObjectIndex::over(&(0..30).map(receipt).collect::<Vec<_>>())
}

/// An object and a proof about it, as JSON.
pub fn object_proof(data: &[u8]) -> bool {
    let Ok((object, proof)) = serde_json::from_slice::<(Digest, ObjectProof)>(data) else { return false };
    let index = index();
    let (root, objects) = (index.root(), index.objects());
    let Ok(said) = proof.verify(&root, objects, &object) else { return false };
    assert_eq!(Ok(said), index.prove(&object).verify(&root, objects, &object));
    true
}

pub fn object_proof_seeds() -> Vec<Vec<u8>> {
    let index = index();
    let seed = |byte: u8| serde_json::to_vec(&(Digest([byte; 32]), index.prove(&Digest([byte; 32])))).unwrap_or_default();
    [8, 9, 1, 255, 104, 120].map(seed).to_vec()
}
