//! Platforms: what their certificate says, the quoting enclave, signatures, levels.

use super::*;

refusals! {
    COVERED:
    certificate_without_sgx_extension: Error::ExtensionMissing => certificate(Link::Chip, |chip| set(chip, sgx(), None));
    platform_without_ppid: Error::ExtensionMissing => platform(|parts| drop(parts.remove(0)));
    platform_without_tcb: Error::ExtensionMissing => platform(|parts| drop(parts.remove(1)));
    platform_without_pce_id: Error::ExtensionMissing => platform(|parts| drop(parts.remove(2)));
    platform_without_fmspc: Error::ExtensionMissing => platform(|parts| drop(parts.remove(3)));
    platform_without_sgx_type: Error::ExtensionMissing => platform(|parts| drop(parts.remove(4)));
    platform_without_a_component: Error::ExtensionMissing => platform_tcb(|parts| drop(parts.remove(15)));
    platform_without_pce_svn: Error::ExtensionMissing => platform_tcb(|parts| drop(parts.remove(16)));
    platform_without_cpu_svn: Error::ExtensionMissing => platform_tcb(|parts| drop(parts.remove(17)));
    platform_is_no_sequence: Error::ExtensionEncoding => with(|maker| maker.set_platform(vec![0x04, 0x00]));
    platform_is_followed_by_something: Error::ExtensionEncoding =>
        with(|maker| maker.set_platform([tlv(0x30, &platform_parts().concat()), vec![0]].concat()));
    platform_repeats_a_part: Error::ExtensionEncoding => platform(|parts| parts.push(parts[0].clone()));
    platform_with_short_ppid: Error::ExtensionEncoding => platform(|parts| parts[0] = part(&[1], &tlv(0x04, &[7; 15])));
    platform_with_ppid_of_another_type: Error::ExtensionEncoding => platform(|parts| parts[0] = part(&[1], &tlv(0x0c, &[7; 16])));
    platform_with_unknown_sgx_type: Error::ExtensionEncoding => platform(|parts| parts[4] = part(&[5], &tlv(0x0a, &[3])));
    platform_with_short_instance: Error::ExtensionEncoding => platform(|parts| parts[5] = part(&[6], &tlv(0x04, &[8; 8])));
    platform_with_odd_flag: Error::ExtensionEncoding =>
        platform(|parts| parts[6] = part(&[7], &tlv(0x30, &part(&[7, 3], &tlv(0x01, &[1])))));
    platform_with_large_component: Error::ExtensionEncoding => platform_tcb(|parts| parts[0] = part(&[2, 1], &tlv(0x02, &[1, 0])));
    platform_with_negative_component: Error::ExtensionEncoding => platform_tcb(|parts| parts[0] = part(&[2, 1], &tlv(0x02, &[0xff])));
    platform_with_two_levels: Error::ExtensionContradiction => platform_tcb(|parts| parts[15] = part(&[2, 16], &tlv(0x02, &[4])));

    enclave_report_changed: Error::QeReportSignature => quote(|quote| quote[54 + 648 + 4 + 134] ^= 1);
    enclave_signature_out_of_range: Error::QeReportSignature => quote(|quote| quote[54 + 648 + 4 + 134 + 384..][..64].fill(0xff));
    enclave_vouches_for_another_key: Error::QeReportData => with(|maker| maker.draft.qe[320] = 1);
    enclave_binds_something_else_too: Error::QeReportData => with(|maker| maker.draft.qe[383] = 1);
    authentication_data_changed: Error::QeReportData => quote(|quote| quote[54 + 648 + 4 + 134 + 450] ^= 1);
    attestation_key_changed: Error::QeReportData => quote(|quote| quote[54 + 648 + 4 + 64] ^= 1);
    enclave_of_another_author: Error::QeSigner => with(|maker| maker.draft.qe[128] ^= 1);
    enclave_debuggable: Error::QeDebuggable => with(|maker| maker.draft.qe[48] |= 2);
    enclave_of_another_product: Error::QeProduct => with(|maker| maker.draft.qe[256] = 1);
    enclave_saves_more: Error::QeMiscSelect => with(|maker| maker.draft.qe[16] = 1);
    enclave_with_other_attributes: Error::QeAttributes => with(|maker| maker.draft.qe[48] |= 0x20);
    enclave_too_old: Error::QeLevel => with(|maker| maker.draft.qe[258] = 5);
    no_level_of_enclaves: Error::QeLevel => qe_identity(|identity| identity["tcbLevels"] = json!([]));
    attestation_key_is_no_point: Error::AttestationKey => {
        // The enclave vouches for whatever it is.
        let mut made = Maker::new().make();
        let data = 54 + 648 + 4;
        made.quote[data + 64..][..64].fill(0xff);
        let bound = Sha256::new().chain_update([0xff; 64]).chain_update(Maker::new().draft.qe_auth).finalize();
        made.quote[data + 134 + 320..][..32].copy_from_slice(&bound);
        let signature = PLATFORM.key().sign_raw(&made.quote[data + 134..][..384]);
        made.quote[data + 134 + 384..][..64].copy_from_slice(&signature);
        made.judge()
    };
    body_changed_after_signing: Error::QuoteSignature => quote(|quote| quote[54 + 136] ^= 1);
    header_changed_after_signing: Error::QuoteSignature => quote(|quote| quote[47] ^= 1);
    signature_is_zero: Error::QuoteSignature => quote(|quote| quote[54 + 648 + 4..][..64].fill(0));

    tcb_info_of_another_family: Error::FmspcMismatch => tcb_info(|info| info["fmspc"] = "50806F000001".into());
    tcb_info_of_another_pce: Error::PceIdMismatch => tcb_info(|info| info["pceId"] = "0001".into());
    platform_below_every_level: Error::LevelUnknown => tcb_info(|info| info["tcbLevels"] = json!([level(4, 11, 3, "UpToDate", &[])]));
    pce_below_every_level: Error::LevelUnknown => tcb_info(|info| info["tcbLevels"] = json!([level(3, 12, 3, "UpToDate", &[])]));
    tdx_below_every_level: Error::LevelUnknown => with(|maker| maker.put(TEE_TCB_SVN + 15, &[1]));
    tdx_now_below_every_level: Error::LevelUnknown => with(|maker| maker.put(TEE_TCB_SVN2 + 2, &[1]));
    module_without_version_below_every_level: Error::LevelUnknown => with(|maker| maker.put(TEE_TCB_SVN, &[5, 0]));
    no_level: Error::LevelUnknown => tcb_info(|info| info["tcbLevels"] = json!([]));
    module_of_unknown_version: Error::ModuleUnknown => with(|maker| maker.put(TEE_TCB_SVN + 1, &[2]));
    module_of_unknown_version_now: Error::ModuleUnknown => with(|maker| maker.put(TEE_TCB_SVN2 + 1, &[2]));
    module_too_old: Error::ModuleLevel => with(|maker| maker.put(TEE_TCB_SVN, &[2]));
    module_too_old_now: Error::ModuleLevel => with(|maker| maker.put(TEE_TCB_SVN2, &[2]));
    module_of_another_author: Error::ModuleSigner => with(|maker| maker.put(MR_SIGNER_SEAM, &[1]));
    module_with_other_attributes: Error::ModuleAttributes => with(|maker| maker.put(SEAM_ATTRIBUTES, &[1]));
    module_with_attributes_outside_of_the_mask: Error::ModuleAttributes => with(|maker| {
        maker.tcb_info["tdxModuleIdentities"][0]["attributesMask"] = "FEFFFFFFFFFFFFFF".into();
        maker.put(SEAM_ATTRIBUTES, &[1]);
    });
    platform_revoked: Error::TcbRevoked => with(|maker| {
        maker.tcb_info["tcbLevels"][0]["tcbStatus"] = "Revoked".into();
        maker.requirements = Requirements::LENIENT;
    });
    module_revoked: Error::TcbRevoked => tcb_info(|info| info["tdxModuleIdentities"][0]["tcbLevels"][0]["tcbStatus"] = "Revoked".into());
    enclave_revoked: Error::TcbRevoked => qe_identity(|identity| identity["tcbLevels"][0]["tcbStatus"] = "Revoked".into());
    module_revoked_now: Error::TcbRevoked => with(|maker| {
        maker.tcb_info["tdxModuleIdentities"][0]["tcbLevels"][1]["tcbStatus"] = "Revoked".into();
        maker.put(TEE_TCB_SVN2, &[3]);
    });
}
