//! What to do next about a job: a pure function of what the chain says, what is stored, and whether the guest lives.
//!
//! Nothing here remembers an event. Whatever was missed while the agent, the guest or the node was away, the same step follows from the same
//! state; and what the chain has already is never done again. Not here: doing it (`job`).

use crate::record::JobRecord;
use blockcloud_primitives::{Digest, End, Evidence, JobState, JobView, Lapse, Moment};
use std::time::Duration;

/// How long the guest may still work for its last word once the paid time is over, in milliseconds.
const LAST_WORD: u64 = 5_000;
/// How far into the unpaid time it is certain that the chain sees it as over too, in milliseconds.
const CERTAIN: u64 = 1_000;
/// How near the end of the paid time has to be for a job without a guest to be left to it, in milliseconds.
const NEAR: u64 = 60_000;

/// The guest's process, as the driver sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GuestProcess {
    /// None was started.
    None,
    /// A start was decided on, but not noted as done.
    Unknown,
    /// It runs.
    Alive,
    /// It is gone.
    Dead,
}

/// The next step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing to do until something changes.
    Wait,
    /// Leave the job alone: it does not fit this agent's limits.
    Decline(String),
    /// Start the guest and accept the job.
    Accept,
    /// Find out whether the start that was decided on took place.
    Recover,
    /// Start the guest (again).
    Launch,
    /// Bring the guest's evidence.
    Attest,
    /// Ask the guest to renew the evidence with this replay key.
    AskRenewal(Digest),
    /// Bring the renewed evidence.
    Renew,
    /// The chain has it: it takes the place of what it renewed.
    Renewed,
    /// Have the chain notice that the job's evidence counts no longer, or counts again.
    Poke,
    /// Bring the guest's newest checkpoint.
    Checkpoint,
    /// Bring the guest's last word.
    Complete,
    /// Have the pay that is earned so far paid out.
    Settle,
    /// Give the job up.
    Abandon(String),
    /// End the job without blame: the paid time is over.
    Stop,
    /// It has ended: stop the guest, delete what only it needed.
    Finish(End),
    /// It is closed: nothing of it is on chain any more.
    Close,
}

/// What a decision rests on.
pub struct Situation<'a> {
    /// The job as of the best block; nothing if the chain has no such job (any more).
    pub view: Option<&'a JobView>,
    /// What is stored.
    pub record: &'a JobRecord,
    /// The guest's process.
    pub guest: GuestProcess,
    /// Whether the job fits the agent's limits; if not, why.
    pub fits: Result<(), String>,
    /// How often a guest may be started.
    pub max_launches: u32,
    /// The time, Unix milliseconds.
    pub now: Moment,
    /// How often earned pay is paid out; nothing: only at the end.
    pub settle_interval: Option<Duration>,
}

/// The next step.
pub fn decide(situation: &Situation<'_>) -> Step {
    let Situation { view, record, guest, fits, max_launches, .. } = situation;
    let Some(view) = view else {
        return if record.closed_at.is_some() { Step::Wait } else { Step::Close };
    };
    match view.state {
        JobState::Settled(end) if record.end == Some(end) => Step::Wait,
        JobState::Settled(end) => Step::Finish(end),
        // A launch means that acceptance was decided: limits that were lowered since do not matter.
        JobState::Reserved if record.launch.is_none() => match fits {
            Ok(()) => Step::Accept,
            Err(reason) => Step::Decline(reason.clone()),
        },
        JobState::Reserved => record.refused().map_or(Step::Accept, |reason| Step::Decline(reason.into())),
        // Another guest would bring no better.
        JobState::Accepted | JobState::Attested if record.refused().is_some() => given_up(record).unwrap_or(Step::Wait),
        JobState::Accepted | JobState::Attested if *guest == GuestProcess::Unknown => Step::Recover,
        JobState::Accepted => match (guest, record.evidence()) {
            (GuestProcess::Alive, Some(_)) => Step::Attest,
            (GuestProcess::Alive, None) => Step::Wait,
            _ => launch(record, *max_launches),
        },
        JobState::Attested => attested(view, record, *guest, *max_launches),
        JobState::Running => running(situation, view),
    }
}

