//! Every invariant has a state that breaks it; so has the configuration of genesis.

use crate::{Planned, Validator, Validators, mock::*};
use frame_support::{BoundedVec, traits::Hooks};

fn broken(change: impl FnOnce()) -> &'static str {
    genesis().execute_with(|| {
        change();
        match Consortium::do_try_state() {
            Err(sp_runtime::DispatchError::Other(message)) => message,
            other => panic!("expected a broken invariant, found {other:?}"),
        }
    })
}

fn list(entries: &[(u64, &str)]) {
    let entries = entries.iter().map(|(account, text)| Validator { account: *account, name: name(text) }).collect();
    Validators::<Test>::put(BoundedVec::truncate_from(entries));
}

#[test]
fn no_validator_is_left() {
    assert!(broken(|| list(&[])).contains("invariant 1"));
}

#[test]
fn an_account_is_listed_twice() {
    assert!(broken(|| list(&[(1, "a"), (1, "b")])).contains("invariant 2"));
}

#[test]
fn a_name_is_listed_twice_or_empty() {
    assert!(broken(|| list(&[(1, "a"), (2, "a")])).contains("invariant 3"));
    assert!(broken(|| list(&[(1, "")])).contains("invariant 3"));
}

#[test]
fn an_account_is_planned_twice() {
    assert!(broken(|| Planned::<Test>::put(BoundedVec::truncate_from(vec![1, 1]))).contains("invariant 4"));
}

#[test]
fn the_configuration_is_sound() {
    <Consortium as Hooks<_>>::integrity_test();
}

#[test]
fn a_genesis_that_contradicts_itself_does_not_become_a_chain() {
    let twice = crate::GenesisConfig::<Test> { validators: vec![(1, name("a")), (1, name("b"))] };
    let built = std::panic::catch_unwind(|| genesis().execute_with(|| frame_support::traits::BuildGenesisConfig::build(&twice)));
    assert!(built.is_err());
}
