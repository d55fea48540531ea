//! What to do next about a job: a pure function of what the chain says, what is stored, and whether the guest lives.
//!
//! Nothing here remembers an event. Whatever was missed while the agent, the guest or the node was away, the same step follows from the same
//! state; and what the chain has already is never done again. Not here: doing it (`job`).

use crate::record::JobRecord;
use blockcloud_primitives::{End, JobState, JobView};

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
    /// Bring the guest's newest checkpoint.
    Checkpoint,
    /// Bring the guest's last word.
    Complete,
    /// Give the job up.
    Abandon(String),
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
}

/// The next step.
pub fn decide(situation: &Situation<'_>) -> Step {
    let Situation { view, record, guest, fits, max_launches } = situation;
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
        JobState::Reserved => Step::Accept,
        JobState::Accepted | JobState::Attested if *guest == GuestProcess::Unknown => Step::Recover,
        JobState::Accepted => match (guest, record.evidence()) {
            (GuestProcess::Alive, Some(_)) => Step::Attest,
            (GuestProcess::Alive, None) => Step::Wait,
            _ => launch(record, *max_launches),
        },
        JobState::Attested => attested(view, record, *guest, *max_launches),
        JobState::Running => running(view, record, *guest),
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
fn running(view: &JobView, record: &JobRecord, guest: GuestProcess) -> Step {
    let head = view.head.as_ref().map_or(0, |head| head.size);
    let attested = view.session.as_ref().map(|session| session.evidence);
    if record.evidence().map(|evidence| evidence.replay_key()) != attested {
        return Step::Abandon("the guest that the chain knows is not this agent's: were its data lost?".into());
    }
    if record.checkpoint().is_some_and(|newest| newest.checkpoint.size > head) {
        return Step::Checkpoint;
    }
    match record.completion() {
        Some(last) if last.completion.size == head => Step::Complete,
        Some(_) => Step::Abandon("the guest's last word is about another state of its log than the chain has".into()),
        None => match guest {
            GuestProcess::Alive => Step::Wait,
            GuestProcess::Unknown => Step::Recover,
            GuestProcess::None | GuestProcess::Dead => Step::Abandon("the guest died while the job was running".into()),
        },
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
    }

    impl Case {
        fn new(state: JobState) -> Self {
            let view = JobView { state, ..view() };
            Self { record: JobRecord::new(&view), view: Some(view), guest: GuestProcess::None, fits: Ok(()) }
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
            })
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
}
