//! A tree of real aggregators under load while they are killed: one at the top, parts below it, guests that send ever larger checkpoints until each is
//! acknowledged. Shared by the test in `kill` and the example `soak`, which is the same for longer.
//!
//! # What is checked
//! 1. *Nothing acknowledged is lost*: each checkpoint that an aggregator answered for, or a larger one of its log, stands in the round that was named with
//!    it. All rounds of all parts are read again for this.
//! 2. *Each source has its proof*: of its last checkpoint, up to a signed round at the top that went upstream.
//! 3. *Each receipt is counted once*: the receipts of all rounds that went upstream are those of the sources. A checkpoint that was sent and not answered
//!    may be in a round or not, so a guest never ends with one: the last of each is sent until it is acknowledged, and then both sums are equal. Before
//!    that, upstream never has more than was signed. Where guests speak to a [`Front`], it is the front that acknowledges: after that nothing is sent
//!    again, so that the sums say that it kept its word, too.
//! 4. *No number is signed twice*: whatever an aggregator showed under a number is compared with whatever it showed before, after each kill what its files
//!    hold is added to that, and upstream has the same. Nobody kept evidence against anybody.

use crate::support::*;
use blockcloud_aggregator::{Child, Outcome, Part, Refusal, Statement, Submission, rounds::Rounds};
use blockcloud_primitives::PublicKey;
use futures::future::{BoxFuture, LocalBoxFuture};
use std::{
    collections::BTreeMap,
    fmt,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

/// How much of what.
#[derive(Clone, Debug)]
pub struct Options {
    pub guests: u32,
    /// Aggregators below the top; each has as many guests as the others.
    pub parts: u32,
    pub seed: u64,
    /// It goes on for so long at least, and until so many were killed, of each kind one.
    pub least: (Duration, u64),
    /// From one checkpoint of a guest to its next.
    pub beat: Duration,
    /// Guests that send over one connection, together.
    pub batch: usize,
    /// From one round to the next, in milliseconds.
    pub interval_ms: u64,
    /// Longest time between kills, and from a kill to the start again.
    pub pauses: (Duration, Duration),
}

/// What came of it. All that was promised held, else there is no report.
#[derive(Clone, Debug, Default)]
pub struct Report {
    pub took: Duration,
    /// Until all was upstream, from when the last checkpoint was acknowledged.
    pub drained: Duration,
    /// Checkpoints that were sent, again or for the first time.
    pub sent: u64,
    pub acknowledged: u64,
    /// Answers whose named round was read again.
    pub looked_up: u64,
    /// Refused because a larger one of the same log was there before: only where a [`Front`] holds them back.
    pub overtaken: u64,
    /// From the first attempt to the acknowledgement of a batch: median, 99th percentile, longest.
    pub waits: [Duration; 3],
    /// Of the top, of parts, of the front.
    pub kills: [u64; 3],
    /// At the top, and branches below it.
    pub rounds: [u64; 2],
    /// In all rounds that went upstream, and in the last checkpoints of all sources.
    pub receipts: [u64; 2],
    pub proofs: u64,
    /// Statements of which it was seen that they stayed the same.
    pub statements: u64,
    /// Processor time of the top, and of all parts, in seconds.
    pub cpu: [f64; 2],
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ([p50, p99, longest], [top, parts, front], [of_top, of_parts]) = (self.waits, self.kills, self.rounds);
        writeln!(out, "took                     {:.1?}, and {:.1?} until all was upstream", self.took, self.drained)?;
        writeln!(out, "checkpoints sent         {}", self.sent)?;
        writeln!(out, "checkpoints acknowledged {}, lost 0", self.acknowledged)?;
        writeln!(out, "found in named rounds    {}", self.looked_up)?;
        writeln!(out, "acknowledged after       {p50:.1?} (p50), {p99:.1?} (p99), {longest:.1?} (longest)")?;
        writeln!(out, "overtaken on their way   {}", self.overtaken)?;
        writeln!(out, "kills, top/parts/front   {top} / {parts} / {front}")?;
        writeln!(out, "rounds / branches        {of_top} / {of_parts}")?;
        writeln!(out, "receipts, rounds / logs  {} / {}", self.receipts[0], self.receipts[1])?;
        writeln!(out, "proofs verified          {}", self.proofs)?;
        writeln!(out, "statements, none changed {}", self.statements)?;
        write!(out, "processor s, top / parts {:.1} / {:.1}", self.cpu[0], self.cpu[1])
    }
}

