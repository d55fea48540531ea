//! The one who decides: takes what was verified, in order, makes it durable, answers, and closes rounds.
//!
//! One thread judges and writes: whatever waits is judged together, written as one block and synced, and only then answered. Another builds, signs and
//! writes rounds, so that closing one does not hold up what comes. Either ends the program if the disk refuses: what is in memory is then ahead of what
//! is on disk, and only a new start sets that right.
//!
//! # Steps of a round, and why no number is ever signed twice
//! 1. *Cut*: what was taken so far is copied; what comes later belongs to the next round, and the queue is told so.
//! 2. *Built*: tree, root, signature. Nothing has left this process.
//! 3. *Prepared*: the round's file is on disk under another name.
//! 4. *Finished*: the file has its name. From here on the number is taken.
//! 5. *Sent*, *acknowledged*, *noted*, then old files are deleted (`upstream`).
//!
//! A crash before 4 forgets the signature, which nobody has seen, and the number is used for what the queue holds by then. After 4 the start finds the
//! file, and the same bytes are sent again. Tests kill the program at each step.

use crate::{
    Equivocations, Fatal, Observer, Outcome, Part, Refusal, Registry, SignedBranch, SignedRound, Statement, Step, Submission,
    config::RoundsConfig,
    metrics::Metrics,
    now,
    queue::{MAX_BLOCK, Queue, QueueError, Record},
    rounds::{Rounds, RoundsError, tree},
    state::{Rules, Snapshot, State, Verdict},
};
use blockcloud_client::Signer;
use blockcloud_primitives::{Branch, Digest, Moment, PublicKey, Round, Signature, SlotEntry};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use std::{
    collections::HashMap,
    io,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};
use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};

/// Items in one group commit at most: what they encode to is far below what a block may have.
const GROUP: usize = 8_192;
const _: () = assert!(GROUP * 2 * 512 <= MAX_BLOCK);

/// One of the things in a request.
#[derive(Debug)]
pub enum Item {
    /// Its outcome is known already.
    Done(Outcome),
    /// A checkpoint for a slot, to be signed by this key.
    Checkpoint {
        /// The slot.
        slot: u32,
        /// The source's key.
        key: PublicKey,
        /// What came.
        submission: Submission,
    },
    /// A branch, to be signed by this key.
    Branch {
        /// The child's key.
        key: PublicKey,
        /// What came.
        signed: SignedBranch,
    },
}

/// A request on its way.
#[derive(Debug)]
pub struct Ticket {
    /// What is in it.
    pub items: Vec<Item>,
    /// Where the outcomes go, in the same order.
    pub reply: oneshot::Sender<Vec<Outcome>>,
    /// Its share of what may be worked on at a time: also of a request whose sender went away.
    pub place: Option<Arc<OwnedSemaphorePermit>>,
}

/// Why collecting cannot go on.
#[derive(Debug, Error)]
pub enum CollectError {
    /// The queue.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The rounds.
    #[error(transparent)]
    Rounds(#[from] RoundsError),
    /// Evidence of equivocation could not be kept.
    #[error("evidence of equivocation cannot be kept: {0}")]
    Evidence(io::Error),
    /// The other thread is gone.
    #[error("the thread that closes rounds is gone")]
    Gone,
}

/// What readers see: everything in it is on disk.
#[derive(Debug, Default)]
pub struct View {
    /// What is registered.
    pub registry: Arc<Registry>,
    /// The newest checkpoint of each slot and who signed it.
    pub slots: HashMap<u32, (PublicKey, SlotEntry)>,
    /// The newest branch of each part, by its first slot.
    pub parts: HashMap<u32, (PublicKey, SignedBranch)>,
}

/// What the threads, the server and the sender share.
pub struct Shared {
    /// The chain.
    pub genesis: Digest,
    /// What this aggregator collects.
    pub part: Part,
    /// Whether it is the top of its tree.
    pub top: bool,
    /// To which tree checkpoints and branches belong, and how they are judged.
    pub rules: Rules,
    /// Its key.
    pub signer: Signer,
    /// When rounds are closed.
    pub rounds_config: RoundsConfig,
    /// Room on the disk that is to stay free, in bytes.
    pub keep_free_bytes: u64,
    /// Rounds that are on disk.
    pub rounds: Rounds,
    /// Evidence against signers.
    pub equivocations: Equivocations,
    /// What is on disk.
    pub view: RwLock<View>,
    /// Sources that are registered from the next round on.
    pub registered: Mutex<Option<Registry>>,
    /// Number of rounds that were acknowledged upstream: all below it were.
    pub acknowledged: AtomicU64,
    /// Whether upstream knows no round that is not here. Before that is known no round is closed.
    pub checked: AtomicBool,
    /// Whether the disk has room.
    pub room: AtomicBool,
    /// Number of rounds that are on disk.
    pub finished: watch::Sender<u64>,
    /// What is counted.
    pub metrics: Metrics,
    /// Ends everything.
    pub fatal: Fatal,
    /// Told of each step.
    pub observer: Observer,
}

impl Shared {
    /// Number of rounds that were acknowledged upstream.
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::Acquire)
    }

    fn view(&self, change: impl FnOnce(&mut View)) {
        change(&mut self.view.write().unwrap_or_else(PoisonError::into_inner));
    }
}

