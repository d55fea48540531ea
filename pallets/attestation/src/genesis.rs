//! What a chain trusts from its first block on. A preset that contradicts itself does not become a chain.

use crate::{Certificate, Config, Floors, GenesisConfig, Measurements, Pallet, Roots, RootsOf, SimulationAllowed};
use alloc::vec::Vec;
use blockcloud_evidence::snp::Product;
use blockcloud_primitives::Tee;
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
            self.check_vendor(*tee);
            let roots = Roots { root: certificate(&root.0), issuer: certificate(&issuer.0) };
            RootsOf::<T>::insert((*tee, *product), roots);
        }
        for (tee, product, floor) in &self.floors {
            self.check_vendor(*tee);
            Floors::<T>::insert((*tee, *product), floor);
        }
        for (measurement, until) in &self.measurements {
            Measurements::<T>::insert(measurement, until);
        }
        assert!(Measurements::<T>::count() <= T::MaxMeasurements::get(), "genesis approves more measurements than there may be");
    }

    fn check_vendor(&self, tee: Tee) {
        assert!(Pallet::<T>::ensure_vendor(tee).is_ok(), "genesis trusts {tee:?}, which this chain does not accept");
    }
}

/// A certificate within its bound.
fn certificate(der: &[u8]) -> Certificate {
    match Vec::from(der).try_into() {
        Ok(certificate) => certificate,
        Err(_) => panic!("a genesis certificate is longer than a certificate can be"),
    }
}
