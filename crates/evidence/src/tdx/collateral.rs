//! Collateral: what Intel publishes about its authorities, platforms and quoting enclaves. Verified item by item, so that a chain can keep the items.
//!
//! Whoever keeps an item must never replace it by one that is older: by `origin.issued_ms`, by the evaluation number, or by a list's number. Nothing here
//! knows what is kept.

use crate::{
    journal::{Journal, Silent},
    tdx::{
        Error, Item, KeyId, Link, MAX_QE_IDENTITY_LEN, MAX_TCB_INFO_LEN, Origin, QeIdentity, RevocationList, TcbInfo,
        certificate::Certificate, signed,
    },
};

/// A JSON object with Intel's signature.
#[derive(Clone, Copy, Debug)]
pub struct SignedItem<'a> {
    /// The object exactly as it came: Intel signs the bytes of the inner object, not its meaning.
    pub body: &'a [u8],
    /// Signature over the body: r and s, big-endian.
    pub signature: &'a [u8; 64],
    /// The signer's certificate (TCB Signing), DER.
    pub signer: &'a [u8],
}

/// Everything that a quote rests on besides what it carries, as it comes from Intel.
#[derive(Clone, Copy, Debug)]
pub struct Collateral<'a> {
    /// The root's revocation list, DER.
    pub root_crl: &'a [u8],
    /// The revocation list of the platform's authority, DER.
    pub pck_crl: &'a [u8],
    /// Certificate of the authority that issued it, DER.
    pub pck_issuer: &'a [u8],
    /// TCB info of the platform's family.
    pub tcb_info: SignedItem<'a>,
    /// Identity of the quoting enclave.
    pub qe_identity: SignedItem<'a>,
}

/// The same, verified before.
#[derive(Clone, Copy, Debug)]
pub struct Endorsements<'a> {
    /// The root's revocation list.
    pub root_crl: &'a RevocationList,
    /// The revocation list of the platform's authority.
    pub pck_crl: &'a RevocationList,
    /// TCB info of the platform's family.
    pub tcb_info: &'a TcbInfo,
    /// Identity of the quoting enclave.
    pub qe_identity: &'a QeIdentity,
}

impl Endorsements<'_> {
    /// Checks that all were verified under this root, still count, and that none of their signers was revoked since.
    pub(crate) fn check(&self, root: &Certificate<'_>, now_ms: u64) -> Result<(), Error> {
        check_root_crl(self.root_crl, root, now_ms)?;
        self.pck_crl.origin.check(Item::PckCrl, root, self.root_crl, now_ms)?;
        self.tcb_info.origin.check(Item::TcbInfo, root, self.root_crl, now_ms)?;
        self.qe_identity.origin.check(Item::QeIdentity, root, self.root_crl, now_ms)
    }
}

/// Checks what can be seen of a root: that it names itself as its issuer, is valid, and may sign certificates and revocation lists. Its signature is not
/// verified: whoever trusts it says so. Answers its key.
///
/// # Errors
/// [`Link::Root`]'s.
pub fn verify_root(root_der: &[u8], now_ms: u64) -> Result<KeyId, Error> {
    Certificate::root(root_der, now_ms, &mut Silent)?.key_id()
}

/// Verifies the root's revocation list.
///
/// * `root_der`: the root certificate, DER, from the verifier's own trust store;
/// * `now_ms`: Unix milliseconds at which list and root must count.
///
/// # Errors
/// [`Item::RootCrl`]'s and [`Link::Root`]'s.
pub fn verify_root_crl(crl: &[u8], root_der: &[u8], now_ms: u64) -> Result<RevocationList, Error> {
    root_crl(crl, &Certificate::root(root_der, now_ms, &mut Silent)?, now_ms, &mut Silent)
}

/// Verifies the revocation list of an authority for platform keys, and the authority's certificate, both DER.
///
/// # Errors
/// [`Item::PckCrl`]'s and [`Link::Issuer`]'s, and those that root and `root_crl` have become bad for.
pub fn verify_pck_crl(
    crl: &[u8],
    issuer_der: &[u8],
    root_der: &[u8],
    root_crl: &RevocationList,
    now_ms: u64,
) -> Result<RevocationList, Error> {
    let root = Certificate::root(root_der, now_ms, &mut Silent)?;
    check_root_crl(root_crl, &root, now_ms)?;
    pck_crl(crl, issuer_der, &root, root_crl, now_ms, &mut Silent)
}

/// Verifies a TCB info and its signer's certificate.
///
/// # Errors
/// [`Item::TcbInfo`]'s and [`Link::Signer`]'s, and those that root and `root_crl` have become bad for.
pub fn verify_tcb_info(item: &SignedItem<'_>, root_der: &[u8], root_crl: &RevocationList, now_ms: u64) -> Result<TcbInfo, Error> {
    let root = Certificate::root(root_der, now_ms, &mut Silent)?;
    check_root_crl(root_crl, &root, now_ms)?;
    let signer = signer(item, &root, root_crl, now_ms, &mut Silent)?;
    tcb_info(item, &signer, &root, now_ms, &mut Silent)
}

