//! Collateral: revocation lists, TCB infos, QE identities.

use super::*;

refusals_of! {
    covered:
    item_too_long: ItemLength at ITEMS => |item| signed(|made| match item {
        Item::RootCrl => made.root_crl.resize(MAX_CRL_LEN + 1, 0),
        Item::PckCrl => made.pck_crl.resize(MAX_CRL_LEN + 1, 0),
        Item::TcbInfo => made.tcb_info = crate::maker::item(" ".repeat(MAX_TCB_INFO_LEN + 1)),
        Item::QeIdentity => made.qe_identity = crate::maker::item(" ".repeat(MAX_QE_IDENTITY_LEN + 1)),
    });
    item_unreadable: ItemEncoding at ITEMS => |item| signed(|made| match item {
        Item::RootCrl => made.root_crl.push(0),
        Item::PckCrl => made.pck_crl.truncate(9),
        Item::TcbInfo => made.tcb_info = crate::maker::item("{".into()),
        Item::QeIdentity => made.qe_identity = crate::maker::item("[]".into()),
    });
    item_without_end: ItemEncoding at ITEMS => |item| with(|maker| match item {
        Item::RootCrl => maker.root_crl.next_update = None,
        Item::PckCrl => maker.pck_crl.next_update = None,
        Item::TcbInfo => drop(maker.tcb_info.as_object_mut().expect("an object").remove("nextUpdate")),
        Item::QeIdentity => drop(maker.qe_identity.as_object_mut().expect("an object").remove("nextUpdate")),
    });
    item_of_another_kind: ItemKind at [Item::TcbInfo, Item::QeIdentity] => |item| with(|maker| match item {
        Item::TcbInfo => maker.tcb_info["id"] = "SGX".into(),
        _ => maker.qe_identity["id"] = "QE".into(),
    });
    item_of_another_version: ItemKind at [Item::TcbInfo, Item::QeIdentity] => |item| with(|maker| match item {
        Item::TcbInfo => maker.tcb_info["version"] = 4.into(),
        _ => maker.qe_identity["version"] = 3.into(),
    });
    item_lists_too_much: ItemTooMany at ITEMS => |item| with(|maker| match item {
        Item::RootCrl => maker.root_crl.revoked = many(),
        Item::PckCrl => maker.pck_crl.revoked = many(),
        Item::TcbInfo => maker.tcb_info["tcbLevels"] = vec![level(3, 11, 3, "UpToDate", &[]); 17].into(),
        Item::QeIdentity => maker.qe_identity["tcbLevels"] = vec![component(8, "UpToDate", &[]); 9].into(),
    });
    item_from_the_future: ItemNotYetValid at ITEMS => |item| with(|maker| match item {
        Item::RootCrl => maker.root_crl.this_update = NOW_MS / 1000 + 1,
        Item::PckCrl => maker.pck_crl.this_update = NOW_MS / 1000 + 1,
        Item::TcbInfo => maker.tcb_info["issueDate"] = "2027-01-15T08:00:01Z".into(),
        Item::QeIdentity => maker.qe_identity["issueDate"] = "2027-01-15T08:00:01Z".into(),
    });
    item_expired: ItemExpired at ITEMS => |item| with(|maker| match item {
        Item::RootCrl => maker.root_crl.next_update = Some(NOW_MS / 1000),
        Item::PckCrl => maker.pck_crl.next_update = Some(NOW_MS / 1000),
        Item::TcbInfo => maker.tcb_info["nextUpdate"] = "2027-01-15T07:59:59Z".into(),
        Item::QeIdentity => maker.qe_identity["nextUpdate"] = "2027-01-15T07:59:59Z".into(),
    });
    kept_item_expires: ItemExpired at ITEMS => |item| kept(|kept| match item {
        Item::RootCrl => kept.root_crl.origin.not_after_ms = NOW_MS - 1,
        Item::PckCrl => kept.pck_crl.origin.not_after_ms = NOW_MS - 1,
        Item::TcbInfo => kept.tcb_info.origin.not_after_ms = NOW_MS - 1,
        Item::QeIdentity => kept.qe_identity.origin.not_after_ms = NOW_MS - 1,
    });
    item_changed_after_signing: ItemSignature at ITEMS => |item| signed(|made| match item {
        // The first byte of the number, and the last of a date.
        Item::RootCrl => flip(&mut made.root_crl, &[0x02, 0x01, 0x2a], 2),
        Item::PckCrl => flip(&mut made.pck_crl, &[0x02, 0x01, 0x2a], 2),
        Item::TcbInfo => flip(&mut made.tcb_info.0, b"UpToDate", 0),
        Item::QeIdentity => flip(&mut made.qe_identity.0, b"UpToDate", 0),
    });
    item_by_an_impostor: ItemSignature at ITEMS => with_impostor;
    item_under_another_root: ItemRoot at ITEMS => |item| {
        let other = Maker::with(|maker| *maker = under_another_root()).make().kept();
        kept(|kept| match item {
            Item::RootCrl => kept.root_crl = other.root_crl,
            Item::PckCrl => kept.pck_crl = other.pck_crl,
            Item::TcbInfo => kept.tcb_info = other.tcb_info,
            Item::QeIdentity => kept.qe_identity = other.qe_identity,
        })
    };
    list_of_platforms_in_the_roots_place: ItemRoot at [Item::RootCrl] => |_| kept(|kept| kept.root_crl = kept.pck_crl.clone());
    list_by_another_algorithm: CrlAlgorithm at CRLS =>
        |item| crl(item, |list| list.algorithm.oid = id("1.2.840.10045.4.3.3"));
    list_by_another_issuer: CrlIssuer at CRLS => |item| crl(item, |list| list.issuer = Maker::new().chip.subject);
    list_has_unknown_critical_extension: CrlExtension at CRLS => |item| crl(item, |list| list.extensions.push(critical()));
    entry_has_unknown_critical_extension: CrlExtension at CRLS => |item| crl(item, |list| list.revoked[0].1.push(critical()));
    list_of_changes_only: CrlExtension at CRLS => |item| crl(item, |list| list.extensions.push(extension(id("2.5.29.27"), false, &[0x02, 0x01, 0x01])));
    list_of_a_part_only: CrlExtension at CRLS => |item| crl(item, |list| list.extensions.push(extension(id("2.5.29.28"), false, &[0x30, 0x00])));
    list_of_others_certificates: CrlExtension at CRLS =>
        |item| crl(item, |list| list.revoked[0].1.push(extension(id("2.5.29.29"), false, &[0x30, 0x00])));
    list_without_number: CrlNumber at CRLS => |item| crl(item, |list| list.extensions.clear());
    list_with_two_numbers: CrlNumber at CRLS => |item| crl(item, |list| list.extensions.push(list.extensions[0].clone()));
    list_with_too_large_a_number: CrlNumber at CRLS =>
        |item| crl(item, |list| list.extensions = vec![extension(id("2.5.29.20"), false, &[0x02, 0x09, 1, 0, 0, 0, 0, 0, 0, 0, 0])]);
}

