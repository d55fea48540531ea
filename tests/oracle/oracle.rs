//! The same verdict as dcap-qvl, which was written by others: on evidence of real platforms and our own, genuine and changed, with and without new signatures.

use crate::{
    maker::{Made, Maker, id, pem},
    mutant::{Random, mutate, mutate_and_sign},
    vectors::{ALL, vectors},
};
use blockcloud_evidence::tdx::{BodyType, Error, Item, Link, Quote, Requirements, TcbStatus, certificates};
use dcap_qvl::{QuoteCollateralV3, verify::QuoteVerifier};
use der::Decode;
use std::{collections::BTreeMap, env, panic::catch_unwind};
use x509_cert::{certificate::Rfc5280, crl::CertificateList};

/// How many changes the ordinary run tries; the environment may ask for more.
const MUTATIONS: u64 = 2_000;
const MUTATIONS_VARIABLE: &str = "BLOCKCLOUD_TDX_MUTATIONS";

/// What is believed of evidence: its status, in Intel's words, and its advisories.
type Belief = (String, Vec<String>);

fn ours(made: &Made) -> Result<Belief, Error> {
    let claims = made.judge()?;
    let status = match claims.status {
        TcbStatus::UpToDate => "UpToDate",
        TcbStatus::HardeningNeeded => "SWHardeningNeeded",
        TcbStatus::ConfigurationNeeded => "ConfigurationNeeded",
        TcbStatus::ConfigurationAndHardeningNeeded => "ConfigurationAndSWHardeningNeeded",
        TcbStatus::OutOfDate => "OutOfDate",
        TcbStatus::OutOfDateConfigurationNeeded => "OutOfDateConfigurationNeeded",
        TcbStatus::Revoked => "Revoked",
        TcbStatus::RelaunchAdvised => "TDRelaunchAdvised",
        TcbStatus::RelaunchAdvisedConfigurationNeeded => "TDRelaunchAdvisedConfigurationNeeded",
    };
    Ok((status.into(), claims.advisories.iter().map(ToString::to_string).collect()))
}

fn theirs(made: &Made) -> Result<Belief, String> {
    let chain = |der: &[u8]| pem(&[der.to_vec(), made.root.clone()]);
    let collateral = QuoteCollateralV3 {
        pck_crl_issuer_chain: chain(&made.issuer),
        root_ca_crl: made.root_crl.clone(),
        pck_crl: made.pck_crl.clone(),
        tcb_info_issuer_chain: chain(&made.signer),
        tcb_info: String::from_utf8_lossy(&made.tcb_info.0).into_owned(),
        tcb_info_signature: made.tcb_info.1.to_vec(),
        qe_identity_issuer_chain: chain(&made.qe_signer),
        qe_identity: String::from_utf8_lossy(&made.qe_identity.0).into_owned(),
        qe_identity_signature: made.qe_identity.1.to_vec(),
        pck_certificate_chain: None,
    };
    // It panics over some roots.
    let judge = || QuoteVerifier::new(made.root.clone()).verify(&made.quote, &collateral, made.now_ms / 1000);
    let report = catch_unwind(judge).map_err(|_| "panic".to_owned())?.map_err(|error| format!("{error:#}"))?;
    Ok((report.status, report.advisory_ids))
}

/// Where we refuse on purpose what the oracle believes, and why. Only what really is of that kind.
fn stricter(error: Error, made: &Made) -> Option<&'static str> {
    let quote = Quote::parse(&made.quote).ok();
    let report = quote.as_ref().map(|quote| &quote.report);
    // Attributes of positive but unpublished meaning (18 to 22), and Key Locker.
    const TOLERATED_ATTRIBUTES: u64 = 0b11111 << 18 | 1 << 31;
    let chain = quote.as_ref().and_then(|quote| certificates(quote.chain, 3)).unwrap_or_default();
    match error {
        error if error.to_string().starts_with("certificate of the authority") && chain.get(1) != Some(&made.issuer) => {
            Some("the authority that comes with a revocation list is verified with it; the oracle takes the one in the quote")
        }
        Error::QuotePadding => Some("what is after a quote is not signed: zeros only"),
        Error::ChainEncoding => Some("PEM has one form only: 64 characters a line, nothing between certificates"),
        Error::SignatureDataLength => Some("parts of the signature data fill each other: nothing unsigned is left over"),
        Error::CertificationType => Some("the type of the certification data is looked at"),
        Error::RootMismatch => Some("the chain ends with the trusted root and not with anything else that is passed over"),
        Error::CertificateExpired(Link::Root) | Error::CertificateNotYetValid(Link::Root) => Some("the root must be valid, too"),
        Error::NotAnAuthority(_) => Some("an authority must have the key usages of one"),
        Error::NotASigner(_) => Some("a signer must have basic constraints and the key usage of one"),
        Error::CrlOfAnotherIssuer if chain.get(1) != Some(&made.issuer) => Some("the same, where it is a good one"),
        Error::ItemNotYetValid(Item::RootCrl | Item::PckCrl) => Some("a revocation list must not be from the future"),
        Error::CrlNumber(_) => Some("a revocation list must have a number, so that it cannot go back"),
        Error::ItemKind(_) => Some("only versions and types that are known"),
        Error::CertificateEncoding(_) | Error::ItemEncoding(Item::RootCrl | Item::PckCrl) => {
            Some("names and extensions are in strict DER, used or not")
        }
        Error::ItemEncoding(Item::TcbInfo | Item::QeIdentity) => {
            Some("values have one form only, used or not: dates, lengths, statuses, advisories")
        }
        Error::ExtensionMissing => Some("the platform's certificate has all components, and not the CPUSVN only"),
        Error::ExtensionEncoding => Some("what the platform's certificate says is of known type and length"),
        Error::ExtensionContradiction => Some("components are the CPUSVN"),
        Error::PceIdMismatch => Some("the PCE's id is looked at, as Intel demands"),
        Error::QeReportData => Some("the quoting enclave binds the attestation key and nothing else"),
        Error::ReservedAttribute if report?.attributes.0 & TOLERATED_ATTRIBUTES != 0 => Some("attributes without a published meaning"),
        Error::ServiceTd if report?.body_type == BodyType::Td15Ex => Some("service guests are looked for in every field that names them"),
        Error::Partitioned => Some("the machine within the guest is looked at"),
        _ => None,
    }
}

