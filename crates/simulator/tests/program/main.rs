//! The program `blockcloud-simulator`, over HTTP and its command line.

mod sev_snp;
mod simulator;
mod tdx;
