//! Files with evidence as hardware and vendors give it, recognised by what is in them: reports, quotes, certificates, collateral.
//!
//! Not here: whether any of it is genuine, see `appraisal`; evidence of a job as its agent serves it, see the command itself.

use crate::fault::{as_usage, usage};
use anyhow::{Context as _, Result};
use blockcloud_evidence::{
    snp::Report,
    tdx::{self, SignedItem, certificates},
};
use serde::Deserialize;
use std::{fs, path::PathBuf};
use x509_cert::{
    der::{Decode as _, oid::AssociatedOid as _},
    ext::pkix::BasicConstraints,
};

/// Longest file that is read, in bytes. Collateral has about 25,000.
const MAX_LEN: u64 = 1 << 20;
/// Most certificates of a chain.
const MAX_CHAIN: usize = 4;

/// Evidence that belongs together.
#[derive(Debug)]
pub enum Input {
    /// AMD SEV-SNP.
    Snp(Snp),
    /// Intel TDX.
    Tdx(Tdx),
}

/// A report and its certificates.
#[derive(Debug)]
pub struct Snp {
    /// The report.
    pub report: Vec<u8>,
    /// Certificate of the key that signed it (VCEK or VLEK), DER.
    pub chip: Vec<u8>,
    /// Certificate of the intermediate (ASK or ASVK), DER.
    pub issuer: Option<Vec<u8>>,
    /// Certificate of the root (ARK), DER.
    pub root: Option<Vec<u8>>,
}

/// A quote and what it rests on.
#[derive(Debug)]
pub struct Tdx {
    /// The quote.
    pub quote: Vec<u8>,
    /// Intel's answers.
    pub collateral: Box<Collateral>,
    /// Certificate of the root, DER.
    pub root: Vec<u8>,
}

/// Intel's answers, decoded.
#[derive(Debug)]
pub struct Collateral {
    root_crl: Vec<u8>,
    pck_crl: Vec<u8>,
    pck_issuer: Vec<u8>,
    tcb_info: Item,
    qe_identity: Item,
    /// The last certificate of the TCB info's chain.
    root: Vec<u8>,
}

#[derive(Debug)]
struct Item {
    body: Vec<u8>,
    signature: [u8; 64],
    signer: Vec<u8>,
}

impl Item {
    fn signed(&self) -> SignedItem<'_> {
        SignedItem { body: &self.body, signature: &self.signature, signer: &self.signer }
    }
}

impl Collateral {
    /// As the verifier takes it.
    pub fn borrowed(&self) -> tdx::Collateral<'_> {
        tdx::Collateral {
            root_crl: &self.root_crl,
            pck_crl: &self.pck_crl,
            pck_issuer: &self.pck_issuer,
            tcb_info: self.tcb_info.signed(),
            qe_identity: self.qe_identity.signed(),
        }
    }
}

/// The answers in one JSON object, as verifiers commonly exchange them: chains in PEM, signed JSON as text, everything else in hex.
#[derive(Deserialize)]
struct Json {
    root_ca_crl: String,
    pck_crl: String,
    pck_crl_issuer_chain: String,
    tcb_info: String,
    tcb_info_signature: String,
    tcb_info_issuer_chain: String,
    qe_identity: String,
    qe_identity_signature: String,
    qe_identity_issuer_chain: String,
}

impl Json {
    fn decode(self) -> Result<Collateral> {
        let bytes = |name: &str, text: &str| hex::decode(text).with_context(|| format!("`{name}` is not hex"));
        let signature = |name: &str, text: &str| -> Result<[u8; 64]> {
            bytes(name, text)?.try_into().ok().with_context(|| format!("`{name}` is not 64 bytes long"))
        };
        let chain = |name: &str, text: &str| {
            certificates(text.trim().as_bytes(), MAX_CHAIN)
                .filter(|chain| !chain.is_empty())
                .with_context(|| format!("`{name}` is not a chain of certificates in PEM"))
        };
        let first = |name: &str, text: &str| chain(name, text).map(|mut chain| chain.remove(0));
        let mut signers = chain("tcb_info_issuer_chain", &self.tcb_info_issuer_chain)?;
        let (root, signer) = (signers[signers.len() - 1].clone(), signers.remove(0));
        Ok(Collateral {
            root_crl: bytes("root_ca_crl", &self.root_ca_crl)?,
            pck_crl: bytes("pck_crl", &self.pck_crl)?,
            pck_issuer: first("pck_crl_issuer_chain", &self.pck_crl_issuer_chain)?,
            tcb_info: Item {
                signature: signature("tcb_info_signature", &self.tcb_info_signature)?,
                body: self.tcb_info.into_bytes(),
                signer,
            },
            qe_identity: Item {
                signature: signature("qe_identity_signature", &self.qe_identity_signature)?,
                signer: first("qe_identity_issuer_chain", &self.qe_identity_issuer_chain)?,
                body: self.qe_identity.into_bytes(),
            },
            root,
        })
    }
}

