//! The first question: is every position of the log there?

use crate::{
    entry::{Entry, erased},
    verdict::Verdict,
};
use blockcloud_primitives::{Digest, JobId};
use blockcloud_receipt_log::Tree;

/// Whether these are all entries of a job's log up to this size and root, in order. An erased receipt keeps its position and its leaf hash.
pub fn verdict(job: JobId, entries: &[Entry], size: u64, root: Digest) -> Verdict {
    let mut verdict = Verdict::default();
    let all = entries.iter().zip(0u64..).take_while(|(_, position)| *position < size);
    let misplaced = all.clone().find(|(entry, position)| entry.seq() != *position || entry.job() != job);
    let present = entries.len() as u64;
    let whole = misplaced.is_none() && present >= size;
    verdict.check(
        "every position up to the head has its receipt",
        whole,
        match misplaced {
            Some((entry, position)) => format!("at position {position} stands receipt {} of job {}", entry.seq(), entry.job()),
            None if present < size => format!("{present} of {size}: those from position {present} on are missing"),
            None => match erased(entries).len() {
                0 => format!("0 to {}", size.saturating_sub(1)),
                count => format!("0 to {}, of which {count} were erased", size.saturating_sub(1)),
            },
        },
    );
    let tree: Tree = all.map(|(entry, _)| entry.leaf()).collect();
    let found = Digest(tree.root());
    verdict.check("together they are the head", whole && found == root, format!("{found} over {} receipts", tree.size()));
    verdict
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::completeness::access::tests::{entries, log};
    use blockcloud_primitives::Receipt;
    use blockcloud_receipt_log::receipt_hash;

    #[test]
    fn a_missing_a_moved_and_a_foreign_receipt_are_found_and_named() {
        let receipts = log(&[&[1], &[2]]);
        let size = receipts.len() as u64;
        let root = Digest(receipts.iter().map(receipt_hash).collect::<Tree>().root());
        let judge = |receipts: &[Receipt]| verdict(JobId(5), &entries(receipts), size, root);
        assert!(judge(&receipts).holds());
        let mut longer = receipts.clone();
        longer.push(Receipt { seq: size, ..receipts[0] });
        assert!(judge(&longer).holds(), "what comes after the head is another question");
        let shorter = judge(&receipts[..receipts.len() - 1]);
        assert!(!shorter.holds() && shorter.to_string().contains(&format!("from position {} on", size - 1)), "{shorter}");
        let mut without = receipts.clone();
        without.remove(1);
        assert!(judge(&without).to_string().contains("at position 1 stands receipt 2"));
        let mut moved = receipts.clone();
        moved.swap(0, 1);
        assert!(!judge(&moved).holds());
        let mut foreign = receipts.clone();
        foreign[1].job.0 += 1;
        assert!(!judge(&foreign).holds());
        let mut changed = receipts.clone();
        changed[1].bytes += 1;
        let changed = judge(&changed);
        assert_eq!(changed.checks.iter().map(|check| check.holds).collect::<Vec<_>>(), [true, false]);
    }
}