/// An acknowledgement: the slot, the log's size, and the round that has it.
#[derive(Clone, Copy)]
struct Acknowledged {
    slot: u32,
    size: u64,
    round: u64,
}

/// What aggregators said.
#[derive(Default)]
pub struct Answers {
    named: Vec<Acknowledged>,
    overtaken: u64,
    wrong: Vec<String>,
}

impl Answers {
    /// To checkpoints of a turn.
    pub fn note(&mut self, turn: u64, outcomes: &[Outcome]) {
        for outcome in outcomes {
            match *outcome {
                Outcome::Accepted { slot, round } => self.named.push(Acknowledged { slot, size: turn * STEP, round }),
                Outcome::Known { .. } => {}
                Outcome::Refused { refusal: Refusal::Shrunk { .. } } => self.overtaken += 1,
                Outcome::Refused { .. } => self.wrong.push(format!("turn {turn}: {outcome:?}")),
            }
        }
    }
}

/// What stands between guests and aggregators, where they do not speak to each other. It is killed as they are.
pub trait Front {
    /// What aggregators need in their configuration.
    fn ingest(&self) -> String;
    /// `kill -9`.
    fn kill(&mut self);
    fn start(&mut self) -> LocalBoxFuture<'_, ()>;
    /// The door to a part's aggregator for guests that send together; its name is its own.
    fn door(&self, part: Part, name: String, answers: Arc<Mutex<Answers>>) -> LocalBoxFuture<'_, Box<dyn Door>>;
    /// Messages that nobody has taken yet, or not acknowledged.
    fn left(&self) -> LocalBoxFuture<'_, u64>;
}

/// Where guests hand over checkpoints.
pub trait Door: Send {
    /// Says whether they are acknowledged, all of them.
    fn hand_over<'a>(&'a self, turn: u64, batch: &'a [Submission]) -> BoxFuture<'a, bool>;
}

/// The aggregator itself.
struct Http {
    client: reqwest::Client,
    url: String,
    answers: Arc<Mutex<Answers>>,
}

impl Door for Http {
    fn hand_over<'a>(&'a self, turn: u64, batch: &'a [Submission]) -> BoxFuture<'a, bool> {
        Box::pin(async move {
            let outcomes = send(&self.client, &self.url, batch).await.filter(|outcomes| outcomes.len() == batch.len());
            if let Some(outcomes) = &outcomes {
                self.answers.lock().unwrap().note(turn, outcomes);
            }
            outcomes.is_some()
        })
    }
}

/// What one connection brings home.
#[derive(Default)]
struct Sent {
    sent: u64,
    acknowledged: u64,
    waits: Vec<Duration>,
    /// Each guest with the size of its log.
    ends: Vec<(Guest, u64)>,
}

/// What each aggregator showed under each number; the top is the first.
struct Seen(Vec<BTreeMap<u64, Statement>>);

impl Seen {
    fn add(&mut self, aggregator: usize, statement: Statement) {
        let first = *self.0[aggregator].entry(statement.number()).or_insert(statement);
        assert_eq!(first, statement, "aggregator {aggregator} signed a number twice");
    }
}

struct Tree {
    /// The top is the first.
    all: Vec<Aggregator>,
    parts: Vec<Part>,
    top_key: PublicKey,
    guests: Vec<Vec<Guest>>,
    front: Option<Box<dyn Front>>,
    cpu: [f64; 2],
    kills: [u64; 3],
}

