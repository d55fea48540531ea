//! Checkpoints of a running job by way of an aggregator: each is handed in, and now and then one is brought out of a committed round.
//!
//! A round dates what is in it; pay accrues only up to what was brought. So the chain sees one checkpoint of a job for each half of its gap at most, and
//! whatever is wrong with the aggregator costs nothing but the fee of a checkpoint that is brought directly in time.

use super::{TICK, Turn, Worker};
use crate::{agent::now, aggregator::Aggregator, log::JobLogError, record::Launch};
use blockcloud_client::{
    At, Error, Until,
    agent_api::SignedCheckpoint,
    aggregator_api::{Outcome, Refusal, SlotProof, Submission, hashes},
    calls,
};
use blockcloud_primitives::{Digest, Head, JobView, Moment, Round, SlotEntry, SourceView};
use blockcloud_receipt_log::{ProofError, verify_slot};
use std::{
    sync::PoisonError,
    time::{Duration, Instant},
};

/// How long a job does without its aggregator after that was of no use.
const WITHOUT: Duration = Duration::from_secs(30);
/// How long after the chain refused something about it.
const WITHOUT_LONG: Duration = Duration::from_secs(600);

/// What is remembered of a job and its aggregator, in memory only: all of it can be asked for again.
#[derive(Debug, Default)]
pub struct Standing {
    /// The job's place.
    place: Option<SourceView>,
    /// Size of the last checkpoint that the aggregator is known to have.
    has: Option<u64>,
    /// Before when it is not tried again.
    not_before: Option<Instant>,
}

/// What is due, by the time since the moment up to which pay is accrued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    /// Nothing yet.
    Nothing,
    /// A checkpoint out of a round, if there is one.
    Round,
    /// A checkpoint, whichever way: half of the gap is left for it to get into a block.
    Directly,
}

fn due(head: &Head, gap: u32, now: Moment) -> Due {
    let gap = u64::from(gap).saturating_mul(1_000);
    match now.saturating_sub(head.accepted_at) {
        elapsed if elapsed < gap / 4 => Due::Nothing,
        elapsed if elapsed < gap / 2 => Due::Round,
        _ => Due::Directly,
    }
}

/// What an aggregator's answer about the job's newest checkpoint means.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Answer {
    /// It has the job's checkpoint of this size.
    Has(u64),
    /// It does not know the job's place yet: a new one is known to it a few seconds later.
    Later,
    /// It is of no use, and why.
    Useless(String),
}

fn understand(outcome: Outcome, size: u64) -> Answer {
    match outcome {
        Outcome::Accepted { .. } | Outcome::Known { .. } => Answer::Has(size),
        Outcome::Refused { refusal } => match refusal {
            // What it has is named: the next proof begins there. Nothing of this job has more than its newest checkpoint.
            Refusal::Unproven { head } | Refusal::Inconsistent { head } | Refusal::Stale { head } | Refusal::Shrunk { head, .. }
                if head <= size =>
            {
                Answer::Has(head)
            }
            Refusal::UnknownSource { .. } | Refusal::SourceChanged => Answer::Later,
            other => Answer::Useless(format!("the aggregator refuses the job's checkpoint: {other}")),
        },
    }
}

/// The checkpoint that a committed round has in the job's place, and its path, if it is newer than the head. The error: it is not in the round.
fn newer_in(
    round: &Round,
    place: &SourceView,
    head: &Head,
    shown: Option<SlotProof>,
) -> Result<Option<(SlotEntry, Vec<Digest>)>, ProofError> {
    let Some((entry, path)) = shown.and_then(|proof| Some((proof.entry?, proof.path))) else { return Ok(None) };
    let height = u8::try_from(path.len()).unwrap_or(u8::MAX);
    verify_slot(&round.root.0, height, place.slot, Some(&entry), &hashes(&path))?;
    Ok((entry.checkpoint.size > head.size).then_some((entry, path)))
}

