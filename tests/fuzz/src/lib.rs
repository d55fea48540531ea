//! What is fuzzed: one target for each decoder, with seeds that it believes.
//!
//! Items that are read only after their signature was verified are signed here as they were changed, under a private root. A target says
//! whether its decoder believed the input: nothing depends on that while fuzzing, and the tests below hold it against the seeds, so that no
//! target stops at the first check. Logs in other people's formats, and what a chain proves, are signed anew where a signature would stop everything else. Evidence is made as the tests of `crates/evidence` do.
#![allow(dead_code)]

mod formats;
#[path = "../../../crates/evidence/tests/snp/image.rs"]
mod image;
mod lanes;
#[path = "../../../crates/evidence/tests/tdx/maker.rs"]
#[allow(unused_imports)]
mod maker;
mod objects;
mod proof;
mod reference;
mod scale;
mod snp;
mod tdx;
mod tiles;
#[path = "../../../crates/evidence/tests/tdx/vectors.rs"]
mod vectors;

/// A decoder under test.
pub struct Target {
    /// What it is called on the command line.
    pub name: &'static str,
    /// Decodes; panics where it should not, and where what it yields breaks a promise. Returns whether the input was believed.
    pub run: fn(&[u8]) -> bool,
    /// What to begin with, made here and, where they are present, of genuine vectors.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// Every decoder.
pub const TARGETS: &[Target] = &[
    Target { name: "snp_report", run: snp::report, seeds: snp::report_seeds },
    Target { name: "snp_certificate", run: snp::certificate, seeds: snp::certificate_seeds },
    Target { name: "snp_verify", run: snp::verify, seeds: snp::verify_seeds },
    Target { name: "tdx_quote", run: tdx::quote, seeds: tdx::quote_seeds },
    Target { name: "pem_chain", run: tdx::pem_chain, seeds: tdx::pem_chain_seeds },
    Target { name: "root_crl", run: tdx::root_crl, seeds: tdx::root_crl_seeds },
    Target { name: "pck_crl", run: tdx::pck_crl, seeds: tdx::pck_crl_seeds },
    Target { name: "tcb_info", run: tdx::tcb_info, seeds: tdx::tcb_info_seeds },
    Target { name: "qe_identity", run: tdx::qe_identity, seeds: tdx::qe_identity_seeds },
    Target { name: "tdx_verify", run: tdx::verify, seeds: tdx::verify_seeds },
    Target { name: "event_log", run: reference::event_log, seeds: reference::event_log_seeds },
    Target { name: "firmware", run: reference::firmware, seeds: reference::firmware_seeds },
    Target { name: "evidence", run: scale::evidence, seeds: scale::evidence_seeds },
    Target { name: "receipt", run: scale::receipt, seeds: scale::receipt_seeds },
    Target { name: "checkpoint", run: scale::checkpoint, seeds: scale::checkpoint_seeds },
    Target { name: "frontier", run: tiles::frontier, seeds: tiles::frontier_seeds },
    Target { name: "tile_path", run: tiles::tile_path, seeds: tiles::tile_path_seeds },
    Target { name: "tiles", run: tiles::tiles, seeds: tiles::tiles_seeds },
    Target { name: "lanes", run: lanes::lanes, seeds: lanes::lanes_seeds },
    Target { name: "cose_inclusion", run: formats::cose_inclusion, seeds: formats::cose_inclusion_seeds },
    Target { name: "cose_consistency", run: formats::cose_consistency, seeds: formats::cose_consistency_seeds },
    Target { name: "cose_statement", run: formats::cose_statement, seeds: formats::cose_statement_seeds },
    Target { name: "cose_signed", run: formats::cose_signed, seeds: formats::cose_signed_seeds },
    Target { name: "note", run: formats::note, seeds: formats::note_seeds },
    Target { name: "note_signed", run: formats::note_signed, seeds: formats::note_signed_seeds },
    Target { name: "tlog_proof", run: formats::tlog_proof, seeds: formats::tlog_proof_seeds },
    Target { name: "verifier_key", run: formats::verifier_key, seeds: formats::verifier_key_seeds },
    Target { name: "public_key", run: formats::public_key, seeds: formats::public_key_seeds },
    Target { name: "chain_proof", run: proof::chain_proof, seeds: proof::chain_proof_seeds },
    Target { name: "chain_proof_signed", run: proof::chain_proof_signed, seeds: proof::chain_proof_signed_seeds },
    Target { name: "chain_state", run: proof::chain_state, seeds: proof::chain_state_seeds },
    Target { name: "object_proof", run: objects::object_proof, seeds: objects::object_proof_seeds },
    Target { name: "job_spec", run: scale::job_spec, seeds: scale::job_spec_seeds },
];

#[cfg(test)]
mod tests {
    use super::*;
    // Brings what the counters call, if there are any.
    use libfuzzer_sys as _;

    #[test]
    fn every_target_believes_its_first_seed() {
        for target in TARGETS {
            let seeds = (target.seeds)();
            assert!((target.run)(&seeds[0]), "{}", target.name);
            for seed in &seeds {
                (target.run)(seed);
            }
        }
    }

    #[test]
    fn no_target_believes_nothing() {
        for target in TARGETS {
            assert!(!(target.run)(&[]), "{}", target.name);
        }
    }
}
