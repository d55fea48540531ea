//! Revocation lists (RFC 5280, section 5; PCK, section 2): read strictly, checked against their issuer, and kept as serial numbers.

use crate::{
    journal::{Hex, Journal},
    tdx::{Error, Item, KeyId, Link, List, MAX_CRL_LEN, MAX_REVOKED, Origin, Serial, certificate::Certificate, signed::Signed},
};
use alloc::vec::Vec;
use codec::{Decode as ScaleDecode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use der::{
    Decode, Tag,
    asn1::{ObjectIdentifier, UintRef},
};
use scale_info::TypeInfo;
use x509_cert::{Version, crl::TbsCertList, ext::Extension};

const CRL_NUMBER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.20");
/// What makes a list something else than all that its issuer has revoked: changes to another list (delta CRL indicator), a part of it (issuing distribution
/// point), other issuers' certificates (certificate issuer, of an entry). They should be marked critical; whether they are is not relied upon.
const NOT_THE_WHOLE: [ObjectIdentifier; 3] =
    [ObjectIdentifier::new_unwrap("2.5.29.27"), ObjectIdentifier::new_unwrap("2.5.29.28"), ObjectIdentifier::new_unwrap("2.5.29.29")];

/// A verified revocation list.
#[derive(Clone, Debug, PartialEq, Eq, Encode, ScaleDecode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct RevocationList {
    /// Where it comes from; its signer is the issuer.
    pub origin: Origin,
    /// The issuer's key: certificates of this issuer are what the list is about.
    pub issuer: KeyId,
    /// The issuer's certificate that was verified with the list.
    pub issuer_certificate: KeyId,
    /// The list's number. It should never go back; Intel's has long stood still.
    pub number: u64,
    /// What is revoked.
    pub revoked: List<Serial, MAX_REVOKED>,
}

impl RevocationList {
    /// Reads a list and checks that `issuer`, whose standing the caller has checked, issued it.
    pub(crate) fn verify(
        der: &[u8],
        item: Item,
        issuer: &Certificate<'_>,
        origin: Origin,
        now_ms: u64,
        log: &mut impl Journal<Error>,
    ) -> Result<Self, Error> {
        log.need(der.len() <= MAX_CRL_LEN, Error::ItemLength(item), format_args!("{} bytes", der.len()))?;
        let (signed, list) = log.take(Self::read(der).ok(), Error::ItemEncoding(item), "")?;
        log.need(signed.names_ecdsa(&list.signature), Error::CrlAlgorithm(item), "")?;
        let (found, wanted) = (&list.issuer, issuer.subject());
        log.compare(found == wanted, Error::CrlIssuer(item), found, wanted)?;
        let next_update = log.take(list.next_update, Error::ItemEncoding(item), "")?;
        let [issued_ms, next_update_ms] =
            [list.this_update, next_update].map(|time| time.to_unix_duration().as_secs().saturating_mul(1000));
        // At its next update a list is superseded already.
        let origin = origin.within(issued_ms, next_update_ms.saturating_sub(1));
        origin.check_window(item, now_ms, log)?;
        log.need(signed.is_signed_by(&issuer.key()?), Error::ItemSignature(item), "")?;

        let extensions = list.crl_extensions.unwrap_or_default();
        let entries = list.revoked_certificates.unwrap_or_default();
        let entry_extensions = entries.iter().filter_map(|entry| entry.crl_entry_extensions.as_ref()).flatten();
        let refused = |extension: &Extension| extension.critical || NOT_THE_WHOLE.contains(&extension.extn_id);
        let whole = !extensions.iter().chain(entry_extensions).any(refused);
        log.check(whole, Error::CrlExtension(item), "")?;
        let number = number(&extensions);
        let number = log.take(number, Error::CrlNumber(item), number.unwrap_or_default())?;
        let revoked: Option<Vec<Serial>> = entries.iter().map(|entry| Serial::from_integer(entry.serial_number.as_bytes())).collect();
        let revoked = log.take(revoked, Error::ItemEncoding(item), "")?;
        let count = revoked.len();
        let revoked = log.take(revoked.try_into().ok(), Error::ItemTooMany(item), format_args!("{count} entries"))?;
        Ok(Self { origin, issuer: issuer.key_id()?, issuer_certificate: KeyId::of(issuer.der()), number, revoked })
    }

    fn read(der: &[u8]) -> der::Result<(Signed<'_>, TbsCertList)> {
        let signed = Signed::read(der)?;
        let list = TbsCertList::from_der(signed.part)?;
        if list.version != Version::V2 {
            return Err(Tag::Integer.value_error().into());
        }
        Ok((signed, list))
    }

    /// Checks that a certificate of this list's issuer is not on it.
    pub(crate) fn check(&self, serial: Serial, link: Link, log: &mut impl Journal<Error>) -> Result<(), Error> {
        log.check(!self.revoked.contains(&serial), Error::CertificateRevoked(link), format_args!("serial number {}", Hex(&serial.0)))
    }

    /// Checks that a certificate of this list's issuer is not on it.
    pub(crate) fn check_certificate(&self, certificate: &Certificate<'_>, log: &mut impl Journal<Error>) -> Result<(), Error> {
        self.check(certificate.serial()?, certificate.link(), log)
    }
}

/// The list's number, if it has exactly one that fits.
fn number(extensions: &[Extension]) -> Option<u64> {
    let mut numbers = extensions.iter().filter(|extension| extension.extn_id == CRL_NUMBER);
    let number = UintRef::from_der(numbers.next()?.extn_value.as_bytes()).ok()?;
    if numbers.next().is_some() || number.as_bytes().len() > 8 {
        return None;
    }
    Some(number.as_bytes().iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}
