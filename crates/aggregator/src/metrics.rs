//! What is counted, in Prometheus' text format.
//!
//! Not here: what is decided by it (nothing).

use crate::{Outcome, Registry, Statement};
use prometheus::{Encoder as _, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts, TextEncoder, core::Collector};
use std::time::Duration;

/// The counters of one aggregator.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: prometheus::Registry,
    outcomes: IntCounterVec,
    refusals: IntCounterVec,
    commits: Histogram,
    queue_bytes: IntGauge,
    closes: Histogram,
    rounds: IntGauge,
    acknowledged: IntGauge,
    receipts: IntCounter,
    filled: IntGauge,
    sources: IntGauge,
    children: IntGauge,
    upstream_failures: IntCounter,
    #[cfg(feature = "nats")]
    unreadable: IntCounter,
    /// Signers that contradicted themselves.
    pub equivocations: IntCounter,
}

impl Metrics {
    /// All at zero.
    ///
    /// # Errors
    /// None of these names clash, so none in practice.
    pub fn new() -> prometheus::Result<Self> {
        let registry = prometheus::Registry::new_custom(Some("blockcloud_aggregator".into()), None)?;
        let seconds =
            |name, help| Histogram::with_opts(HistogramOpts::new(name, help).buckets(prometheus::exponential_buckets(0.000_5, 2.0, 14)?));
        let made = Self {
            outcomes: keep(
                &registry,
                IntCounterVec::new(Opts::new("outcomes_total", "Checkpoints and branches by what became of them"), &["outcome"])?,
            )?,
            refusals: keep(
                &registry,
                IntCounterVec::new(Opts::new("refusals_total", "Checkpoints and branches refused, by reason"), &["reason"])?,
            )?,
            commits: keep(&registry, seconds("commit_seconds", "Group commits of the queue")?)?,
            queue_bytes: keep(&registry, IntGauge::new("queue_bytes", "Bytes of the queue on disk")?)?,
            closes: keep(&registry, seconds("round_close_seconds", "From the cut of a round until its file is durable")?)?,
            rounds: keep(&registry, IntGauge::new("rounds", "Rounds that were closed")?)?,
            acknowledged: keep(&registry, IntGauge::new("rounds_acknowledged", "Rounds that were acknowledged upstream")?)?,
            receipts: keep(&registry, IntCounter::new("receipts_total", "Receipts that rounds added since the start")?)?,
            filled: keep(&registry, IntGauge::new("slots_filled", "Filled slots in the last round")?)?,
            sources: keep(&registry, IntGauge::new("sources", "Registered sources")?)?,
            children: keep(&registry, IntGauge::new("children", "Registered aggregators below this one")?)?,
            upstream_failures: keep(&registry, IntCounter::new("upstream_failures_total", "Attempts to hand up a round that failed")?)?,
            #[cfg(feature = "nats")]
            unreadable: keep(&registry, IntCounter::new("unreadable_total", "Messages of the stream that cannot be read")?)?,
            equivocations: keep(
                &registry,
                IntCounter::new("equivocations_total", "Signers that contradicted themselves, since the start")?,
            )?,
            registry,
        };
        Ok(made)
    }

    /// What became of a request.
    pub fn outcomes(&self, outcomes: &[Outcome]) {
        let count = |matches: fn(&Outcome) -> bool| outcomes.iter().filter(|outcome| matches(outcome)).count() as u64;
        self.outcomes.with_label_values(&["accepted"]).inc_by(count(|outcome| matches!(outcome, Outcome::Accepted { .. })));
        self.outcomes.with_label_values(&["known"]).inc_by(count(|outcome| matches!(outcome, Outcome::Known { .. })));
        for refusal in outcomes.iter().filter_map(Outcome::refusal) {
            self.outcomes.with_label_values(&["refused"]).inc();
            self.refusals.with_label_values(&[refusal.name()]).inc();
        }
    }

    /// A group commit.
    pub fn commit(&self, took: Duration, queue_bytes: u64) {
        self.commits.observe(took.as_secs_f64());
        self.queue_bytes.set(gauge(queue_bytes));
    }

    /// A round is closed.
    pub fn closed(&self, statement: &Statement, took: Duration) {
        self.closes.observe(took.as_secs_f64());
        self.rounds.set(gauge(statement.number().saturating_add(1)));
        self.receipts.inc_by(statement.receipts());
        self.filled.set(statement.filled().into());
    }

    /// So many rounds were acknowledged.
    pub fn acknowledged(&self, rounds: u64) {
        self.acknowledged.set(gauge(rounds));
    }

    /// An attempt to hand up a round failed.
    pub fn upstream_failed(&self) {
        self.upstream_failures.inc();
    }

    /// A message of the stream cannot be read.
    #[cfg(feature = "nats")]
    pub fn unreadable(&self) {
        self.unreadable.inc();
    }

    /// What is registered.
    pub fn registered(&self, registry: &Registry) {
        self.sources.set(gauge(registry.sources().len() as u64));
        self.children.set(gauge(registry.children().len() as u64));
    }

    /// All of it as text.
    pub fn text(&self) -> String {
        let mut text = Vec::new();
        // Writing into memory.
        if let Err(error) = TextEncoder::new().encode(&self.registry.gather(), &mut text) {
            tracing::warn!(target: "blockcloud::aggregator", %error, "metrics cannot be written");
        }
        String::from_utf8_lossy(&text).into_owned()
    }
}

fn keep<C: Collector + Clone + 'static>(registry: &prometheus::Registry, collector: C) -> prometheus::Result<C> {
    registry.register(Box::new(collector.clone()))?;
    Ok(collector)
}

fn gauge(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
