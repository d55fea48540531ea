//! The third question: do a round's counts add up? For that one needs what all its slots hold, and those of the round before.

use crate::verdict::Verdict;
use blockcloud_client::aggregator_api::{RoundContents, RoundItem};
use blockcloud_primitives::{Digest, SlotEntry};
use blockcloud_receipt_log::{Forest, slot_hash};
use std::collections::BTreeMap;

/// What a round says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sums {
    filled: u64,
    receipts: u64,
}

/// Whether the counts of a round are those of its contents, given the contents of the round before it (none for the first).
///
/// A log that the round before does not have counts with all its receipts. An aggregator remembers what it counted of a log that left and came back; then this
/// sum is larger than the round's, and the answer is no although nobody lied. Who wants to be sure counts from the round in which the log was last seen.
pub fn verdict(before: Option<&RoundContents>, round: &RoundContents) -> Verdict {
    let mut verdict = Verdict::default();
    for contents in before.into_iter().chain([round]) {
        let root = root(contents);
        verdict.check(
            "what is shown is all of the round",
            root == Ok(contents.statement.root()),
            match root {
                Ok(root) => format!("round {}: {} slots and parts, root {root}", contents.statement.number(), contents.items.len()),
                Err(why) => format!("round {}: {why}", contents.statement.number()),
            },
        );
    }
    let follows = before.map_or(0, |before| before.statement.number().saturating_add(1));
    verdict.check(
        "the rounds follow each other",
        follows == round.statement.number(),
        format!("round {} after {follows} earlier ones", round.statement.number()),
    );
    let said = Sums { filled: round.statement.filled().into(), receipts: round.statement.receipts() };
    match sums(before, round) {
        Ok(sums) => {
            verdict.check(
                "as many slots are filled as the round says",
                sums.filled == said.filled,
                format!("{}, and it says {}", sums.filled, said.filled),
            );
            verdict.check(
                "the logs grew by as many receipts as the round says",
                sums.receipts == said.receipts,
                format!("{}, and it says {}", sums.receipts, said.receipts),
            );
        }
        Err(why) => {
            verdict.check("the counts can be told", false, why);
        }
    }
    verdict
}

fn root(contents: &RoundContents) -> Result<Digest, String> {
    let (base, height) = (contents.part.base, contents.part.height);
    let within = |slot: u32| slot.checked_sub(base).ok_or_else(|| format!("slot {slot} lies before the tree"));
    let nodes = contents.items.iter().map(|item| match item {
        RoundItem::Slot { slot, entry } => Ok((0, within(*slot)?, slot_hash(Some(entry)))),
        RoundItem::Part(signed) => {
            let branch = &signed.branch;
            Ok((branch.height, within(branch.base)?.checked_shr(branch.height.into()).unwrap_or(u32::MAX), branch.root.0))
        }
    });
    let nodes = nodes.collect::<Result<Vec<_>, String>>()?;
    Forest::new(height, nodes).map(|forest| Digest(forest.root())).map_err(|error| error.to_string())
}

fn sums(before: Option<&RoundContents>, round: &RoundContents) -> Result<Sums, String> {
    let (mut slots, mut parts) = (BTreeMap::<u32, &SlotEntry>::new(), BTreeMap::new());
    for item in before.into_iter().flat_map(|before| &before.items) {
        match item {
            RoundItem::Slot { slot, entry } => drop(slots.insert(*slot, entry)),
            RoundItem::Part(signed) => drop(parts.insert((signed.branch.base, signed.branch.height), signed.branch)),
        }
    }
    let mut sums = Sums { filled: 0, receipts: 0 };
    for item in &round.items {
        let (filled, receipts) = match item {
            RoundItem::Slot { slot, entry } => {
                let checkpoint = &entry.checkpoint;
                let known = slots.get(slot).filter(|known| known.checkpoint.job == checkpoint.job).map_or(0, |known| known.checkpoint.size);
                let grown = checkpoint.size.checked_sub(known);
                (1, grown.ok_or_else(|| format!("the log in slot {slot} has {} receipts and had {known}", checkpoint.size))?)
            }
            RoundItem::Part(signed) => {
                let branch = &signed.branch;
                let known = parts.get(&(branch.base, branch.height)).map(|known| known.number);
                let grown = match branch.number.checked_sub(known.map_or(0, |known| known.saturating_add(1))) {
                    None if known == Some(branch.number) => 0,
                    Some(0) => branch.receipts,
                    _ => {
                        return Err(format!(
                            "the part of 2^{} slots from slot {} handed up several branches between the two rounds: ask the aggregator below for its own",
                            branch.height, branch.base
                        ));
                    }
                };
                (branch.filled.into(), grown)
            }
        };
        let too_large = || "the sum is larger than 64 bits".to_owned();
        sums.filled = sums.filled.checked_add(filled).ok_or_else(too_large)?;
        sums.receipts = sums.receipts.checked_add(receipts).ok_or_else(too_large)?;
    }
    Ok(sums)
}

