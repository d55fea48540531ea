//! The fifth question: do sender and receiver say the same?
//!
//! What goes into a guest is observed by the customer who sealed it and by the guest that took it in; what comes out by the guest that stored it and by the
//! customer who fetched it. Whoever holds the job's object key makes the keyed digests of names and contents from their own copies, and compares them with the guest's
//! receipts, one by one. Not here: where the copies are (`commands::complete`).

use crate::verdict::Verdict;
use blockcloud_primitives::{Digest, Op, Party, Receipt, SiteId};
use blockcloud_seal::ObjectKey;

/// What the customer says of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// For people.
    pub name: String,
    /// Keyed digest of the name.
    pub object: Digest,
    /// Length in bytes.
    pub bytes: u64,
    /// Keyed digest of the content: plain for inputs, sealed for the manifest and the output.
    pub digest: Digest,
}

impl Observed {
    /// An object of this name and content.
    pub fn new(key: &ObjectKey, name: &str, content: &[u8]) -> Self {
        Self { name: name.into(), object: key.digest(name.as_bytes()), bytes: content.len() as u64, digest: key.digest(content) }
    }

    fn is(&self, receipt: &Receipt) -> bool {
        (receipt.object, receipt.bytes, receipt.digest) == (self.object, self.bytes, self.digest)
    }
}

/// Whether the guest at this site says of what it took in, and of what it stored, what the customer says of it. The output is that of a job that has one, as it
/// was fetched.
pub fn verdict(site: SiteId, receipts: &[Receipt], sent: &[Observed], output: Option<&Observed>) -> Verdict {
    let mut verdict = Verdict::default();
    let taken: Vec<&Receipt> = receipts.iter().filter(|receipt| receipt.op == Op::Ingest).collect();
    let differs = sent.iter().zip(&taken).find(|(sent, taken)| !sent.is(taken));
    verdict.check(
        "the guest took in what the customer sent, each with its name, length and content",
        differs.is_none() && taken.len() == sent.len(),
        match differs {
            Some((sent, taken)) => format!(
                "`{}` has {} bytes with digest {}; receipt {} says {} bytes with digest {} of object {}",
                sent.name, sent.bytes, sent.digest, taken.seq, taken.bytes, taken.digest, taken.object
            ),
            None => format!("{} objects sent, {} taken in", sent.len(), taken.len()),
        },
    );
    let elsewhere = taken.iter().find(|receipt| receipt.from != Party::site(site));
    verdict.check(
        "it came from the job's site",
        elsewhere.is_none(),
        elsewhere.map_or_else(|| format!("site {site}"), |receipt| format!("receipt {} says from site {}", receipt.seq, receipt.from.site)),
    );
    if let Some(output) = output {
        let stored = receipts.iter().rev().find(|receipt| receipt.op == Op::Store);
        verdict.check(
            "the customer received what the guest stored",
            stored.is_some_and(|stored| output.is(stored) && stored.to == Party::site(site)),
            stored.map_or_else(
                || "no receipt of a store".into(),
                |stored| {
                    format!(
                        "receipt {}: {} bytes with digest {}; received {} with {}",
                        stored.seq, stored.bytes, stored.digest, output.bytes, output.digest
                    )
                },
            ),
        );
    }
    verdict
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::completeness::access::tests::log;

    const HERE: SiteId = SiteId(3);

    fn receipt(seq: u64, op: Op, of: &Observed) -> Receipt {
        let (from, to) = if op == Op::Ingest { (Party::site(HERE), Party::GUEST) } else { (Party::GUEST, Party::site(HERE)) };
        Receipt { seq, op, object: of.object, bytes: of.bytes, digest: of.digest, from, to, ..log(&[&[1]])[0] }
    }

    fn setting() -> (Vec<Observed>, Observed, Vec<Receipt>) {
        let key = ObjectKey::generate();
        let sent = vec![
            Observed::new(&key, "manifest", b"sealed"),
            Observed::new(&key, "module", b"program"),
            Observed::new(&key, "/input/a", b""),
        ];
        let output = Observed::new(&key, "output", b"sealed archive");
        let mut receipts: Vec<_> = sent.iter().zip(0..).map(|(sent, seq)| receipt(seq, Op::Ingest, sent)).collect();
        receipts.push(receipt(3, Op::Store, &output));
        (sent, output, receipts)
    }

    fn holds(receipts: &[Receipt], sent: &[Observed], output: Option<&Observed>) -> Vec<bool> {
        verdict(HERE, receipts, sent, output).checks.iter().map(|check| check.holds).collect()
    }

    #[test]
    fn both_say_the_same() {
        let (sent, output, receipts) = setting();
        assert_eq!(holds(&receipts, &sent, Some(&output)), [true; 3]);
        assert_eq!(holds(&receipts, &sent, None), [true; 2]);
    }

    #[test]
    fn each_contradiction_is_found() {
        let (sent, output, receipts) = setting();
        let changes: [fn(&mut Receipt); 3] = [|it| it.bytes += 1, |it| it.digest = Digest::ZERO, |it| it.object = Digest::ZERO];
        for change in changes {
            for (place, expected) in [(1, [false, true, true]), (3, [true, true, false])] {
                let mut changed = receipts.clone();
                change(&mut changed[place]);
                assert_eq!(holds(&changed, &sent, Some(&output)), expected, "{place}");
            }
        }
        let mut elsewhere = receipts.clone();
        elsewhere[2].from = Party::site(SiteId(4));
        assert_eq!(holds(&elsewhere, &sent, Some(&output)), [true, false, true]);
        elsewhere[3].to = Party::site(SiteId(4));
        assert_eq!(holds(&elsewhere, &sent, Some(&output)), [true, false, false]);
        assert_eq!(holds(&receipts[1..], &sent, Some(&output)), [false, true, true]);
        assert_eq!(holds(&receipts[..3], &sent, Some(&output)), [true, true, false]);
        // Something that the customer never sent.
        let mut more = receipts.clone();
        more.insert(3, Receipt { seq: 9, ..receipts[2] });
        assert_eq!(holds(&more, &sent, Some(&output)), [false, true, true]);
    }
}
