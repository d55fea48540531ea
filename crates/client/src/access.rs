//! Authorization at a provider's agent: a statement signed by the customer's own account, so that the agent needs no accounts of its own.
//!
//! Header: `Authorization: BlockCloud ACCOUNT:EXPIRY:SCHEME:SIGNATURE` with the account and signature as hex, the expiry in Unix milliseconds.
//! Signed is `blockcloud/agent-access/v1` || genesis hash || job (u64, little-endian) || expiry (u64, little-endian). Used by the customer's
//! programs to make a header and by the agent to check one; that the account is the job's customer, or acts for it, is for the agent to ask the chain.

use crate::signer::{Scheme, Signer};
use blockcloud_primitives::{AccountId, Digest, JobId, Moment};

/// The longest time ahead for which a statement is accepted, in milliseconds: one day.
pub const LONGEST_MS: u64 = 24 * 60 * 60 * 1000;

/// Why a header is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccessError {
    /// No header.
    #[error("the request carries no Authorization header")]
    Missing,
    /// Another kind of header, or parts missing or unreadable.
    #[error("the Authorization header cannot be read: {0}")]
    Malformed(&'static str),
    /// Its time is over.
    #[error("the authorization expired at {0}")]
    Expired(Moment),
    /// Its time lies too far ahead.
    #[error("the authorization would be valid for more than a day")]
    TooLong,
    /// The signature is not that account's over this job on this chain.
    #[error("the signature does not verify")]
    BadSignature,
    /// The account is neither the job's customer nor acts for it in a role that may do this.
    #[error("account {0} is not the customer of this job, and does not act for it")]
    NotTheCustomer(AccountId),
}

impl AccessError {
    /// What to do about it, in one sentence.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Missing | Self::Malformed(_) => "send `Authorization: BlockCloud ACCOUNT:EXPIRY:SCHEME:SIGNATURE`",
            Self::Expired(_) => "sign a new statement with a later expiry, and check this machine's clock",
            Self::TooLong => "sign a statement that expires within a day",
            Self::BadSignature => "sign genesis hash, job and expiry of exactly this request with the named account's key",
            Self::NotTheCustomer(_) => {
                "use the key of the account that placed the job, or of one that it has appointed for this: `blockcloud account appoint`"
            }
        }
    }
}

/// A statement that was checked: this account asks for access until then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// Who asks.
    pub account: AccountId,
    /// Until when, Unix milliseconds.
    pub expires: Moment,
}

/// What is signed.
pub fn signing_payload(genesis: &Digest, job: JobId, expires: Moment) -> Vec<u8> {
    let mut payload = b"blockcloud/agent-access/v1".to_vec();
    payload.extend_from_slice(&genesis.0);
    payload.extend_from_slice(&job.0.to_le_bytes());
    payload.extend_from_slice(&expires.to_le_bytes());
    payload
}

/// The value of the `Authorization` header for one job.
pub fn header(signer: &Signer, genesis: &Digest, job: JobId, expires: Moment) -> String {
    let signature = signer.sign(&signing_payload(genesis, job, expires));
    format!("BlockCloud {}:{expires}:{}:{}", hex::encode(signer.account().0), signer.scheme(), hex::encode(signature))
}