impl Tree {
    fn new(folder: &Path, options: &Options, front: Option<Box<dyn Front>>) -> Self {
        let each = options.guests.div_ceil(options.parts);
        let level = |count: u32| u8::try_from(count.next_power_of_two().trailing_zeros()).unwrap();
        // A part is smaller than the tree, even one alone.
        let (height, below) = (level(each) + level(options.parts).max(1), level(each));
        let parts: Vec<Part> = (0..options.parts).map(|at| Part { base: at << below, height: below }).collect();
        let keys: Vec<PublicKey> = (0..options.parts).map(|at| make_key(&folder.join(format!("part-{at}")))).collect();
        let top_key = make_key(&folder.join("top"));
        let children = parts.iter().zip(&keys).map(|(part, key)| Child { base: part.base, height: part.height, key: *key, first: 0 });
        let interval_ms = options.interval_ms;
        let setup = Setup { height, part: None, parent: None, guests: &[], children: children.collect(), interval_ms, ingest: "" };
        let top = Aggregator::new(folder.join("top"), &setup);
        let mut left = options.guests;
        let mut guests = Vec::new();
        for part in &parts {
            let here = left.min(each);
            left -= here;
            guests.push((0..here).map(|at| Guest::new(part.base + at)).collect::<Vec<_>>());
        }
        let ingest = front.as_ref().map(|front| front.ingest()).unwrap_or_default();
        let below = parts.iter().zip(&guests).enumerate().map(|(at, (part, guests))| {
            let (part, parent) = (Some((*part, top_key)), Some(top.url.as_str()));
            let setup = Setup { height, part, parent, guests, children: vec![], interval_ms, ingest: &ingest };
            Aggregator::new(folder.join(format!("part-{at}")), &setup)
        });
        let below: Vec<_> = below.collect();
        Self { all: std::iter::once(top).chain(below).collect(), parts, top_key, guests, front, cpu: [0.0; 2], kills: [0; 3] }
    }

    fn kill(&mut self, at: usize, seen: &mut Seen) {
        let Some(aggregator) = self.all.get_mut(at) else {
            self.front.iter_mut().for_each(|front| front.kill());
            return;
        };
        self.cpu[at.min(1)] += cpu_seconds(aggregator.pid());
        aggregator.kill();
        signed(aggregator).into_values().for_each(|statement| seen.add(at, statement));
    }

    /// Kills one, sometimes another with it, and starts them again on their folders.
    async fn disturb(&mut self, numbers: &mut Numbers, down: Duration, seen: &mut Seen) {
        let count = self.all.len() + usize::from(self.front.is_some());
        let (first, second) = (numbers.below(count as u64) as usize, numbers.below(count as u64 * 4) as usize);
        let mut victims = vec![first];
        victims.extend((second < count && second != first).then_some(second));
        for &at in &victims {
            self.kill(at, seen);
            self.kills[if at == self.all.len() { 2 } else { at.min(1) }] += 1;
        }
        tokio::time::sleep(numbers_until(numbers, down)).await;
        for at in victims {
            match (self.all.get_mut(at), &mut self.front) {
                (Some(aggregator), _) => aggregator.start().await,
                (None, Some(front)) => front.start().await,
                (None, None) => {}
            }
        }
    }

    async fn look(&self, seen: &mut Seen) {
        for (at, aggregator) in self.all.iter().enumerate() {
            if let Some(statement) = aggregator.get::<Statement>("/v1/rounds/latest").await {
                seen.add(at, statement);
            }
        }
    }

    fn upstream(&self) -> u64 {
        self.all[0].delivered().iter().map(Statement::receipts).sum()
    }
}

fn numbers_until(numbers: &mut Numbers, end: Duration) -> Duration {
    Duration::from_millis(numbers.below(end.as_millis() as u64 + 1))
}

