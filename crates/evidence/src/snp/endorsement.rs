//! What AMD says in the certificate of a key that signs reports, about the chip (VCEK) or the cloud provider (VLEK) that has it: AMD's own X.509
//! extensions (VCEK, section 3). Verified here; and, of a chip's, kept for another time.

use crate::{
    journal::{Hex, Journal, Silent},
    snp::{
        Error, Link, Product, Tcb,
        certificate::{Certificate, POINT_LEN, Validity},
        report::SigningKey,
    },
};
use alloc::string::String;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use der::{
    Decode as _,
    asn1::{Ia5StringRef, ObjectIdentifier},
};
use p384::ecdsa::VerifyingKey;
use scale_info::TypeInfo;

const PRODUCT_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1.2");
const BOOTLOADER: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1.3.1");
const TEE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1.3.2");
const SNP: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1.3.3");
const MICROCODE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1.3.8");
const FMC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1.3.9");
const CSP_ID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1.5");
const HARDWARE_ID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1.4");

/// A chip's key, and what its certificate says of it: all that [`verify_report`](crate::snp::verify_report) needs of a certificate that was verified
/// before. Its SCALE encoding always has the same length.
///
/// It says nothing of which certificates it is of. Whoever keeps it must keep their hashes beside it, and use it in the place of the very same ones only.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct ChipKey {
    product: Product,
    chip_id: [u8; 64],
    tcb: Tcb,
    /// Uncompressed point of P-384 (SEC 1), so that it need not be computed again.
    point: [u8; POINT_LEN],
    validity: Validity,
    issuer_validity: Validity,
}

impl ChipKey {
    /// The chip's identity as its reports have it: 64 bytes; on Turin those after the first 8 are zero.
    pub fn chip_id(&self) -> &[u8; 64] {
        &self.chip_id
    }
}

/// Whose key it is.
enum Holder {
    /// A chip's own, with the chip's identity as reports have it.
    Chip([u8; 64]),
    /// A cloud provider's, with its name.
    CloudProvider(String),
}

/// What is known of a key that signs reports, from a certificate that was verified.
pub(crate) struct Endorsement {
    product: Product,
    holder: Holder,
    tcb: Tcb,
    point: [u8; POINT_LEN],
    key: VerifyingKey,
    validity: Validity,
    issuer_validity: Validity,
}

impl Endorsement {
    /// Verifies the certificate of a key of this kind, under its issuer's.
    pub(crate) fn of(
        chip_der: &[u8],
        issuer_der: &[u8],
        signing_key: SigningKey,
        now_ms: u64,
        log: &mut impl Journal<Error>,
    ) -> Result<Self, Error> {
        let certificate = Certificate::parse(chip_der, signing_key.link(), log)?;
        let issuer = Certificate::parse(issuer_der, Link::Issuer, log)?;
        certificate.check_issued_by(&issuer, now_ms, log)?;
        let (point, key) = certificate.p384_key(log)?;
        let product = product(&certificate, log)?;
        let holder = match signing_key {
            SigningKey::Vcek => Holder::Chip(chip_id(&certificate, product, log)?),
            SigningKey::Vlek => Holder::CloudProvider(cloud_provider(&certificate, log)?),
        };
        let tcb = tcb(&certificate, product, log)?;
        Ok(Self { product, holder, tcb, point, key, validity: certificate.validity(), issuer_validity: issuer.validity() })
    }

    /// Judges what was kept of a certificate once more, as that of a key of this kind: what time or the report can change, in the same order.
    pub(crate) fn again(kept: &ChipKey, signing_key: SigningKey, now_ms: u64) -> Result<Self, Error> {
        let ChipKey { product, chip_id, tcb, point, validity, issuer_validity } = kept;
        let link = signing_key.link();
        issuer_validity.check(Link::Issuer, now_ms, &mut Silent)?;
        validity.check(link, now_ms, &mut Silent)?;
        let key = VerifyingKey::from_sec1_bytes(point).map_err(|_| Error::CertificateKey(link))?;
        if signing_key == SigningKey::Vlek {
            return Err(Error::VlekOfAChip);
        }
        Ok(Self {
            product: *product,
            holder: Holder::Chip(*chip_id),
            tcb: *tcb,
            point: *point,
            key,
            validity: *validity,
            issuer_validity: *issuer_validity,
        })
    }

