//! What must always hold: of the configuration (integrity test) and of the storage (try-state). Numbered as in the README.

use crate::{Config, Pallet};
use frame_support::traits::Get;
use frame_system::pallet_prelude::BlockNumberFor;
#[cfg(any(feature = "try-runtime", test))]
use {
    crate::{Accepted, DeniedChips, Floors, Measurements, RootsOf, Sessions},
    alloc::collections::BTreeSet,
    frame_support::{ensure, traits::Time},
    sp_runtime::TryRuntimeError,
};

impl<T: Config> Pallet<T> {
    /// Refuses a runtime whose constants make no sense.
    pub(crate) fn check_configuration() {
        assert!(T::MaxAnchorAge::get() > 0, "with a MaxAnchorAge of zero no evidence is ever fresh");
        assert!(
            BlockNumberFor::<T>::from(T::MaxAnchorAge::get()) <= T::BlockHashCount::get(),
            "evidence may bind blocks whose hashes the chain does not keep"
        );
        assert!(T::MaxSession::get() > 0, "sessions would end when they begin");
        assert!(T::MaxMeasurements::get() > 0, "no guest software could be approved");
        assert!(T::MaxDeniedChips::get() > 0, "no chip could be denied");
    }

    /// Checks every invariant.
    #[cfg(any(feature = "try-runtime", test))]
    pub(crate) fn do_try_state() -> Result<(), TryRuntimeError> {
        let now = T::Time::now();
        let hardware = RootsOf::<T>::iter_keys().chain(Floors::<T>::iter_keys()).map(|(tee, _)| tee);
        for tee in hardware.chain(Sessions::<T>::iter_values().map(|guest| guest.session.tee)) {
            ensure!(Self::ensure_vendor(tee).is_ok(), "1: something rests on hardware that this chain does not accept");
        }
        let longest = u64::from(T::MaxSession::get()).saturating_mul(1_000);
        for (job, guest) in Sessions::<T>::iter() {
            let session = guest.session;
            ensure!(session.since <= now, "2: a session began in the future");
            ensure!(session.since < session.valid_until, "2: a session ended before it began");
            ensure!(session.valid_until.saturating_sub(session.since) <= longest, "2: a session is too long");
            let accepted = Accepted::<T>::get(job);
            ensure!(
                accepted.last().is_some_and(|seen| seen.evidence == session.evidence),
                "3: a session rests on evidence that is not the last"
            );
        }
        let mut evidence = BTreeSet::new();
        for (job, accepted) in Accepted::<T>::iter() {
            ensure!(Sessions::<T>::contains_key(job), "3: evidence is remembered for a job without a session");
            for seen in accepted {
                ensure!(evidence.insert(seen.evidence), "4: the same evidence was accepted twice");
            }
        }
        ensure!(Measurements::<T>::count() <= T::MaxMeasurements::get(), "5: too many measurements are approved");
        ensure!(DeniedChips::<T>::count() <= T::MaxDeniedChips::get(), "5: too many chips are denied");
        Ok(())
    }
}
