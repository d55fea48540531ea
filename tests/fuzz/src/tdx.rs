//! TDX: quotes, chains, collateral, and the judgement over all of them.

use crate::{
    maker::*,
    vectors::{ALL, vectors},
};
use blockcloud_evidence::tdx::{
    Link, Quote, Requirements, SignedItem, certificates, verify_pck_crl, verify_qe_identity, verify_root_crl, verify_tcb_info,
};
use blockcloud_simulator::tdx::dev_root;
use codec::{Decode, Encode, MaxEncodedLen};
use std::{fmt::Debug, sync::LazyLock};

static MAKER: LazyLock<Maker> = LazyLock::new(|| Maker { requirements: Requirements::LENIENT, ..Maker::new() });
static CHAIN: LazyLock<[Vec<u8>; 3]> = LazyLock::new(|| MAKER.chain());
static MADE: LazyLock<Made> = LazyLock::new(|| MAKER.make());
static KEPT: LazyLock<Kept> = LazyLock::new(|| MADE.kept());

/// Version and type of the body, and its length.
const BODIES: [(u16, u16, usize); 4] = [(5, 3, 648), (4, 0, 584), (5, 2, 584), (5, 4, 885)];

/// The longest part that the signing of certificates and lists can wrap.
const MAX_SIGNED_LEN: usize = 60_000;

fn genuine() -> Vec<Made> {
    vectors("genuine seeds").map(|vectors| ALL.map(|vector| vectors.evidence(vector)).to_vec()).unwrap_or_default()
}

/// What is kept comes back as it was, and within the bound that storage has for it.
fn can_be_kept<T: Encode + Decode + MaxEncodedLen + Debug + PartialEq>(item: &T) {
    let bytes = item.encode();
    assert!(bytes.len() <= T::max_encoded_len());
    assert_eq!(T::decode(&mut &bytes[..]).as_ref(), Ok(item));
}

pub fn quote(data: &[u8]) -> bool {
    let Ok(quote) = Quote::parse(data) else { return false };
    assert!(data.starts_with(quote.signed));
    let _ = quote.signed_hash();
    let _ = certificates(quote.chain, 3);
    true
}

pub fn quote_seeds() -> Vec<Vec<u8>> {
    let made = BODIES.map(|(version, body_type, length)| Maker::new().with_body(version, body_type, length).make());
    made.into_iter().chain(genuine()).map(|made| made.quote).collect()
}

pub fn pem_chain(data: &[u8]) -> bool {
    let [one, two, three] = [1, 2, 3].map(|most| certificates(data, most));
    for (chain, most) in [&one, &two, &three].into_iter().zip(1..) {
        assert!(chain.as_ref().is_none_or(|chain| chain.len() <= most && *chain == three.clone().unwrap_or_default()));
    }
    three.is_some_and(|chain| !chain.is_empty())
}

pub fn pem_chain_seeds() -> Vec<Vec<u8>> {
    let text = pem(&*CHAIN);
    let mut seeds = vec![
        text.clone().into_bytes(),
        pem(&CHAIN[..1]).into_bytes(),
        pem(&CHAIN[..2]).into_bytes(),
        text.replace('\n', "\r\n").into_bytes(),
        format!("{}\0", text.trim_end()).into_bytes(),
    ];
    seeds.extend(genuine().iter().filter_map(|made| Quote::parse(&made.quote).ok().map(|quote| quote.chain.to_vec())));
    seeds
}

/// A certificate or a list that says this, signed.
fn signed(part: &[u8], by: &Key) -> Vec<u8> {
    by.sign_x509(part, &MAKER.root.algorithm)
}

pub fn root_crl(data: &[u8]) -> bool {
    if data.len() > MAX_SIGNED_LEN {
        return false;
    }
    let list = verify_root_crl(&signed(data, dev_root::root()), &MADE.root, NOW_MS);
    list.inspect(can_be_kept).is_ok()
}

pub fn root_crl_seeds() -> Vec<Vec<u8>> {
    crl_seeds(MAKER.root_crl.clone(), |made| &made.root_crl)
}

pub fn pck_crl(data: &[u8]) -> bool {
    if data.len() > MAX_SIGNED_LEN {
        return false;
    }
    let list = verify_pck_crl(&signed(data, dev_root::issuer()), &MADE.issuer, &MADE.root, &KEPT.root_crl, NOW_MS);
    list.inspect(can_be_kept).is_ok()
}

pub fn pck_crl_seeds() -> Vec<Vec<u8>> {
    crl_seeds(MAKER.pck_crl.clone(), |made| &made.pck_crl)
}

fn crl_seeds(made: Crl, genuine_list: fn(&Made) -> &Vec<u8>) -> Vec<Vec<u8>> {
    let empty = Crl { revoked: vec![], ..made.clone() };
    let mut seeds = vec![made.part(), empty.part()];
    seeds.extend(genuine().iter().filter_map(|made| first_inside(genuine_list(made))));
    seeds
}

/// The first value inside a DER sequence of 256 bytes to 64 KiB: what is signed. Such as are shorter are no loss as seeds.
fn first_inside(der: &[u8]) -> Option<Vec<u8>> {
    let inside = der.strip_prefix(&[0x30, 0x82])?.get(2..)?;
    match inside {
        [0x30, 0x82, high, low, ..] => inside.get(..4 + usize::from(u16::from_be_bytes([*high, *low]))).map(<[u8]>::to_vec),
        [0x30, 0x81, length, ..] => inside.get(..3 + usize::from(*length)).map(<[u8]>::to_vec),
        _ => None,
    }
}