/// Attested, no checkpoint yet: the guest may still be replaced.
fn attested(view: &JobView, record: &JobRecord, guest: GuestProcess, max_launches: u32) -> Step {
    let attested = view.session.as_ref().map(|session| session.evidence);
    let brought = record.evidence().map(|evidence| evidence.replay_key());
    let same = brought.is_some() && attested == brought;
    // A short job may be over before its first checkpoint is on chain: its guest has done all it was for.
    let finished = record.completion().is_some();
    match guest {
        GuestProcess::Alive if brought.is_none() => Step::Wait,
        GuestProcess::Alive if !same => Step::Attest,
        _ if same && (guest == GuestProcess::Alive || finished) => match record.checkpoint() {
            Some(_) => Step::Checkpoint,
            None => Step::Wait,
        },
        _ => launch(record, max_launches),
    }
}

/// Running: the guest cannot be replaced any more, because its log has begun.
fn running(situation: &Situation<'_>, view: &JobView) -> Step {
    let Situation { record, guest, now, .. } = situation;
    let head = view.head.as_ref().map_or(0, |head| head.size);
    let attested = view.session.as_ref().map(|session| session.evidence);
    if record.evidence().map(Evidence::replay_key) != attested {
        if attested.is_some() && record.renewed().map(Evidence::replay_key) == attested {
            return Step::Renewed;
        }
        return Step::Abandon("the guest that the chain knows is not this agent's: were its data lost?".into());
    }
    if let Some(step) = evidence_counts(situation, view) {
        return step;
    }
    let news = record.checkpoint().is_some_and(|newest| newest.checkpoint.size > head);
    // There are always news of a guest that works: what has to be done now and then comes before them.
    if *guest == GuestProcess::Alive && record.completion().is_none() && record.refused().is_none() {
        if settling_is_due(situation, view) {
            return Step::Settle;
        }
        let vouched_to_the_end = paid_until(view, record).is_some_and(|until| view.head.is_some_and(|head| head.accepted_at >= until));
        if (vouched_to_the_end || !news) && paid_time(view, record, *now, LAST_WORD) == PaidTime::Over {
            return Step::Stop;
        }
    }
    if news {
        return Step::Checkpoint;
    }
    match record.completion() {
        Some(last) if last.completion.size == head => Step::Complete,
        Some(_) => Step::Abandon("the guest's last word is about another state of its log than the chain has".into()),
        None => given_up(record).unwrap_or_else(|| match guest {
            GuestProcess::Alive => Step::Wait,
            GuestProcess::Unknown => Step::Recover,
            // A guest ends by itself when its time is up, which by its clock may be a little earlier than by the chain's.
            GuestProcess::None | GuestProcess::Dead => match paid_time(view, record, *now, CERTAIN) {
                PaidTime::Over => Step::Stop,
                PaidTime::NearlyOver => Step::Wait,
                PaidTime::Ahead => Step::Abandon("the guest died while the job was running".into()),
            },
        }),
    }
}

/// What the state of the job's evidence asks for, or nothing where it counts for a while.
///
/// While it does not count, the chain takes neither checkpoint nor completion: there is only to wait for the chain, or for a renewal where one can help.
fn evidence_counts(situation: &Situation<'_>, view: &JobView) -> Option<Step> {
    let Situation { record, guest, now, .. } = *situation;
    let session = view.session.as_ref()?;
    let helps = |lapse| matches!(lapse, Lapse::Expired | Lapse::RootsChanged | Lapse::BelowFloor);
    let due = view.lapse.map_or(now >= session.half_life(), helps);
    let unnoticed = view.lapse.is_some() != view.suspended.is_some();
    if unnoticed {
        return Some(Step::Poke);
    }
    let renewal = record.renewal().filter(|renewal| renewal.previous == session.evidence);
    // A guest that has said its last word does not answer any more.
    let step = if !due || guest != GuestProcess::Alive || record.completion().is_some() {
        None
    } else {
        match renewal {
            None => Some(Step::AskRenewal(session.evidence)),
            Some(renewal) if renewal.evidence.is_some() => Some(Step::Renew),
            Some(_) => None,
        }
    };
    step.or_else(|| view.lapse.map(|_| waiting(record, guest)))
}

