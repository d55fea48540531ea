//! `blockcloud bond`: the money with which a provider stands in for harm.

use crate::{
    context::Context,
    units::{bcu, parse_bcu},
};
use anyhow::Result;
use blockcloud_client::{At, calls};
use blockcloud_primitives::Balance;
use clap::Subcommand;
use serde_json::json;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Lock more.
    Add {
        /// How much, in BCU.
        #[arg(value_parser = parse_bcu)]
        amount: Balance,
    },
    /// Start to unlock; it can be withdrawn when the waiting time is over.
    Remove {
        /// How much, in BCU.
        #[arg(value_parser = parse_bcu)]
        amount: Balance,
    },
    /// Take back what has waited long enough.
    Withdraw,
    /// Show a bond.
    Show {
        /// The provider; without it, you.
        account: Option<String>,
    },
}

pub async fn run(context: &Context, command: Command) -> Result<bool> {
    if !matches!(command, Command::Show { .. }) {
        context.signer()?;
    }
    let chain = context.chain().await?;
    let account = match command {
        Command::Add { amount } => {
            context.submit(&chain, &calls::bonds::bond(amount)).await?;
            None
        }
        Command::Remove { amount } => {
            context.submit(&chain, &calls::bonds::unbond(amount)).await?;
            None
        }
        Command::Withdraw => {
            context.submit(&chain, &calls::bonds::withdraw()).await?;
            None
        }
        Command::Show { account } => account,
    };
    let account = context.account(account.as_deref())?;
    let bond = chain.bond(account, At::Finalised).await?;
    let found = bond.is_some();
    context.output.result(&json!({"account": account, "bond": bond}), |_| match &bond {
        None => format!("{account} has no bond"),
        Some(bond) => format!(
            "bond {}: {} stand behind jobs, {} leaving, {} free",
            bcu(bond.total),
            bcu(bond.reserved),
            bcu(bond.unbonding),
            bcu(bond.free)
        ),
    })?;
    Ok(found)
}
