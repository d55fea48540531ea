//! `blockcloud proof`: RFC 9162 proofs as JSON on stdin, answered by exit code.

use crate::context::Context;
use anyhow::Result;
use blockcloud_receipt_log::document::{ConsistencyDocument, Defect, InclusionDocument};
use clap::Subcommand;
use serde_json::json;
use std::io::Read as _;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// That a leaf is in a tree: {leafIdx, treeSize, root, leafHash, proof} with base64 hashes.
    Inclusion,
    /// That one tree continues another: {size1, size2, root1, root2, proof} with base64 hashes.
    Consistency,
}

pub fn run(context: &Context, command: Command) -> Result<bool> {
    let mut text = String::new();
    let read = std::io::stdin().read_to_string(&mut text).map_err(|error| error.to_string());
    let verdict: Result<Result<(), Defect>, String> = read.and_then(|_| match command {
        Command::Inclusion => {
            serde_json::from_str(&text).map(|proof: InclusionDocument| proof.verdict()).map_err(|error| error.to_string())
        }
        Command::Consistency => {
            serde_json::from_str(&text).map(|proof: ConsistencyDocument| proof.verdict()).map_err(|error| error.to_string())
        }
    });
    match verdict {
        Ok(verdict) => {
            let holds = verdict.is_ok();
            let reason = verdict.err().map(|defect| defect.to_string());
            context.output.result(&json!({"holds": holds, "reason": reason}), |_| match &reason {
                None => "the proof holds".into(),
                Some(reason) => format!("the proof does not hold: {reason}"),
            })?;
            Ok(holds)
        }
        Err(reason) => {
            eprintln!("error: stdin is not a proof as JSON: {reason}");
            eprintln!("advice: see `blockcloud proof --help` for the fields; hashes are base64");
            std::process::exit(2);
        }
    }
}