/// While nothing is taken: wait, unless the guest is gone for good.
fn waiting(record: &JobRecord, guest: GuestProcess) -> Step {
    match guest {
        GuestProcess::Unknown => Step::Recover,
        GuestProcess::None | GuestProcess::Dead if record.completion().is_none() => {
            Step::Abandon("the guest died while the job was suspended".into())
        }
        _ => Step::Wait,
    }
}

/// Gives the job up if its guest was refused something that it cannot do without.
fn given_up(record: &JobRecord) -> Option<Step> {
    record.refused().map(|reason| Step::Abandon(reason.into()))
}

/// Whether there is earned pay that has waited for an interval since the job began or was last settled.
fn settling_is_due(situation: &Situation<'_>, view: &JobView) -> bool {
    let Some(interval) = situation.settle_interval else { return false };
    let since = situation.record.settled_at.or(view.started_at).unwrap_or(situation.now);
    let interval = u64::try_from(interval.as_millis()).unwrap_or(u64::MAX);
    view.earned > view.paid && situation.now >= since.saturating_add(interval)
}

/// When the paid time of a running job is over: its longest run, or its escrow if checkpoints go on coming.
pub fn paid_until(view: &JobView, record: &JobRecord) -> Option<Moment> {
    let longest = u64::from(view.spec.longest_run).saturating_mul(1_000);
    let time_up = view.started_at?.saturating_add(longest);
    let dry = view.head.as_ref().filter(|_| view.rate > 0).map(|head| {
        let left = view.deposited.saturating_sub(view.earned).saturating_mul(1_000).div_ceil(view.rate);
        head.accepted_at.saturating_add(u64::try_from(left).unwrap_or(u64::MAX))
    });
    [dry, dry_at(view, record)].into_iter().flatten().fold(time_up, Moment::min).into()
}

/// What is to be noted as [`JobRecord::dry_at`]: the chain shows pay up to the escrow only, so that later checkpoints do not say since when it is
/// used up. A top-up makes it forgotten.
pub fn dry_at(view: &JobView, record: &JobRecord) -> Option<Moment> {
    let head = view.head.as_ref().filter(|_| view.rate > 0 && view.earned >= view.deposited)?;
    Some(record.dry_at.unwrap_or(head.accepted_at))
}

/// How far the paid time of a running job is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PaidTime {
    /// There is more of it, or nobody vouches for its end: whoever stops now gives the job up.
    Ahead,
    /// It will be over in a moment, and checkpoints vouch for it to its end.
    NearlyOver,
    /// It is over, and checkpoints have vouched for it to its end: the chain lets the provider go without blame.
    Over,
}

/// How far the paid time is gone, if one waits for so many milliseconds more after its end.
fn paid_time(view: &JobView, record: &JobRecord, now: Moment, more: u64) -> PaidTime {
    let (Some(until), Some(head)) = (paid_until(view, record), &view.head) else { return PaidTime::Ahead };
    let stop = until.saturating_add(more);
    let vouched = head.accepted_at.saturating_add(u64::from(view.spec.policy.checkpoint_gap).saturating_mul(1_000));
    match stop.checked_sub(now) {
        _ if stop.max(now) > vouched => PaidTime::Ahead,
        None | Some(0) => PaidTime::Over,
        Some(rest) if rest <= NEAR => PaidTime::NearlyOver,
        Some(_) => PaidTime::Ahead,
    }
}

