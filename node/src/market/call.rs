//! The market's calls in JSON, with a summary of what signing one would do.

use blockcloud_primitives::{Fact, FactKind, JobId, JobSpec, OfferId, OfferTerms, SiteId, Text, amount};
use blockcloud_runtime::RuntimeCall;
use serde::Deserialize;

/// A call of the market, for instance `{"top_up": {"job": 7, "amount": "1000000000000"}}`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[allow(missing_docs)]
pub enum MarketCall {
    Place {
        offer: OfferId,
        spec: Box<JobSpec>,
    },
    Accept {
        job: JobId,
    },
    Settle {
        job: JobId,
    },
    Cancel {
        job: JobId,
    },
    TopUp {
        job: JobId,
        #[serde(with = "amount")]
        amount: u128,
    },
    Poke {
        job: JobId,
    },
    Register {
        profile: Text<256>,
    },
    UpdateProfile {
        profile: Text<256>,
    },
    Deregister {},
    AddSite {},
    RemoveSite {
        site: SiteId,
    },
    Publish {
        terms: OfferTerms,
    },
    Update {
        offer: OfferId,
        terms: OfferTerms,
    },
    Withdraw {
        offer: OfferId,
    },
    Certify {
        site: SiteId,
        fact: Fact,
        until: u64,
    },
    Revoke {
        site: SiteId,
        kind: FactKind,
    },
    Bond {
        #[serde(with = "amount")]
        amount: u128,
    },
    Unbond {
        #[serde(with = "amount")]
        amount: u128,
    },
    WithdrawBond {},
}

impl MarketCall {
    /// What signing this call would do, in words.
    pub fn summary(&self) -> String {
        match self {
            Self::Place { offer, spec } => format!(
                "Place a job under offer {offer}: lock an escrow of {} BCU, pay at most {} BCU per second for at most {} s, with a cover of {} BCU. Terms {}.",
                bcu(spec.escrow),
                bcu(spec.price_limit),
                spec.longest_run,
                bcu(spec.cover),
                spec.terms()
            ),
            Self::Accept { job } => format!("Accept job {job} and take on to run it."),
            Self::Settle { job } => format!("Pay out what job {job} has earned so far."),
            Self::Cancel { job } => format!("Cancel job {job}: pay what it has earned, return the rest to its customer."),
            Self::TopUp { job, amount } => format!("Add {} BCU to the escrow of job {job}.", bcu(*amount)),
            Self::Poke { job } => format!("Let the chain act on the deadline of job {job} now, if it has passed."),
            Self::Register { profile } => format!("Register as a provider whose agent is at {profile}."),
            Self::UpdateProfile { profile } => format!("Change the address of your agent to {profile}."),
            Self::Deregister {} => "Deregister as a provider.".into(),
            Self::AddSite {} => "Add a site.".into(),
            Self::RemoveSite { site } => format!("Remove site {site}."),
            Self::Publish { terms } => format!("Offer capacity at site {}: {:?}.", terms.site, terms.total),
            Self::Update { offer, .. } => format!("Change the terms of offer {offer} for later jobs."),
            Self::Withdraw { offer } => format!("Withdraw offer {offer}; running jobs keep what they have."),
            Self::Certify { site, fact, .. } => format!("Vouch for site {site}: {fact:?}. You answer for it."),
            Self::Revoke { site, kind } => format!("Withdraw the fact {kind:?} about site {site}."),
            Self::Bond { amount } => format!("Lock {} BCU as your liability bond.", bcu(*amount)),
            Self::Unbond { amount } => format!("Start to unlock {} BCU of your liability bond.", bcu(*amount)),
            Self::WithdrawBond {} => "Take back the part of your bond whose waiting time is over.".into(),
        }
    }

    /// The call as the runtime knows it.
    pub fn into_runtime(self) -> RuntimeCall {
        use pallet_bonds::Call as Bonds;
        use pallet_jobs::Call as Jobs;
        use pallet_offers::Call as Offers;
        match self {
            Self::Place { offer, spec } => Jobs::place { offer, spec }.into(),
            Self::Accept { job } => Jobs::accept { job }.into(),
            Self::Settle { job } => Jobs::settle { job }.into(),
            Self::Cancel { job } => Jobs::cancel { job }.into(),
            Self::TopUp { job, amount } => Jobs::top_up { job, amount }.into(),
            Self::Poke { job } => Jobs::poke { job }.into(),
            Self::Register { profile } => Offers::register { profile }.into(),
            Self::UpdateProfile { profile } => Offers::update_profile { profile }.into(),
            Self::Deregister {} => Offers::deregister {}.into(),
            Self::AddSite {} => Offers::add_site {}.into(),
            Self::RemoveSite { site } => Offers::remove_site { site }.into(),
            Self::Publish { terms } => Offers::publish { terms }.into(),
            Self::Update { offer, terms } => Offers::update { offer, terms }.into(),
            Self::Withdraw { offer } => Offers::withdraw { offer }.into(),
            Self::Certify { site, fact, until } => Offers::certify { site, fact, until }.into(),
            Self::Revoke { site, kind } => Offers::revoke { site, kind }.into(),
            Self::Bond { amount } => Bonds::bond { amount }.into(),
            Self::Unbond { amount } => Bonds::unbond { amount }.into(),
            Self::WithdrawBond {} => Bonds::withdraw {}.into(),
        }
    }
}

/// An amount in whole tokens, without trailing zeros.
fn bcu(amount: u128) -> String {
    const UNIT: u128 = 1_000_000_000_000;
    let text = format!("{}.{:012}", amount / UNIT, amount % UNIT);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_shown_in_whole_tokens() {
        assert_eq!(bcu(0), "0");
        assert_eq!(bcu(1_500_000_000_000), "1.5");
        assert_eq!(bcu(1), "0.000000000001");
    }

    #[test]
    fn calls_are_read_from_json() {
        let call: MarketCall = serde_json::from_str(r#"{"top_up": {"job": 7, "amount": "1000000000000"}}"#).unwrap();
        assert_eq!(call.summary(), "Add 1 BCU to the escrow of job 7.");
        assert!(serde_json::from_str::<MarketCall>(r#"{"top_up": {"job": 7, "amuont": 1}}"#).is_err());
    }
}
