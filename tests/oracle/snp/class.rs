//! The differences that are on purpose, one by one, and how each is told from a difference that is not.

use crate::snp::{
    evidence::{CSP_ID, Evidence, HARDWARE_ID, SIGNATURE},
    mutant::{Mutant, Part},
    ours,
};
use blockcloud_evidence::snp::{Claims, Error, Link, Product};
use der::{Decode, Encode, asn1::ObjectIdentifier};
use openssl::x509::X509Name;
use sev::{
    Generation,
    firmware::{guest::AttestationReport, host::TcbVersion},
    parser::ByteParser,
};
use x509_cert::{Certificate, TbsCertificate, ext::Extension, time::Time};

macro_rules! classes {
    ($($name:ident: $reason:literal,)*) => {
        /// A difference on purpose.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Class {
            $($name,)*
        }

        impl Class {
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            pub fn reason(self) -> &'static str {
                match self {
                    $(Self::$name => $reason,)*
                }
            }
        }
    };
}

classes! {
    // The report.
    Version: "only versions whose layout is published; sev reads 4 as 3 and all above 5 as 5",
    OldVersion: "version 2 does not name the processor and is taken only where it is allowed",
    Algorithm: "the report must name the one algorithm that there is; sev does not look",
    UnusedBytes: "bytes after the signature are not signed and must be zero; sev does not look",
    WideNumbers: "a signature's numbers have 48 bytes; sev takes the longer ones of another curve",
    CloudKey: "a cloud provider's key is taken only where it is allowed",
    UnknownKey: "the report must say that the chip's or a cloud provider's key signed it",
    MaskedKey: "the host must not hide the chip's key",
    NewProcessor: "only products whose certificates and levels are known; sev reads Venice, too",
    PolicyBit: "bit 17 of the policy must be one",
    PolicyUnknown: "a bit of the policy without a known meaning might loosen it",
    Debug: "the host must not read the guest's memory",
    Migration: "no migration agent may move the guest",
    Multithreading: "multithreading is taken only where it is allowed",
    Sockets: "several sockets are taken only where they are allowed",
    Cxl: "memory behind CXL is taken only where it is allowed",
    Aliases: "firmware that has not checked for aliases is taken only where it is allowed",
    Privilege: "the report must come from privilege level 0",
    ReportedLevel: "the reported level is at most the committed one",
    CommittedLevel: "the committed level is at most the current one",
    DroppedBytes: "the signature is over the report as it came; sev drops bytes of a level and does not see that they were changed",
    // The certificates.
    Encoding: "a certificate is exactly one of version 3 in DER; OpenSSL reads other encodings and versions, and passes over what follows",
    Signing: "certificates are signed as AMD signs them; OpenSSL takes every algorithm that it knows",
    Names: "a certificate must name the subject of the one above it; sev looks at the signature only",
    Early: "certificates must be valid already; sev has no clock",
    Late: "certificates must be valid still; sev has no clock",
    ReportKey: "the key that signs reports is a plain point of P-384; OpenSSL takes other curves and other forms of points",
    AuthorityKey: "an authority's key is RSA-4096 with exponent 65537; OpenSSL takes other lengths, exponents and kinds",
    Authority: "an authority's certificate must say that it is one; sev does not look",
    Critical: "a critical extension must be understood; sev does not look",
    Repeated: "an extension must be there once; sev does not look",
    // What AMD says of the key; sev reads none of it.
    Missing: "the certificate must say for which product, level and chip it is; sev does not look",
    Unreadable: "what the certificate says must be DER of the right type; sev does not look",
    ProductName: "the certificate must name a known product; sev does not look",
    OtherProduct: "certificate and report must name the same product; sev does not look",
    ChipIdLength: "the certificate's chip id has the product's length; sev does not look",
    OtherChip: "the certificate must be for the report's chip; sev does not look",
    OtherLevel: "the certificate must be for the reported level; sev does not look",
    CloudKeyOfChip: "a cloud provider's certificate must not be for one chip; sev does not look",
    CloudUnnamed: "a cloud provider's certificate must name it; sev does not look",
    CloudUnreadable: "the cloud provider's name must be text; sev does not look",
    // Where sev refuses what we believe.
    ReservedBytes: "reserved bytes are signed by the processor and newer firmware may use them; sev wants zeros",
    ReservedLevelBytes: "bytes of a level without a meaning are signed, too; sev drops them and then misses the signature",
    OldHiddenChip: "a version 2 report may hide the chip's id if a cloud provider's key signed it; sev then refuses",
    OldProduct: "the product of a version 2 report is what the certificate says; sev guesses it by the chip's id and drops bytes of the level",
    NameText: "names are compared byte by byte and not read; OpenSSL wants text in them",
}

