//! What a motion of the council can do, and that nothing else can.

use super::chain;
use crate::{
    AccountId, Council, Runtime, RuntimeCall, RuntimeEvent, RuntimeOrigin, System, VERSION,
    genesis::{COMPANIES, CONSORTIUM, DEV},
};
use codec::Encode;
use frame_support::{assert_noop, assert_ok, dispatch::GetDispatchInfo, storage::unhashed, traits::Hooks};
use sp_core::{
    storage::well_known_keys::CODE,
    traits::{ReadRuntimeVersion, ReadRuntimeVersionExt},
};
use sp_keyring::Sr25519Keyring::Alice;
use sp_runtime::{
    DispatchError,
    traits::{BlakeTwo256, Hash},
};

/// Stands in for the executor, which reads a runtime's version from its Wasm: here the "code" is the encoded version itself.
struct CodeIsVersion;

impl ReadRuntimeVersion for CodeIsVersion {
    fn read_runtime_version(&self, code: &[u8], _: &mut dyn sp_core::traits::Externalities) -> Result<Vec<u8>, String> {
        Ok(code.to_vec())
    }
}

fn next_version() -> Vec<u8> {
    let mut version = VERSION;
    version.spec_version += 1;
    version.encode()
}

fn enact(call: impl Into<RuntimeCall>) -> Box<RuntimeCall> {
    Box::new(RuntimeCall::Consortium(pallet_consortium::Call::enact { call: Box::new(call.into()) }))
}

fn company(index: usize) -> RuntimeOrigin {
    RuntimeOrigin::signed(AccountId::new(COMPANIES[index].account))
}

/// Proposes a motion of threshold `ayes`, has as many companies vote for it, closes it, and answers how its call ended.
fn motion(call: Box<RuntimeCall>, ayes: u32) -> Result<(), DispatchError> {
    let length = call.encoded_size() as u32;
    let weight = call.get_dispatch_info().call_weight;
    let hash = BlakeTwo256::hash_of(&call);
    assert_ok!(Council::propose(company(0), ayes, call, length));
    for index in 0..ayes as usize {
        assert_ok!(Council::vote(company(index), hash, 0, true));
    }
    assert_ok!(Council::close(company(0), hash, 0, weight, length));
    executed()
}

fn executed() -> Result<(), DispatchError> {
    System::events()
        .into_iter()
        .rev()
        .find_map(|record| match record.event {
            RuntimeEvent::Council(pallet_collective::Event::Executed { result, .. }) => Some(result),
            _ => None,
        })
        .expect("a motion was carried out")
}

#[test]
fn two_thirds_upgrade_the_runtime() {
    let mut chain = chain(CONSORTIUM);
    chain.register_extension(ReadRuntimeVersionExt::new(CodeIsVersion));
    chain.execute_with(|| {
        assert_eq!(motion(enact(frame_system::Call::set_code { code: next_version() }), 3), Ok(()));
        assert_eq!(unhashed::get_raw(CODE), Some(next_version()));
        System::assert_has_event(frame_system::Event::CodeUpdated { hash: BlakeTwo256::hash(&next_version()) }.into());
    });
}

#[test]
fn two_thirds_authorize_an_upgrade_that_anyone_brings() {
    let mut chain = chain(CONSORTIUM);
    chain.register_extension(ReadRuntimeVersionExt::new(CodeIsVersion));
    chain.execute_with(|| {
        let code_hash = BlakeTwo256::hash(&next_version());
        assert_eq!(motion(enact(frame_system::Call::authorize_upgrade { code_hash }), 3), Ok(()));
        assert_ok!(System::apply_authorized_upgrade(RuntimeOrigin::none(), next_version()));
        assert_eq!(unhashed::get_raw(CODE), Some(next_version()));
    });
}

#[test]
fn the_same_version_is_refused() {
    let mut chain = chain(CONSORTIUM);
    chain.register_extension(ReadRuntimeVersionExt::new(CodeIsVersion));
    chain.execute_with(|| {
        assert_eq!(
            motion(enact(frame_system::Call::set_code { code: VERSION.encode() }), 3),
            Err(frame_system::Error::<Runtime>::SpecVersionNeedsToIncrease.into())
        );
    });
}

#[test]
fn a_full_upgrade_fits_a_motion() {
    let weight = enact(frame_system::Call::set_code { code: Vec::new() }).get_dispatch_info().call_weight;
    assert!(weight.all_lte(<Runtime as pallet_collective::Config<pallet_collective::Instance1>>::MaxProposalWeight::get()));
}

