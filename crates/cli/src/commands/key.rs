//! `blockcloud key`: keys in files, of accounts and of those who sign for others.

use crate::{
    context::{Context, signer},
    fault::as_usage,
    signing::Key,
};
use anyhow::Result;
use blockcloud_client::{Scheme, Signer, account_to_ss58};
use blockcloud_receipt_log::formats::{
    Signer as _,
    note::{NoteKey, Role},
};
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
    /// Print the public half of a key that signs for others: as PEM, or as the verifier key of a C2SP log or witness.
    Public {
        /// An ed25519 key file, a P-256 or Ed25519 key in PKCS#8 (PEM), or `ed25519:URI`.
        key: String,
        /// As verifier key of the log with this name: the first line of its notes.
        #[arg(long, value_name = "ORIGIN", conflicts_with = "witness")]
        log: Option<String>,
        /// As verifier key of the witness with this name.
        #[arg(long, value_name = "NAME")]
        witness: Option<String>,
    },
}

pub fn run(context: &Context, command: Command) -> Result<bool> {
    let signer = match command {
        Command::Generate { scheme, to } => Signer::create(&to, scheme)?,
        Command::Show { key } => signer(&key)?,
        Command::Public { key, log, witness } => {
            let public = Key::named(&key)?.public();
            let named = log.map(|name| (name, Role::Log)).or(witness.map(|name| (name, Role::Witness)));
            let text = match named {
                Some((name, role)) => NoteKey::new(&name, role, &public).map_err(as_usage)?.to_vkey(),
                None => public.to_pem()?.trim_end().to_owned(),
            };
            context.output.result(&json!({"public": text, "id": hex::encode(public.id()?)}), |_| text.clone())?;
            return Ok(true);
        }
    };
    let (account, scheme) = (signer.account(), signer.scheme());
    let address = account_to_ss58(account);
    context.output.result(&json!({"address": address, "account": account, "scheme": scheme.to_string()}), |_| {
        format!("{address}\naccount {account}\nscheme {scheme}")
    })?;
    Ok(true)
}