/// Where we refuse on purpose what the oracle believes. Only what really is of that kind: as the oracle reads the report, and by what was changed.
pub fn stricter(error: Error, mutant: &Mutant, report: &AttestationReport) -> Option<Class> {
    let requirements = &mutant.evidence.requirements;
    // As it came: the other conversion sets bit 17.
    let policy = u64::from_le_bytes(report.policy.to_bytes().expect("a policy"));
    let numbers = &mutant.evidence.report[SIGNATURE..];
    let says = |part| mutant.says_otherwise(part);
    let part = |link| match link {
        Link::Root => Part::Root,
        Link::Issuer => Part::Issuer,
        Link::Chip | Link::Vlek => Part::Chip,
    };
    let read = |link| match link {
        Link::Root => said(&mutant.evidence.root),
        Link::Issuer => said(&mutant.evidence.issuer),
        Link::Chip | Link::Vlek => said(&mutant.evidence.chip),
    };
    let chip = || read(Link::Chip);
    let above = |link| if matches!(link, Link::Chip | Link::Vlek) { Part::Issuer } else { Part::Root };
    let (class, is) = match error {
        Error::ReportVersion => (Class::Version, !matches!(report.version, 2 | 3 | 5)),
        Error::OldReportVersion => (Class::OldVersion, report.version == 2 && !requirements.allow_version_2),
        Error::SignatureAlgorithm => (Class::Algorithm, report.sig_algo != 1),
        Error::SignaturePadding if numbers[144..].iter().any(|byte| *byte != 0) => (Class::UnusedBytes, true),
        Error::SignaturePadding => (Class::WideNumbers, says(Part::Chip)),
        Error::SignedByVlek => (Class::CloudKey, report.key_info.signing_key() == 1 && !requirements.allow_vlek),
        Error::SigningKey => (Class::UnknownKey, report.key_info.signing_key() > 1),
        Error::ChipKeyMasked => (Class::MaskedKey, report.key_info.mask_chip_key()),
        Error::ProductUnknown if matches!(generation(report), Some(Generation::Venice)) => (Class::NewProcessor, says(Part::Report)),
        Error::ProductUnknown => (Class::ProductName, says(Part::Chip)),
        Error::ProductMismatch => (Class::OtherProduct, says(Part::Chip) || says(Part::Report)),
        Error::CertificateEncoding(link) => (Class::Encoding, mutant.changed(part(link))),
        Error::CertificateAlgorithm(link) => (Class::Signing, says(part(link))),
        Error::CertificateIssuer(link) => (Class::Names, says(part(link)) || says(above(link))),
        Error::CertificateNotYetValid(link) => (Class::Early, mutant.evidence.now_ms < milliseconds(read(link)?.validity().not_before)),
        Error::CertificateExpired(link) => (Class::Late, mutant.evidence.now_ms > milliseconds(read(link)?.validity().not_after)),
        Error::CertificateKey(Link::Chip | Link::Vlek) => (Class::ReportKey, says(Part::Chip)),
        Error::CertificateKey(link) => (Class::AuthorityKey, says(part(link))),
        Error::NotAnAuthority(link) => (Class::Authority, says(part(link))),
        Error::CriticalExtension(link) => {
            (Class::Critical, extensions(&read(link)?).iter().any(|entry| entry.critical && !known(entry.extn_id)))
        }
        Error::ExtensionRepeated(link) => (Class::Repeated, repeats(&extensions(&read(link)?))),
        Error::ExtensionMissing => (Class::Missing, lacks(&chip()?, report.key_info.signing_key() == 0)),
        Error::ExtensionEncoding => (Class::Unreadable, says(Part::Chip)),
        Error::ChipIdLength => (Class::ChipIdLength, says(Part::Chip) || says(Part::Report)),
        Error::ChipMismatch => (Class::OtherChip, padded(&value(&chip()?, HARDWARE_ID)?) != report.chip_id),
        Error::TcbMismatch => (Class::OtherLevel, !is_for_level(&chip()?, report.reported_tcb) || report.version == 2),
        Error::PolicyReservedBit => (Class::PolicyBit, policy >> 17 & 1 == 0),
        Error::PolicyUnknownBit => (Class::PolicyUnknown, policy >> 26 != 0),
        Error::Debuggable => (Class::Debug, report.policy.debug_allowed()),
        Error::Migratable => (Class::Migration, report.policy.migrate_ma_allowed()),
        Error::SmtAllowed => (Class::Multithreading, report.policy.smt_allowed() && !requirements.allow_smt),
        Error::SocketsAllowed => (Class::Sockets, !report.policy.single_socket_required() && !requirements.allow_sockets),
        Error::CxlAllowed => (Class::Cxl, report.policy.cxl_allowed() && !requirements.allow_cxl),
        Error::AliasesUnchecked => (Class::Aliases, !report.plat_info.alias_check_complete() && !requirements.allow_unchecked_aliases),
        Error::PrivilegeLevel => (Class::Privilege, report.vmpl != 0),
        Error::ReportedAboveCommitted => (Class::ReportedLevel, exceeds(report.reported_tcb, report.committed_tcb)),
        Error::CommittedAboveCurrent => (Class::CommittedLevel, exceeds(report.committed_tcb, report.current_tcb)),
        Error::VlekOfAChip => (Class::CloudKeyOfChip, value(&chip()?, HARDWARE_ID).is_some()),
        Error::CspIdMissing => (Class::CloudUnnamed, value(&chip()?, CSP_ID).is_none()),
        Error::CspIdEncoding => (Class::CloudUnreadable, says(Part::Chip)),
        Error::ReportSignature => {
            // Without the bytes that the oracle drops there must be no such error.
            let mut kept = mutant.clone();
            kept.evidence.report = report.to_bytes().expect("a report").to_vec();
            let verdict = ours(&kept.evidence);
            let explained =
                verdict.map_or_else(|error| error != Error::ReportSignature && stricter(error, &kept, report).is_some(), |_| true);
            (Class::DroppedBytes, explained && mutant.changed(Part::Report))
        }
        // Of these the oracle believes nothing either.
        Error::ReportLength
        | Error::SignatureRange
        | Error::CertificateSignature(_)
        | Error::CommittedBelowFloor
        | Error::LaunchedBelowFloor => return None,
    };
    is.then_some(class)
}

