//! The audit bundle: a job's whole record in one file, and what can be proved from it offline.
//!
//! `blockcloud audit export` writes it, `blockcloud audit verify` reads it. Not here: how the chain's own proof in it is checked
//! (`blockcloud_client::proof`).

use crate::{
    commands::evidence::{Roots, Setting, judge},
    completeness::access::first_wrong_index,
    entry::{Entry, erased},
    units::date,
    verdict::Verdict,
};
use anyhow::{Context as _, Result, bail};
use blockcloud_client::{
    Scheme,
    agent_api::SignedCheckpoint,
    proof::{AuthoritySet, ChainProof, ProofFault, Proved},
};
use blockcloud_primitives::{
    AccountId, Checkpoint, CollateralItem, Digest, End, Evidence, Head, JobState, JobView, Moment, Op, Party, PublicKey, Receipt, Signature,
};
use blockcloud_receipt_log::Tree;
use codec::Encode as _;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The layout that this program writes.
pub const FORMAT: &str = "blockcloud-audit/v3";
/// The layout before: without the guest's signature over its completion, and without erased receipts. Read as well, because a job that is closed cannot be
/// exported again.
const FORMAT_2: &str = "blockcloud-audit/v2";

/// A job's whole record.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    /// [`FORMAT`], or the one before.
    pub format: String,
    /// Hash of the chain's first block.
    pub genesis: Digest,
    /// The job as the chain showed it.
    pub job: JobView,
    /// The evidence that its session rests on.
    pub evidence: Evidence,
    /// Hash of the evidence's anchor block.
    pub anchor_hash: Digest,
    /// The vendor's certificates, DER as hex: root, then issuer.
    pub roots: (String, String),
    /// The vendor's collateral, where the evidence rests on any (TDX).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub collateral: Vec<CollateralItem>,
    /// As of when the evidence is judged: when its session began; where it rests on collateral, when that was exported.
    pub at: Moment,
    /// Every entry of the log, in order: receipts, and what is left of those that were erased.
    pub receipts: Vec<Entry>,
    /// The guest's signed checkpoints, in order.
    pub checkpoints: Vec<SignedCheckpoint>,
    /// The receipt key's signature over the completion, if the job is completed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completion_signature: Option<Signature>,
    /// The chain's proof of the job, its spec and its log's head.
    pub proof: ChainProof,
}

impl Bundle {
    /// Reads a bundle.
    pub fn read(text: &[u8]) -> Result<Self> {
        let bundle: Self = serde_json::from_slice(text).context("this is not an audit bundle")?;
        if bundle.format != FORMAT && bundle.format != FORMAT_2 {
            bail!("the bundle is of format `{}`; this program reads {FORMAT} and {FORMAT_2}: export it again", bundle.format);
        }
        if bundle.format == FORMAT_2 && (bundle.completion_signature.is_some() || !erased(&bundle.receipts).is_empty()) {
            bail!("the bundle says that it is of format {FORMAT_2}, and holds what that has not");
        }
        Ok(bundle)
    }

    /// The receipts that are there.
    pub fn receipts(&self) -> impl Iterator<Item = &Receipt> {
        self.receipts.iter().filter_map(Entry::receipt)
    }

    /// The head of the log as the chain accepted it.
    pub fn head(&self) -> Option<Head> {
        self.job.head
    }

    /// Answers every question that the file itself can answer. A named root (BLAKE3 of its DER) is the only one to believe; with a pinned set of
    /// authorities, the chain's proof begins with that instead of the first block.
    pub fn verify(&self, root: Option<Digest>, pinned: Option<&AuthoritySet>) -> Verdict {
        let mut verdict = Verdict::default();
        self.verify_chain(pinned, &mut verdict);
        self.verify_evidence(root, &mut verdict);
        self.verify_sequence(&mut verdict);
        self.verify_objects(&mut verdict);
        self.verify_places(&mut verdict);
        let tree: Tree = self.receipts.iter().map(Entry::leaf).collect();
        self.verify_checkpoints(&tree, &mut verdict);
        self.verify_head(&tree, &mut verdict);
        if self.job.state == JobState::Settled(End::Completed) {
            self.verify_completion(&mut verdict);
        }
        verdict
    }

