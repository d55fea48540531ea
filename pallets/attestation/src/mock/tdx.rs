//! A simulated TDX platform beside the simulated processor: its quotes, and the collateral that they rest on.

use super::*;
use crate::{GenesisTdx, TdxReference};
use blockcloud_evidence::tdx::measurement;
use blockcloud_primitives::{CollateralItem, SignedObject, TdxFloor};
use blockcloud_simulator::tdx::{Collateral, Launch, Platform, SignedCollateral, SignedJson, dev_root};
use frame_support::assert_ok;
use sp_core::Bytes;
use sp_runtime::DispatchResult;

/// The hardware.
pub const TDX: Tee = Tee::SimulatedTdx;
/// The processor state that the mock's genesis allows.
pub const XFAM: u64 = 0x6_02e7;
/// The evaluation that the simulator's collateral is a result of, and the mock's floor asks for.
pub const EVALUATION: u32 = 18;
/// 2026-01-01 in Unix seconds: when the simulator's collateral was issued.
pub const ISSUED: u64 = 1_767_225_600;
/// A day in seconds.
pub const DAY: u64 = 86_400;

/// The provider's platform.
pub static PLATFORM: LazyLock<Platform> = LazyLock::new(|| Platform::new([1; 32]));

/// What a development chain trusts of TDX.
pub fn genesis() -> GenesisTdx {
    let floor = TdxFloor { evaluation: EVALUATION, ..TdxFloor::default() };
    GenesisTdx { tee: TDX, root: Bytes(dev_root::ROOT.to_vec()), floor: TdxReference { floor, xfam: XFAM } }
}

/// The guest software of the mock's trust domains.
pub fn software() -> Measurement {
    Measurement(measurement(&MEASUREMENT.0, &[[0; 48]; 3]))
}

/// SHA-256 of the platform's identity.
pub fn platform() -> Digest {
    Digest(sp_io::hashing::sha2_256(&PLATFORM.ppid()))
}

/// The collateral that the platform's quotes rest on, before it is signed.
pub fn collateral() -> Collateral {
    Collateral::new(PLATFORM.fmspc())
}

fn list<const N: u32>(bytes: &[u8]) -> List<u8, N> {
    bytes.to_vec().try_into().unwrap()
}

fn object(item: &SignedJson) -> SignedObject {
    SignedObject { body: list(&item.body), signature: Signature(item.signature), signer: list(&item.signer) }
}

/// The root's revocation list.
pub fn root_crl(signed: &SignedCollateral) -> CollateralItem {
    CollateralItem::RootCrl { list: list(&signed.root_crl) }
}

/// The revocation list of the authority for platform keys.
pub fn pck_crl(signed: &SignedCollateral) -> CollateralItem {
    CollateralItem::PckCrl { list: list(&signed.pck_crl), issuer: list(&signed.pck_issuer) }
}

/// The TCB info.
pub fn tcb_info(signed: &SignedCollateral) -> CollateralItem {
    CollateralItem::TcbInfo(object(&signed.tcb_info))
}

/// The identity of the quoting enclave.
pub fn qe_identity(signed: &SignedCollateral) -> CollateralItem {
    CollateralItem::QeIdentity(object(&signed.qe_identity))
}

/// All of it in the order in which a chain takes it.
pub fn items(signed: &SignedCollateral) -> [CollateralItem; 4] {
    [root_crl(signed), pck_crl(signed), tcb_info(signed), qe_identity(signed)]
}

/// The provider brings a piece.
pub fn bring(item: CollateralItem) -> DispatchResult {
    Attestation::submit_collateral(RuntimeOrigin::signed(PROVIDER), TDX, Box::new(item))
}

/// The provider brings all that is changed in this way.
pub fn bring_changed(change: impl FnOnce(&mut Collateral)) -> DispatchResult {
    let mut collateral = collateral();
    change(&mut collateral);
    items(&collateral.sign()).into_iter().try_for_each(bring)
}

/// Runs a test on a development chain that has the collateral and approves the guest software.
pub fn run_tdx(test: impl FnOnce()) {
    run(|| {
        assert_ok!(bring_changed(|_| ()));
        assert_ok!(Attestation::approve_measurement(council(), software(), NOW + WEEK));
        test();
    });
}

/// A guest in a trust domain.
pub fn guest(number: u8) -> Guest {
    let mut guest = Guest::new(number);
    guest.binding.tee = TDX;
    guest
}

/// The evidence that it makes.
pub fn evidence(guest: &Guest) -> Evidence {
    evidence_of(guest, &PLATFORM, |_| ())
}

/// The evidence that it makes on a platform that launched it changed in this way.
pub fn evidence_of(guest: &Guest, platform: &Platform, change: impl FnOnce(&mut Launch<'_>)) -> Evidence {
    let report_data = guest.binding.report_data();
    let mut config = [0; 48];
    config[..32].copy_from_slice(&guest.host_data);
    let mut launch = platform.launch(guest.measurement.0, config);
    change(&mut launch);
    Evidence {
        tee: TDX,
        report: list(&launch.quote(report_data)),
        certificate: List::new(),
        anchor: guest.binding.anchor,
        receipt_key: guest.binding.receipt_key,
        wrapping_key: guest.binding.wrapping_key,
        possession: Signature(guest.pair.sign(&report_data).0),
    }
}
