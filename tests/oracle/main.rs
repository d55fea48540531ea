//! The same verdict as dcap-qvl on TDX evidence, and the same launch digests as sev. Makes evidence and images as the tests of `crates/evidence` do.

#![allow(dead_code, unused_imports)]

#[path = "../../crates/evidence/tests/snp/image.rs"]
mod image;
mod launch;
#[path = "../../crates/evidence/tests/tdx/maker.rs"]
mod maker;
mod mutant;
mod oracle;
#[path = "../../crates/evidence/tests/tdx/vectors.rs"]
mod vectors;
