//! What a chain trusts from its first block on. A preset that contradicts itself does not become a chain.

use crate::{
    Approval, Config, Error, Floors, GenesisConfig, Measurements, Pallet, Roots, RootsOf, Scheduled, SimulationAllowed, TdxFloors,
    TdxReference, TdxRoots,
};
use alloc::vec::Vec;
use blockcloud_evidence::snp::Product;
use blockcloud_primitives::{CertificateDer, Tee};
use frame_support::traits::Get;
use serde::{Deserialize, Serialize};
use sp_core::Bytes;

/// A product's certificates in a chain specification; DER as hex.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenesisRoots {
    /// The kind of hardware.
    pub tee: Tee,
    /// The product.
    pub product: Product,
    /// The vendor's root (AMD: ARK).
    pub root: Bytes,
    /// The intermediate that signs chip keys (AMD: ASK).
    pub issuer: Bytes,
}

/// What a chain specification trusts of TDX; DER as hex. Collateral comes later, by anyone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenesisTdx {
    /// The kind of hardware.
    pub tee: Tee,
    /// The vendor's root (Intel: SGX Root CA).
    pub root: Bytes,
    /// What is wanted of platforms.
    pub floor: TdxReference,
}

impl GenesisRoots {
    /// From DER bytes.
    pub fn new(tee: Tee, product: Product, root: &[u8], issuer: &[u8]) -> Self {
        Self { tee, product, root: Bytes(root.to_vec()), issuer: Bytes(issuer.to_vec()) }
    }
}

impl<T: Config> GenesisConfig<T> {
    /// Writes the first state. Panics where it contradicts itself: a chain must not start with less trust than its specification says.
    pub(crate) fn write(&self) {
        SimulationAllowed::<T>::put(self.simulation_allowed);
        for GenesisRoots { tee, product, root, issuer } in &self.roots {
            check::<T>(*tee, Pallet::<T>::ensure_snp(*tee));
            let roots = Roots { root: certificate(&root.0), issuer: certificate(&issuer.0) };
            RootsOf::<T>::insert((*tee, *product), roots);
        }
        for (tee, product, floor) in &self.floors {
            check::<T>(*tee, Pallet::<T>::ensure_snp(*tee));
            Floors::<T>::insert((*tee, *product), Scheduled::at_once(*floor));
        }
        for GenesisTdx { tee, root, floor } in &self.tdx {
            check::<T>(*tee, Pallet::<T>::ensure_tdx(*tee));
            TdxRoots::<T>::insert(tee, certificate(&root.0));
            TdxFloors::<T>::insert(tee, Scheduled::at_once(*floor));
        }
        for (measurement, until) in &self.measurements {
            Measurements::<T>::insert(measurement, Approval { until: *until, drains: None });
        }
        assert!(Measurements::<T>::count() <= T::MaxMeasurements::get(), "genesis approves more measurements than there may be");
    }
}

fn check<T: Config>(tee: Tee, accepted: Result<(), Error<T>>) {
    assert!(accepted.is_ok(), "genesis trusts {tee:?} in this place, which this chain does not accept");
}

/// A certificate within its bound.
fn certificate(der: &[u8]) -> CertificateDer {
    match Vec::from(der).try_into() {
        Ok(certificate) => certificate,
        Err(_) => panic!("a genesis certificate is longer than a certificate can be"),
    }
}