/// What a file holds.
#[derive(Debug)]
enum Piece {
    Report(Vec<u8>),
    Quote(Vec<u8>),
    Certificates(Vec<Vec<u8>>),
    Collateral(Box<Collateral>),
}

/// A certificate's place in a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Leaf,
    Issuer,
    Root,
}

/// Reads the files, in any order. Whatever does not belong together is wrong usage.
pub fn read(paths: &[PathBuf]) -> Result<Input> {
    let mut pieces = Vec::new();
    for path in paths {
        let bytes = || -> Result<Vec<u8>> {
            anyhow::ensure!(fs::metadata(path)?.len() <= MAX_LEN, "it is longer than {MAX_LEN} bytes");
            Ok(fs::read(path)?)
        };
        let piece = bytes().and_then(|bytes| recognise(&bytes));
        pieces.push(piece.with_context(|| format!("cannot use {}", path.display())).map_err(as_usage)?);
    }
    assemble(pieces)
}

/// What a file holds, by its content.
fn recognise(bytes: &[u8]) -> Result<Piece> {
    let text = bytes.trim_ascii();
    if text.starts_with(b"-----BEGIN ") {
        let chain = certificates(text, MAX_CHAIN).filter(|chain| chain.iter().all(|der| place(der).is_some()));
        return chain.map(Piece::Certificates).context("it is no chain of certificates in PEM");
    }
    if text.starts_with(b"{") {
        let value: serde_json::Value = serde_json::from_slice(text).context("it is no JSON")?;
        anyhow::ensure!(value.get("report").is_none(), "it holds a job's evidence: name the job with --job");
        let json: Json = serde_json::from_value(value).context("it is JSON, but no collateral")?;
        return json.decode().map(|collateral| Piece::Collateral(Box::new(collateral)));
    }
    if place(bytes).is_some() {
        return Ok(Piece::Certificates(vec![bytes.to_vec()]));
    }
    let number = |offset: usize| bytes.get(offset..offset + 2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    // A quote names its kind of key (2 or 3) and of enclave (0 or 0x81); a report's version has four bytes.
    match (number(0), number(2), number(4), number(6)) {
        (Some(3..=5), Some(2 | 3), Some(0 | 0x81), Some(0)) => return Ok(Piece::Quote(bytes.to_vec())),
        (Some(1..=16), Some(0), ..) if bytes.len() == Report::LEN => return Ok(Piece::Report(bytes.to_vec())),
        _ => {}
    }
    match hex::decode(text) {
        Ok(decoded) if decoded.len() > 4 => recognise(&decoded),
        _ => anyhow::bail!("it is neither a report (1184 bytes), a quote, a certificate (DER or PEM) nor collateral (JSON)"),
    }
}

/// A certificate's place, if it is one.
fn place(der: &[u8]) -> Option<Place> {
    let certificate = x509_cert::Certificate::from_der(der).ok()?;
    let tbs = certificate.tbs_certificate();
    let extensions = tbs.extensions().map_or(&[][..], Vec::as_slice);
    let constraints = extensions.iter().find(|extension| extension.extn_id == BasicConstraints::OID);
    let authority = constraints
        .and_then(|extension| BasicConstraints::from_der(extension.extn_value.as_bytes()).ok())
        .is_some_and(|constraints| constraints.ca);
    Some(match (authority, tbs.subject() == tbs.issuer()) {
        (false, _) => Place::Leaf,
        (true, false) => Place::Issuer,
        (true, true) => Place::Root,
    })
}

/// Puts together what belongs together.
fn assemble(pieces: Vec<Piece>) -> Result<Input> {
    let (mut reports, mut quotes, mut chain, mut collaterals) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for piece in pieces {
        match piece {
            Piece::Report(report) => reports.push(report),
            Piece::Quote(quote) => quotes.push(quote),
            Piece::Certificates(certificates) => chain.extend(certificates),
            Piece::Collateral(collateral) => collaterals.push(collateral),
        }
    }
    let mut one = |wanted: Place, name: &str| -> Result<Option<Vec<u8>>> {
        let mut found: Vec<Vec<u8>> = chain.extract_if(.., |der| place(der) == Some(wanted)).collect();
        found.dedup();
        if found.len() > 1 {
            return Err(usage(format!("there is more than one {name}")));
        }
        Ok(found.pop())
    };
    let root = one(Place::Root, "root certificate")?;
    let issuer = one(Place::Issuer, "intermediate certificate (a report by a VCEK needs the ASK, one by a VLEK the ASVK)")?;
    let chip = one(Place::Leaf, "certificate of a signing key")?;
    match (reports.len(), quotes.len(), collaterals.len()) {
        (1, 0, 0) => {
            let chip = chip.ok_or_else(|| usage("the certificate of the key that signed the report (VCEK or VLEK) is missing"))?;
            Ok(Input::Snp(Snp { report: reports.remove(0), chip, issuer, root }))
        }
        (0, 1, 1) if chip.is_none() && issuer.is_none() => {
            let collateral = collaterals.remove(0);
            let root = root.unwrap_or_else(|| collateral.root.clone());
            Ok(Input::Tdx(Tdx { quote: quotes.remove(0), collateral, root }))
        }
        (0, 1, 1) => Err(usage("a quote carries its own certificates: besides the collateral only a root can be named")),
        (0, 1, 0) => Err(usage("the quote's collateral is missing: Intel's answers as one JSON object")),
        _ => Err(usage("name one report with its certificates, or one quote with its collateral; evidence of a job needs --job")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use blockcloud_simulator::{Processor, dev_root};

    fn report() -> Vec<u8> {
        Processor::new([1; 32]).launch([2; 48], [3; 32]).report([4; 64]).to_vec()
    }

    fn named(folder: &tempfile::TempDir, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    #[test]
    fn a_report_and_its_certificates_are_recognised_in_any_order_and_form() {
        let folder = tempfile::tempdir().unwrap();
        let processor = Processor::new([1; 32]);
        let [root, issuer, chip] = [dev_root::ROOT, dev_root::ISSUER, processor.certificate()];
        let pem = [issuer, root].map(|der| pem_rfc7468::encode_string("CERTIFICATE", pem_rfc7468::LineEnding::LF, der).unwrap()).concat();
        let files = [
            named(&folder, "chain.pem", &pem),
            named(&folder, "report.hex", hex::encode(report()) + "\n"),
            named(&folder, "chip.der", chip),
        ];
        let Input::Snp(snp) = read(&files).unwrap() else { panic!("another kind") };
        assert_eq!((snp.report, snp.chip.as_slice()), (report(), chip));
        assert_eq!((snp.issuer.as_deref(), snp.root.as_deref()), (Some(issuer), Some(root)));
        let Input::Snp(snp) = read(&[named(&folder, "report.bin", report()), named(&folder, "chip", chip)]).unwrap() else {
            panic!("another kind")
        };
        assert_eq!((snp.issuer, snp.root), (None, None));
    }

    #[test]
    fn what_does_not_belong_together_is_wrong_usage() {
        let folder = tempfile::tempdir().unwrap();
        let processor = Processor::new([1; 32]);
        let (report, chip) = (named(&folder, "report", report()), named(&folder, "chip", processor.certificate()));
        let other = named(&folder, "other", Processor::new([2; 32]).certificate());
        let issuer = named(&folder, "issuer", dev_root::ISSUER);
        let (noise, json) = (named(&folder, "noise", [7; 99]), named(&folder, "json", "{}"));
        let evidence = named(&folder, "evidence.json", r#"{"report":"0x00"}"#);
        let mut quote = [0; 100];
        quote[..8].copy_from_slice(&[4, 0, 2, 0, 0x81, 0, 0, 0]);
        let quote = named(&folder, "quote", quote);
        let cases: [&[&PathBuf]; 11] = [
            &[],
            &[&report],
            &[&report, &issuer],
            &[&report, &chip, &other],
            &[&report, &report, &chip],
            &[&report, &chip, &noise],
            &[&report, &chip, &json],
            &[&evidence],
            &[&quote],
            &[&quote, &chip],
            &[&report, &chip, &folder.path().join("absent")],
        ];
        for case in cases {
            let paths: Vec<PathBuf> = case.iter().map(|path| path.to_path_buf()).collect();
            let error = read(&paths).unwrap_err();
            assert_eq!(crate::fault::exit_code(&error), 2, "{error:#}");
        }
    }
}
