//! `blockcloud key`: account keys in files.

use crate::context::{Context, signer};
use anyhow::Result;
use blockcloud_client::{Scheme, Signer, account_to_ss58};
use clap::Subcommand;
use serde_json::json;
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a new key from the system's randomness. An existing file is never overwritten.
    Generate {
        /// Signature scheme.
        #[arg(long, default_value = "sr25519")]
        scheme: Scheme,
        /// The file to write; only you will be able to read it.
        #[arg(long)]
        to: PathBuf,
    },
    /// Show a key's account. The secret is never shown.
    Show {
        /// A key file, or `SCHEME:URI`.
        key: String,
    },
}

pub fn run(context: &Context, command: Command) -> Result<bool> {
    let signer = match command {
        Command::Generate { scheme, to } => Signer::create(&to, scheme)?,
        Command::Show { key } => signer(&key)?,
    };
    let (account, scheme) = (signer.account(), signer.scheme());
    let address = account_to_ss58(account);
    context.output.result(&json!({"address": address, "account": account, "scheme": scheme.to_string()}), |_| {
        format!("{address}\naccount {account}\nscheme {scheme}")
    })?;
    Ok(true)
}
