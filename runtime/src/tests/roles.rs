//! What each role may do for a company's account.

use crate::{Address, ProxyType, RuntimeCall, UNIT};
use codec::Encode as _;
use frame_support::traits::InstanceFilter;
use sp_keyring::Sr25519Keyring::Bob;

const ROLES: [ProxyType; 6] =
    [ProxyType::Any, ProxyType::Buyer, ProxyType::Operator, ProxyType::Security, ProxyType::Auditor, ProxyType::Treasurer];

/// The roles that may send this call.
fn allowed(call: impl Into<RuntimeCall>) -> Vec<ProxyType> {
    let call = call.into();
    ROLES.into_iter().filter(|role| role.filter(&call)).collect()
}

#[test]
fn money_is_the_treasurers() {
    let transfer = pallet_balances::Call::transfer_keep_alive { dest: Address::Id(Bob.to_account_id()), value: UNIT };
    assert_eq!(allowed(transfer), [ProxyType::Any, ProxyType::Treasurer]);
}

#[test]
fn session_keys_are_the_security_officers() {
    assert_eq!(allowed(pallet_session::Call::purge_keys {}), [ProxyType::Any, ProxyType::Security]);
}

#[test]
fn jobs_are_bought_run_and_watched_by_different_officers() {
    use pallet_jobs::Call as Jobs;
    let job = blockcloud_primitives::JobId(1);
    assert_eq!(allowed(Jobs::accept { job }), [ProxyType::Any, ProxyType::Operator]);
    assert_eq!(allowed(Jobs::top_up { job, amount: UNIT }), [ProxyType::Any, ProxyType::Buyer, ProxyType::Treasurer]);
    assert_eq!(allowed(Jobs::cancel { job }), [ProxyType::Any, ProxyType::Buyer, ProxyType::Operator, ProxyType::Security]);
    assert_eq!(allowed(Jobs::poke { job }), [ProxyType::Any, ProxyType::Buyer, ProxyType::Operator, ProxyType::Auditor]);
}

#[test]
fn rounds_are_the_operators_and_equivocation_is_the_auditors() {
    use blockcloud_primitives::{AggregatorId, Digest, Equivocation, JobId, PublicKey, Round, Signature, SignedRound};
    use pallet_receipts::Call as Receipts;
    let (aggregator, signature) = (AggregatorId(1), Signature([0; 64]));
    let round = Round { version: 1, aggregator, number: 0, root: Digest::ZERO, filled: 0, receipts: 0, time: 0 };
    let proof = Box::new(Equivocation::Rounds([SignedRound { round, signature }; 2]));
    let source = || Receipts::register_source { aggregator, job: JobId(1), vacant: None };
    assert_eq!(allowed(source()), [ProxyType::Any, ProxyType::Buyer, ProxyType::Operator]);
    assert_eq!(allowed(Receipts::withdraw_source { aggregator, slot: 0 }), [ProxyType::Any, ProxyType::Buyer, ProxyType::Operator]);
    assert_eq!(allowed(Receipts::commit_round { round, signature }), [ProxyType::Any, ProxyType::Operator]);
    assert_eq!(allowed(Receipts::register_aggregator { key: PublicKey([0; 32]), height: 1 }), [ProxyType::Any, ProxyType::Operator]);
    assert_eq!(allowed(Receipts::report_equivocation { proof }), [ProxyType::Any, ProxyType::Auditor]);
}

#[test]
fn bonds_are_not_the_operators() {
    assert_eq!(allowed(pallet_bonds::Call::unbond { amount: UNIT }), [ProxyType::Any, ProxyType::Treasurer]);
    assert_eq!(allowed(pallet_offers::Call::add_site {}), [ProxyType::Any, ProxyType::Operator]);
}

#[test]
fn what_the_council_decides_is_no_officers() {
    let certifier = Bob.to_account_id();
    assert_eq!(allowed(pallet_offers::Call::accredit { certifier }), [ProxyType::Any]);
    assert_eq!(allowed(frame_system::Call::remark { remark: Vec::new() }), [ProxyType::Any]);
}

#[test]
fn roles_themselves_are_only_for_any() {
    assert_eq!(allowed(pallet_proxy::Call::remove_proxies {}), [ProxyType::Any]);
}

#[test]
fn batches_are_for_all() {
    assert_eq!(allowed(pallet_utility::Call::batch { calls: Vec::new() }), ROLES);
    assert_eq!(
        allowed(pallet_utility::Call::as_derivative { index: 0, call: Box::new(frame_system::Call::remark { remark: vec![] }.into()) }),
        [ProxyType::Any]
    );
}

#[test]
fn only_any_contains_the_others() {
    for outer in ROLES {
        for inner in ROLES {
            assert_eq!(outer.is_superset(&inner), outer == ProxyType::Any || outer == inner, "{outer:?} {inner:?}");
        }
    }
}

/// Programs off the chain know the roles by these numbers (`blockcloud_client::Role`).
#[test]
fn roles_have_their_numbers() {
    assert_eq!(ROLES.map(|role| role.encode()), [0, 1, 2, 3, 4, 5].map(|number| vec![number]));
}
