//! The simulated hardware of both vendors as a library, before the verifier.

mod sev_snp;
mod tdx;
