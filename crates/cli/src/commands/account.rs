//! `blockcloud account`: an account's money, and who may act for it.

use crate::{
    context::Context,
    output::table,
    units::{bcu, parse_bcu},
};
use anyhow::Result;
use blockcloud_client::{At, Deputy, Funds, Role, account_to_ss58, calls};
use blockcloud_primitives::{AccountId, Balance};
use clap::Subcommand;
use serde_json::{Value, json};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show what an account has, and how much of it is held for jobs, bonds and deposits.
    Show {
        /// The account; without it, you.
        account: Option<String>,
    },
    /// Send money. Your account stays alive: less than the existential deposit cannot remain.
    Send {
        /// To whom: an address, or 32 bytes in hex.
        to: String,
        /// How much, in BCU.
        #[arg(value_parser = parse_bcu)]
        amount: Balance,
    },
    /// Let another account act for yours in one role: `any`, `buyer`, `operator`, `security`, `auditor` or `treasurer`. A deposit is held meanwhile.
    Appoint {
        /// Whom: an address, or 32 bytes in hex.
        account: String,
        /// As what.
        #[arg(long)]
        role: Role,
    },
    /// End that.
    Dismiss {
        /// Whom.
        account: String,
        /// As what.
        #[arg(long)]
        role: Role,
    },
    /// Who may act for an account.
    Roles {
        /// The account; without it, you.
        account: Option<String>,
    },
}

pub async fn run(context: &Context, command: Command) -> Result<bool> {
    match command {
        Command::Show { account } => {
            let account = context.account(account.as_deref())?;
            let funds = context.chain().await?.funds(account, At::Finalised).await?;
            context.output.result(&as_json(account, &funds), |_| as_text(account, &funds))?;
        }
        Command::Send { to, amount } => {
            let (from, to) = (context.signer()?.account(), context.account(Some(&to))?);
            let chain = context.chain().await?;
            let outcome = context.submit(&chain, &calls::balances::transfer(to, amount)).await?;
            let at = At::Block(outcome.block);
            let (sender, recipient) = (chain.funds(from, at).await?, chain.funds(to, at).await?);
            let sent = json!({
                "sent": amount.to_string(), "block": outcome.number,
                "from": as_json(from, &sender), "to": as_json(to, &recipient)
            });
            context.output.result(&sent, |_| {
                format!("{} sent in final block {}\n{}\n{}", bcu(amount), outcome.number, as_text(from, &sender), as_text(to, &recipient))
            })?;
        }
        Command::Appoint { account, role } => {
            let (_, account) = (context.signer()?, context.account(Some(&account))?);
            let outcome = context.submit(&context.chain().await?, &calls::proxy::appoint(account, role)).await?;
            context.output.result(&json!({"appointed": account, "role": role.to_string(), "block": outcome.number}), |_| {
                format!("{} acts for you as {role} since final block {}", account_to_ss58(account), outcome.number)
            })?;
        }
        Command::Dismiss { account, role } => {
            let (_, account) = (context.signer()?, context.account(Some(&account))?);
            let outcome = context.submit(&context.chain().await?, &calls::proxy::dismiss(account, role)).await?;
            context.output.result(&json!({"dismissed": account, "role": role.to_string(), "block": outcome.number}), |_| {
                format!("{} no longer acts for you as {role} since final block {}", account_to_ss58(account), outcome.number)
            })?;
        }
        Command::Roles { account } => {
            let account = context.account(account.as_deref())?;
            let deputies = context.chain().await?.deputies(account, At::Finalised).await?;
            let listed: Vec<_> = deputies
                .iter()
                .map(|deputy| json!({"account": deputy.account, "role": deputy.role.to_string(), "delay_blocks": deputy.delay}))
                .collect();
            context.output.result(&listed, |_| {
                let row = |deputy: &Deputy| vec![account_to_ss58(deputy.account), deputy.role.to_string(), deputy.delay.to_string()];
                let rows: Vec<_> = deputies.iter().map(row).collect();
                if rows.is_empty() { "nobody acts for it".into() } else { table(&["account", "role", "delay in blocks"], &rows) }
            })?;
        }
    }
    Ok(true)
}

/// What of an account's free money it can spend: what is held counts towards what is frozen.
fn spendable(funds: &Funds) -> Balance {
    funds.free.saturating_sub(funds.frozen.saturating_sub(funds.held))
}

/// Amounts are strings of the smallest units: they do not fit a double.
fn as_json(account: AccountId, funds: &Funds) -> Value {
    let amount = |amount: Balance| amount.to_string();
    json!({
        "account": account, "address": account_to_ss58(account),
        "free": amount(funds.free), "held": amount(funds.held), "frozen": amount(funds.frozen), "spendable": amount(spendable(funds))
    })
}

fn as_text(account: AccountId, funds: &Funds) -> String {
    let mut text = format!("{}: {} free, {} held", account_to_ss58(account), bcu(funds.free), bcu(funds.held));
    if spendable(funds) < funds.free {
        text.push_str(&format!("; {} are frozen, so only {} can be spent", bcu(funds.frozen), bcu(spendable(funds))));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_counts_towards_what_is_frozen() {
        let cases = [((10, 0, 0), 10), ((10, 5, 5), 10), ((10, 5, 8), 7), ((10, 0, 4), 6), ((10, 0, 40), 0)];
        for ((free, held, frozen), expected) in cases {
            assert_eq!(spendable(&Funds { free, held, frozen }), expected, "{free} {held} {frozen}");
        }
    }

    #[test]
    fn amounts_are_strings_in_json_and_freezes_are_said_where_they_matter() {
        let (account, unit) = (AccountId([1; 32]), 1_000_000_000_000);
        let plain = Funds { free: 2 * unit, held: unit, frozen: unit };
        let json = as_json(account, &plain);
        assert_eq!((&json["free"], &json["spendable"]), (&"2000000000000".into(), &"2000000000000".into()));
        assert!(!as_text(account, &plain).contains("frozen"));
        let frozen = Funds { frozen: 2 * unit, ..plain };
        assert!(as_text(account, &frozen).ends_with("2 BCU are frozen, so only 1 BCU can be spent"), "{}", as_text(account, &frozen));
    }
}
