//! The bytes that others hash, sign and prove do not change by accident, and nothing malformed is read.

use blockcloud_primitives::*;
use codec::{Decode, Encode, MaxEncodedLen};

fn receipt() -> Receipt {
    Receipt {
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
    }
}

fn policy() -> Policy {
    Policy {
        regions: Allow::Only(vec!["DE-BE".parse().unwrap()].try_into().unwrap()),
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
        checkpoint_gap: 30,
        suspension_grace: 0,
    }
}

fn spec() -> JobSpec {
    JobSpec {
        workload: Workload::Wasm {
            module: Digest::of(b"module"),
            engine: Digest([5; 32]),
            fuel: 1_000,
            memory_mib: 64,
            seed: Digest::ZERO,
            args: vec!["--flag".parse().unwrap()].try_into().unwrap(),
        },
        manifest: Blob { digest: Digest::of(b"manifest"), bytes: 100 },
        inputs: List::new(),
        resources: Resources { vcpus: 1, memory_gib: 2, storage_gib: 3, gpus: 0 },
        longest_run: 600,
        policy: policy(),
        price_limit: 10,
        escrow: 6_000,
        cover: 100,
    }
}

fn binding() -> ReportBinding {
    ReportBinding {
        genesis: Digest([1; 32]),
        tee: Tee::SevSnp,
        provider: AccountId([2; 32]),
        job: JobId(3),
        terms: Digest([4; 32]),
        anchor: 5,
        anchor_hash: Digest([6; 32]),
        receipt_key: PublicKey([7; 32]),
        wrapping_key: PublicKey([8; 32]),
        tls_key: None,
        gpu_evidence: None,
        previous: None,
    }
}

mod receipt {
    use super::*;

    #[test]
    fn has_a_fixed_length() {
        assert_eq!(receipt().encode().len(), Receipt::ENCODED_LEN);
        assert_eq!(Receipt::max_encoded_len(), Receipt::ENCODED_LEN);
    }

    #[test]
    fn is_little_endian_concatenation() {
        let bytes = receipt().encode();
        assert_eq!(bytes[0], 1);
        assert_eq!(bytes[1..9], 7u64.to_le_bytes());
        assert_eq!(bytes[9..17], 3u64.to_le_bytes());
        assert_eq!(bytes[25], 1, "Op::Read");
        assert_eq!(bytes[Receipt::ENCODED_LEN - 16..], [9; 16]);
    }

    #[test]
    fn refuses_an_unknown_op() {
        let mut bytes = receipt().encode();
        bytes[25] = 11;
        assert!(Receipt::decode(&mut &bytes[..]).is_err());
    }
}

mod signing {
    use super::*;

    #[test]
    fn checkpoints_of_two_chains_sign_different_bytes() {
        let checkpoint = Checkpoint {
            version: Checkpoint::VERSION,
            job: JobId(1),
            size: 2,
            root: Digest([3; 32]),
            time: 4,
            usage: Usage::default(),
            previous_size: 0,
            previous_root: Digest::ZERO,
        };
        let payload = checkpoint.signing_payload(&Digest([1; 32]));
        assert!(payload.starts_with(b"blockcloud/checkpoint/v1"));
        assert_ne!(payload, checkpoint.signing_payload(&Digest([2; 32])));
    }

    #[test]
    fn every_field_of_a_binding_changes_the_report_data() {
        let same = binding().report_data();
        let changes: [fn(&mut ReportBinding); 12] = [
            |b| b.genesis = Digest::ZERO,
            |b| b.tee = Tee::Simulated,
            |b| b.provider = AccountId([0; 32]),
            |b| b.job = JobId(4),
            |b| b.terms = Digest::ZERO,
            |b| b.anchor = 6,
            |b| b.anchor_hash = Digest::ZERO,
            |b| b.receipt_key = PublicKey([0; 32]),
            |b| b.wrapping_key = PublicKey([0; 32]),
            |b| b.tls_key = Some(Digest::ZERO),
            |b| b.gpu_evidence = Some(Digest::ZERO),
            |b| b.previous = Some(Digest::ZERO),
        ];
        for change in changes {
            let mut other = binding();
            change(&mut other);
            assert_ne!(other.report_data(), same, "{other:?}");
        }
    }

