//! Intel's collateral: brought by anyone, verified when it comes, never going back. Quotes are judged by what is kept here.
//!
//! Not here: reading and verifying items (`blockcloud-evidence`), judging quotes by them (`verify`).

use crate::{
    CollateralKey, Config, Error, Event, HoldReason, Kept, Missing, Pallet, PckCrls, QeIdentities, RootCrls, TcbInfos, TdxFault, TdxRoots,
    sessions::SECOND,
};
use blockcloud_evidence::tdx::{
    Item, Origin, QeIdentity, RevocationList, SignedItem, TcbInfo, verify_pck_crl, verify_qe_identity, verify_root, verify_root_crl,
    verify_tcb_info,
};
use blockcloud_primitives::{CollateralItem, Moment, SignedObject, Tee};
use codec::Encode;
use frame_support::{
    ensure,
    pallet_prelude::*,
    traits::{Get, fungible::hold::Mutate as _, tokens::Precision},
};
use sp_runtime::AccountId32;

/// What can be put in order: by the vendor's number, and by the time of issue where numbers stand still, as those of Intel's revocation lists do.
pub(crate) trait Dated {
    /// The vendor's number, and where the item comes from.
    fn dated(&self) -> (u64, &Origin);

    /// Whether this may take the place of `old`. Under another root nothing is comparable, and the old one is worth nothing.
    fn may_replace(&self, old: &Self) -> bool {
        let ((number, origin), (old_number, old_origin)) = (self.dated(), old.dated());
        origin.root != old_origin.root || (number >= old_number && origin.issued_ms > old_origin.issued_ms)
    }
}

impl Dated for RevocationList {
    fn dated(&self) -> (u64, &Origin) {
        (self.number, &self.origin)
    }
}

impl Dated for TcbInfo {
    fn dated(&self) -> (u64, &Origin) {
        (self.evaluation_number.into(), &self.origin)
    }
}

impl Dated for QeIdentity {
    fn dated(&self) -> (u64, &Origin) {
        (self.evaluation_number.into(), &self.origin)
    }
}

impl<T: Config> Pallet<T> {
    /// See `submit_collateral`.
    pub(crate) fn do_submit_collateral(by: AccountId32, tee: Tee, item: &CollateralItem, now: Moment) -> DispatchResult {
        Self::ensure_tdx(tee)?;
        let root = TdxRoots::<T>::get(tee).ok_or(Error::<T>::NoRoots)?;
        let refused = |error| Error::<T>::RefusedTdx(TdxFault(error));
        let root_crl = || RootCrls::<T>::get(tee).map(|kept| kept.item).ok_or(Error::<T>::NoCollateral(Missing(Item::RootCrl)));
        let (key, not_after) = match item {
            CollateralItem::RootCrl { list } => {
                let list = verify_root_crl(list, &root, now).map_err(refused)?;
                let not_after = list.origin.not_after_ms;
                RootCrls::<T>::try_mutate(tee, |kept| Self::replace(kept, list, &by))?;
                (CollateralKey::RootCrl, not_after)
            }
            CollateralItem::PckCrl { list, issuer } => {
                let list = verify_pck_crl(list, issuer, &root, &root_crl()?, now).map_err(refused)?;
                let (authority, not_after) = (list.issuer, list.origin.not_after_ms);
                PckCrls::<T>::try_mutate(tee, authority, |kept| Self::replace(kept, list, &by))?;
                (CollateralKey::PckCrl(authority), not_after)
            }
            CollateralItem::TcbInfo(object) => {
                let info = verify_tcb_info(&signed(object), &root, &root_crl()?, now).map_err(refused)?;
                let (fmspc, not_after) = (info.fmspc, info.origin.not_after_ms);
                TcbInfos::<T>::try_mutate(tee, fmspc, |kept| Self::replace(kept, info, &by))?;
                (CollateralKey::TcbInfo(fmspc), not_after)
            }
            CollateralItem::QeIdentity(object) => {
                let identity = verify_qe_identity(&signed(object), &root, &root_crl()?, now).map_err(refused)?;
                let not_after = identity.origin.not_after_ms;
                QeIdentities::<T>::try_mutate(tee, |kept| Self::replace(kept, identity, &by))?;
                (CollateralKey::QeIdentity, not_after)
            }
        };
        Self::deposit_event(Event::CollateralKept { tee, key, by, not_after });
        Ok(())
    }

    /// Puts an item in the place of an older one, or into an empty place. Who brought the older one gets its deposit back.
    fn replace<I: Dated + Encode>(place: &mut Option<Kept<I>>, item: I, by: &AccountId32) -> DispatchResult {
        if let Some(old) = place {
            ensure!(item.may_replace(&old.item), Error::<T>::NotNewer);
            Self::return_collateral_deposit(old)?;
        }
        let deposit = Self::deposit_for(item.encoded_size())?;
        T::Currency::hold(&HoldReason::Collateral.into(), by, deposit)?;
        *place = Some(Kept { item, by: by.clone(), deposit });
        Ok(())
    }

    fn return_collateral_deposit<I>(kept: &Kept<I>) -> DispatchResult {
        T::Currency::release(&HoldReason::Collateral.into(), &kept.by, kept.deposit, Precision::Exact).map(|_| ())
    }

    /// See `remove_collateral`.
    pub(crate) fn do_remove_collateral(tee: Tee, key: CollateralKey, now: Moment) -> DispatchResult {
        match key {
            CollateralKey::RootCrl => RootCrls::<T>::try_mutate_exists(tee, |kept| Self::discard(tee, kept, now)),
            CollateralKey::PckCrl(authority) => PckCrls::<T>::try_mutate_exists(tee, authority, |kept| Self::discard(tee, kept, now)),
            CollateralKey::TcbInfo(fmspc) => TcbInfos::<T>::try_mutate_exists(tee, fmspc, |kept| Self::discard(tee, kept, now)),
            CollateralKey::QeIdentity => QeIdentities::<T>::try_mutate_exists(tee, |kept| Self::discard(tee, kept, now)),
        }?;
        Self::deposit_event(Event::CollateralRemoved { tee, key });
        Ok(())
    }

    /// Takes an item away that is good for nothing any more: its root is not trusted, or it ran out and, for a while, could still have kept an older one
    /// from coming in its place.
    fn discard<I: Dated>(tee: Tee, place: &mut Option<Kept<I>>, now: Moment) -> DispatchResult {
        let kept = place.take().ok_or(Error::<T>::UnknownCollateral)?;
        let (_, origin) = kept.item.dated();
        // Saturating: at the end of time nothing is over.
        let over = now > origin.not_after_ms.saturating_add(Moment::from(T::CollateralGrace::get()).saturating_mul(SECOND));
        let trusted = TdxRoots::<T>::get(tee).and_then(|root| verify_root(&root, now).ok()).is_some_and(|root| root == origin.root);
        ensure!(over || !trusted, Error::<T>::CollateralCounts);
        Self::return_collateral_deposit(&kept)
    }
}

fn signed(object: &SignedObject) -> SignedItem<'_> {
    SignedItem { body: &object.body, signature: &object.signature.0, signer: &object.signer }
}
