//! The same verdict as dcap-qvl on TDX evidence. Makes and changes evidence as the tests of `crates/evidence` do.

#![allow(dead_code)]

#[path = "../../crates/evidence/tests/tdx/maker.rs"]
mod maker;
#[path = "../../crates/evidence/tests/tdx/mutant.rs"]
mod mutant;
mod oracle;
#[path = "../../crates/evidence/tests/tdx/vectors.rs"]
mod vectors;
