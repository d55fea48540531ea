//! Reference values: what a good guest measures, computed off chain from what it is started from.
//!
//! For whoever approves a measurement, and for whoever wants to know what stands behind an approved one. Not here: the judgement over
//! evidence, and reading of files.

pub mod snp;
pub mod tdx;
