//! Genesis: what is written, and that a chain does not begin with a contradiction.

use crate::{
    Approval, Floors, GenesisConfig, GenesisRoots, GenesisTdx, Measurements, Roots, RootsOf, Scheduled, SimulationAllowed, TdxFloors,
    TdxRoots, mock::*,
};
use blockcloud_evidence::snp::Product;
use blockcloud_primitives::{Tcb, Tee};
use blockcloud_simulator::dev_root;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Whether a chain with this genesis can be.
fn begins(genesis: GenesisConfig<Test>) -> bool {
    catch_unwind(AssertUnwindSafe(|| storage_of(genesis))).is_ok()
}

#[test]
fn writes_what_it_says() {
    run(|| {
        assert!(SimulationAllowed::<Test>::get());
        let roots = Roots { root: dev_root::ROOT.to_vec().try_into().unwrap(), issuer: dev_root::ISSUER.to_vec().try_into().unwrap() };
        assert_eq!(RootsOf::<Test>::iter().collect::<Vec<_>>(), [(HARDWARE, roots)]);
        assert_eq!(Floors::<Test>::iter().collect::<Vec<_>>(), [(HARDWARE, Scheduled::at_once(firmware()))]);
        assert_eq!(TdxRoots::<Test>::get(tdx::TDX).map(|root| root.to_vec()), Some(blockcloud_simulator::tdx::dev_root::ROOT.to_vec()));
        assert_eq!(TdxFloors::<Test>::get(tdx::TDX), Some(Scheduled::at_once(tdx::genesis().floor)));
        assert_eq!(Measurements::<Test>::iter().collect::<Vec<_>>(), [(MEASUREMENT, Approval { until: NOW + WEEK, drains: None })]);
    });
}

#[test]
fn trusts_nothing_by_default() {
    run_on(GenesisConfig::default(), || {
        assert!(!SimulationAllowed::<Test>::get());
        assert_eq!(RootsOf::<Test>::iter().count() + Floors::<Test>::iter().count() + Measurements::<Test>::iter().count(), 0);
    });
}

#[test]
fn reads_certificates_as_hex() {
    let json = r#"{"tee": "sev-snp", "product": "genoa", "root": "0x3001", "issuer": "0x3002"}"#;
    let roots: GenesisRoots = serde_json::from_str(json).unwrap();
    assert_eq!(roots, GenesisRoots::new(Tee::SevSnp, Product::Genoa, &[0x30, 1], &[0x30, 2]));
    assert!(serde_json::from_str::<GenesisRoots>(&json.replace("product", "produkt")).is_err());
}

#[test]
fn refuses_simulated_roots_on_a_production_chain() {
    assert!(begins(development()));
    assert!(!begins(GenesisConfig { simulation_allowed: false, floors: Vec::new(), tdx: Vec::new(), ..development() }));
}

#[test]
fn refuses_simulated_floors_on_a_production_chain() {
    assert!(!begins(GenesisConfig { simulation_allowed: false, roots: Vec::new(), tdx: Vec::new(), ..development() }));
}

#[test]
fn refuses_simulated_tdx_on_a_production_chain() {
    assert!(!begins(GenesisConfig { simulation_allowed: false, roots: Vec::new(), floors: Vec::new(), ..development() }));
}

#[test]
fn refuses_hardware_in_the_wrong_place() {
    let tdx = vec![GenesisTdx { tee: Tee::SevSnp, ..tdx::genesis() }];
    assert!(!begins(GenesisConfig { tdx, ..development() }));
}

#[test]
fn refuses_hardware_without_a_verifier() {
    assert!(!begins(GenesisConfig { floors: vec![(Tee::Tdx, Product::Genoa, Tcb::default())], ..development() }));
}

#[test]
fn refuses_a_certificate_that_is_too_long() {
    let long = GenesisRoots::new(Tee::SevSnp, Product::Milan, &[0; 2049], &[0; 10]);
    assert!(!begins(GenesisConfig { roots: vec![long], ..development() }));
}

#[test]
fn refuses_too_many_measurements() {
    let measurements = (0..=MAX_MEASUREMENTS as u8).map(|number| (blockcloud_primitives::Measurement([number; 48]), NOW)).collect();
    assert!(!begins(GenesisConfig { measurements, ..development() }));
}