/// Runs it in a folder that is empty.
pub async fn soak(folder: &Path, options: &Options, front: Option<Box<dyn Front>>) -> Report {
    let mut numbers = Numbers(options.seed);
    let mut tree = Tree::new(folder, options, front);
    if let Some(front) = &mut tree.front {
        front.start().await;
    }
    let mut seen = Seen(vec![BTreeMap::new(); tree.all.len()]);
    for aggregator in &mut tree.all {
        aggregator.start().await;
    }

    let begun = Instant::now();
    let (over, receipts) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let answers = Arc::new(Mutex::new(Answers::default()));
    let mut load = JoinSet::new();
    for (at, guests) in std::mem::take(&mut tree.guests).into_iter().enumerate() {
        let mut guests = guests.into_iter().peekable();
        while guests.peek().is_some() {
            let door = match &tree.front {
                Some(front) => front.door(tree.parts[at], format!("c{}", load.len()), answers.clone()).await,
                None => {
                    let client = reqwest::Client::builder().timeout(Duration::from_secs(20)).build().unwrap();
                    Box::new(Http { client, url: tree.all[at + 1].url.clone(), answers: answers.clone() })
                }
            };
            let connection = Connection {
                door,
                guests: guests.by_ref().take(options.batch).collect(),
                beat: options.beat,
                over: over.clone(),
                receipts: receipts.clone(),
                numbers: Numbers(numbers.below(u64::MAX)),
            };
            load.spawn(connection.run());
        }
    }
    let (time, kills) = options.least;
    let kinds = 2 + usize::from(tree.front.is_some());
    while begun.elapsed() < time || tree.kills.iter().sum::<u64>() < kills || tree.kills[..kinds].contains(&0) {
        tree.disturb(&mut numbers, options.pauses.1, &mut seen).await;
        let until = Instant::now() + numbers_until(&mut numbers, options.pauses.0);
        while Instant::now() < until {
            tree.look(&mut seen).await;
            tokio::time::sleep(Duration::from_millis(options.interval_ms / 2)).await;
        }
        let upstream = tree.upstream();
        assert!(upstream <= receipts.load(Ordering::SeqCst), "upstream has more receipts than were signed");
    }
    over.store(true, Ordering::SeqCst);
    let mut sent = Sent::default();
    for one in load.join_all().await {
        sent.sent += one.sent;
        sent.acknowledged += one.acknowledged;
        sent.waits.extend(one.waits);
        sent.ends.extend(one.ends);
    }
    let (took, sent_total, acknowledged, kills) = (begun.elapsed(), sent.sent, sent.acknowledged, tree.kills);
    let mut report = Report { took, sent: sent_total, acknowledged, kills, ..Report::default() };
    sent.waits.sort_unstable();
    report.waits = [50, 99, 100].map(|share| sent.waits[(sent.waits.len() * share / 100).min(sent.waits.len() - 1)]);
    tree.settle(&sent, &mut seen, &mut report).await;
    let answers = std::mem::take(&mut *answers.lock().unwrap());
    assert!(answers.wrong.is_empty(), "{:?}", answers.wrong);
    assert!(answers.overtaken == 0 || tree.front.is_some(), "nobody overtakes itself");
    report.overtaken = answers.overtaken;
    report.look_up(&tree, answers.named);
    report.statements = seen.0.iter().map(|of_one| of_one.len() as u64).sum();
    report
}

impl Tree {
    /// Waits until all is upstream; then each source has its proof, and nobody signed a number twice.
    async fn settle(&mut self, sent: &Sent, seen: &mut Seen, report: &mut Report) {
        let begun = Instant::now();
        let total = sent.ends.iter().map(|(_, size)| size).sum();
        until("all receipts upstream", async || (self.upstream() == total).then_some(())).await;
        report.drained = begun.elapsed();
        report.receipts = [self.upstream(), total];
        let delivered = self.all[0].delivered();
        assert!(delivered.iter().map(Statement::number).eq(0..delivered.len() as u64), "a round is missing upstream");
        assert_eq!(delivered.last().unwrap().filled() as usize, sent.ends.len());
        let mut upstream: BTreeMap<u64, Statement> = delivered.into_iter().map(|statement| (statement.number(), statement)).collect();
        upstream.values().for_each(|statement| seen.add(0, *statement));
        for (guest, size) in &sent.ends {
            let at = self.parts.iter().position(|part| part.has(guest.slot)).unwrap();
            let proof = proved(&self.all[at + 1], guest, *size, &self.top_key).await;
            assert_eq!(proof.entry.unwrap().checkpoint.size, *size);
            // An idle round may be on its way yet.
            let number = proof.statement.number();
            let found = match upstream.get(&number) {
                Some(found) => *found,
                None => until("the round upstream", async || self.all[0].delivered().get(number as usize).copied()).await,
            };
            upstream.insert(number, found);
            assert_eq!(found, proof.statement, "the proof leads to another round than went upstream");
            seen.add(0, proof.statement);
            report.proofs += 1;
        }
        for aggregator in &self.all {
            assert_no_equivocation(aggregator).await;
        }
        if let Some(front) = &self.front {
            until("a front with nothing to deliver", async || (front.left().await == 0).then_some(())).await;
        }
        for at in 0..self.all.len() {
            self.kill(at, seen);
            let files = signed(&self.all[at]);
            assert!(files.keys().copied().eq(0..files.len() as u64), "a round of aggregator {at} is missing");
            report.rounds[at.min(1)] += files.len() as u64;
        }
        report.cpu = self.cpu;
    }
}

