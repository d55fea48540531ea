//! One file per call or function; the ledger test plays random sequences of all of them.

mod bond;
mod invariants;
mod ledger;
mod release;
mod reserve;
mod unbond;
mod withdraw;

use crate::mock::{Bonds, RuntimeOrigin, account};
use blockcloud_primitives::Balance;
use frame_support::assert_ok;
use sp_runtime::AccountId32;

fn signed(n: u8) -> RuntimeOrigin {
    RuntimeOrigin::signed(account(n))
}

fn bonded(n: u8, amount: Balance) -> AccountId32 {
    assert_ok!(Bonds::bond(signed(n), amount));
    account(n)
}
