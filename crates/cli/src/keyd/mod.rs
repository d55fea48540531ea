//! `blockcloud-keyd`: releases the data keys of a company's jobs, unattended, to guests that hold before the same judgement as `blockcloud job release` makes,
//! before the company's policy file, and before its security officers. It opens no port: requests and approvals are files, so that an officer's key
//! can be on another machine. Whatever it does is in its audit log before it is done.
//!
//! ```text
//! blockcloud job place --place-only     keyd                                       security officer
//!        the job's folder  ───────────► uploads, judges the guest's evidence
//!                                       state/requests/CASE.json ───────────────► blockcloud-keyd approve
//!                                       state/approvals/*.json   ◄───────────────
//!                                       state/audit.jsonl, then the envelope to the agent
//! ```

mod approval;
mod audit;
mod check;
mod policy;
mod serve;

use crate::{
    context::{now, signer},
    fault::as_usage,
    output::{Format, Output},
};
use anyhow::{Context as _, Result};
use clap::{Args, Parser, Subcommand};
use policy::Config;
use serde_json::json;
use std::{fs, path::PathBuf};

/// Releases a company's data keys unattended: to guests that hold before the evidence, the policy file and the security officers.
#[derive(Debug, Parser)]
#[command(name = "blockcloud-keyd", version, max_term_width = 120)]
pub struct Arguments {
    /// How to print the result.
    #[arg(long, global = true, value_enum, default_value = "text")]
    output: Format,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Args)]
struct Configured {
    /// The configuration and policy, as TOML.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve until stopped.
    Run(Configured),
    /// Look for what is wrong with configuration, keys, roles and audit log, and say what to do.
    Check(Configured),
    /// What waits for security officers.
    Requests(Configured),
    /// As a security officer: sign an approval of one request. The machine with your key needs nothing but the request's file.
    Approve {
        /// The request, from the daemon's `state/requests`.
        request: PathBuf,
        /// Your key: a key file, or `SCHEME:URI`.
        #[arg(long, env = "BLOCKCLOUD_KEY", hide_env_values = true)]
        key: String,
        /// For how many seconds it counts.
        #[arg(long, default_value_t = 1800)]
        lasts: u64,
        /// The daemon's `state/approvals`; without it, the approval is printed.
        #[arg(long, value_name = "FOLDER")]
        into: Option<PathBuf>,
    },
    /// Verify the audit log's chain and show it. The head that is printed last is worth noting elsewhere: it fixes everything before it.
    Audit {
        #[command(flatten)]
        configured: Configured,
        /// A head that was noted before: the log must contain it.
        #[arg(long)]
        head: Option<blockcloud_primitives::Digest>,
    },
}

/// Runs one command; `false` means that the answer is no.
pub async fn run(arguments: Arguments) -> Result<bool> {
    let output = Output::new(arguments.output);
    match arguments.command {
        Command::Run(configured) => serve::run(Config::read(&configured.config)?).await,
        Command::Check(configured) => {
            let verdict = check::check(&Config::read(&configured.config)?).await;
            output.result(&json!({"holds": verdict.holds(), "checks": verdict.checks}), |_| verdict.to_string())?;
            Ok(verdict.holds())
        }
        Command::Requests(configured) => {
            let requests = approval::requests(&Config::read(&configured.config)?.requests())?;
            output.result(&requests, |requests| {
                let lines: Vec<_> = requests.iter().map(ToString::to_string).collect();
                if lines.is_empty() { "nothing waits".into() } else { lines.join("\n\n") }
            })?;
            Ok(true)
        }
        Command::Approve { request, key, lasts, into } => {
            let request = approval::Request::read(&request).map_err(as_usage)?;
            output.say(format!("you approve that the data key is released:\n{request}"));
            let approval = request.case.approve(&signer(&key)?, now().saturating_add(lasts.saturating_mul(1000)));
            if let Some(folder) = into {
                let path = folder.join(approval.file_name());
                fs::write(&path, serde_json::to_vec_pretty(&approval)?).with_context(|| format!("cannot write {}", path.display()))?;
                output.say(format!("the approval is in {}", path.display()));
            }
            output.result(&approval, |approval| serde_json::to_string_pretty(approval).unwrap_or_default())?;
            Ok(true)
        }
        Command::Audit { configured, head } => {
            let read = audit::read(&Config::read(&configured.config)?.audit_log())?;
            let found = head.is_none_or(|head| read.heads.contains(&head));
            let result = json!({"intact": found, "head": read.head(), "entries": read.entries});
            output.result(&result, |_| {
                let lines: Vec<_> = read.entries.iter().map(ToString::to_string).collect();
                let noted = if found { "" } else { "\nFAILED: the head that was noted is not in it: entries were removed or replaced" };
                format!("{}\nhead {}{noted}", lines.join("\n"), read.head())
            })?;
            Ok(found)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }
}