    fn verify_chain(&self, pinned: Option<&AuthoritySet>, verdict: &mut Verdict) {
        const FINAL: &str = "the block that the record is read from is final";
        let proved = match self.proof.verify(self.genesis, pinned) {
            Ok(proved) => proved,
            Err(fault) => {
                verdict.check(FINAL, false, fault.to_string());
                return;
            }
        };
        let Proved { number, hash, set, pinned, .. } = &proved;
        let anchor = if *pinned { "from the set that you named" } else { "from the first block's authorities" };
        verdict.check(FINAL, true, format!("block {number}, {hash}: justified by authority set {set}, {anchor} on"));

        let stored = self.stored(&proved);
        verdict.check(
            "the chain's state in that block holds this job",
            stored == Ok(true),
            stored
                .map_or_else(|fault| fault.to_string(), |same| if same { String::new() } else { "it holds another record or spec".into() }),
        );
        let head = proved.head(self.job.id);
        verdict.check(
            "the chain's state in that block holds this head",
            head.as_ref().is_ok_and(|head| head.is_some() && *head == self.head()),
            head.map_or_else(
                |fault| fault.to_string(),
                |head| head.map_or_else(|| "it holds none".into(), |head| format!("{} over {} receipts", head.root, head.size)),
            ),
        );
    }

    /// Whether the state's record and spec are what the file says of the job.
    fn stored(&self, proved: &Proved) -> Result<bool, ProofFault> {
        let JobView { id, spec, .. } = &self.job;
        let (Some(record), Some(stored_spec)) = (proved.job(*id)?, proved.spec(*id)?) else { return Ok(false) };
        let shown = &self.job;
        let same = record.customer == shown.customer
            && record.provider == shown.provider
            && record.offer == shown.offer
            && record.site == shown.site
            && record.terms == shown.terms
            && record.rate == shown.rate
            && record.state == shown.state
            && record.placed_at == shown.placed_at
            && record.run.map(|(started_at, ..)| started_at) == shown.started_at
            && record.completion == shown.completion
            && (record.deposited, record.paid, record.returned) == (shown.deposited, shown.paid, shown.returned);
        Ok(same && stored_spec == spec.encode())
    }

    fn verify_evidence(&self, named: Option<Digest>, verdict: &mut Verdict) {
        let [root, issuer] = [&self.roots.0, &self.roots.1].map(|text| hex::decode(text.trim_start_matches("0x")).unwrap_or_default());
        let setting = Setting {
            genesis: self.genesis,
            anchor_hash: Some(self.anchor_hash),
            roots: Some(Roots { root, issuer }),
            collateral: self.collateral.clone(),
            root: named,
            at: self.at,
        };
        let terms = self.job.spec.terms();
        verdict.check("the terms hash is that of the spec", terms == self.job.terms, terms.to_string());
        verdict.checks.extend(judge(&self.job, &self.evidence, &setting).checks);
    }

    fn verify_sequence(&self, verdict: &mut Verdict) {
        let gap = self.receipts.iter().zip(0u64..).find(|(entry, seq)| entry.seq() != *seq || entry.job() != self.job.id);
        verdict.check(
            "the receipts are this job's and their sequence has no gap",
            gap.is_none(),
            gap.map_or_else(
                || format!("{} receipts", self.receipts.len()),
                |(entry, seq)| format!("at position {seq} stands receipt {} of job {}", entry.seq(), entry.job()),
            ),
        );
        let erased = erased(&self.receipts);
        if !erased.is_empty() {
            let (count, of) = (erased.len(), self.receipts.len());
            let shown: Vec<_> = erased.iter().take(20).map(u64::to_string).collect();
            let more = if count > shown.len() { ", ..." } else { "" };
            verdict.check(
                "every receipt is there, or its leaf hash stands for it",
                true,
                format!("{count} of {of} were erased, and nobody can say what they said: {}{more}", shown.join(", ")),
            );
        }
        let receipts: Vec<_> = self.receipts().collect();
        let salts: BTreeSet<_> = receipts.iter().map(|receipt| receipt.salt).collect();
        verdict.check("every receipt has a salt of its own", salts.len() == receipts.len(), format!("{} salts", salts.len()));
        let backwards = receipts.windows(2).find(|pair| pair[1].time < pair[0].time);
        verdict.check(
            "the guest's clock never goes back",
            backwards.is_none(),
            backwards.map_or_else(String::new, |pair| format!("between receipts {} and {}", pair[0].seq, pair[1].seq)),
        );
    }

