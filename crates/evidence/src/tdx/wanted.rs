//! Which collateral a quote needs: read from a quote that nobody has judged yet, to look up what is kept.

use crate::{
    journal::Silent,
    tdx::{Error, KeyId, Link, Platform, Quote, certificate::Certificate, certificates},
};

/// Which collateral a quote needs. Not believed: `verify_quote` checks everything again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The family that the platform claims to be of: which TCB info.
    pub fmspc: [u8; 6],
    /// Key of the authority that is said to have issued its certificate: which revocation list.
    pub authority: KeyId,
}

impl Wanted {
    /// Of a quote.
    ///
    /// # Errors
    /// The quote's own, [`Error::ChainEncoding`], and those of the form of two certificates and of the platform's extension.
    pub fn by(quote: &[u8]) -> Result<Self, Error> {
        let quote = Quote::parse(quote)?;
        let chain = certificates(quote.chain, 3).ok_or(Error::ChainEncoding)?;
        let [chip, issuer, _] = chain.as_slice() else { return Err(Error::ChainEncoding) };
        let chip = Certificate::parse(chip, Link::Chip, &mut Silent)?;
        let issuer = Certificate::parse(issuer, Link::Issuer, &mut Silent)?;
        Ok(Self { fmspc: Platform::of(&chip)?.fmspc, authority: issuer.key_id()? })
    }
}
