//! `blockcloud-keyd`: releases a company's data keys unattended.
#![forbid(unsafe_code)]

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    blockcloud_cli::keyd().await
}