    fn verify_objects(&self, verdict: &mut Verdict) {
        let wrong = first_wrong_index(&self.receipts);
        verdict.check(
            "every index of objects is that of the receipts that it covers",
            wrong.is_none(),
            wrong.map_or_else(String::new, |seq| format!("not the one in receipt {seq}")),
        );
    }

    fn verify_places(&self, verdict: &mut Verdict) {
        let here = |party: &Party| party.site == Party::GUEST.site || party.site == self.job.site;
        let elsewhere = self.receipts().find(|receipt| !here(&receipt.from) || !here(&receipt.to));
        verdict.check(
            "every site that a receipt names is the job's",
            elsewhere.is_none(),
            elsewhere.map_or_else(
                || format!("site {}, or none", self.job.site),
                |receipt| format!("receipt {} says from site {} to site {}", receipt.seq, receipt.from.site, receipt.to.site),
            ),
        );
    }

    fn verify_checkpoints(&self, tree: &Tree, verdict: &mut Verdict) {
        let signed = self.checkpoints.iter().find(|signed| !self.is_signed(signed));
        verdict.check(
            "every checkpoint is signed by the attested receipt key",
            signed.is_none() && !self.checkpoints.is_empty(),
            signed.map_or_else(
                || format!("{} checkpoints", self.checkpoints.len()),
                |signed| format!("not the one of size {}", signed.checkpoint.size),
            ),
        );
        let other = self.checkpoints.iter().map(|signed| &signed.checkpoint).find(|checkpoint| !agrees(tree, checkpoint));
        verdict.check(
            "every checkpoint is the root over exactly these receipts",
            other.is_none() && !self.checkpoints.is_empty(),
            other.map_or_else(String::new, |checkpoint| format!("the one of size {} is over other receipts", checkpoint.size)),
        );
        let broken = self.checkpoints.windows(2).find(|pair| {
            let (older, newer) = (&pair[0].checkpoint, &pair[1].checkpoint);
            newer.previous_size != older.size || newer.previous_root != older.root || !newer.usage.extends(&older.usage)
        });
        verdict.check(
            "each checkpoint continues the one before",
            broken.is_none(),
            broken.map_or_else(String::new, |pair| format!("not the one of size {}", pair[1].checkpoint.size)),
        );
    }

    fn verify_head(&self, tree: &Tree, verdict: &mut Verdict) {
        let Some(head) = self.head() else {
            verdict.check("the chain accepted a checkpoint", false, "the job has no head");
            return;
        };
        let whole = tree.size() >= head.size;
        verdict.check("no receipt up to the chain's head is missing", whole, format!("{} of {}", tree.size(), head.size));
        let root = tree.root_at(head.size).ok().map(Digest);
        verdict.check(
            "the chain's head is the root over exactly these receipts",
            root == Some(head.root),
            format!("{} over {} receipts", head.root, head.size),
        );
    }

    fn verify_completion(&self, verdict: &mut Verdict) {
        let Some(completion) = &self.job.completion else {
            verdict.check("the guest said how it ended", false, "no completion on chain");
            return;
        };
        if self.format != FORMAT_2 {
            let signature = self.completion_signature.as_ref();
            let payload = completion.signing_payload(&self.genesis);
            let signed =
                completion.job == self.job.id && signature.is_some_and(|signature| verify(&self.evidence.receipt_key, &payload, signature));
            let found = if signature.is_some() { format!("{:?}", completion.exit) } else { "its signature is not in the file".into() };
            verdict.check("the completion is signed by the attested receipt key", signed, found);
        }
        let position = usize::try_from(completion.erased).unwrap_or(usize::MAX);
        let erase = self.receipts.get(position).and_then(Entry::receipt);
        // What is below the chain's head is proved to be in the log by that.
        let erased = erase.is_some_and(|receipt| receipt.op == Op::Erase) && completion.erased < completion.size;
        verdict.check(
            "the log says that the data was erased",
            erased,
            erase.map_or_else(
                || format!("receipt {} is not there", completion.erased),
                |receipt| format!("receipt {}, {:?} at {}", receipt.seq, receipt.op, date(receipt.time)),
            ),
        );
        let idle = |entry: &Entry| entry.receipt().is_some_and(|receipt| matches!(receipt.op, Op::Heartbeat | Op::Admin));
        let handled = self.receipts.iter().skip(position).skip(1).find(|entry| !idle(entry));
        verdict.check(
            "nothing was done with the data after that",
            erased && handled.is_none(),
            handled.map_or_else(String::new, |entry| match entry {
                Entry::Receipt(receipt) => format!("receipt {} says {:?}", receipt.seq, receipt.op),
                Entry::Erased(erased) => format!("nobody can say what receipt {} said", erased.seq),
            }),
        );
        let head = self.head().map(|head| (head.size, head.root));
        verdict.check(
            "the completion stands on the chain's head",
            head == Some((completion.size, completion.root)),
            completion.output.digest.to_string(),
        );
    }

