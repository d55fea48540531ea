//! SCALE: what the chain, the guest and verifiers exchange.

use blockcloud_primitives::{
    Allow, Blob, Checkpoint, Digest, Evidence, JobId, JobSpec, List, Measurements, Op, Party, Policy, PublicKey, Receipt, Resources,
    Signature, SiteId, Tcb, TdxFloor, Tee, Usage, Workload,
};
use codec::{Decode, DecodeAll, Encode, MaxEncodedLen};
use std::fmt::Debug;

/// Decodes, and holds what comes of it against its bytes: each value has one encoding, within its bound.
fn decode<T: Decode + Encode + MaxEncodedLen + Debug + PartialEq>(data: &[u8]) -> Option<T> {
    let mut rest = data;
    let value = T::decode(&mut rest).ok()?;
    let read = &data[..data.len() - rest.len()];
    assert_eq!(value.encode(), read);
    assert!(read.len() <= T::max_encoded_len());
    assert_eq!(T::decode_all(&mut &read[..]).as_ref(), Ok(&value));
    Some(value)
}

pub fn evidence(data: &[u8]) -> bool {
    decode::<Evidence>(data).is_some_and(|evidence| evidence.replay_key() != Digest::ZERO)
}

pub fn evidence_seeds() -> Vec<Vec<u8>> {
    let evidence = |report: usize, certificate: usize, tee| Evidence {
        tee,
        report: vec![1; report].try_into().expect("short enough"),
        certificate: vec![2; certificate].try_into().expect("short enough"),
        anchor: 5,
        receipt_key: PublicKey([3; 32]),
        wrapping_key: PublicKey([4; 32]),
        possession: Signature([5; 64]),
    };
    vec![evidence(1184, 1300, Tee::SevSnp).encode(), evidence(70, 0, Tee::Simulated).encode(), evidence(0, 63, Tee::Tdx).encode()]
}

pub fn receipt(data: &[u8]) -> bool {
    decode::<Receipt>(data).is_some_and(|receipt| receipt.encode().len() == Receipt::ENCODED_LEN)
}

pub fn receipt_seeds() -> Vec<Vec<u8>> {
    let receipt = Receipt {
        version: Receipt::VERSION,
        job: JobId(7),
        seq: 3,
        time: 1_700_000_000_000,
        op: Op::Read,
        object: Digest([1; 32]),
        offset: 5,
        bytes: 6,
        digest: Digest([2; 32]),
        actor: Digest([3; 32]),
        from: Party::site(SiteId(4)),
        to: Party::GUEST,
        derived_from: Digest::ZERO,
        purpose: 0,
        salt: [9; 16],
    };
    vec![receipt.encode()]
}

pub fn checkpoint(data: &[u8]) -> bool {
    decode::<Checkpoint>(data).is_some_and(|checkpoint| {
        assert!(checkpoint.usage.extends(&checkpoint.usage));
        !checkpoint.signing_payload(&Digest::ZERO).is_empty()
    })
}

pub fn checkpoint_seeds() -> Vec<Vec<u8>> {
    let usage = Usage { cpu_ms: 1, bytes_in: 2, bytes_out: 3, bytes_stored: 4, bytes_sent: 5 };
    let checkpoint = Checkpoint {
        version: Checkpoint::VERSION,
        job: JobId(7),
        size: 9,
        root: Digest([1; 32]),
        time: 1_700_000_000_000,
        usage,
        previous_size: 4,
        previous_root: Digest([2; 32]),
    };
    vec![checkpoint.encode()]
}

pub fn job_spec(data: &[u8]) -> bool {
    decode::<JobSpec>(data).is_some_and(|spec| spec.terms() != Digest::ZERO)
}

pub fn job_spec_seeds() -> Vec<Vec<u8>> {
    let blob = Blob { digest: Digest([1; 32]), bytes: 100 };
    let spec = JobSpec {
        workload: Workload::Wasm {
            module: Digest([2; 32]),
            engine: Digest([5; 32]),
            fuel: 1_000,
            memory_mib: 64,
            seed: Digest::ZERO,
            args: vec!["--flag".parse().expect("short"), "wert ü".parse().expect("short")].try_into().expect("few"),
        },
        manifest: blob,
        inputs: vec![blob; 3].try_into().expect("few"),
        resources: Resources { vcpus: 1, memory_gib: 2, storage_gib: 3, gpus: 0 },
        longest_run: 600,
        policy: Policy {
            regions: Allow::Only(vec!["DE-BE".parse().expect("a region")].try_into().expect("few")),
            jurisdictions: Allow::Any,
            certificates: List::new(),
            tees: vec![Tee::SevSnp, Tee::Tdx].try_into().expect("few"),
            firmware_floor: Tcb::default(),
            tdx_floor: TdxFloor::default(),
            legacy_hardware: false,
            chip_endorsements: 1,
            longest_session: 3_600,
            measurements: Measurements::Approved,
            denied_providers: List::new(),
            erase_within: 60,
            recipients: List::new(),
            checkpoint_gap: 30,
            suspension_grace: 60,
        },
        price_limit: 10,
        escrow: 6_000,
        cover: 100,
    };
    let open =
        JobSpec { inputs: List::new(), policy: Policy { regions: Allow::Any, tees: List::new(), ..spec.policy.clone() }, ..spec.clone() };
    vec![spec.encode(), open.encode()]
}
