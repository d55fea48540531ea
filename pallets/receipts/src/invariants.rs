//! What must always hold: of the configuration (integrity test) and of the storage (try-state). Numbered as in the README.

use crate::{Config, Pallet};
#[cfg(any(feature = "try-runtime", test))]
use {
    crate::Logs,
    blockcloud_receipt_log::EMPTY_ROOT,
    frame_support::{ensure, traits::Time},
    sp_runtime::TryRuntimeError,
};

use frame_support::traits::Get;

impl<T: Config> Pallet<T> {
    /// Refuses a runtime whose constants make no sense.
    pub(crate) fn check_configuration() {
        assert!(T::MaxAge::get() > 0, "MaxAge of zero refuses every checkpoint that needed a block to arrive");
        assert!(T::MaxAhead::get() <= T::MaxAge::get(), "a guest must not be trusted further into the future than into the past");
    }

    /// Checks every invariant.
    #[cfg(any(feature = "try-runtime", test))]
    pub(crate) fn do_try_state() -> Result<(), TryRuntimeError> {
        let now = T::Time::now();
        for log in Logs::<T>::iter_values() {
            ensure!(log.opened_at <= now, "3: a log was opened in the future");
            let Some(head) = log.head else { continue };
            ensure!(head.size > 0 && head.root.0 != EMPTY_ROOT, "1: a head vouches for nothing");
            ensure!(head.time <= head.accepted_at.saturating_add(Self::max_ahead()), "2: a head's clock was ahead when it was accepted");
            ensure!(head.time.saturating_add(Self::max_age()) >= head.accepted_at, "2: a head's clock was behind when it was accepted");
            ensure!((log.opened_at..=now).contains(&head.accepted_at), "3: a head was accepted outside its log's life");
        }
        Ok(())
    }
}
