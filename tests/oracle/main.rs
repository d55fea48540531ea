//! The same verdict as dcap-qvl on TDX evidence. Makes evidence as the tests of `crates/evidence` do.

#![allow(dead_code)]

#[path = "../../crates/evidence/tests/tdx/maker.rs"]
mod maker;
mod mutant;
mod oracle;
#[path = "../../crates/evidence/tests/tdx/vectors.rs"]
mod vectors;