pub fn tcb_info(data: &[u8]) -> bool {
    let item = SignedItem { body: data, signature: &dev_root::signer().sign_raw(data), signer: &MADE.signer };
    verify_tcb_info(&item, &MADE.root, &KEPT.root_crl, NOW_MS).inspect(can_be_kept).is_ok()
}

pub fn tcb_info_seeds() -> Vec<Vec<u8>> {
    [MADE.clone()].into_iter().chain(genuine()).map(|made| made.tcb_info.0).collect()
}

pub fn qe_identity(data: &[u8]) -> bool {
    let item = SignedItem { body: data, signature: &dev_root::signer().sign_raw(data), signer: &MADE.signer };
    verify_qe_identity(&item, &MADE.root, &KEPT.root_crl, NOW_MS).inspect(can_be_kept).is_ok()
}

pub fn qe_identity_seeds() -> Vec<Vec<u8>> {
    [MADE.clone()].into_iter().chain(genuine()).map(|made| made.qe_identity.0).collect()
}

/// What of the evidence is replaced by the rest of the input, by its first byte: the guest's and the enclave's report, or a certificate,
/// signed anew; or anything without a signature.
const BODY: usize = 0;
const CERTIFICATES: [(usize, Link); 4] = [(4, Link::Root), (5, Link::Issuer), (6, Link::Chip), (7, Link::Signer)];
const PIECES: usize = 8;
const ALL_KINDS: usize = 16;

pub fn verify(data: &[u8]) -> bool {
    let Some((kind, data)) = data.split_first() else { return false };
    if data.len() > MAX_SIGNED_LEN {
        return false;
    }
    let kind = usize::from(*kind) % ALL_KINDS;
    let mut made = MADE.clone();
    if kind >= PIECES {
        *piece(&mut made, kind) = data.to_vec();
    } else if let Some((_, link)) = CERTIFICATES.iter().find(|(number, _)| *number == kind) {
        replace_certificate(&mut made, *link, data);
    } else {
        made.quote = quote_with(kind - BODY, data);
    }
    let verdict = made.judge();
    if let Ok(claims) = &verdict {
        assert!(!claims.attributes.debuggable());
        assert_eq!(made.keep().and_then(|kept| kept.judge()).as_ref(), Ok(claims), "item by item or all at once");
    }
    verdict.is_ok()
}

/// A quote whose body and quoting enclave's report begin with these bytes.
fn quote_with(body: usize, data: &[u8]) -> Vec<u8> {
    let (version, body_type, length) = BODIES[body];
    let mut maker = MAKER.clone().with_body(version, body_type, length);
    let (body, enclave) = data.split_at_checked(length).unwrap_or((data, &[]));
    maker.draft.body[..body.len()].copy_from_slice(body);
    // The maker adds what the enclave binds; where the bytes are given, they are the difference.
    let enclave = enclave.get(..384).unwrap_or(enclave);
    maker.draft.qe[..enclave.len()].copy_from_slice(enclave);
    maker.quote(pem(&*CHAIN).as_bytes())
}

/// Puts a certificate that says this, signed by the right key, where it belongs.
fn replace_certificate(made: &mut Made, link: Link, part: &[u8]) {
    let mut chain = CHAIN.clone();
    match link {
        Link::Root => {
            made.root = signed(part, dev_root::root());
            chain[2] = made.root.clone();
        }
        Link::Issuer => {
            made.issuer = signed(part, dev_root::root());
            chain[1] = made.issuer.clone();
        }
        Link::Chip => chain[0] = signed(part, dev_root::issuer()),
        Link::Signer => {
            made.signer = signed(part, dev_root::root());
            made.qe_signer = made.signer.clone();
        }
    }
    made.quote = MAKER.quote(pem(&chain).as_bytes());
}

fn piece(made: &mut Made, kind: usize) -> &mut Vec<u8> {
    match kind - PIECES {
        0 => &mut made.quote,
        1 => &mut made.root,
        2 => &mut made.issuer,
        3 => &mut made.signer,
        4 => &mut made.root_crl,
        5 => &mut made.pck_crl,
        6 => &mut made.tcb_info.0,
        _ => &mut made.qe_identity.0,
    }
}

pub fn verify_seeds() -> Vec<Vec<u8>> {
    let seed = |kind: usize, data: &[u8]| [&[kind as u8], data].concat();
    let mut seeds: Vec<Vec<u8>> = BODIES
        .iter()
        .enumerate()
        .map(|(number, (version, body_type, length))| {
            let maker = MAKER.clone().with_body(*version, *body_type, *length);
            seed(BODY + number, &[&maker.draft.body[..], &maker.draft.qe].concat())
        })
        .collect();
    let parts = [&MAKER.root, &MAKER.issuer, &MAKER.chip, &MAKER.signer];
    seeds.extend(CERTIFICATES.iter().zip(parts).map(|((kind, _), template)| seed(*kind, &der(template))));
    seeds.extend((PIECES..ALL_KINDS).map(|kind| seed(kind, piece(&mut MADE.clone(), kind))));
    seeds
}
