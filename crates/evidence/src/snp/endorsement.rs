//! What AMD says in the certificate of a key that signs reports, about the chip (VCEK) or the cloud provider (VLEK) that has it: AMD's own X.509
//! extensions (VCEK, section 3).

use crate::{
    journal::{Hex, Journal},
    snp::{Error, Product, Tcb, certificate::Certificate},
};
use alloc::string::String;
use der::{
    Decode,
    asn1::{Ia5StringRef, ObjectIdentifier},
};

const PRODUCT_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1.2");
const BOOTLOADER: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1.3.1");
const TEE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1.3.2");
const SNP: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1.3.3");
const MICROCODE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1.3.8");
const FMC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1.3.9");
const CSP_ID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1.5");
const HARDWARE_ID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1.4");

/// The product that a certificate names.
pub(crate) fn product(certificate: &Certificate<'_>, log: &mut impl Journal<Error>) -> Result<Product, Error> {
    let value = log.take(certificate.extension(PRODUCT_NAME), Error::ExtensionMissing, "")?;
    let name = log.take(Ia5StringRef::from_der(value).ok(), Error::ExtensionEncoding, "")?;
    log.take(Product::from_certificate_name(name.as_str()), Error::ProductUnknown, name.as_str())
}

/// Checks that a chip's certificate is for this chip.
pub(crate) fn check_chip(
    certificate: &Certificate<'_>,
    product: Product,
    chip_id: &[u8; 64],
    log: &mut impl Journal<Error>,
) -> Result<(), Error> {
    // The octet string holds the raw id, not DER in it.
    let hardware_id = log.take(certificate.extension(HARDWARE_ID), Error::ExtensionMissing, "")?;
    let (id, rest) = chip_id.split_at_checked(product.chip_id_len()).ok_or(Error::ChipIdLength)?;
    log.need(hardware_id.len() == id.len(), Error::ChipIdLength, format_args!("{} bytes, {product}", hardware_id.len()))?;
    let same = hardware_id == id && rest.iter().all(|byte| *byte == 0);
    log.compare(same, Error::ChipMismatch, Hex(hardware_id), Hex(chip_id))
}

/// Checks that a certificate is for a cloud provider's key and for no single chip's, and says for which cloud provider.
pub(crate) fn cloud_provider(certificate: &Certificate<'_>, log: &mut impl Journal<Error>) -> Result<String, Error> {
    log.check(certificate.extension(HARDWARE_ID).is_none(), Error::VlekOfAChip, "")?;
    let value = log.take(certificate.extension(CSP_ID), Error::CspIdMissing, "")?;
    let name = Ia5StringRef::from_der(value).ok().map(|name| name.as_str()).filter(|name| !name.is_empty());
    log.take(name.map(String::from), Error::CspIdEncoding, name.unwrap_or(""))
}

/// Checks that a certificate is for this firmware level.
pub(crate) fn check_tcb(
    certificate: &Certificate<'_>,
    product: Product,
    reported: &Tcb,
    log: &mut impl Journal<Error>,
) -> Result<(), Error> {
    let mut version = |id| -> Result<u8, Error> {
        let value = log.take(certificate.extension(id), Error::ExtensionMissing, "")?;
        log.take(u8::from_der(value).ok(), Error::ExtensionEncoding, "")
    };
    let certified = Tcb {
        bootloader: version(BOOTLOADER)?,
        tee: version(TEE)?,
        snp: version(SNP)?,
        microcode: version(MICROCODE)?,
        fmc: if product == Product::Turin { version(FMC)? } else { 0 },
    };
    log.compare(certified == *reported, Error::TcbMismatch, certified, reported)
}
