//! `enact`.

use crate::{Event, WeightInfo, mock::*};
use frame_support::{assert_noop, assert_ok, dispatch::GetDispatchInfo, storage::unhashed};
use sp_runtime::{
    DispatchError,
    traits::{BlakeTwo256, Hash},
};

fn set_item() -> RuntimeCall {
    frame_system::Call::set_storage { items: vec![(b"key".to_vec(), b"value".to_vec())] }.into()
}

#[test]
fn carries_the_call_out_as_root() {
    run(|| {
        assert_ok!(Consortium::enact(RuntimeOrigin::root(), Box::new(set_item())));
        assert_eq!(unhashed::get_raw(b"key"), Some(b"value".to_vec()));
        System::assert_last_event(Event::Enacted { call: BlakeTwo256::hash_of(&set_item()) }.into());
    });
}

#[test]
fn costs_the_call_and_the_overhead() {
    run(|| {
        let used = Consortium::enact(RuntimeOrigin::root(), Box::new(set_item())).unwrap().actual_weight;
        let expected = <() as WeightInfo>::enact().saturating_add(set_item().get_dispatch_info().call_weight);
        assert_eq!(used, Some(expected));
        let call = crate::Call::<Test>::enact { call: Box::new(set_item()) };
        assert_eq!(call.get_dispatch_info().call_weight, expected);
        assert_eq!(call.get_dispatch_info().class, set_item().get_dispatch_info().class);
    });
}

#[test]
fn fails_without_a_motion() {
    run(|| {
        let result = Consortium::enact(RuntimeOrigin::signed(1), Box::new(set_item()));
        assert_eq!(result.map_err(|failed| failed.error), Err(DispatchError::BadOrigin));
        assert_eq!(unhashed::get_raw(b"key"), None);
    });
}

#[test]
fn fails_with_the_error_of_the_call() {
    run(|| {
        let remove_stranger = RuntimeCall::Consortium(crate::Call::remove_validator { account: 9 });
        let result = Consortium::enact(RuntimeOrigin::root(), Box::new(remove_stranger.clone()));
        assert_eq!(result.map_err(|failed| failed.error), Err(crate::Error::<Test>::NotValidator.into()));
        assert_noop!(
            Consortium::enact(RuntimeOrigin::root(), Box::new(remove_stranger)).map_err(|failed| failed.error),
            crate::Error::<Test>::NotValidator
        );
    });
}