#[cfg(test)]
mod tests {
    use super::*;
    use blockcloud_client::aggregator_api::{Part, SignedBranch, SignedRound, Statement};
    use blockcloud_primitives::{AggregatorId, Branch, Checkpoint, JobId, Round, Signature};

    const SIGNATURE: Signature = Signature([0; 64]);

    fn slot(slot: u32, job: u64, size: u64) -> RoundItem {
        let checkpoint = Checkpoint {
            version: 1,
            job: JobId(job),
            size,
            root: Digest::ZERO,
            time: 1,
            usage: Default::default(),
            previous_size: 0,
            previous_root: Digest::ZERO,
        };
        RoundItem::Slot { slot, entry: SlotEntry::new(checkpoint, SIGNATURE) }
    }

    fn part(number: u64, filled: u32, receipts: u64) -> RoundItem {
        let branch = Branch {
            version: 1,
            aggregator: AggregatorId(0),
            number,
            base: 8,
            height: 3,
            root: Digest([number as u8; 32]),
            filled,
            receipts,
            time: 1,
        };
        RoundItem::Part(SignedBranch { branch, signature: SIGNATURE })
    }

    fn contents(number: u64, items: Vec<RoundItem>, filled: u32, receipts: u64) -> RoundContents {
        let mut contents = RoundContents {
            statement: Statement::Round(SignedRound {
                round: Round { version: 1, aggregator: AggregatorId(0), number, root: Digest::ZERO, filled, receipts, time: 1 },
                signature: SIGNATURE,
            }),
            part: Part { base: 0, height: 4 },
            items,
            next: None,
        };
        let root = root(&contents).unwrap();
        if let Statement::Round(signed) = &mut contents.statement {
            signed.round.root = root;
        }
        contents
    }

    fn holds(verdict: &Verdict) -> Vec<bool> {
        verdict.checks.iter().map(|check| check.holds).collect()
    }

    #[test]
    fn growth_of_slots_and_parts_is_the_rounds_count() {
        let first = contents(0, vec![slot(1, 5, 10), part(0, 3, 100)], 4, 110);
        assert!(verdict(None, &first).holds(), "{}", verdict(None, &first));
        let second = contents(1, vec![slot(1, 5, 12), slot(2, 6, 7), part(1, 3, 30)], 5, 39);
        assert!(verdict(Some(&first), &second).holds(), "{}", verdict(Some(&first), &second));
        // Nothing new from the part; another job in the slot counts from nothing.
        let third = contents(2, vec![slot(1, 7, 4), slot(2, 6, 7), part(1, 3, 30)], 5, 4);
        assert!(verdict(Some(&second), &third).holds(), "{}", verdict(Some(&second), &third));
    }

    #[test]
    fn wrong_counts_and_what_is_hidden_are_found() {
        let first = contents(0, vec![slot(1, 5, 10)], 1, 10);
        for (filled, receipts, expected) in [(2, 10, [true, true, false, true]), (1, 11, [true, true, true, false])] {
            assert_eq!(holds(&verdict(None, &contents(0, vec![slot(1, 5, 10)], filled, receipts))), expected);
        }
        let mut hidden = contents(0, vec![slot(1, 5, 10), slot(2, 6, 1)], 1, 10);
        hidden.items.pop();
        assert_eq!(holds(&verdict(None, &hidden)), [false, true, true, true]);
        assert_eq!(holds(&verdict(None, &contents(3, vec![], 0, 0))), [true, false, true, true]);
        let shrunk = contents(1, vec![slot(1, 5, 9)], 1, 0);
        assert!(verdict(Some(&first), &shrunk).to_string().contains("has 9 receipts and had 10"));
        let jumped = contents(1, vec![part(7, 1, 1)], 1, 1);
        assert!(verdict(Some(&contents(0, vec![part(0, 1, 1)], 1, 1)), &jumped).to_string().contains("several branches"));
        let outside = RoundContents { items: vec![slot(16, 5, 1)], ..first };
        assert!(!verdict(None, &outside).holds());
    }
}
