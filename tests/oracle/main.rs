//! The same verdict as dcap-qvl on TDX evidence, the same verdict as sev on SEV-SNP evidence, and the same launch digests as sev. Makes TDX evidence and images
//! as the tests of `crates/evidence` do.

#![allow(dead_code, unused_imports)]

#[path = "../../crates/evidence/tests/snp/image.rs"]
mod image;
mod launch;
#[path = "../../crates/evidence/tests/tdx/maker.rs"]
mod maker;
mod mutant;
mod oracle;
mod snp;
#[path = "../../crates/evidence/tests/tdx/vectors.rs"]
mod vectors;
