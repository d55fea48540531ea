//! Certificates, at every place under the root.

use super::*;
use blockcloud_evidence::tdx::Serials;

refusals_of! {
    covered:
    certificate_too_long: CertificateLength at LINKS => |link| match link {
        // So long a certificate does not leave room for the others in a quote.
        Link::Root => signed(|made| made.root = vec![0x30; 2049]),
        link => certificate(link, oversized),
    };
    certificate_of_version_1: CertificateEncoding at LINKS => |link| certificate(link, |template| template.version = Version::V1);
    certificate_unreadable: CertificateEncoding at LINKS => |link| match link {
        Link::Root => signed(|made| made.root.truncate(100)),
        Link::Issuer => signed(|made| made.issuer.push(0)),
        Link::Chip => chain(|maker| {
            let [_, issuer, root] = maker.chain();
            pem(&[b"certificate".to_vec(), issuer, root]).into_bytes()
        }),
        Link::Signer => signed(|made| made.signer.clear()),
    };
    certificate_by_another_algorithm: CertificateAlgorithm at LINKS => |link| certificate(link, other_algorithm);
    certificate_with_parameters: CertificateAlgorithm at LINKS =>
        |link| certificate(link, |template| template.algorithm = with_null_parameters());
    certificate_by_another_issuer: CertificateIssuer at LINKS =>
        |link| certificate(link, |template| template.issuer = if link == Link::Root { Maker::new().chip.subject } else { template.subject.clone() });
    certificate_too_new: CertificateNotYetValid at LINKS => |link| certificate(link, from_the_future);
    certificate_expired: CertificateExpired at LINKS => |link| certificate(link, expired);
    key_on_another_curve: CertificateKey at LINKS => |link| certificate(link, on_another_curve);
    key_is_no_point: CertificateKey at LINKS => |link| certificate(link, no_point);
    certificate_by_an_impostor: CertificateSignature at [Link::Issuer, Link::Chip, Link::Signer] => |link| with(|maker| match link {
        Link::Issuer => maker.issuer_by = IMPOSTOR.clone(),
        Link::Chip => maker.chip_by = IMPOSTOR.clone(),
        _ => maker.signer_by = IMPOSTOR.clone(),
    });
    no_authority: NotAnAuthority at [Link::Root, Link::Issuer] =>
        |link| certificate(link, |template| set(template, BasicConstraints::OID, Some(&constraints(false, None))));
    nothing_of_authority: NotAnAuthority at [Link::Root, Link::Issuer] => |link| certificate(link, |template| set(template, BasicConstraints::OID, None));
    authority_may_not_sign_certificates: NotAnAuthority at [Link::Root, Link::Issuer] =>
        |link| certificate(link, |template| set(template, KeyUsage::OID, Some(&usage(KeyUsages::CRLSign))));
    authority_may_not_revoke: NotAnAuthority at [Link::Root, Link::Issuer] =>
        |link| certificate(link, |template| set(template, KeyUsage::OID, Some(&usage(KeyUsages::KeyCertSign))));
    root_may_have_no_authority_below: NotAnAuthority at [Link::Root] =>
        |link| certificate(link, |template| set(template, BasicConstraints::OID, Some(&constraints(true, Some(0)))));
    authority_in_a_signers_place: NotASigner at [Link::Chip, Link::Signer] =>
        |link| certificate(link, |template| set(template, BasicConstraints::OID, Some(&constraints(true, None))));
    signer_may_not_sign: NotASigner at [Link::Chip, Link::Signer] =>
        |link| certificate(link, |template| set(template, KeyUsage::OID, Some(&usage(KeyUsages::KeyAgreement))));
    signer_without_usage: NotASigner at [Link::Chip, Link::Signer] => |link| certificate(link, |template| set(template, KeyUsage::OID, None));
    certificate_has_unknown_critical_extension: CriticalExtension at LINKS => |link| certificate(link, |template| template.extensions.push(critical()));
    certificate_repeats_an_extension: ExtensionRepeated at LINKS => |link| certificate(link, repeated);
    certificate_revoked: CertificateRevoked at LINKS => |link| with(|maker| match link {
        Link::Chip => maker.pck_crl.revoked.push(serial(link)),
        link => maker.root_crl.revoked.push(serial(link)),
    });
    certificate_revoked_since: CertificateRevoked at LINKS => |link| kept(|kept| {
        let list = if link == Link::Chip { &mut kept.pck_crl } else { &mut kept.root_crl };
        list.revoked = Serials::new(list.revoked.iter().chain([kept_serial(link)]).collect()).expect("room for one more");
    });
}

/// A certificate's serial number, as it is kept: without the zero that keeps it positive.
fn kept_serial(link: Link) -> Serial {
    let (bytes, _) = serial(link);
    let number: Vec<u8> = bytes.into_iter().skip_while(|byte| *byte == 0).collect();
    let mut kept = [0; 20];
    kept[20 - number.len()..].copy_from_slice(&number);
    Serial(kept)
}