impl Report {
    /// Reads each round again that was named with an acknowledgement.
    fn look_up(&mut self, tree: &Tree, mut acknowledged: Vec<Acknowledged>) {
        acknowledged.sort_unstable_by_key(|one| (one.slot >> tree.parts[0].height, one.round));
        let mut acknowledged = acknowledged.into_iter().peekable();
        for (part, aggregator) in tree.parts.iter().zip(&tree.all[1..]) {
            let (rounds, _) = Rounds::open(aggregator.folder.join("data/rounds"), *part).unwrap();
            while let Some(one) = acknowledged.next_if(|one| part.has(one.slot)) {
                let (entry, _) = rounds.load(one.round).unwrap().slot(one.slot).unwrap();
                let found = entry.map_or(0, |entry| entry.checkpoint.size);
                assert!(found >= one.size, "slot {} has {found} receipts in round {}, {} were acknowledged", one.slot, one.round, one.size);
                self.looked_up += 1;
            }
        }
        assert!(acknowledged.next().is_none());
    }
}

/// Guests that send together.
struct Connection {
    door: Box<dyn Door>,
    guests: Vec<Guest>,
    beat: Duration,
    over: Arc<AtomicBool>,
    /// Receipts in the last checkpoints that were signed, of all guests.
    receipts: Arc<AtomicU64>,
    numbers: Numbers,
}

impl Connection {
    async fn run(mut self) -> Sent {
        let mut sent = Sent::default();
        let mut turn = 0;
        let mut due = Instant::now() + numbers_until(&mut self.numbers, self.beat);
        loop {
            tokio::time::sleep_until(due.into()).await;
            due = (due + self.beat).max(Instant::now());
            turn += 1;
            let begun = Instant::now();
            let mut batch = self.sign(turn);
            loop {
                sent.sent += batch.len() as u64;
                if self.door.hand_over(turn, &batch).await {
                    break;
                }
                assert!(begun.elapsed() < DEADLINE, "nothing is acknowledged");
                tokio::time::sleep(Duration::from_millis(100)).await;
                // Who gets no answer sends the same again, or what it has signed since.
                if self.numbers.below(2) == 0 {
                    turn += 1;
                    batch = self.sign(turn);
                }
            }
            sent.waits.push(begun.elapsed());
            sent.acknowledged += batch.len() as u64;
            // Now and then they fall silent: what was acknowledged last is then not hidden by what would follow.
            if self.numbers.below(8) == 0 {
                due += self.beat * (1 + self.numbers.below(4) as u32);
            }
            if self.over.load(Ordering::SeqCst) {
                sent.ends = self.guests.into_iter().map(|guest| (guest, turn * STEP)).collect();
                return sent;
            }
        }
    }

    fn sign(&self, turn: u64) -> Vec<Submission> {
        self.receipts.fetch_add(self.guests.len() as u64 * STEP, Ordering::SeqCst);
        self.guests.iter().map(|guest| guest.submission(turn)).collect()
    }
}
