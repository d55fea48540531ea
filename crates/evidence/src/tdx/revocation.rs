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
    pub revoked: Serials,
}

/// Serial numbers in rising order, stored as one run of bytes: whoever keeps a list reads it in one piece, however long it is, and looks up a number by
/// bisection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, ScaleDecode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Serials(List<u8, { MAX_REVOKED * SERIAL_LEN }>);

const SERIAL_LEN: u32 = 20;

impl Serials {
    /// Of these numbers in any order. None: they are more than [`MAX_REVOKED`].
    pub fn new(mut numbers: Vec<Serial>) -> Option<Self> {
        numbers.sort_unstable();
        let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.0).collect();
        bytes.try_into().ok().map(Self)
    }

    /// The numbers, in rising order.
    pub fn iter(&self) -> impl Iterator<Item = Serial> + '_ {
        self.numbers().iter().copied().map(Serial)
    }

    /// Whether a number is among them.
    pub fn contains(&self, number: &Serial) -> bool {
        self.numbers().binary_search(&number.0).is_ok()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.numbers().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn numbers(&self) -> &[[u8; 20]] {
        self.0.as_chunks().0
    }
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
        let revoked = log.take(Serials::new(revoked), Error::ItemTooMany(item), format_args!("{count} entries"))?;
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

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::as_conversions)]
mod tests {
    use super::*;
    use alloc::vec;
    use codec::DecodeAll;

    fn serial(first: u8, last: u8) -> Serial {
        let mut number = [0; 20];
        (number[0], number[19]) = (first, last);
        Serial(number)
    }

    #[test]
    fn serials_are_found_in_whatever_order_they_came() {
        let serials = Serials::new(vec![serial(9, 1), serial(0, 7), serial(0, 2), serial(9, 1)]).unwrap();
        assert_eq!(serials.iter().collect::<Vec<_>>(), [serial(0, 2), serial(0, 7), serial(9, 1), serial(9, 1)]);
        assert_eq!((serials.len(), serials.is_empty()), (4, false));
        for present in [serial(0, 2), serial(0, 7), serial(9, 1)] {
            assert!(serials.contains(&present));
        }
        for absent in [serial(0, 0), serial(0, 3), serial(9, 0), serial(255, 255)] {
            assert!(!serials.contains(&absent));
        }
        assert!(!Serials::default().contains(&serial(0, 0)));
    }

    #[test]
    fn serials_are_bounded() {
        let most = vec![serial(1, 1); MAX_REVOKED as usize];
        assert!(Serials::new(most.clone()).is_some());
        assert_eq!(Serials::new([most, vec![serial(1, 1)]].concat()), None);
    }

    #[test]
    fn serials_come_back_as_they_were_stored() {
        let serials = Serials::new(vec![serial(3, 4), serial(1, 2)]).unwrap();
        assert_eq!(Serials::decode_all(&mut &serials.encode()[..]), Ok(serials));
    }
}