/// A round to be built.
struct Cut {
    number: u64,
    time: Moment,
    receipts: u64,
    snapshot: Snapshot,
}

/// Where collecting goes on from.
pub struct Start {
    /// What is known.
    pub state: State,
    /// The queue.
    pub queue: Queue,
    /// The round that is being filled.
    pub round: u64,
    /// The time of the last round.
    pub last_time: Moment,
    /// Whether something is in no round yet.
    pub dirty: bool,
}

/// Starts both threads. They end when the last sender of tickets is gone, or when they cannot go on.
pub fn start(shared: &Arc<Shared>, start: Start, tickets: Receiver<Ticket>) -> io::Result<Vec<JoinHandle<()>>> {
    let (cuts, to_build) = bounded::<Cut>(1);
    let idle = Arc::new(AtomicBool::new(true));
    let (builder, builder_idle) = (shared.clone(), idle.clone());
    let closing = thread::Builder::new().name("close".into()).spawn(move || {
        while let Ok(cut) = to_build.recv() {
            if let Err(error) = build(&builder, cut) {
                builder.fatal.raise(error.into());
                return;
            }
            builder_idle.store(true, Ordering::Release);
        }
    })?;
    let shared = shared.clone();
    let fatal = shared.fatal.clone();
    let collector = Collector::new(shared, start, cuts, idle);
    let placing = thread::Builder::new().name("collect".into()).spawn(move || {
        if let Err(error) = collector.run(&tickets) {
            fatal.raise(error.into());
        }
    })?;
    Ok(vec![closing, placing])
}

struct Collector {
    shared: Arc<Shared>,
    state: State,
    queue: Queue,
    round: u64,
    last_time: Moment,
    /// Checkpoints and branches that are in no round yet.
    taken: u64,
    due: Instant,
    idle_due: Instant,
    /// What is registered from the next round on.
    registering: Option<Registry>,
    pending_cut: Option<u64>,
    pruned: u64,
    cuts: Sender<Cut>,
    builder_idle: Arc<AtomicBool>,
}

impl Collector {
    fn new(shared: Arc<Shared>, start: Start, cuts: Sender<Cut>, builder_idle: Arc<AtomicBool>) -> Self {
        let begun = Instant::now();
        let Start { state, queue, round, last_time, dirty } = start;
        let due = begun + shared.rounds_config.interval();
        let idle_due = begun + shared.rounds_config.idle();
        let taken = u64::from(dirty);
        let mut collector = Self {
            shared,
            state,
            queue,
            round,
            last_time,
            taken,
            due,
            idle_due,
            registering: None,
            pending_cut: None,
            pruned: 0,
            cuts,
            builder_idle,
        };
        // Before the first request.
        collector.register();
        collector
    }