/// Verifies a QE identity and its signer's certificate.
///
/// # Errors
/// [`Item::QeIdentity`]'s and [`Link::Signer`]'s, and those that root and `root_crl` have become bad for.
pub fn verify_qe_identity(item: &SignedItem<'_>, root_der: &[u8], root_crl: &RevocationList, now_ms: u64) -> Result<QeIdentity, Error> {
    let root = Certificate::root(root_der, now_ms, &mut Silent)?;
    check_root_crl(root_crl, &root, now_ms)?;
    let signer = signer(item, &root, root_crl, now_ms, &mut Silent)?;
    qe_identity(item, &signer, &root, now_ms, &mut Silent)
}

pub(crate) fn root_crl(crl: &[u8], root: &Certificate<'_>, now_ms: u64, log: &mut impl Journal<Error>) -> Result<RevocationList, Error> {
    let list = RevocationList::verify(crl, Item::RootCrl, root, origin(root, root)?, now_ms, log)?;
    list.check_certificate(root, log)?;
    Ok(list)
}

pub(crate) fn pck_crl(
    crl: &[u8],
    issuer_der: &[u8],
    root: &Certificate<'_>,
    root_crl: &RevocationList,
    now_ms: u64,
    log: &mut impl Journal<Error>,
) -> Result<RevocationList, Error> {
    let issuer = Certificate::parse(issuer_der, Link::Issuer, log)?;
    issuer.check_validity(now_ms, log)?;
    issuer.check_issued_by(root, log)?;
    issuer.check_authority(log)?;
    root_crl.check_certificate(&issuer, log)?;
    RevocationList::verify(crl, Item::PckCrl, &issuer, origin(&issuer, root)?, now_ms, log)
}

/// The certificate of an item's signer, checked.
pub(crate) fn signer<'a>(
    item: &SignedItem<'a>,
    root: &Certificate<'_>,
    root_crl: &RevocationList,
    now_ms: u64,
    log: &mut impl Journal<Error>,
) -> Result<Certificate<'a>, Error> {
    let signer = Certificate::parse(item.signer, Link::Signer, log)?;
    signer.check_validity(now_ms, log)?;
    signer.check_issued_by(root, log)?;
    signer.check_signer(log)?;
    root_crl.check_certificate(&signer, log)?;
    Ok(signer)
}

pub(crate) fn tcb_info(
    item: &SignedItem<'_>,
    signer: &Certificate<'_>,
    root: &Certificate<'_>,
    now_ms: u64,
    log: &mut impl Journal<Error>,
) -> Result<TcbInfo, Error> {
    check_signature(Item::TcbInfo, MAX_TCB_INFO_LEN, item, signer, log)?;
    let info = log.step(TcbInfo::read(item.body, origin(signer, root)?), &read_errors(Item::TcbInfo))?;
    info.origin.check_window(Item::TcbInfo, now_ms, log)?;
    Ok(info)
}

pub(crate) fn qe_identity(
    item: &SignedItem<'_>,
    signer: &Certificate<'_>,
    root: &Certificate<'_>,
    now_ms: u64,
    log: &mut impl Journal<Error>,
) -> Result<QeIdentity, Error> {
    check_signature(Item::QeIdentity, MAX_QE_IDENTITY_LEN, item, signer, log)?;
    let identity = log.step(QeIdentity::read(item.body, origin(signer, root)?), &read_errors(Item::QeIdentity))?;
    identity.origin.check_window(Item::QeIdentity, now_ms, log)?;
    Ok(identity)
}

/// What reading an item checks, in order.
fn read_errors(item: Item) -> [Error; 3] {
    [Error::ItemEncoding(item), Error::ItemKind(item), Error::ItemTooMany(item)]
}

/// The body is read only once its signature is known to be good.
fn check_signature(
    item: Item,
    longest: usize,
    signed: &SignedItem<'_>,
    signer: &Certificate<'_>,
    log: &mut impl Journal<Error>,
) -> Result<(), Error> {
    log.need(signed.body.len() <= longest, Error::ItemLength(item), format_args!("{} bytes", signed.body.len()))?;
    log.need(signed::is_signed_by(signed.body, signed.signature, &signer.key()?), Error::ItemSignature(item), "")
}

/// Checks the root's own list, which was verified before.
fn check_root_crl(root_crl: &RevocationList, root: &Certificate<'_>, now_ms: u64) -> Result<(), Error> {
    if root_crl.issuer != root.key_id()? {
        return Err(Error::ItemRoot(Item::RootCrl));
    }
    root_crl.origin.check(Item::RootCrl, root, root_crl, now_ms)
}

/// Where an item by this signer comes from. Its own dates are the item's to set.
fn origin(signer: &Certificate<'_>, root: &Certificate<'_>) -> Result<Origin, Error> {
    let root_key: KeyId = root.key_id()?;
    Ok(Origin { root: root_key, signer: signer.serial()?, issued_ms: 0, not_after_ms: signer.not_after_ms().min(root.not_after_ms()) })
}