/// Where we believe on purpose what the oracle refuses, and why. Only what really is of that kind.
fn laxer(made: &Made) -> Option<&'static str> {
    let odd = |list: &Vec<u8>| {
        let entries =
            CertificateList::<Rfc5280>::from_der(list).ok().and_then(|list| list.tbs_cert_list.revoked_certificates).unwrap_or_default();
        entries.iter().filter_map(|entry| entry.crl_entry_extensions.as_ref()).flatten().any(|extension| {
            let (reason, invalid_since) = (id("2.5.29.21"), id("2.5.29.24"));
            let readable = matches!(extension.extn_value.as_bytes(), [0x0a, 0x01, 0..=6 | 9 | 10]);
            (extension.extn_id == reason && !readable) || extension.extn_id == invalid_since
        })
    };
    // Why and since when is not read.
    [&made.root_crl, &made.pck_crl].into_iter().any(odd).then_some("an entry of a revocation list is revoked for whatever reason")
}

/// Compares both verdicts. A difference on purpose is counted; any other is described.
fn compare(made: &Made, what: &str, counts: &mut BTreeMap<String, (u64, String)>) -> Option<String> {
    let (ours, theirs) = (ours(made), theirs(made));
    let (agreed, name) = match (&ours, &theirs) {
        (Ok(ours), Ok(theirs)) => (ours == theirs, format!("believed by both: {}", ours.0)),
        (Err(_), Err(_)) => (true, "refused by both".into()),
        (Err(error), Ok(_)) => match stricter(*error, made) {
            Some(reason) => (true, format!("refused by us only, on purpose: {error:?}: {reason}")),
            None => (false, format!("refused by us only: {error:?}")),
        },
        (Ok(_), Err(error)) => match laxer(made) {
            Some(reason) => (true, format!("believed by us only, on purpose: {error}: {reason}")),
            None => (false, format!("believed by us only: {error}")),
        },
    };
    let entry = counts.entry(name).or_insert_with(|| (0, what.into()));
    entry.0 += 1;
    (!agreed).then(|| format!("{what}: we say {ours:?}, the oracle says {theirs:?}"))
}

#[test]
fn genuine_evidence() {
    let Some(vectors) = vectors("genuine_evidence") else { return };
    let mut counts = BTreeMap::new();
    for vector in ALL {
        let evidence = vectors.evidence(vector);
        for days in [-400, -40, 0, 40, 400] {
            let now_ms = evidence.now_ms.saturating_add_signed(days * 86_400_000);
            assert_eq!(compare(&Made { now_ms, ..evidence.clone() }, &format!("{vector:?} {days} days later"), &mut counts), None);
        }
    }
}

#[test]
fn made_evidence() {
    for (version, body_type, length) in [(4, 0, 584), (5, 2, 584), (5, 3, 648), (5, 4, 885)] {
        let made = Maker::new().with_body(version, body_type, length).make();
        assert_eq!(theirs(&made), Ok(("UpToDate".into(), vec![])));
        assert_eq!(compare(&made, "made evidence", &mut BTreeMap::new()), None);
    }
}

#[test]
fn changed_evidence() {
    let mutations = env::var(MUTATIONS_VARIABLE).map_or(MUTATIONS, |text| text.parse().expect("a number of mutations"));
    let genuine: Vec<Made> = vectors("changed_evidence (the genuine half)")
        .map(|vectors| ALL.map(|vector| vectors.evidence(vector)).to_vec())
        .unwrap_or_default();
    let made = Maker { requirements: Requirements::LENIENT, ..Maker::new() }.make();
    let (mut counts, mut differences) = (BTreeMap::new(), Vec::new());
    for seed in 0..mutations {
        let mut random = Random::new(seed);
        let (evidence, what) = if seed % 2 == 0 {
            mutate_and_sign(&mut random)
        } else {
            let original = random.choose(&genuine).unwrap_or(&made).clone();
            mutate(original, &genuine, &mut random)
        };
        differences.extend(compare(&evidence, &format!("seed {seed}: {what}"), &mut counts));
    }
    for (name, (count, first)) in &counts {
        eprintln!("{count:>8} {name} [first: {first}]");
    }
    assert_eq!(differences, Vec::<String>::new());
}
