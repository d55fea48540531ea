//! What AMD says about a chip in the certificate of its key: AMD's own X.509 extensions (VCEK, section 3).

use crate::snp::{Error, Product, Tcb, certificate::Certificate};
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
const HARDWARE_ID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1.4");

/// The product that a chip's certificate names.
pub(crate) fn product(certificate: &Certificate<'_>) -> Result<Product, Error> {
    let value = certificate.extension(PRODUCT_NAME).ok_or(Error::ExtensionMissing)?;
    let name = Ia5StringRef::from_der(value).map_err(|_| Error::ExtensionEncoding)?;
    Product::from_certificate_name(name.as_str()).ok_or(Error::ProductUnknown)
}

/// Checks that a chip's certificate is for this chip.
pub(crate) fn check_chip(certificate: &Certificate<'_>, product: Product, chip_id: &[u8; 64]) -> Result<(), Error> {
    // The octet string holds the raw id, not DER in it.
    let hardware_id = certificate.extension(HARDWARE_ID).ok_or(Error::ExtensionMissing)?;
    let (id, rest) = chip_id.split_at_checked(product.chip_id_len()).ok_or(Error::ChipIdLength)?;
    if hardware_id.len() != id.len() {
        return Err(Error::ChipIdLength);
    }
    if hardware_id != id || rest.iter().any(|byte| *byte != 0) {
        return Err(Error::ChipMismatch);
    }
    Ok(())
}

/// Checks that a chip's certificate is for this firmware level.
pub(crate) fn check_tcb(certificate: &Certificate<'_>, product: Product, reported: &Tcb) -> Result<(), Error> {
    let version = |id| -> Result<u8, Error> {
        let value = certificate.extension(id).ok_or(Error::ExtensionMissing)?;
        u8::from_der(value).map_err(|_| Error::ExtensionEncoding)
    };
    let certified = Tcb {
        bootloader: version(BOOTLOADER)?,
        tee: version(TEE)?,
        snp: version(SNP)?,
        microcode: version(MICROCODE)?,
        fmc: if product == Product::Turin { version(FMC)? } else { 0 },
    };
    if certified == *reported { Ok(()) } else { Err(Error::TcbMismatch) }
}