    #[test]
    fn padding_does_not_make_evidence_new() {
        let mut evidence = Evidence {
            tee: Tee::SevSnp,
            report: vec![1; 1184].try_into().unwrap(),
            certificate: List::new(),
            anchor: 0,
            receipt_key: PublicKey([0; 32]),
            wrapping_key: PublicKey([0; 32]),
            possession: Signature([0; 64]),
        };
        let key = evidence.replay_key();
        evidence.report[1183] = 2;
        assert_eq!(evidence.replay_key(), key);
        evidence.report[0x29f] = 2;
        assert_ne!(evidence.replay_key(), key);
    }
}

mod spec {
    use super::*;

    #[test]
    fn terms_cover_the_whole_spec() {
        let mut other = spec();
        other.cover += 1;
        assert_ne!(other.terms(), spec().terms());
    }

    #[test]
    fn json_and_scale_agree() {
        let json = serde_json::to_string(&spec()).unwrap();
        assert!(json.contains(r#""price_limit":"10""#), "amounts are decimal strings: {json}");
        assert_eq!(serde_json::from_str::<JobSpec>(&json).unwrap(), spec());
        assert_eq!(JobSpec::decode(&mut &spec().encode()[..]).unwrap(), spec());
    }

    #[test]
    fn json_refuses_unknown_fields() {
        let mut json = serde_json::to_value(spec()).unwrap();
        json["polcy"] = true.into();
        assert!(serde_json::from_value::<JobSpec>(json).is_err());
    }
}

mod policy {
    use super::*;

    #[test]
    fn an_empty_list_allows_nothing() {
        let nobody = Allow::<u8, 4>::Only(List::new());
        assert!(nobody.is_empty());
        assert!(!nobody.allows(Some(&1)));
        assert!(!nobody.allows(None));
    }

    #[test]
    fn an_unknown_value_meets_no_demand() {
        let some = Allow::<u8, 4>::Only(vec![1].try_into().unwrap());
        assert!(some.allows(Some(&1)));
        assert!(!some.allows(Some(&2)));
        assert!(!some.allows(None));
        assert!(Allow::<u8, 4>::Any.allows(None));
    }

    #[test]
    fn a_firmware_level_meets_a_floor_part_by_part() {
        let level = Tcb { bootloader: 3, tee: 0, snp: 8, microcode: 115, fmc: 0 };
        assert!(level.meets(&level));
        for raise in [
            |t: &mut Tcb| t.bootloader += 1,
            |t: &mut Tcb| t.tee += 1,
            |t: &mut Tcb| t.snp += 1,
            |t: &mut Tcb| t.microcode += 1,
            |t: &mut Tcb| t.fmc += 1,
        ] {
            let mut floor = level;
            raise(&mut floor);
            assert!(!level.meets(&floor), "{floor:?}");
        }
    }
}

mod text {
    use super::*;

    #[test]
    fn refuses_bytes_that_are_not_utf8() {
        let bytes = vec![0xffu8, 0xfe].encode();
        assert!(Text::<8>::decode(&mut &bytes[..]).is_err());
    }

    #[test]
    fn refuses_what_is_too_long() {
        assert_eq!("DE-BEX1".parse::<RegionCode>(), Err(TooLong { limit: 6 }));
    }
}

mod resources {
    use super::*;

    #[test]
    fn taking_more_than_there_is_gives_nothing() {
        let free = Resources { vcpus: 4, memory_gib: 8, storage_gib: 10, gpus: 0 };
        let wanted = Resources { gpus: 1, ..free };
        assert!(!free.fits(&wanted));
        assert_eq!(free.checked_sub(&wanted), None);
        assert_eq!(free.checked_sub(&free), Some(Resources::default()));
    }

    #[test]
    fn a_rate_that_overflows_is_no_rate() {
        let price = Price { vcpu: u128::MAX, ..Price::default() };
        assert_eq!(price.rate(&Resources { vcpus: 2, ..Resources::default() }), None);
        assert_eq!(price.rate(&Resources { vcpus: 1, ..Resources::default() }), Some(u128::MAX));
    }
}

mod usage {
    use super::*;

    #[test]
    fn no_counter_may_fall() {
        let usage = Usage { cpu_ms: 1, bytes_in: 1, bytes_out: 1, bytes_stored: 1, bytes_sent: 1 };
        assert!(usage.extends(&usage));
        for lower in [
            |u: &mut Usage| u.cpu_ms = 0,
            |u: &mut Usage| u.bytes_in = 0,
            |u: &mut Usage| u.bytes_out = 0,
            |u: &mut Usage| u.bytes_stored = 0,
            |u: &mut Usage| u.bytes_sent = 0,
        ] {
            let mut later = usage;
            lower(&mut later);
            assert!(!later.extends(&usage), "{later:?}");
        }
    }
}
