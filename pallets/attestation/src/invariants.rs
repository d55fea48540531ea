//! What must always hold: of the configuration (integrity test) and of the storage (try-state). Numbered as in the README.

use crate::{Config, Pallet};
use frame_support::traits::Get;
use frame_system::pallet_prelude::BlockNumberFor;
#[cfg(any(feature = "try-runtime", test))]
use {
    crate::{
        Accepted, Chips, DeniedChips, Floors, HoldReason, Measurements, PckCrls, Published, QeIdentities, RootCrls, RootsOf, Sessions,
        TcbInfos, TdxFloors, TdxRoots, verify::digest,
    },
    alloc::collections::{BTreeMap, BTreeSet},
    blockcloud_primitives::Balance,
    frame_support::{
        ensure,
        traits::{Time, fungible::hold::Inspect as _},
    },
    sp_runtime::{AccountId32, TryRuntimeError},
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
        assert!(T::CollateralGrace::get() > 0, "collateral could be removed while something older could still take its place");
    }

    /// Checks every invariant.
    #[cfg(any(feature = "try-runtime", test))]
    pub(crate) fn do_try_state() -> Result<(), TryRuntimeError> {
        let now = T::Time::now();
        let not_accepted = "1: something rests on hardware that this chain does not accept";
        for (tee, _) in RootsOf::<T>::iter_keys().chain(Floors::<T>::iter_keys()) {
            ensure!(Self::ensure_snp(tee).is_ok(), not_accepted);
        }
        let collateral = PckCrls::<T>::iter_keys().map(|(tee, _)| tee).chain(TcbInfos::<T>::iter_keys().map(|(tee, _)| tee));
        let single = RootCrls::<T>::iter_keys().chain(QeIdentities::<T>::iter_keys());
        for tee in TdxRoots::<T>::iter_keys().chain(TdxFloors::<T>::iter_keys()).chain(collateral).chain(single) {
            ensure!(Self::ensure_tdx(tee).is_ok(), not_accepted);
        }
        for tee in Sessions::<T>::iter_values().map(|guest| guest.session.tee) {
            ensure!(Self::ensure_vendor(tee).is_ok(), not_accepted);
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
        Self::check_chips()?;
        Self::check_deposits()
    }

    /// 6. A chip knows how many sessions rest on it, and all of them are its provider's. 8. The key that is known of a chip is its own.
    #[cfg(any(feature = "try-runtime", test))]
    fn check_chips() -> Result<(), TryRuntimeError> {
        let mut resting = BTreeMap::new();
        for session in Sessions::<T>::iter_values().map(|guest| guest.session) {
            let chip = Chips::<T>::get(session.chip).ok_or("6: a session rests on a chip that is not registered")?;
            ensure!(chip.provider == AccountId32::new(session.provider.0), "6: a session rests on another provider's chip");
            let count: &mut u32 = resting.entry(session.chip).or_default();
            *count = count.saturating_add(1);
        }
        let known = Chips::<T>::iter().all(|(id, chip)| chip.key.is_none_or(|known| digest(known.key.chip_id()) == id));
        ensure!(known, "8: a chip has the key of another");
        let counted = Chips::<T>::iter().all(|(id, chip)| chip.sessions == resting.get(&id).copied().unwrap_or_default());
        ensure!(counted, "6: a chip counts other sessions than there are");
        Ok(())
    }

    /// 7. What is held of an account is what its chips, its collateral and its publications cost, each under its own reason.
    #[cfg(any(feature = "try-runtime", test))]
    fn check_deposits() -> Result<(), TryRuntimeError> {
        let mut owed: BTreeMap<(u8, AccountId32), Balance> = BTreeMap::new();
        let collateral = RootCrls::<T>::iter_values()
            .map(|kept| (kept.by, kept.deposit))
            .chain(PckCrls::<T>::iter_values().map(|kept| (kept.by, kept.deposit)))
            .chain(TcbInfos::<T>::iter_values().map(|kept| (kept.by, kept.deposit)))
            .chain(QeIdentities::<T>::iter_values().map(|kept| (kept.by, kept.deposit)));
        let chips = Chips::<T>::iter_values().map(|chip| (chip.provider, chip.deposit));
        let published = Published::<T>::iter().map(|(publisher, _, publication)| (publisher, publication.deposit));
        let all = chips.map(|item| (0, item)).chain(collateral.map(|item| (1, item))).chain(published.map(|item| (2, item)));
        for (reason, (account, deposit)) in all {
            let sum = owed.entry((reason, account)).or_default();
            *sum = sum.saturating_add(deposit);
        }
        for account in frame_system::Account::<T>::iter_keys() {
            for (number, reason) in [(0, HoldReason::Chip), (1, HoldReason::Collateral), (2, HoldReason::Measurement)] {
                let wanted = owed.remove(&(number, account.clone())).unwrap_or_default();
                let held = T::Currency::balance_on_hold(&reason.into(), &account);
                ensure!(held == wanted, "7: deposits held are not those of the records");
            }
        }
        ensure!(owed.is_empty(), "7: a record is paid for by an account that does not exist");
        Ok(())
    }
}