    fn is_signed(&self, signed: &SignedCheckpoint) -> bool {
        signed.checkpoint.job == self.job.id
            && verify(&self.evidence.receipt_key, &signed.checkpoint.signing_payload(&self.genesis), &signed.signature)
    }
}

fn agrees(tree: &Tree, checkpoint: &Checkpoint) -> bool {
    tree.root_at(checkpoint.size).is_ok_and(|root| Digest(root) == checkpoint.root)
}

/// RFC 8032 with a key that is no account's.
fn verify(key: &PublicKey, message: &[u8], signature: &Signature) -> bool {
    Scheme::Ed25519.verify(&AccountId(key.0), message, &signature.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::evidence::tests::{AT, GUEST, evidence, failures, job, setting};
    use blockcloud_client::proof::Hex;
    use blockcloud_primitives::{JobId, SiteId};

    fn receipt(seq: u64, from: Party, to: Party) -> Receipt {
        Receipt {
            version: 1,
            job: JobId(5),
            seq,
            time: AT + seq,
            op: Op::Read,
            object: Digest::ZERO,
            offset: 0,
            bytes: 1,
            digest: Digest::ZERO,
            actor: Digest::ZERO,
            from,
            to,
            derived_from: Digest::ZERO,
            purpose: 0,
            salt: [u8::try_from(seq).unwrap(); 16],
        }
    }

    /// A bundle of a job at site 1 that has no checkpoint yet.
    fn bundle(receipts: Vec<Receipt>) -> Bundle {
        let (job, setting) = (job(), setting());
        let roots = setting.roots.unwrap();
        Bundle {
            format: FORMAT.into(),
            genesis: setting.genesis,
            evidence: evidence(&job, GUEST, job.terms),
            anchor_hash: setting.anchor_hash.unwrap(),
            roots: (hex::encode(roots.root), hex::encode(roots.issuer)),
            collateral: Vec::new(),
            at: AT,
            job,
            receipts: receipts.into_iter().map(Entry::Receipt).collect(),
            checkpoints: Vec::new(),
            completion_signature: None,
            proof: ChainProof {
                first: None,
                hand_overs: Vec::new(),
                header: Hex(Vec::new()),
                descendants: Vec::new(),
                justification: Hex(Vec::new()),
                state: Vec::new(),
            },
        }
    }

    const PLACES: &str = "every site that a receipt names is the job's";

    #[test]
    fn a_receipt_that_names_another_site_is_found() {
        let (guest, here, elsewhere) = (Party::GUEST, Party::site(SiteId(1)), Party::site(SiteId(2)));
        let good = bundle(vec![receipt(0, here, guest), receipt(1, guest, here), receipt(2, guest, guest)]);
        let without_checkpoint = failures(good.verify(None, None));
        assert!(!without_checkpoint.contains(&PLACES), "{without_checkpoint:?}");
        for (from, to) in [(elsewhere, guest), (here, elsewhere)] {
            let mut failed = failures(bundle(vec![receipt(0, here, guest), receipt(1, from, to)]).verify(None, None));
            failed.retain(|claim| !without_checkpoint.contains(claim));
            assert_eq!(failed, [PLACES]);
        }
    }

    #[test]
    fn a_named_root_is_the_only_one_to_believe() {
        let bundle = bundle(Vec::new());
        let root = Digest::of(blockcloud_simulator::dev_root::ROOT);
        assert_eq!(bundle.verify(Some(root), None), {
            let mut verdict = bundle.verify(None, None);
            let check = verdict.checks.iter_mut().find(|check| check.claim == "the vendor's root is one to believe").unwrap();
            check.found = format!("root {root}, as named");
            verdict
        });
        assert!(failures(bundle.verify(Some(Digest::ZERO), None)).contains(&"the vendor's root is one to believe"));
    }
}