/// Where we believe on purpose what the oracle refuses. Only what really is of that kind.
pub fn laxer(mutant: &Mutant, claims: &Claims) -> Option<Class> {
    let Evidence { report, chip, issuer, root, .. } = &mutant.evidence;
    let set = |at: std::ops::Range<usize>| report[at].iter().any(|byte| *byte != 0);
    let chip_id = 0x1a0..0x1e0;
    let by_cloud = claims.cloud_provider.is_some();
    // Where the oracle's guess puts the bytes of a level that it drops.
    let like_turin = !set(chip_id.start + 8..chip_id.end);
    let dropped = |turin: bool| if turin { 4..7 } else { 2..6 };
    let levels = [0x38, 0x180, 0x1e0, 0x1f0];
    let loses = |turin| levels.into_iter().any(|at| set(at + dropped(turin).start..at + dropped(turin).end));
    let turin = claims.product == Product::Turin;
    let reserved = match claims.version {
        2 => [0x4c..0x50, 0x188..0x1a0, 0x1eb..0x1ec, 0x1ef..0x1f0, 0x1f8..0x2a0],
        3 => [0x4c..0x50, 0x18b..0x1a0, 0x1eb..0x1ec, 0x1ef..0x1f0, 0x1f8..0x2a0],
        _ => [0x4c..0x50, 0x18b..0x1a0, 0x1eb..0x1ec, 0x1ef..0x1f0, 0x208..0x2a0],
    };
    let unreadable_name = [(Part::Chip, chip), (Part::Issuer, issuer), (Part::Root, root)]
        .into_iter()
        .any(|(part, der)| mutant.says_otherwise(part) && !names_are_text(der));
    if unreadable_name {
        Some(Class::NameText)
    } else if !mutant.says_otherwise(Part::Report) {
        None
    } else if reserved.into_iter().any(set) {
        Some(Class::ReservedBytes)
    } else if claims.version == 2 && by_cloud && !set(chip_id) {
        Some(Class::OldHiddenChip)
    } else if claims.version == 2 && by_cloud && like_turin != turin && loses(like_turin) {
        Some(Class::OldProduct)
    } else if loses(turin) {
        Some(Class::ReservedLevelBytes)
    } else {
        None
    }
}