/// Checks a header value. `now` in Unix milliseconds.
pub fn verify(header: Option<&str>, genesis: &Digest, job: JobId, now: Moment) -> Result<Access, AccessError> {
    let header = header.ok_or(AccessError::Missing)?;
    let statement = header.strip_prefix("BlockCloud ").ok_or(AccessError::Malformed("it does not begin with `BlockCloud `"))?;
    let mut parts = statement.trim().split(':');
    let mut part = |what| parts.next().ok_or(AccessError::Malformed(what));
    let account: AccountId = part("no account")?.parse().map_err(|_| AccessError::Malformed("the account is not 32 bytes of hex"))?;
    let expires: Moment = part("no expiry")?.parse().map_err(|_| AccessError::Malformed("the expiry is not a number of milliseconds"))?;
    let scheme: Scheme = part("no scheme")?.parse().map_err(|_| AccessError::Malformed("the scheme is neither sr25519 nor ed25519"))?;
    let signature = part("no signature")?;
    let mut bytes = [0; 64];
    hex::decode_to_slice(signature.strip_prefix("0x").unwrap_or(signature), &mut bytes)
        .map_err(|_| AccessError::Malformed("the signature is not 64 bytes of hex"))?;
    if parts.next().is_some() {
        return Err(AccessError::Malformed("it has more than four parts"));
    }
    if expires <= now {
        return Err(AccessError::Expired(expires));
    }
    if expires - now > LONGEST_MS {
        return Err(AccessError::TooLong);
    }
    if !scheme.verify(&account, &signing_payload(genesis, job, expires), &bytes) {
        return Err(AccessError::BadSignature);
    }
    Ok(Access { account, expires })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GENESIS: Digest = Digest([7; 32]);
    const JOB: JobId = JobId(5);
    const NOW: Moment = 1_000_000;

    fn signers() -> [Signer; 2] {
        ["sr25519://Alice".parse().unwrap(), "ed25519://Alice".parse().unwrap()]
    }

    #[test]
    fn accepts_what_it_made_with_either_scheme() {
        for signer in signers() {
            let made = header(&signer, &GENESIS, JOB, NOW + 1);
            assert_eq!(verify(Some(&made), &GENESIS, JOB, NOW), Ok(Access { account: signer.account(), expires: NOW + 1 }));
        }
    }

    #[test]
    fn fails_without_a_header() {
        assert_eq!(verify(None, &GENESIS, JOB, NOW), Err(AccessError::Missing));
    }

    #[test]
    fn fails_for_another_kind_of_header_and_for_missing_or_unreadable_parts() {
        let [signer, _] = signers();
        let made = header(&signer, &GENESIS, JOB, NOW + 1);
        let parts: Vec<&str> = made.trim_start_matches("BlockCloud ").split(':').collect();
        let with = |index: usize, value: &str| {
            let mut parts = parts.clone();
            parts[index] = value;
            format!("BlockCloud {}", parts.join(":"))
        };
        let cases = [
            "Bearer abc".to_string(),
            "BlockCloud ".to_string(),
            format!("BlockCloud {}", parts[..3].join(":")),
            format!("{made}:more"),
            with(0, "12"),
            with(1, "soon"),
            with(2, "ecdsa"),
            with(3, "beef"),
        ];
        for case in cases {
            assert!(matches!(verify(Some(&case), &GENESIS, JOB, NOW), Err(AccessError::Malformed(_))), "{case}");
        }
    }

    #[test]
    fn fails_when_expired() {
        let [signer, _] = signers();
        assert_eq!(verify(Some(&header(&signer, &GENESIS, JOB, NOW)), &GENESIS, JOB, NOW), Err(AccessError::Expired(NOW)));
    }

    #[test]
    fn fails_when_valid_for_more_than_a_day() {
        let [signer, _] = signers();
        let made = header(&signer, &GENESIS, JOB, NOW + LONGEST_MS + 1);
        assert_eq!(verify(Some(&made), &GENESIS, JOB, NOW), Err(AccessError::TooLong));
    }

    #[test]
    fn fails_for_another_job_chain_account_or_expiry() {
        for signer in signers() {
            let made = header(&signer, &GENESIS, JOB, NOW + 1);
            assert_eq!(verify(Some(&made), &GENESIS, JobId(6), NOW), Err(AccessError::BadSignature));
            assert_eq!(verify(Some(&made), &Digest([8; 32]), JOB, NOW), Err(AccessError::BadSignature));
            let other = made.replace(&hex::encode(signer.account().0), &hex::encode([9; 32]));
            assert_eq!(verify(Some(&other), &GENESIS, JOB, NOW), Err(AccessError::BadSignature));
            let later = made.replace(":1000001:", ":1000002:");
            assert_ne!(later, made);
            assert_eq!(verify(Some(&later), &GENESIS, JOB, NOW), Err(AccessError::BadSignature));
        }
    }
}
