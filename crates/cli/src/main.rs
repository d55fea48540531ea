//! `blockcloud`: the command line of customers, providers, certifiers and auditors.
#![forbid(unsafe_code)]

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    blockcloud_cli::blockcloud().await
}