    fn run(mut self, tickets: &Receiver<Ticket>) -> Result<(), CollectError> {
        loop {
            let wait = self.due.saturating_duration_since(Instant::now()).min(Duration::from_millis(200));
            match tickets.recv_timeout(wait) {
                Ok(first) => self.group(first, tickets)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
            self.register();
            self.close_if_due()?;
            self.prune()?;
        }
    }

    /// Judges what waits, makes it durable, answers.
    fn group(&mut self, first: Ticket, tickets: &Receiver<Ticket>) -> Result<(), CollectError> {
        let mut group = vec![first];
        let mut items = group.iter().map(|ticket| ticket.items.len()).sum::<usize>();
        while items < GROUP {
            let Ok(next) = tickets.try_recv() else { break };
            items = items.saturating_add(next.items.len());
            group.push(next);
        }
        let moment = now();
        let mut records = Vec::with_capacity(items.saturating_add(1));
        records.extend(self.pending_cut.take().map(|round| Record::Cut { round }));
        let mut answers = Vec::with_capacity(group.len());
        for ticket in group {
            let mut outcomes = Vec::with_capacity(ticket.items.len());
            for item in ticket.items {
                outcomes.push(self.judge(item, moment, &mut records)?);
            }
            answers.push((ticket.reply, outcomes, ticket.place));
        }
        let begun = Instant::now();
        let shared = self.shared.clone();
        self.queue.commit(&records, || (shared.observer)(Step::Written))?;
        (self.shared.observer)(Step::Synced);
        self.shared.metrics.commit(begun.elapsed(), self.queue.bytes());
        self.shared.view(|view| {
            for record in &records {
                match record {
                    Record::Checkpoint { slot, key, entry } => drop(view.slots.insert(*slot, (*key, *entry))),
                    Record::Branch { key, signed } => drop(view.parts.insert(signed.branch.base, (*key, *signed))),
                    Record::Cut { .. } => {}
                }
            }
        });
        for (reply, outcomes, _place) in answers {
            self.shared.metrics.outcomes(&outcomes);
            // Whoever asked may be gone; what was taken is taken.
            let _gone = reply.send(outcomes);
        }
        Ok(())
    }

    fn judge(&mut self, item: Item, now: Moment, records: &mut Vec<Record>) -> Result<Outcome, CollectError> {
        let rules = &self.shared.rules;
        let (verdict, slot, record) = match item {
            Item::Done(outcome) => return Ok(outcome),
            Item::Checkpoint { slot, key, submission } => {
                let entry = SlotEntry::new(submission.checkpoint, submission.signature);
                (self.state.judge(rules, slot, &key, &submission, now), slot, Record::Checkpoint { slot, key, entry })
            }
            Item::Branch { key, signed } => {
                (self.state.judge_branch(rules, &key, &signed, now), signed.branch.base, Record::Branch { key, signed })
            }
        };
        Ok(match verdict {
            Verdict::Take => {
                apply(&mut self.state, &record);
                records.push(record);
                self.taken = self.taken.saturating_add(1);
                Outcome::Accepted { slot, round: self.round }
            }
            Verdict::Known => Outcome::Known { slot },
            Verdict::Refuse(refusal) => Outcome::Refused { refusal },
            Verdict::Expose(refusal, equivocation) => {
                if self.shared.equivocations.keep(&equivocation).map_err(CollectError::Evidence)? {
                    tracing::warn!(target: "blockcloud::aggregator", slot, %refusal, "a signer contradicts itself: both statements are kept");
                    self.shared.metrics.equivocations.inc();
                }
                Outcome::Refused { refusal }
            }
        })
    }

    /// What is registered changes between rounds: what was taken from a source that leaves is in a round before it does. Who is new, and in nobody's
    /// place, need not wait for that.
    fn register(&mut self) {
        let new = self.shared.registered.lock().unwrap_or_else(PoisonError::into_inner).take();
        let is_new = new.is_some();
        if is_new {
            self.registering = new;
        }
        let Some(registry) = &self.registering else { return };
        if self.taken == 0 {
            self.state.register(registry);
        } else if is_new {
            self.state.admit(registry);
        } else {
            return;
        }
        let slots = self.state.slots().filter(|record| record.registered);
        let slots = slots.filter_map(|record| Some((record.slot, (record.key, record.entry?)))).collect();
        let parts = self.state.parts().filter(|record| record.registered);
        let parts = parts.filter_map(|record| Some((record.part.base, (record.key, record.branch?)))).collect();
        self.shared.metrics.registered(registry);
        let registry = Arc::new(registry.clone());
        self.shared.view(|view| *view = View { registry, slots, parts });
        if self.taken == 0 {
            self.registering = None;
        }
    }

    fn close_if_due(&mut self) -> Result<(), CollectError> {
        let config = &self.shared.rounds_config;
        let now_instant = Instant::now();
        let full = self.taken >= config.max_checkpoints;
        if now_instant < self.due && !full {
            return Ok(());
        }
        self.look_at_the_disk();
        let wanted = self.taken > 0 || now_instant >= self.idle_due;
        let backlog = self.round.saturating_sub(self.shared.acknowledged());
        let may = self.shared.checked.load(Ordering::Acquire) && backlog < config.max_unacknowledged;
        if !wanted || !may || !self.builder_idle.swap(false, Ordering::AcqRel) {
            if now_instant >= self.due {
                // Where the builder is busy it is asked again soon; where there is nothing to do, at the next beat.
                self.due = now_instant + if wanted && may { Duration::from_millis(5) } else { config.interval() };
            }
            return Ok(());
        }
        let number = self.round;
        let time = now().max(self.last_time.saturating_add(1));
        let (snapshot, receipts) = self.state.close();
        self.round = number.saturating_add(1);
        self.last_time = time;
        self.taken = 0;
        self.pending_cut = Some(self.round);
        // A fixed beat: lateness is not carried on, but whole beats that were missed are skipped.
        self.due += config.interval();
        if self.due <= now_instant || full {
            self.due = now_instant + config.interval();
        }
        self.idle_due = now_instant + config.idle();
        (self.shared.observer)(Step::Cut);
        self.cuts.send(Cut { number, time, receipts, snapshot }).map_err(|_| CollectError::Gone)?;
        self.register();
        Ok(())
    }

    fn look_at_the_disk(&self) {
        // Where that cannot be asked, writing will tell.
        let free = self.shared.rounds.free_bytes().unwrap_or(u64::MAX);
        let room = free >= self.shared.keep_free_bytes;
        if self.shared.room.swap(room, Ordering::AcqRel) && !room {
            tracing::error!(target: "blockcloud::aggregator", free, reserve = self.shared.keep_free_bytes, "the disk is too full: nothing more is taken");
        }
    }

    /// Deletes what is in rounds that were acknowledged, once for each of them.
    fn prune(&mut self) -> Result<(), CollectError> {
        let acknowledged = self.shared.acknowledged();
        if acknowledged > self.pruned {
            self.pruned = acknowledged;
            let last = acknowledged.saturating_sub(1);
            self.queue.prune(last)?;
            self.shared.rounds.prune(self.shared.rounds_config.keep, last)?;
        }
        Ok(())
    }
}

/// Does to the state what a record says: now, or again after a crash.
pub fn apply(state: &mut State, record: &Record) {
    match record {
        Record::Checkpoint { slot, key, entry } => state.take(*slot, *key, *entry),
        Record::Branch { key, signed } => state.take_branch(*key, *signed),
        Record::Cut { .. } => {}
    }
}

/// Builds a round, signs it, and makes it one.
fn build(shared: &Shared, cut: Cut) -> Result<(), CollectError> {
    let begun = Instant::now();
    let Cut { number, time, receipts, snapshot } = cut;
    let forest = tree(shared.part, &snapshot).map_err(RoundsError::from)?;
    let (root, filled) = (Digest(forest.root()), snapshot.filled());
    let aggregator = shared.rules.aggregator;
    let sign = |payload: &[u8]| Signature(shared.signer.sign(payload));
    let statement = if shared.top {
        let round = Round { version: Round::VERSION, aggregator, number, root, filled, receipts, time };
        Statement::Round(SignedRound { round, signature: sign(&round.signing_payload(&shared.genesis)) })
    } else {
        let Part { base, height } = shared.part;
        let branch = Branch { version: Branch::VERSION, aggregator, number, base, height, root, filled, receipts, time };
        Statement::Branch(SignedBranch { branch, signature: sign(&branch.signing_payload(&shared.genesis)) })
    };
    (shared.observer)(Step::Built);
    shared.rounds.prepare(&statement, &snapshot)?;
    (shared.observer)(Step::Prepared);
    shared.rounds.finish(&statement)?;
    (shared.observer)(Step::Finished);
    shared.rounds.publish(statement, snapshot, forest);
    shared.metrics.closed(&statement, begun.elapsed());
    shared.finished.send_replace(number.saturating_add(1));
    tracing::debug!(target: "blockcloud::aggregator", number, filled, receipts, took = ?begun.elapsed(), "a round is closed");
    Ok(())
}

/// Refuses before anything is verified what needs no key, and finds who should have signed the rest.
pub fn prepare(view: &View, submission: Submission) -> Item {
    let job = submission.checkpoint.job;
    let Some(source) = view.registry.source_of(job) else {
        return Item::Done(Outcome::Refused { refusal: Refusal::UnknownSource { job } });
    };
    match view.slots.get(&source.slot) {
        // Verified before, to the last bit.
        Some((key, entry))
            if *key == source.key && entry.checkpoint == submission.checkpoint && entry.signature == submission.signature =>
        {
            Item::Done(Outcome::Known { slot: source.slot })
        }
        _ => Item::Checkpoint { slot: source.slot, key: source.key, submission },
    }
}

/// As [`prepare`], for a branch.
pub fn prepare_branch(view: &View, signed: SignedBranch) -> Item {
    let part = Part { base: signed.branch.base, height: signed.branch.height };
    match view.registry.child(part) {
        Some(child) => Item::Branch { key: child.key, signed },
        None => Item::Done(Outcome::Refused { refusal: Refusal::UnknownPart { base: part.base, height: part.height } }),
    }
}