fn launch(record: &JobRecord, max_launches: u32) -> Step {
    if record.launches() < max_launches {
        Step::Launch
    } else {
        Step::Abandon(format!("the guest was started {} times and never got as far as its first checkpoint", record.launches()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        record::Launch,
        testing::{Guest, blob, view},
    };
    use blockcloud_primitives::{Digest, Head};

    struct Case {
        view: Option<JobView>,
        record: JobRecord,
        guest: GuestProcess,
        fits: Result<(), String>,
        now: Moment,
        settle_interval: Option<Duration>,
    }

    impl Case {
        fn new(state: JobState) -> Self {
            let view = JobView { state, ..view() };
            let record = JobRecord::new(&view);
            Self { record, view: Some(view), guest: GuestProcess::None, fits: Ok(()), now: 0, settle_interval: None }
        }

        /// After the first launch.
        fn launched(state: JobState, guest: GuestProcess) -> Self {
            let mut case = Self::new(state);
            case.record.launch = Some(Launch::new(1));
            case.guest = guest;
            case
        }

        /// With evidence that the chain has accepted.
        fn attested(state: JobState, guest: GuestProcess) -> Self {
            let mut case = Self::launched(state, guest);
            case.launch().evidence = Some(Guest::new().evidence());
            if let Some(view) = &mut case.view {
                view.session = Some(Guest::new().session());
            }
            case
        }

        fn launch(&mut self) -> &mut Launch {
            self.record.launch.as_mut().unwrap()
        }

        fn checkpoint(mut self, size: u64) -> Self {
            let signed = Guest::new().checkpoint(crate::testing::JOB, size, Digest::ZERO);
            self.launch().checkpoint = Some(signed);
            self
        }

        fn completion(mut self) -> Self {
            let guest = Guest::new();
            let checkpoint = self.record.checkpoint().unwrap().checkpoint;
            let erased = guest.receipts(0, 1)[0];
            self.launch().completion = Some(guest.completion(&checkpoint, blob(b"out"), erased));
            self
        }

        fn head(mut self, size: u64) -> Self {
            if let Some(view) = &mut self.view {
                view.head = Some(Head { size, root: Digest::ZERO, time: 0, usage: Default::default(), accepted_at: 0 });
            }
            self
        }

        fn step(&self) -> Step {
            decide(&Situation {
                view: self.view.as_ref(),
                record: &self.record,
                guest: self.guest,
                fits: self.fits.clone(),
                max_launches: 2,
                now: self.now,
                settle_interval: self.settle_interval,
            })
        }

        fn view(&mut self) -> &mut JobView {
            self.view.as_mut().unwrap()
        }

        /// Running for 60 s from second 100 at 10 a second, with a gap of 10 s, and a checkpoint at this second.
        fn in_its_time(guest: GuestProcess, checkpoint: u64, now: u64) -> Self {
            let mut case = Self::attested(JobState::Running, guest).checkpoint(3).head(3);
            case.now = now * 1_000;
            let view = case.view();
            view.started_at = Some(100_000);
            view.head.as_mut().unwrap().accepted_at = checkpoint * 1_000;
            view.earned = u128::from(checkpoint - 100) * 10;
            case
        }

        fn refused(mut self) -> Self {
            self.launch().refused = Some("no".into());
            self
        }
    }

    #[test]
    fn a_reserved_job_is_accepted_if_it_fits() {
        assert_eq!(Case::new(JobState::Reserved).step(), Step::Accept);
        let too_big = Case { fits: Err("too big".into()), ..Case::new(JobState::Reserved) };
        assert_eq!(too_big.step(), Step::Decline("too big".into()));
        // Killed between the start of the guest and the acceptance.
        let decided = Case { fits: Err("too many".into()), ..Case::launched(JobState::Reserved, GuestProcess::Alive) };
        assert_eq!(decided.step(), Step::Accept);
    }

    #[test]
    fn an_accepted_job_gets_a_guest_and_its_evidence_goes_on_chain() {
        assert_eq!(Case::new(JobState::Accepted).step(), Step::Launch);
        assert_eq!(Case::launched(JobState::Accepted, GuestProcess::Unknown).step(), Step::Recover);
        assert_eq!(Case::launched(JobState::Accepted, GuestProcess::Alive).step(), Step::Wait);
        assert_eq!(Case::launched(JobState::Accepted, GuestProcess::Dead).step(), Step::Launch);
        assert_eq!(Case::attested(JobState::Accepted, GuestProcess::Alive).step(), Step::Attest);
        // Evidence of a dead guest is of no use: nobody could open the envelope.
        assert_eq!(Case::attested(JobState::Accepted, GuestProcess::Dead).step(), Step::Launch);
    }

    #[test]
    fn an_attested_guest_that_died_before_its_first_checkpoint_is_replaced_and_attested_again() {
        assert_eq!(Case::attested(JobState::Attested, GuestProcess::Alive).step(), Step::Wait);
        assert_eq!(Case::attested(JobState::Attested, GuestProcess::Dead).step(), Step::Launch);
        assert_eq!(Case::attested(JobState::Attested, GuestProcess::Dead).checkpoint(3).step(), Step::Launch);
        let mut replaced = Case::attested(JobState::Attested, GuestProcess::Alive);
        replaced.launch().evidence = Some(Guest::another().evidence());
        replaced.launch().evidence.as_mut().unwrap().report[0] ^= 1;
        assert_eq!(replaced.step(), Step::Attest);
        replaced.launch().evidence = None;
        assert_eq!(replaced.step(), Step::Wait);
        // The agent's data were lost, the chain still waits.
        assert_eq!(Case::new(JobState::Attested).step(), Step::Launch);
    }

    #[test]
    fn the_first_checkpoint_starts_the_job_even_if_the_guest_is_done_already() {
        assert_eq!(Case::attested(JobState::Attested, GuestProcess::Alive).checkpoint(3).step(), Step::Checkpoint);
        assert_eq!(Case::attested(JobState::Attested, GuestProcess::Dead).checkpoint(3).completion().step(), Step::Checkpoint);
    }

    #[test]
    fn a_running_job_is_checkpointed_completed_or_given_up() {
        let running = |guest| Case::attested(JobState::Running, guest).head(3);
        assert_eq!(running(GuestProcess::Alive).step(), Step::Wait);
        assert_eq!(running(GuestProcess::Alive).checkpoint(3).step(), Step::Wait);
        assert_eq!(running(GuestProcess::Alive).checkpoint(4).step(), Step::Checkpoint);
        // What the guest vouched for before it died still counts.
        assert_eq!(running(GuestProcess::Dead).checkpoint(4).step(), Step::Checkpoint);
        assert_eq!(running(GuestProcess::Dead).checkpoint(4).completion().step(), Step::Checkpoint);
        assert_eq!(running(GuestProcess::Dead).checkpoint(3).completion().step(), Step::Complete);
        assert_eq!(running(GuestProcess::Unknown).step(), Step::Recover);
        assert!(matches!(running(GuestProcess::Dead).checkpoint(3).step(), Step::Abandon(_)));
        assert!(matches!(running(GuestProcess::Dead).checkpoint(2).completion().step(), Step::Abandon(_)));
        assert!(matches!(Case::new(JobState::Running).step(), Step::Abandon(_)), "the agent's data were lost");
    }

    #[test]
    fn a_guest_is_not_started_for_ever() {
        let mut case = Case::launched(JobState::Accepted, GuestProcess::Dead);
        assert_eq!(case.step(), Step::Launch);
        case.launch().number = 2;
        assert!(matches!(case.step(), Step::Abandon(_)));
    }

    #[test]
    fn an_end_is_noticed_once_and_so_is_the_closing() {
        let mut case = Case::launched(JobState::Settled(End::TimeUp), GuestProcess::Alive);
        assert_eq!(case.step(), Step::Finish(End::TimeUp));
        case.record.end = Some(End::TimeUp);
        assert_eq!(case.step(), Step::Wait);
        case.view = None;
        assert_eq!(case.step(), Step::Close);
        case.record.closed_at = Some(1);
        assert_eq!(case.step(), Step::Wait);
    }

    #[test]
    fn what_a_guest_cannot_do_without_is_declined_or_given_up_at_once() {
        let refused = |state, guest| Case::attested(state, guest).refused().step();
        assert_eq!(refused(JobState::Reserved, GuestProcess::Alive), Step::Decline("no".into()));
        for guest in [GuestProcess::Alive, GuestProcess::Dead] {
            assert_eq!(refused(JobState::Accepted, guest), Step::Abandon("no".into()));
            assert_eq!(refused(JobState::Attested, guest), Step::Abandon("no".into()));
            assert_eq!(refused(JobState::Running, guest), Step::Abandon("no".into()));
        }
        // What it had signed before is brought all the same.
        assert_eq!(Case::attested(JobState::Running, GuestProcess::Dead).head(3).checkpoint(4).refused().step(), Step::Checkpoint);
    }

    #[test]
    fn earned_pay_is_paid_out_at_intervals() {
        let case = |now: u64, settled_at: Option<u64>, interval: Option<u64>| {
            let mut case = Case::in_its_time(GuestProcess::Alive, 120, now).checkpoint(4);
            case.settle_interval = interval.map(Duration::from_secs);
            case.record.settled_at = settled_at.map(|at| at * 1_000);
            case
        };
        assert_eq!(case(119, None, Some(20)).step(), Step::Checkpoint);
        // Before the news, of which there is no end while the guest works.
        assert_eq!(case(120, None, Some(20)).step(), Step::Settle);
        assert_eq!(case(120, None, None).step(), Step::Checkpoint);
        assert_eq!(case(139, Some(120), Some(20)).step(), Step::Checkpoint);
        assert_eq!(case(140, Some(120), Some(20)).step(), Step::Settle);
        let mut paid = case(140, Some(120), Some(20));
        paid.view().paid = paid.view().earned;
        assert_eq!(paid.step(), Step::Checkpoint);
        // The end is near and pays everything.
        assert_eq!(case(140, None, Some(20)).completion().step(), Step::Checkpoint);
        let mut dead = case(140, None, Some(20));
        dead.guest = GuestProcess::Dead;
        assert_eq!(dead.step(), Step::Checkpoint);
    }

    #[test]
    fn a_guest_that_ended_with_the_paid_time_is_not_called_dead() {
        let dead = |checkpoint, now| Case::in_its_time(GuestProcess::Dead, checkpoint, now).step();
        assert_eq!(dead(158, 158), Step::Wait);
        assert_eq!(dead(158, 160), Step::Wait);
        assert_eq!(dead(158, 161), Step::Stop);
        // Too late: the chain would not take the time between the last checkpoint and now as vouched for.
        assert!(matches!(dead(158, 169), Step::Abandon(_)));
        // It died in the middle.
        assert!(matches!(dead(140, 140), Step::Abandon(_)));
        let mut generous = Case::in_its_time(GuestProcess::Dead, 101, 101);
        generous.view().spec.policy.checkpoint_gap = 3_600;
        assert_eq!(generous.step(), Step::Wait);
        generous.view().spec.longest_run = 61;
        assert!(matches!(generous.step(), Step::Abandon(_)), "a minute and more is not near");
    }

    #[test]
    fn nothing_is_worked_for_beyond_the_paid_time_and_a_moment_for_the_last_word() {
        let alive = |checkpoint, now| Case::in_its_time(GuestProcess::Alive, checkpoint, now);
        assert_eq!(alive(160, 164).step(), Step::Wait);
        assert_eq!(alive(160, 165).step(), Step::Stop);
        assert_eq!(alive(160, 165).checkpoint(4).step(), Step::Stop);
        // What may still earn something is brought first.
        assert_eq!(alive(159, 165).checkpoint(4).step(), Step::Checkpoint);
        assert_eq!(alive(160, 165).completion().step(), Step::Complete);
        // The escrow is used up before the longest run is over.
        let until = |case: &Case| paid_until(case.view.as_ref().unwrap(), &case.record);
        let mut dry = alive(130, 135);
        dry.view().deposited = 310;
        assert_eq!((until(&dry), dry.step()), (Some(131_000), Step::Wait));
        dry.view().deposited = 300;
        assert_eq!((until(&dry), dry.step()), (Some(130_000), Step::Stop));
        // Later checkpoints do not move that moment on, once it is noted; a top-up does.
        let mut later = alive(134, 135);
        (later.view().earned, later.view().deposited) = (300, 300);
        assert_eq!((until(&later), later.step()), (Some(134_000), Step::Wait));
        later.record.dry_at = Some(130_000);
        assert_eq!(dry_at(later.view.as_ref().unwrap(), &later.record), Some(130_000));
        assert_eq!((until(&later), later.step()), (Some(130_000), Step::Stop));
        later.view().deposited = 400;
        assert_eq!(dry_at(later.view.as_ref().unwrap(), &later.record), None);
        assert_eq!((until(&later), later.step()), (Some(144_000), Step::Wait));
        // A job that costs nothing has its longest run.
        dry.view().rate = 0;
        assert_eq!(until(&dry), Some(160_000));
    }

    /// Running, with a session from second 100 to second 200 that the chain has judged at this second.
    fn at(second: u64, lapse: Option<Lapse>) -> Case {
        let mut case = Case::attested(JobState::Running, GuestProcess::Alive).head(3);
        case.now = second * 1_000;
        let view = case.view();
        let session = view.session.as_mut().unwrap();
        (session.since, session.valid_until) = (100_000, 200_000);
        view.lapse = lapse;
        case
    }

    fn renewal(case: &mut Case, evidence: Option<Evidence>) {
        let previous = case.record.evidence().unwrap().replay_key();
        case.launch().renewal = Some(crate::record::Renewal { previous, evidence, not_before: 0 });
    }

    /// Other evidence of the same guest.
    fn renewed() -> Evidence {
        let mut evidence = Guest::new().evidence();
        evidence.report[0] ^= 1;
        evidence
    }

    #[test]
    fn evidence_is_renewed_at_half_of_its_time() {
        let session = Guest::new().session().evidence;
        assert_eq!(at(149, None).step(), Step::Wait);
        assert_eq!(at(150, None).step(), Step::AskRenewal(session));
        let mut asked = at(150, None);
        renewal(&mut asked, None);
        assert_eq!(asked.step(), Step::Wait);
        assert_eq!(asked.checkpoint(4).step(), Step::Checkpoint, "work goes on meanwhile");
        let mut brought = at(150, None).checkpoint(4);
        renewal(&mut brought, Some(renewed()));
        assert_eq!(brought.step(), Step::Renew);
        // The chain has it, whether or not the agent lived to hear of it.
        brought.view().session.as_mut().unwrap().evidence = renewed().replay_key();
        assert_eq!(brought.step(), Step::Renewed);
    }

    #[test]
    fn a_guest_that_is_done_or_dead_is_not_asked_to_renew() {
        assert_eq!(at(150, None).checkpoint(3).completion().step(), Step::Complete);
        let dead = Case { guest: GuestProcess::Dead, ..at(150, None) };
        assert!(matches!(dead.step(), Step::Abandon(_)));
    }

    #[test]
    fn a_lapse_is_brought_to_the_chains_notice_and_so_is_its_end() {
        assert_eq!(at(110, Some(Lapse::ChipDenied)).checkpoint(4).step(), Step::Poke);
        let mut over = at(110, None);
        over.view().suspended = Some(blockcloud_primitives::Suspension { since: 0, reason: Lapse::ChipDenied, until: 1 });
        assert_eq!(over.step(), Step::Poke);
    }

    #[test]
    fn a_suspended_job_waits_and_renews_where_that_can_help() {
        let suspended = |reason| {
            let mut case = at(210, Some(reason));
            case.view().suspended = Some(blockcloud_primitives::Suspension { since: 0, reason, until: 1 });
            case.checkpoint(4)
        };
        assert_eq!(suspended(Lapse::Expired).step(), Step::AskRenewal(Guest::new().session().evidence));
        assert_eq!(suspended(Lapse::MeasurementWithdrawn).step(), Step::Wait);
        assert_eq!(suspended(Lapse::MeasurementWithdrawn).completion().step(), Step::Wait);
        let dead = Case { guest: GuestProcess::Dead, ..suspended(Lapse::MeasurementWithdrawn) };
        assert!(matches!(dead.step(), Step::Abandon(_)));
        let mut brought = suspended(Lapse::Expired);
        renewal(&mut brought, Some(renewed()));
        assert_eq!(brought.step(), Step::Renew);
    }
}