/// The processor that the oracle sees in a report, from version 3 on.
pub fn generation(report: &AttestationReport) -> Option<Generation> {
    Generation::identify_cpu(report.cpuid_fam_id?, report.cpuid_mod_id?).ok()
}

/// What a certificate says, read once more.
fn said(certificate: &[u8]) -> Option<TbsCertificate> {
    Certificate::from_der(certificate).ok().map(|certificate| certificate.tbs_certificate().clone())
}

fn milliseconds(time: Time) -> u64 {
    time.to_unix_duration().as_secs() * 1000
}

fn extensions(content: &TbsCertificate) -> Vec<Extension> {
    content.extensions().cloned().unwrap_or_default()
}

fn value(content: &TbsCertificate, id: ObjectIdentifier) -> Option<Vec<u8>> {
    extensions(content).into_iter().find(|entry| entry.extn_id == id).map(|entry| entry.extn_value.into_bytes().into())
}

/// Basic constraints and key usage.
fn known(id: ObjectIdentifier) -> bool {
    ["2.5.29.19", "2.5.29.15"].map(ObjectIdentifier::new_unwrap).contains(&id)
}

fn repeats(extensions: &[Extension]) -> bool {
    extensions.iter().enumerate().any(|(at, entry)| extensions[..at].iter().any(|earlier| earlier.extn_id == entry.extn_id))
}

/// AMD's identifiers of the parts of a level: the boot loader, the security processor's system, the firmware, the microcode, the FMC.
fn level(certificate: &TbsCertificate) -> [Option<Vec<u8>>; 5] {
    [1, 2, 3, 8, 9].map(|arc| value(certificate, ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1.3").push_arc(arc).expect("short")))
}

/// Whether a certificate lacks what AMD says of the key; the FMC counts here although Turin alone has it.
fn lacks(certificate: &TbsCertificate, of_chip: bool) -> bool {
    let product = value(certificate, ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1.2"));
    product.is_none() || (of_chip && value(certificate, HARDWARE_ID).is_none()) || level(certificate).contains(&None)
}

/// Whether a certificate is for the level that the oracle reads. An FMC that the oracle does not read is none.
fn is_for_level(certificate: &TbsCertificate, read: TcbVersion) -> bool {
    let parts = [Some(read.bootloader), Some(read.tee), Some(read.snp), Some(read.microcode), read.fmc];
    level(certificate).into_iter().zip(parts).all(|(said, read)| read.is_none() || said.and_then(|said| said.last().copied()) == read)
}

/// A chip's id as a report has it.
fn padded(id: &[u8]) -> [u8; 64] {
    let mut padded = [0; 64];
    let length = id.len().min(64);
    padded[..length].copy_from_slice(&id[..length]);
    padded
}

/// Whether OpenSSL can read the names in a certificate by themselves.
fn names_are_text(certificate: &[u8]) -> bool {
    let content = said(certificate).expect("a certificate, for we believe it");
    [content.subject(), content.issuer()].into_iter().all(|name| X509Name::from_der(&name.to_der().expect("DER")).is_ok())
}

/// Whether a part of a level is above that of another.
fn exceeds(level: TcbVersion, other: TcbVersion) -> bool {
    let parts = |level: TcbVersion| [level.bootloader, level.tee, level.snp, level.microcode, level.fmc.unwrap_or(0)];
    parts(level).into_iter().zip(parts(other)).any(|(part, other)| part > other)
}