    /// What to keep of it; nothing of a cloud provider's.
    pub(crate) fn kept(self) -> Option<ChipKey> {
        let Self { product, holder, tcb, point, validity, issuer_validity, .. } = self;
        match holder {
            Holder::Chip(chip_id) => Some(ChipKey { product, chip_id, tcb, point, validity, issuer_validity }),
            Holder::CloudProvider(_) => None,
        }
    }

    /// The product that it names.
    pub(crate) fn product(&self) -> Product {
        self.product
    }

    /// The key.
    pub(crate) fn key(&self) -> &VerifyingKey {
        &self.key
    }

    /// The cloud provider whose key it is.
    pub(crate) fn cloud_provider(&self) -> Option<String> {
        match &self.holder {
            Holder::Chip(_) => None,
            Holder::CloudProvider(name) => Some(name.clone()),
        }
    }

    /// The last Unix millisecond at which certificate and issuer count.
    pub(crate) fn not_after_ms(&self) -> u64 {
        self.validity.not_after_ms().min(self.issuer_validity.not_after_ms())
    }

    /// Checks that a chip's key is this chip's.
    pub(crate) fn check_chip(&self, chip_id: &[u8; 64], log: &mut impl Journal<Error>) -> Result<(), Error> {
        match &self.holder {
            Holder::Chip(certified) => log.compare(certified == chip_id, Error::ChipMismatch, Hex(certified), Hex(chip_id)),
            Holder::CloudProvider(_) => Ok(()),
        }
    }

    /// Checks that the key is for this firmware level.
    pub(crate) fn check_tcb(&self, reported: &Tcb, log: &mut impl Journal<Error>) -> Result<(), Error> {
        log.compare(self.tcb == *reported, Error::TcbMismatch, self.tcb, reported)
    }
}

/// The product that a certificate names.
pub(crate) fn product(certificate: &Certificate<'_>, log: &mut impl Journal<Error>) -> Result<Product, Error> {
    let value = log.take(certificate.extension(PRODUCT_NAME), Error::ExtensionMissing, "")?;
    let name = log.take(Ia5StringRef::from_der(value).ok(), Error::ExtensionEncoding, "")?;
    log.take(Product::from_certificate_name(name.as_str()), Error::ProductUnknown, name.as_str())
}

/// The chip that a certificate names, as reports name it: with zeros after a shorter hardware id.
fn chip_id(certificate: &Certificate<'_>, product: Product, log: &mut impl Journal<Error>) -> Result<[u8; 64], Error> {
    // The octet string holds the raw id, not DER in it.
    let hardware_id = log.take(certificate.extension(HARDWARE_ID), Error::ExtensionMissing, "")?;
    let right = hardware_id.len() == product.chip_id_len();
    log.need(right, Error::ChipIdLength, format_args!("{} bytes, {product}", hardware_id.len()))?;
    let mut chip_id = [0; 64];
    chip_id.get_mut(..hardware_id.len()).ok_or(Error::ChipIdLength)?.copy_from_slice(hardware_id);
    Ok(chip_id)
}

/// The cloud provider that a certificate names, which must name no single chip.
fn cloud_provider(certificate: &Certificate<'_>, log: &mut impl Journal<Error>) -> Result<String, Error> {
    log.check(certificate.extension(HARDWARE_ID).is_none(), Error::VlekOfAChip, "")?;
    let value = log.take(certificate.extension(CSP_ID), Error::CspIdMissing, "")?;
    let name = Ia5StringRef::from_der(value).ok().map(|name| name.as_str()).filter(|name| !name.is_empty());
    log.take(name.map(String::from), Error::CspIdEncoding, name.unwrap_or(""))
}

/// The firmware level that a certificate names.
fn tcb(certificate: &Certificate<'_>, product: Product, log: &mut impl Journal<Error>) -> Result<Tcb, Error> {
    let mut version = |id| -> Result<u8, Error> {
        let value = log.take(certificate.extension(id), Error::ExtensionMissing, "")?;
        log.take(u8::from_der(value).ok(), Error::ExtensionEncoding, "")
    };
    Ok(Tcb {
        bootloader: version(BOOTLOADER)?,
        tee: version(TEE)?,
        snp: version(SNP)?,
        microcode: version(MICROCODE)?,
        fmc: if product == Product::Turin { version(FMC)? } else { 0 },
    })
}
