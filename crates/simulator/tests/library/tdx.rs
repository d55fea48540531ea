//! The simulated TDX platform as a library: the verifier believes it under the development root, and its bytes do not change.

use blockcloud_evidence::tdx::{
    BodyType, Error, Item, Link, Requirements, RevocationList, Serial, TcbStatus, verify, verify_pck_crl, verify_qe_identity,
    verify_root_crl, verify_tcb_info,
};
use blockcloud_simulator::tdx::{Collateral, Crl, JsonItem, Key, Layout, Platform, certificate, component, dev_root, level};
use sha2::{Digest, Sha256};

const NOW_MS: u64 = 1_800_000_000_000;
const NOW: u64 = NOW_MS / 1000;

fn collateral() -> Collateral {
    Collateral::new(Platform::FMSPC)
}

/// The verdict over a guest's quote with this collateral: the status.
fn judge(platform: &Platform, collateral: &Collateral) -> Result<TcbStatus, Error> {
    let quote = platform.launch([1; 48], [2; 48]).quote([3; 64]);
    let claims = verify(&quote, &collateral.sign().borrow(), dev_root::ROOT, &Requirements::STRICT, NOW_MS)?;
    Ok(claims.status)
}

fn root_crl(list: &Crl) -> Result<RevocationList, Error> {
    verify_root_crl(&list.sign(), dev_root::ROOT, NOW_MS)
}

fn pck_crl(list: &Crl) -> Result<RevocationList, Error> {
    let root_list = root_crl(&collateral().root_crl)?;
    verify_pck_crl(&list.sign(), &dev_root::issuer_certificate(), dev_root::ROOT, &root_list, NOW_MS)
}

#[test]
fn the_kept_root_is_what_the_code_makes() {
    assert_eq!(dev_root::root().certify(&certificate::root(dev_root::root())), dev_root::ROOT);
}

#[test]
fn every_layout_verifies() {
    let platform = Platform::new([7; 32]);
    let collateral = collateral().sign();
    for (layout, version, body_type) in [
        (Layout::V4, 4, BodyType::Td10),
        (Layout::V5(BodyType::Td10), 5, BodyType::Td10),
        (Layout::V5(BodyType::Td15), 5, BodyType::Td15),
        (Layout::V5(BodyType::Td15Ex), 5, BodyType::Td15Ex),
    ] {
        let mut launch = platform.launch([1; 48], [2; 48]);
        launch.layout = layout;
        let claims = verify(&launch.quote([3; 64]), &collateral.borrow(), dev_root::ROOT, &Requirements::STRICT, NOW_MS).unwrap();
        assert_eq!((claims.version, claims.body_type, claims.status), (version, body_type, TcbStatus::UpToDate));
        assert_eq!((claims.mr_td, claims.mr_config_id, claims.report_data), ([1; 48], [2; 48], [3; 64]));
        assert_eq!((claims.rtmr, claims.advisories), ([[0; 48]; 4], vec![]));
        assert_eq!((claims.platform.ppid, claims.platform.fmspc), (platform.ppid(), platform.fmspc()));
        // 2049-12-01, when both revocation lists are superseded.
        assert_eq!(claims.not_after_ms, 2_521_929_600_000 - 1);
    }
    assert_eq!(platform.launch([1; 48], [2; 48]).layout, Layout::V5(BodyType::Td15));
}

#[test]
fn a_guest_says_what_it_is_made_to_say() {
    let platform = Platform::new([7; 32]);
    let mut launch = platform.launch([1; 48], [2; 48]);
    launch.tee_tcb_svn[0] = 3;
    launch.attributes |= 1 << 63;
    launch.xfam = 7;
    (launch.mr_owner, launch.mr_owner_config) = ([4; 48], [5; 48]);
    launch.rtmr = [[6; 48], [7; 48], [8; 48], [9; 48]];
    let quote = launch.quote([3; 64]);
    let claims = verify(&quote, &collateral().sign().borrow(), dev_root::ROOT, &Requirements::LENIENT, NOW_MS).unwrap();
    // Launched on an outdated module, and running on a good one.
    assert_eq!(
        (claims.tee_tcb_svn[0], claims.current_tee_tcb_svn.map(|svn| svn[0]), claims.status),
        (3, Some(5), TcbStatus::RelaunchAdvised)
    );
    assert_eq!((claims.attributes.0, claims.xfam), (1 << 63 | 1 << 28, 7));
    assert_eq!((claims.mr_owner, claims.mr_owner_config), ([4; 48], [5; 48]));
    assert_eq!(claims.rtmr, [[6; 48], [7; 48], [8; 48], [9; 48]]);
}

#[test]
fn seeds_make_different_platforms_of_one_family() {
    let (one, other) = (Platform::new([1; 32]), Platform::new([2; 32]));
    assert_ne!(one.ppid(), other.ppid());
    assert_ne!(one.certificate_template().serial, other.certificate_template().serial);
    assert_eq!([one.fmspc(), other.fmspc()], [Platform::FMSPC; 2]);
}

#[test]
fn a_family_has_its_own_tcb_info() {
    let platform = Platform::of([1; 6], [7; 32]);
    assert_eq!(judge(&platform, &Collateral::new([1; 6])), Ok(TcbStatus::UpToDate));
    assert_eq!(judge(&platform, &collateral()), Err(Error::FmspcMismatch));
}