impl Worker<'_> {
    /// One step by way of the aggregator; nothing where the checkpoint is to be brought directly now.
    pub(super) async fn by_aggregator(
        &self,
        aggregator: &Aggregator,
        view: &JobView,
        head: &Head,
        signed: &SignedCheckpoint,
        launch: &Launch,
    ) -> anyhow::Result<Option<Turn>> {
        if self.standing(|standing| standing.not_before).is_some_and(|until| Instant::now() < until) {
            return Ok(None);
        }
        // By the later of both clocks: one that is slow would cost the job.
        let now = self.chain.now(At::Best).await?.max(now());
        let due = due(head, view.spec.policy.checkpoint_gap, now);
        if due == Due::Directly {
            return Ok(None);
        }
        let Some(place) = self.place(aggregator).await? else { return Ok(None) };
        if !self.hand_in(aggregator, signed, launch).await? {
            return Ok(None);
        }
        if due == Due::Nothing {
            return Ok(Some(Turn::Wait(TICK)));
        }
        self.bring_out_of_a_round(aggregator, &place, head, launch).await
    }

    /// Gives up the job's places that this provider holds: their deposits return.
    pub(super) async fn leave_aggregators(&self) -> anyhow::Result<()> {
        for place in self.chain.places(self.live.job, At::Best).await? {
            if place.holder != self.agent.provider() {
                continue;
            }
            match self.submit(&calls::receipts::withdraw_source(place.aggregator, place.slot), Until::Best).await {
                // Anybody may have done so in between.
                Ok(_) | Err(Error::Dispatch(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// The job's place with the aggregator: registered if it has none. Nothing where the chain refuses it.
    async fn place(&self, aggregator: &Aggregator) -> anyhow::Result<Option<SourceView>> {
        if let Some(place) = self.standing(|standing| standing.place.clone()) {
            return Ok(Some(place));
        }
        let find = async || {
            let places = self.chain.places(self.live.job, At::Best).await?;
            anyhow::Ok(places.into_iter().find(|place| place.aggregator == aggregator.number()))
        };
        let mut place = find().await?;
        if place.is_none() {
            match self.submit(&calls::receipts::register_source(aggregator.number(), self.live.job, None), Until::Best).await {
                Ok(_) => place = find().await?,
                Err(Error::Dispatch(failure)) => {
                    self.without(WITHOUT_LONG, format!("the chain gives the job no place with its aggregator: {failure}"));
                    return Ok(None);
                }
                Err(error) => return Err(error.into()),
            }
        }
        self.standing(|standing| standing.place.clone_from(&place));
        Ok(place)
    }

    /// Hands the newest checkpoint in, unless it is there. Whether the aggregator is of use.
    async fn hand_in(&self, aggregator: &Aggregator, signed: &SignedCheckpoint, launch: &Launch) -> anyhow::Result<bool> {
        let SignedCheckpoint { checkpoint, signature } = *signed;
        let has = self.standing(|standing| standing.has);
        if has.is_some_and(|has| has >= checkpoint.size) {
            return Ok(true);
        }
        // One that names the last one as the one before it needs no proof.
        let from = has.filter(|has| *has != checkpoint.previous_size);
        let proof = match from {
            Some(from) => {
                let proof = move |log: &mut crate::log::JobLog| log.consistency(from, checkpoint.size);
                self.agent.with_log(self.live, launch.number, proof).await?.unwrap_or_default()
            }
            None => Vec::new(),
        };
        let answer = match aggregator.hand_in(Submission { checkpoint, signature, proof }).await {
            Ok(outcome) => understand(outcome, checkpoint.size),
            Err(error) => Answer::Useless(error.to_string()),
        };
        match answer {
            Answer::Has(size) => self.standing(|standing| standing.has = Some(size)),
            Answer::Later => {}
            Answer::Useless(why) => {
                self.without(WITHOUT, why);
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Brings what the newest committed round has of the job, if that is newer than the head.
    async fn bring_out_of_a_round(
        &self,
        aggregator: &Aggregator,
        place: &SourceView,
        head: &Head,
        launch: &Launch,
    ) -> anyhow::Result<Option<Turn>> {
        let rounds = self.chain.rounds(aggregator.number(), 1, At::Best).await?;
        let later = rounds.first().filter(|newest| newest.committed_at > head.accepted_at && newest.round.number >= place.from);
        let Some(newest) = later else { return Ok(Some(Turn::Wait(TICK))) };
        let number = newest.round.number;
        let proof = match aggregator.proof(place.slot, number).await {
            Ok(proof) => proof,
            Err(error) => {
                self.without(WITHOUT, error.to_string());
                return Ok(None);
            }
        };
        let (entry, path) = match newer_in(&newest.round, place, head, proof) {
            Ok(Some(found)) => found,
            Ok(None) => return Ok(Some(Turn::Wait(TICK))),
            Err(error) => {
                self.without(WITHOUT, format!("what the aggregator shows is not in round {number}: {error}"));
                return Ok(None);
            }
        };
        let from = *head;
        let proof = match self.agent.with_log(self.live, launch.number, move |log| log.proof(Some(&from), &entry.checkpoint)).await {
            Ok(proof) => proof,
            Err(JobLogError::WrongRoot(_) | JobLogError::ForeignHead { .. }) => {
                self.without(WITHOUT, format!("round {number} has a checkpoint of another log in the job's slot"));
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        let call = calls::receipts::checkpoint_in_round(aggregator.number(), number, place.slot, &entry, &path, &proof);
        match self.submit(&call, Until::Best).await {
            Ok(_) => Ok(Some(Turn::Again)),
            Err(Error::Dispatch(failure)) => {
                // The place may be another's by now.
                self.standing(|standing| standing.place = None);
                self.without(WITHOUT, format!("the chain refuses the checkpoint out of round {number}: {failure}"));
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Does without the aggregator for a while.
    fn without(&self, pause: Duration, why: String) {
        tracing::warn!(target: "blockcloud::agent", job = %self.live.job, why, pause_s = pause.as_secs(), "checkpoints are brought directly for a while");
        self.standing(|standing| standing.not_before = Some(Instant::now() + pause));
    }

    fn standing<T>(&self, with: impl FnOnce(&mut Standing) -> T) -> T {
        with(&mut self.live.standing.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Guest, JOB};
    use blockcloud_client::aggregator_api::{SignedRound, Statement, digests};
    use blockcloud_primitives::{AccountId, AggregatorId, JobId, Signature};
    use blockcloud_receipt_log::{SlotTree, slot_hash};

    const PLACE: SourceView = SourceView { aggregator: AggregatorId(0), slot: 2, job: JOB, holder: AccountId([8; 32]), from: 0 };

    fn head(size: u64) -> Head {
        Head { size, root: Digest::ZERO, time: 0, usage: Default::default(), accepted_at: 100_000 }
    }

    /// A round whose slot 2 holds a checkpoint of this size, or nothing, and what its aggregator shows of it.
    fn round(size: Option<u64>) -> (Round, SlotProof) {
        let entry = size
            .map(|size| Guest::new().checkpoint(JOB, size, Digest::ZERO))
            .map(|signed| SlotEntry::new(signed.checkpoint, signed.signature));
        let tree = SlotTree::of_slots(3, entry.iter().map(|entry| (2, slot_hash(Some(entry)))).collect()).unwrap();
        let round =
            Round { version: 1, aggregator: AggregatorId(0), number: 4, root: Digest(tree.root()), filled: 1, receipts: 0, time: 0 };
        let statement = Statement::Round(SignedRound { round, signature: Signature([0; 64]) });
        (round, SlotProof { slot: 2, height: 3, entry, path: digests(&tree.path(2).unwrap()), statement })
    }

    #[test]
    fn what_an_aggregator_answers_is_held_against_the_jobs_own_log() {
        let refused = |refusal| understand(Outcome::Refused { refusal }, 10);
        assert_eq!(understand(Outcome::Accepted { slot: 2, round: 7 }, 10), Answer::Has(10));
        assert_eq!(understand(Outcome::Known { slot: 2 }, 10), Answer::Has(10));
        for named in [
            Refusal::Unproven { head: 4 },
            Refusal::Inconsistent { head: 4 },
            Refusal::Stale { head: 4 },
            Refusal::Shrunk { size: 10, head: 4 },
        ] {
            assert_eq!(refused(named), Answer::Has(4));
        }
        assert_eq!(refused(Refusal::UnknownSource { job: JobId(5) }), Answer::Later);
        assert_eq!(refused(Refusal::SourceChanged), Answer::Later);
        // A head beyond the log would keep the job from handing anything in for ever.
        for beyond in [
            Refusal::Unproven { head: 11 },
            Refusal::Inconsistent { head: 11 },
            Refusal::Stale { head: u64::MAX },
            Refusal::Shrunk { size: 10, head: 11 },
        ] {
            assert!(matches!(refused(beyond), Answer::Useless(_)), "{beyond:?}");
        }
        for other in [Refusal::BadSignature, Refusal::Forked { size: 4 }, Refusal::UsageShrunk, Refusal::Empty] {
            let Answer::Useless(why) = refused(other) else { panic!("{other:?}") };
            assert!(why.contains(&other.to_string()));
        }
    }

    #[test]
    fn what_is_brought_out_of_a_round_is_in_it_and_newer_than_the_head() {
        let (committed, proof) = round(Some(9));
        let entry = proof.entry.unwrap();
        assert_eq!(newer_in(&committed, &PLACE, &head(8), Some(proof.clone())), Ok(Some((entry, proof.path.clone()))));
        assert_eq!(newer_in(&committed, &PLACE, &head(9), Some(proof.clone())), Ok(None));
        assert_eq!(newer_in(&committed, &PLACE, &head(8), None), Ok(None), "it does not have the round");
        let (empty, nothing) = round(None);
        assert_eq!(newer_in(&empty, &PLACE, &head(8), Some(nothing)), Ok(None));
        // Another round's root, another slot, another checkpoint, a path that is too long or too short.
        assert!(newer_in(&empty, &PLACE, &head(8), Some(proof.clone())).is_err());
        assert!(newer_in(&committed, &SourceView { slot: 3, ..PLACE }, &head(8), Some(proof.clone())).is_err());
        let (_, other) = round(Some(12));
        assert!(newer_in(&committed, &PLACE, &head(8), Some(SlotProof { path: proof.path.clone(), ..other })).is_err());
        for path in [vec![Digest::ZERO; 40], proof.path[..2].to_vec(), Vec::new()] {
            assert!(newer_in(&committed, &PLACE, &head(8), Some(SlotProof { path, ..proof.clone() })).is_err());
        }
    }

    #[test]
    fn a_round_is_due_after_a_quarter_of_the_gap_and_anything_after_half() {
        let head = head(1);
        let due = |now| due(&head, 60, now);
        assert_eq!([due(0), due(100_000), due(114_999)], [Due::Nothing; 3]);
        assert_eq!([due(115_000), due(129_999)], [Due::Round; 2]);
        assert_eq!([due(130_000), due(Moment::MAX)], [Due::Directly; 2]);
        assert_eq!(super::due(&head, 0, 100_000), Due::Directly);
        assert_eq!(super::due(&head, u32::MAX, Moment::MAX), Due::Directly);
    }
}
