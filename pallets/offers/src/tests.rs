//! One file per call or function; the ledger test plays random sequences of what moves capacity and deposits.

mod accredit;
mod add_site;
mod certify;
mod deregister;
mod discredit;
mod genesis;
mod invariants;
mod judge;
mod ledger;
mod note_end;
mod publish;
mod register;
mod release;
mod remove_expired_fact;
mod remove_site;
mod reserve;
mod revoke;
mod update;
mod update_profile;
mod views;
mod withdraw;

use crate::mock::*;
use blockcloud_primitives::{Balance, Fact, FactKind, SiteId};
use codec::MaxEncodedLen;
use frame_support::assert_ok;

/// The deposit of a record in the mock: 100 and 1 per byte.
fn deposit_of<Record: MaxEncodedLen>() -> Balance {
    100 + Record::max_encoded_len() as Balance
}

fn region(code: &str) -> Fact {
    Fact::Region(code.parse().unwrap())
}

fn certificate(name: &str) -> Fact {
    Fact::Certificate(name.parse().unwrap())
}

fn certificate_kind(name: &str) -> FactKind {
    FactKind::Certificate(name.parse().unwrap())
}

/// When facts of [`certified`] expire.
const UNTIL: u64 = START + 500_000;

/// A fact that the first certifier vouches for.
fn certified(site: SiteId, fact: Fact) {
    assert_ok!(Offers::certify(signed(CERTIFIER), site, fact, UNTIL));
}
