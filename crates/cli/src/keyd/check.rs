//! `blockcloud-keyd check`: what would keep the daemon from its work, with the advice.

use super::{audit, policy::Config};
use crate::{trust, verdict::Verdict};
use anyhow::{Context as _, Result, ensure};
use blockcloud_client::{At, Chain, Deputy, Role, Signer, account_to_ss58};
use blockcloud_primitives::{AccountId, Digest};
use blockcloud_seal::DataKey;

/// Whether this account may act for this customer as `security`.
fn acts(account: AccountId, customer: AccountId, deputies: &[Deputy]) -> bool {
    account == customer || deputies.iter().any(|deputy| deputy.is(account, Role::Security))
}

/// Connects to the node, and refuses one of another chain.
pub async fn connect(config: &Config) -> Result<Chain> {
    let chain = Chain::connect_within(&config.node, config.timeout()).await?;
    let (wanted, found) = (config.genesis, chain.genesis());
    ensure!(wanted == found, "the node at {} follows the chain with genesis {found}, not {wanted}", config.node);
    Ok(chain)
}

/// Answers every question.
pub async fn check(config: &Config) -> Verdict {
    let mut verdict = Verdict::default();
    verdict.result("the audit log is whole", audit::read(&config.audit_log()), |audit| {
        format!("{} entries, head {}", audit.entries.len(), audit.head())
    });
    if config.policy.root.is_some() {
        verdict.result("the vendor's root can be read", trust::root(config.policy.root.as_deref()), |_| String::new());
    }
    verdict.result("data keys can be opened", opened(config), |how| (*how).to_owned());
    let home = std::fs::read_dir(&config.home).map_err(|error| format!("{}: {error}", config.home.display()));
    verdict.result("the folder with the jobs can be read", home, |_| config.home.display().to_string());
    let signer =
        Signer::read(&config.key).with_context(|| format!("make one with `blockcloud key generate --to {}`", config.key.display()));
    let own = verdict.result("the daemon has a key", signer.map_err(chained), |signer| account_to_ss58(signer.account()));
    let Some(chain) = verdict.result("a node of the chain answers", connect(config).await.map_err(chained), |chain| chain.url().to_owned())
    else {
        return verdict;
    };
    for customer in &config.policy.customers {
        let deputies = match chain.deputies(*customer, At::Finalised).await {
            Ok(deputies) => deputies,
            Err(error) => {
                verdict.check("the chain says who acts for the customer", false, error.to_string());
                continue;
            }
        };
        let mut named = |claim, account: AccountId| {
            let (who, whom) = (account_to_ss58(account), account_to_ss58(*customer));
            let holds = acts(account, *customer, &deputies);
            let advice = if holds {
                String::new()
            } else {
                format!(": with the customer's key, `blockcloud account appoint {who} --role security`")
            };
            verdict.check(claim, holds, format!("{who} for {whom}{advice}"));
        };
        if let Some(own) = &own {
            named("the daemon acts for the customer as `security`", own.account());
        }
        for officer in &config.policy.officers {
            named("the officer acts for the customer as `security`", *officer);
        }
    }
    verdict
}

/// An error with all of its causes.
fn chained(error: anyhow::Error) -> String {
    format!("{error:#}")
}

/// Seals a key that is nobody's and opens it again, where this configuration can seal.
fn opened(config: &Config) -> Result<&'static str, String> {
    let (key, terms) = (DataKey::generate(), Digest::ZERO);
    let Ok(sealed) = config.keys.seal(&key, &terms) else {
        return Ok("not tried: this configuration does not say how they are sealed");
    };
    let opened = config.keys.open(&sealed, &terms).map_err(chained)?;
    if opened == key { Ok("sealed one, and opened it") } else { Err("another key came out than was sealed".into()) }
}
