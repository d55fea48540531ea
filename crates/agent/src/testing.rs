//! What the tests of this crate share: one job, and a guest that signs like a real one.

use blockcloud_client::agent_api::SignedCheckpoint;
use blockcloud_primitives::{
    AccountId, Allow, Blob, Checkpoint, Completion, Digest, Evidence, Exit, Firmware, JobId, JobSpec, JobState, JobView, Measurement,
    Measurements, OfferId, Op, Party, Policy, PublicKey, Receipt, Resources, Session, Signature, SiteId, Tcb, Tee, Usage, Workload,
};
use blockcloud_receipt_log::{Tree, receipt_hash};
use ed25519_dalek::{Signer as _, SigningKey};

pub const JOB: JobId = JobId(5);
pub const GENESIS: Digest = Digest([9; 32]);
/// The sealed input of the job.
pub const INPUT: &[u8] = b"sealed input";
/// The sealed manifest of the job.
pub const MANIFEST: &[u8] = b"sealed manifest";

pub fn blob(content: &[u8]) -> Blob {
    Blob { digest: Digest::of(content), bytes: content.len() as u64 }
}

pub fn spec() -> JobSpec {
    JobSpec {
        workload: Workload::Wasm {
            module: Digest([1; 32]),
            engine: Digest([2; 32]),
            fuel: 1,
            memory_mib: 64,
            seed: Digest::ZERO,
            args: Default::default(),
        },
        manifest: blob(MANIFEST),
        inputs: vec![blob(INPUT)].try_into().unwrap(),
        resources: Resources { vcpus: 1, memory_gib: 1, storage_gib: 1, gpus: 0 },
        longest_run: 60,
        policy: Policy {
            regions: Allow::Any,
            jurisdictions: Allow::Any,
            certificates: Default::default(),
            tees: vec![Tee::Simulated].try_into().unwrap(),
            firmware_floor: Tcb::default(),
            tdx_floor: Default::default(),
            legacy_hardware: false,
            chip_endorsements: 0,
            longest_session: 0,
            measurements: Measurements::Approved,
            denied_providers: Default::default(),
            erase_within: 60,
            recipients: Default::default(),
            checkpoint_gap: 10,
            suspension_grace: 0,
        },
        price_limit: 100,
        escrow: 6_000,
        cover: 1,
    }
}

/// The account that signs for the customer.
pub fn customer() -> blockcloud_client::Signer {
    "//Charlie".parse().unwrap()
}

pub fn view() -> JobView {
    JobView {
        id: JOB,
        customer: customer().account(),
        provider: AccountId([8; 32]),
        endpoint: "http://agent".parse().unwrap(),
        offer: OfferId(1),
        site: SiteId(1),
        state: JobState::Reserved,
        deadline: u64::MAX,
        placed_at: 0,
        started_at: None,
        terms: spec().terms(),
        spec: spec(),
        rate: 10,
        deposited: 6_000,
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

/// A guest's keys and what it signs with them.
pub struct Guest {
    key: SigningKey,
}

impl Guest {
    pub fn new() -> Self {
        Self { key: SigningKey::from_bytes(&[42; 32]) }
    }

    pub fn another() -> Self {
        Self { key: SigningKey::from_bytes(&[43; 32]) }
    }

    fn sign(&self, payload: &[u8]) -> Signature {
        Signature(self.key.sign(payload).to_bytes())
    }

    pub fn evidence(&self) -> Evidence {
        Evidence {
            tee: Tee::Simulated,
            report: vec![7; 1184].try_into().unwrap(),
            certificate: vec![8; 100].try_into().unwrap(),
            anchor: 3,
            receipt_key: PublicKey(self.key.verifying_key().to_bytes()),
            wrapping_key: PublicKey([4; 32]),
            possession: Signature([0; 64]),
        }
    }

    pub fn session(&self) -> Session {
        let evidence = self.evidence();
        Session {
            provider: AccountId([8; 32]),
            tee: Tee::Simulated,
            receipt_key: evidence.receipt_key,
            wrapping_key: evidence.wrapping_key,
            measurement: Measurement([0; 48]),
            chip: Digest::ZERO,
            firmware: Firmware::SevSnp(Tcb::default()),
            previous: None,
            evidence: evidence.replay_key(),
            since: 0,
            valid_until: u64::MAX,
        }
    }

    pub fn receipts(&self, from: u64, to: u64) -> Vec<Receipt> {
        let receipt = |seq| Receipt {
            version: Receipt::VERSION,
            job: JOB,
            seq,
            time: 1_000 + seq,
            op: Op::Heartbeat,
            object: Digest::ZERO,
            offset: 0,
            bytes: seq,
            digest: Digest::ZERO,
            actor: Digest([3; 32]),
            from: Party::GUEST,
            to: Party::GUEST,
            derived_from: Digest::ZERO,
            purpose: 0,
            salt: [5; 16],
        };
        (from..to).map(receipt).collect()
    }

    pub fn checkpoint(&self, job: JobId, size: u64, root: Digest) -> SignedCheckpoint {
        let checkpoint = Checkpoint {
            version: Checkpoint::VERSION,
            job,
            size,
            root,
            time: 1_000 + size,
            usage: Usage::default(),
            previous_size: 0,
            previous_root: Digest(blockcloud_receipt_log::EMPTY_ROOT),
        };
        SignedCheckpoint { checkpoint, signature: self.sign(&checkpoint.signing_payload(&GENESIS)) }
    }

    /// The checkpoint over a log that begins with the first of these receipts.
    pub fn checkpoint_over(&self, receipts: &[Receipt]) -> SignedCheckpoint {
        let tree: Tree = receipts.iter().map(receipt_hash).collect();
        self.checkpoint(JOB, receipts.len() as u64, Digest(tree.root()))
    }

    pub fn completion(&self, checkpoint: &Checkpoint, output: Blob, erased: Receipt) -> crate::record::SignedCompletion {
        let completion = Completion {
            version: Completion::VERSION,
            job: checkpoint.job,
            size: checkpoint.size,
            root: checkpoint.root,
            output,
            exit: Exit::Code(0),
            erased: erased.seq,
        };
        let signature = self.sign(&completion.signing_payload(&GENESIS));
        crate::record::SignedCompletion { completion, signature, erase_receipt: erased }
    }
}

/// Receipts as they are handed over.
pub fn encoded(receipts: &[Receipt]) -> Vec<u8> {
    receipts.iter().flat_map(codec::Encode::encode).collect()
}