#[test]
fn items_say_what_they_are_made_to_say() {
    let Collateral { root_crl: list, pck_crl: platforms, tcb_info, qe_identity } = collateral();
    let platform = Platform::new([7; 32]).certificate_template();
    let root_list = root_crl(&list.numbered(5).within(NOW - 9, NOW + 9)).unwrap();
    assert_eq!((root_list.number, root_list.revoked.len()), (5, 0));
    assert_eq!((root_list.origin.issued_ms, root_list.origin.not_after_ms), (NOW_MS - 9_000, NOW_MS + 9_000 - 1));

    let platforms = pck_crl(&platforms.revoking(&platform)).unwrap();
    let mut serial = [0; 20];
    serial[20 - platform.serial.as_bytes().len()..].copy_from_slice(platform.serial.as_bytes());
    assert_eq!((platforms.number, platforms.revoked.iter().collect::<Vec<_>>()), (1, vec![Serial(serial)]));

    let tcb_info = tcb_info.within(NOW - 8, NOW + 8).evaluated(19).with_levels(vec![level(3, 11, 3, "SWHardeningNeeded", &[])]).sign();
    let tcb_info = verify_tcb_info(&tcb_info.borrow(), dev_root::ROOT, &root_list, NOW_MS).unwrap();
    assert_eq!((tcb_info.fmspc, tcb_info.evaluation_number), (Platform::FMSPC, 19));
    assert_eq!(tcb_info.levels.iter().map(|level| level.status).collect::<Vec<_>>(), [TcbStatus::HardeningNeeded]);
    assert_eq!((tcb_info.origin.issued_ms, tcb_info.origin.not_after_ms), (NOW_MS - 8_000, NOW_MS + 8_000));

    let qe_identity = qe_identity.evaluated(20).with_levels(vec![component(8, "OutOfDate", &["INTEL-SA-00615"])]).sign();
    let qe_identity = verify_qe_identity(&qe_identity.borrow(), dev_root::ROOT, &root_list, NOW_MS).unwrap();
    assert_eq!((qe_identity.evaluation_number, qe_identity.levels[0].status), (20, TcbStatus::OutOfDate));
    // 2026-01-01 to 2049-12-01.
    assert_eq!((qe_identity.origin.issued_ms, qe_identity.origin.not_after_ms), (1_767_225_600_000, 2_521_929_600_000));
}

#[test]
fn a_revoked_platform_is_refused() {
    let platform = Platform::new([7; 32]);
    let mut collateral = collateral();
    collateral.pck_crl = collateral.pck_crl.revoking(&platform.certificate_template());
    assert_eq!(judge(&platform, &collateral), Err(Error::CertificateRevoked(Link::Chip)));
    assert_eq!(judge(&Platform::new([8; 32]), &collateral), Ok(TcbStatus::UpToDate));
}

#[test]
fn a_revoked_signer_is_refused() {
    let mut collateral = collateral();
    collateral.root_crl = collateral.root_crl.revoking(&certificate::signer(dev_root::root(), dev_root::signer()));
    assert_eq!(judge(&Platform::new([7; 32]), &collateral), Err(Error::CertificateRevoked(Link::Signer)));
}

#[test]
fn expired_items_are_refused() {
    let platform = Platform::new([7; 32]);
    let mut list = collateral();
    list.pck_crl = list.pck_crl.within(NOW - 2, NOW - 1);
    assert_eq!(judge(&platform, &list), Err(Error::ItemExpired(Item::PckCrl)));
    let mut info = collateral();
    info.tcb_info = info.tcb_info.within(NOW - 2, NOW - 1);
    assert_eq!(judge(&platform, &info), Err(Error::ItemExpired(Item::TcbInfo)));
}

#[test]
fn another_key_is_not_believed() {
    let impostor = Key::from_seed(&[9; 32]);
    let platform = Platform::new([7; 32]);
    let mut list = collateral();
    list.root_crl.by = impostor.clone();
    assert_eq!(judge(&platform, &list), Err(Error::ItemSignature(Item::RootCrl)));
    let mut info = collateral();
    info.tcb_info = JsonItem { by: impostor, ..info.tcb_info };
    assert_eq!(judge(&platform, &info), Err(Error::ItemSignature(Item::TcbInfo)));
}

/// Fixtures elsewhere are made by this code: the same seed must give the same bytes for ever.
#[test]
fn bytes_do_not_change() {
    let quote = Platform::new([7; 32]).launch([1; 48], [2; 48]).quote([3; 64]);
    let collateral = collateral().sign();
    let digest = |bytes: &[u8]| hex::encode(Sha256::digest(bytes));
    assert_eq!(
        [&quote, &collateral.root_crl, &collateral.pck_crl, &collateral.tcb_info.body, &collateral.qe_identity.body]
            .map(|bytes| digest(bytes)),
        [
            "395b3741d45806fd0dc981ee3d12ba017e08feea0db9038da04f5f01b98088f5",
            "6987e5d11931a6a994e94f1ce44e79ae9ac0b4d63d98fd3b0601afb811dc3cac",
            "3cdf6504faf7c2c766788917d878b25b6bbabad7443947e41f978bc6416812d7",
            "43efff49873f3a7378c0f76d8232b53d327d38dcec4cb0140b73c9dd6e597575",
            "48750be679ce10679810d55b71aa26fdf75e9d145fe02bde456c9fd876c18971"
        ]
    );
}