#[test]
fn half_of_the_council_is_not_enough() {
    chain(CONSORTIUM).execute_with(|| {
        assert_eq!(motion(enact(frame_system::Call::set_code { code: next_version() }), 2), Err(DispatchError::BadOrigin));
        assert_ne!(unhashed::get_raw(CODE), Some(next_version()));
    });
}

#[test]
fn silence_is_no() {
    chain(CONSORTIUM).execute_with(|| {
        let call = enact(frame_system::Call::remark { remark: Vec::new() });
        let (length, weight, hash) = (call.encoded_size() as u32, call.get_dispatch_info().call_weight, BlakeTwo256::hash_of(&call));
        assert_ok!(Council::propose(company(0), 3, call, length));
        assert_ok!(Council::vote(company(0), hash, 0, true));
        assert_ok!(Council::vote(company(1), hash, 0, true));
        System::set_block_number(4 * 24 * 60 * 60);
        assert_ok!(Council::close(company(0), hash, 0, weight, length));
        System::assert_last_event(RuntimeEvent::Council(pallet_collective::Event::Disapproved { proposal_hash: hash }));
    });
}

#[test]
fn on_a_development_chain_alice_is_two_thirds() {
    chain(DEV).execute_with(|| {
        let call = enact(frame_system::Call::set_storage { items: vec![(b"key".to_vec(), b"value".to_vec())] });
        let length = call.encoded_size() as u32;
        assert_ok!(Council::propose(RuntimeOrigin::signed(Alice.to_account_id()), 1, call, length));
        assert_eq!(executed(), Ok(()));
        assert_eq!(unhashed::get_raw(b"key"), Some(b"value".to_vec()));
    });
}

#[test]
fn a_member_alone_is_not_the_council() {
    chain(CONSORTIUM).execute_with(|| {
        let call = Box::new(RuntimeCall::from(frame_system::Call::remark { remark: Vec::new() }));
        let result = crate::Consortium::enact(company(0), call);
        assert_eq!(result.map_err(|failed| failed.error), Err(DispatchError::BadOrigin));
        assert_noop!(crate::Consortium::remove_validator(company(0), AccountId::new(COMPANIES[1].account)), DispatchError::BadOrigin);
    });
}

#[test]
fn a_removed_validator_leaves_both_consensus_sets() {
    chain(CONSORTIUM).execute_with(|| {
        let leaving = AccountId::new(COMPANIES[3].account);
        let call = Box::new(RuntimeCall::Consortium(pallet_consortium::Call::remove_validator { account: leaving.clone() }));
        assert_eq!(motion(call, 3), Ok(()));
        for session in 1..=2 {
            System::set_block_number(session * crate::SESSION_BLOCKS);
            crate::Session::on_initialize(session * crate::SESSION_BLOCKS);
            crate::Grandpa::on_finalize(session * crate::SESSION_BLOCKS);
        }
        assert!(!crate::Session::validators().contains(&leaving));
        assert_eq!(pallet_aura::Authorities::<Runtime>::get().len(), 3);
        assert_eq!(crate::Grandpa::grandpa_authorities().len(), 3);
    });
}

mod emergency_stop {
    use super::*;
    use crate::{Attestation, config::governance::TechnicalCollective};
    use sp_runtime::DispatchError::BadOrigin;

    fn technical(ayes: u32) -> RuntimeOrigin {
        pallet_collective::RawOrigin::<_, TechnicalCollective>::Members(ayes, 4).into()
    }

    fn council(ayes: u32) -> RuntimeOrigin {
        pallet_collective::RawOrigin::<_, crate::config::governance::CouncilCollective>::Members(ayes, 4).into()
    }

    #[test]
    fn takes_half_of_the_technical_committee_and_is_taken_back_by_the_council_only() {
        chain(CONSORTIUM).execute_with(|| {
            System::set_block_number(1);
            assert_noop!(Attestation::stop(technical(1)), BadOrigin);
            assert_ok!(Attestation::stop(technical(2)));
            assert_noop!(Attestation::resume(technical(4)), BadOrigin);
            assert_noop!(Attestation::resume(council(2)), BadOrigin);
            assert_ok!(Attestation::resume(council(3)));
            assert_ok!(Attestation::stop(council(3)));
        });
    }

    #[test]
    fn is_all_that_the_technical_committee_can_do() {
        use blockcloud_primitives::{Digest, Measurement};
        chain(CONSORTIUM).execute_with(|| {
            assert_noop!(Attestation::deny_chip(technical(4), Digest([1; 32])), BadOrigin);
            assert_noop!(Attestation::approve_measurement(technical(4), Measurement([1; 48]), u64::MAX), BadOrigin);
        });
    }
}