refusals! {
    COVERED:
    list_by_another_authority: Error::CrlOfAnotherIssuer => with(|maker| {
        let mut other = maker.issuer.clone();
        other.key = IMPOSTOR.public();
        (maker.chain_issuer, maker.chip_by) = (Some(other), IMPOSTOR.clone());
    });
    tcb_info_of_another_tcb_type: Error::ItemKind(Item::TcbInfo) => tcb_info(|info| info["tcbType"] = 1.into());
    tcb_info_without_module: Error::ItemEncoding(Item::TcbInfo) => tcb_info(|info| drop(info.as_object_mut().expect("an object").remove("tdxModule")));
    tcb_info_with_unknown_status: Error::ItemEncoding(Item::TcbInfo) => tcb_info(|info| info["tcbLevels"][0]["tcbStatus"] = "Fine".into());
    tcb_info_with_status_of_the_verifier: Error::ItemEncoding(Item::TcbInfo) =>
        tcb_info(|info| info["tcbLevels"][0]["tcbStatus"] = "TDRelaunchAdvised".into());
    tcb_info_with_unknown_advisory: Error::ItemEncoding(Item::TcbInfo) => tcb_info(|info| info["tcbLevels"][0]["advisoryIDs"] = json!(["CVE-2027-1"]));
    tcb_info_with_fifteen_components: Error::ItemEncoding(Item::TcbInfo) =>
        tcb_info(|info| drop(info["tcbLevels"][0]["tcb"]["tdxtcbcomponents"].as_array_mut().expect("an array").pop()));
    tcb_info_with_large_component: Error::ItemEncoding(Item::TcbInfo) =>
        tcb_info(|info| info["tcbLevels"][0]["tcb"]["tdxtcbcomponents"][0]["svn"] = 256.into());
    tcb_info_with_short_fmspc: Error::ItemEncoding(Item::TcbInfo) => tcb_info(|info| info["fmspc"] = "50806F0000".into());
    tcb_info_with_odd_date: Error::ItemEncoding(Item::TcbInfo) => tcb_info(|info| info["issueDate"] = "2027-01-10T00:00:00+00:00".into());
    tcb_info_with_impossible_date: Error::ItemEncoding(Item::TcbInfo) => tcb_info(|info| info["issueDate"] = "2027-02-30T00:00:00Z".into());
    tcb_info_with_nameless_module: Error::ItemEncoding(Item::TcbInfo) => tcb_info(|info| info["tdxModuleIdentities"][0]["id"] = "TDX_1".into());
    tcb_info_with_module_that_needs_configuration: Error::ItemEncoding(Item::TcbInfo) =>
        tcb_info(|info| info["tdxModuleIdentities"][0]["tcbLevels"][0]["tcbStatus"] = "ConfigurationNeeded".into());
    tcb_info_with_repeated_field: Error::ItemEncoding(Item::TcbInfo) =>
        tcb_info_text(&Maker::new().tcb_info.to_string().replacen('{', r#"{"id":"TDX","#, 1));
    tcb_info_followed_by_something: Error::ItemEncoding(Item::TcbInfo) => tcb_info_text(&format!("{}x", Maker::new().tcb_info));
    tcb_info_deeply_nested: Error::ItemEncoding(Item::TcbInfo) => tcb_info_text(&"[".repeat(MAX_TCB_INFO_LEN));
    tcb_info_with_hidden_nesting: Error::ItemEncoding(Item::TcbInfo) => tcb_info_text(&format!(r#"{{"x":{}"#, "[".repeat(10_000)));
    tcb_info_with_many_modules: Error::ItemTooMany(Item::TcbInfo) =>
        tcb_info(|info| info["tdxModuleIdentities"] = vec![info["tdxModuleIdentities"][0].clone(); 9].into());
    tcb_info_with_many_module_levels: Error::ItemTooMany(Item::TcbInfo) =>
        tcb_info(|info| info["tdxModuleIdentities"][0]["tcbLevels"] = vec![component(5, "UpToDate", &[]); 9].into());
    tcb_info_with_many_advisories: Error::ItemTooMany(Item::TcbInfo) =>
        tcb_info(|info| info["tcbLevels"][0]["advisoryIDs"] = vec!["INTEL-SA-00001"; 65].into());
    qe_identity_with_status_of_platforms: Error::ItemEncoding(Item::QeIdentity) =>
        qe_identity(|identity| identity["tcbLevels"][0]["tcbStatus"] = "SWHardeningNeeded".into());
}

fn flip(bytes: &mut [u8], pattern: &[u8], offset: usize) {
    let position = bytes.windows(pattern.len()).position(|window| window == pattern).expect("the pattern");
    bytes[position + offset] ^= 1;
}

fn with_impostor(item: Item) -> Result<(), Error> {
    match item {
        Item::RootCrl | Item::PckCrl => crl(item, |list| list.by = IMPOSTOR.clone()),
        Item::TcbInfo => signed(|made| made.tcb_info.1 = IMPOSTOR.sign_raw(&made.tcb_info.0)),
        Item::QeIdentity => signed(|made| made.qe_identity.1 = IMPOSTOR.sign_raw(&made.qe_identity.0)),
    }
}

/// The same names and keys, but for the root's key.
fn under_another_root() -> Maker {
    let mut maker = Maker::new();
    maker.root.key = IMPOSTOR.public();
    (maker.issuer_by, maker.signer_by, maker.root_crl.by) = (IMPOSTOR.clone(), IMPOSTOR.clone(), IMPOSTOR.clone());
    maker
}
