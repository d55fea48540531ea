//! Ingest through NATS JetStream: checkpoints that others put into a stream are pulled from it, judged like those that come over HTTP, and
//! acknowledged to the stream once they are on disk here. The stream is a front; what is promised rests on the queue.
//!
//! # Messages
//! The subject `<subject>.<base>.<height>` names the part whose aggregator takes the message, which is a list as `POST /v1/checkpoints` has it: SCALE, or
//! JSON, which begins with another byte than any such list in SCALE. Where the header [`ANSWER`] holds a token, the outcomes, or why the message cannot be
//! read, are published under `<subject>.<base>.<height>.answers.<token>`, in the language of the message. Nobody else's subject can be named that way.
//!
//! # What becomes of a message
//! * Something in it was taken, or known: acknowledged, after the group commit. The stream deletes it.
//! * All of it was refused, or it cannot be read: terminated, so that it never comes again. Whoever asked for an answer has the reason.
//! * The program, or the server, stopped in between: it comes again, and what was taken of it is known. A checkpoint that a larger one of its log overtook
//!   in the meantime is refused as `shrunk`, which loses nothing.
//!
//! A server that was killed may have forgotten that it deleted a message which it knows as acknowledged. Such a one is never delivered again; it goes with its
//! age (`ingest.max_age_s`).
//!
//! Messages are taken in the order of the stream, whatever waits together, one group after the other: where consistency is demanded
//! (`limits.require_proof`) a checkpoint must not overtake the one that it names.
//!
//! Not here: the connection's options (`config`), decisions (`collect`).

use crate::{
    Outcome, Part, Submission,
    collect::{self, Shared, Ticket},
    config::{LimitsConfig, NatsConfig},
    http::{ApiError, explained, read_list},
};
use async_nats::{
    ConnectOptions, HeaderMap,
    jetstream::{
        self, AckKind, Message,
        consumer::{AckPolicy, StreamError, pull},
        stream::{self, DiscardPolicy, RetentionPolicy, StorageType},
    },
};
use codec::Encode as _;
use crossbeam_channel::{Sender, TrySendError};
use futures::{StreamExt as _, pin_mut};
use std::{
    convert::Infallible,
    sync::{Arc, PoisonError, atomic::Ordering},
    time::Duration,
};
use thiserror::Error;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

/// The header with the token under which the sender waits for the outcomes: at most 64 letters, digits, `-`, `_`, and `.` between them.
pub const ANSWER: &str = "Blockcloud-Answer";
/// A message that was not acknowledged after this long comes again.
const ACK_WAIT: Duration = Duration::from_secs(10);
/// The server says this often that it is there, and ends what is asked of it after this long.
const HEARTBEAT: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(10));
/// Most messages that are asked for at a time.
const MESSAGES: usize = 256;
/// First and longest wait after a failure.
const WAITS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// Between attempts where the threads that verify have enough to do, or the disk is full.
const BUSY: (Duration, Duration) = (Duration::from_millis(5), Duration::from_secs(1));

/// Why nothing comes from the stream at this moment.
#[derive(Debug, Error)]
enum IngestError {
    #[error("the stream: {0}")]
    Stream(#[from] jetstream::context::CreateStreamError),
    #[error("the consumer: {0}")]
    Consumer(#[from] jetstream::stream::ConsumerError),
    #[error("asking for messages: {0}")]
    Pull(#[from] StreamError),
    #[error("messages: {0}")]
    Messages(#[from] pull::MessagesError),
    #[error("acknowledging: {0}")]
    Acknowledge(async_nats::Error),
    #[error("the server ended what was asked of it")]
    Ended,
    #[error("the aggregator is ending")]
    Ending,
}

/// The door to a stream.
pub struct Ingest {
    shared: Arc<Shared>,
    tickets: Sender<Ticket>,
    limits: LimitsConfig,
    config: NatsConfig,
    client: async_nats::Client,
}

impl Ingest {
    /// Connects, now or as soon as a server is there.
    ///
    /// # Errors
    /// The file with the credentials, or a URL.
    pub async fn open(shared: Arc<Shared>, tickets: Sender<Ticket>, limits: LimitsConfig, config: NatsConfig) -> anyhow::Result<Self> {
        let Part { base, height } = shared.part;
        let options = ConnectOptions::new().name(format!("blockcloud-aggregator {base}/{height}")).retry_on_initial_connect();
        let options = match &config.credentials {
            Some(path) => options.credentials_file(path).await?,
            None => options,
        };
        let client = options.connect(config.urls.clone()).await?;
        Ok(Self { shared, tickets, limits, config, client })
    }

    /// Takes what comes until told to stop. Whatever goes wrong is tried again.
    pub async fn run(self, stop: CancellationToken) {
        let (mut wait, longest) = WAITS;
        let mut said = None;
        loop {
            let mut taken = false;
            let error = tokio::select! {
                () = stop.cancelled() => return,
                Err(error) = self.take(&mut taken) => error,
            };
            if taken {
                (wait, said) = (WAITS.0, None);
            }
            let words = error.to_string();
            if said.as_ref() != Some(&words) {
                tracing::warn!(target: "blockcloud::aggregator", error = words, "nothing comes from the stream; it is tried again");
                said = Some(words);
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(wait) => wait = wait.saturating_mul(2).min(longest),
            }
        }
    }

    /// Makes what is missing on the server, and takes messages until that fails.
    async fn take(&self, taken: &mut bool) -> Result<Infallible, IngestError> {
        let Part { base, height } = self.shared.part;
        let stream = jetstream::new(self.client.clone()).get_or_create_stream(self.stream()).await?;
        let payload = self.client.max_payload().max(1);
        let most = self.limits.in_flight_bytes.checked_div(payload).unwrap_or(1).clamp(1, MESSAGES);
        let name = format!("part-{base}-{height}");
        let consumer = pull::Config {
            durable_name: Some(name.clone()),
            ack_policy: AckPolicy::Explicit,
            ack_wait: ACK_WAIT,
            // Those of an aggregator that was killed count until they come again.
            max_ack_pending: i64::try_from(most.saturating_mul(4)).unwrap_or(i64::MAX),
            filter_subject: self.subject(),
            ..pull::Config::default()
        };
        let consumer = stream.get_or_create_consumer(&name, consumer).await?;
        let (heartbeat, expires) = HEARTBEAT;
        let messages = consumer.stream().max_messages_per_batch(most).heartbeat(heartbeat).expires(expires).messages().await?;
        let groups = messages.ready_chunks(most);
        pin_mut!(groups);
        while let Some(group) = groups.next().await {
            let mut together = Together { ingest: self, messages: Vec::new(), submissions: Vec::new() };
            for message in group {
                // What came before the failure is taken first.
                match message {
                    Ok(message) => together.add(message).await?,
                    Err(error) => {
                        together.clear().await?;
                        return Err(error.into());
                    }
                }
            }
            together.clear().await?;
            *taken = true;
        }
        Err(IngestError::Ended)
    }

    fn stream(&self) -> stream::Config {
        stream::Config {
            name: self.config.stream.clone(),
            subjects: vec![format!("{}.*.*", self.config.subject)],
            // What was acknowledged is on disk here, so nobody else needs it.
            retention: RetentionPolicy::WorkQueue,
            storage: StorageType::File,
            num_replicas: self.config.replicas,
            max_age: Duration::from_secs(self.config.max_age_s),
            max_bytes: i64::try_from(self.config.max_bytes).unwrap_or(i64::MAX),
            // Who publishes into a full stream is told; what is in it stays.
            discard: DiscardPolicy::New,
            max_message_size: i32::try_from(self.limits.body_bytes).unwrap_or(i32::MAX),
            ..stream::Config::default()
        }
    }

    fn subject(&self) -> String {
        let Part { base, height } = self.shared.part;
        format!("{}.{base}.{height}", self.config.subject)
    }

    /// Has submissions verified, judged and made durable.
    async fn submit(&self, submissions: Vec<Submission>) -> Result<Vec<Outcome>, IngestError> {
        while !self.shared.room.load(Ordering::Acquire) {
            tokio::time::sleep(BUSY.1).await;
        }
        let items = {
            let view = self.shared.view.read().unwrap_or_else(PoisonError::into_inner);
            submissions.into_iter().map(|submission| collect::prepare(&view, submission)).collect()
        };
        let (reply, outcomes) = oneshot::channel();
        let mut ticket = Ticket { items, reply, place: None };
        loop {
            match self.tickets.try_send(ticket) {
                Ok(()) => return outcomes.await.map_err(|_| IngestError::Ending),
                Err(TrySendError::Full(waiting)) => ticket = waiting,
                Err(TrySendError::Disconnected(_)) => return Err(IngestError::Ending),
            }
            tokio::time::sleep(BUSY.0).await;
        }
    }

    /// Tells the sender, if it asked to be told. Whoever is not there any more misses it.
    async fn answer(&self, message: &Message, scale: bool, answer: &Result<&[Outcome], ApiError>) -> Result<(), IngestError> {
        let token = message.headers.as_ref().and_then(|headers| headers.get(ANSWER)).map(|value| value.as_str());
        let Some(token) = token.filter(|token| is_token(token)) else { return Ok(()) };
        let (kind, content) = match answer {
            Ok(outcomes) if scale => (crate::http::SCALE, outcomes.encode()),
            Ok(outcomes) => ("application/json", serde_json::to_vec(&explained(outcomes)).unwrap_or_default()),
            Err(error) => ("application/json", serde_json::to_vec(error.refusal()).unwrap_or_default()),
        };
        let mut headers = HeaderMap::new();
        headers.insert("content-type", kind);
        let subject = format!("{}.answers.{token}", self.subject());
        let published = self.client.publish_with_headers(subject, headers, content.into()).await;
        published.map_err(|error| IngestError::Acknowledge(error.into()))
    }
}

/// Messages that are taken together.
struct Together<'a> {
    ingest: &'a Ingest,
    /// Each with how many submissions it has, and whether it is SCALE.
    messages: Vec<(Message, usize, bool)>,
    submissions: Vec<Submission>,
}

impl Together<'_> {
    async fn add(&mut self, message: Message) -> Result<(), IngestError> {
        let scale = !matches!(message.payload.first(), Some(b'[' | b'{'));
        let most = self.ingest.limits.batch;
        match read_list::<Submission>(scale, &message.payload, most) {
            Ok(list) => {
                if self.submissions.len().saturating_add(list.len()) > most {
                    self.clear().await?;
                }
                self.messages.push((message, list.len(), scale));
                self.submissions.extend(list);
            }
            Err(error) => {
                self.ingest.shared.metrics.unreadable();
                self.ingest.answer(&message, scale, &Err(error)).await?;
                message.ack_with(AckKind::Term).await.map_err(IngestError::Acknowledge)?;
            }
        }
        Ok(())
    }

    /// Takes all that is in here, answers, and acknowledges.
    async fn clear(&mut self) -> Result<(), IngestError> {
        if self.messages.is_empty() {
            return Ok(());
        }
        let outcomes = self.ingest.submit(std::mem::take(&mut self.submissions)).await?;
        let mut rest = outcomes.as_slice();
        for (message, count, scale) in self.messages.drain(..) {
            let (of_it, others) = rest.split_at_checked(count).ok_or(IngestError::Ending)?;
            rest = others;
            self.ingest.answer(&message, scale, &Ok(of_it)).await?;
            let refused = of_it.iter().all(|outcome| outcome.refusal().is_some());
            let kind = if refused { AckKind::Term } else { AckKind::Ack };
            message.ack_with(kind).await.map_err(IngestError::Acknowledge)?;
        }
        Ok(())
    }
}

/// Whether this is the end of a subject, and of nothing else.
fn is_token(token: &str) -> bool {
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    token.len() <= 64 && token.split('.').all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_names_nobody_elses_subject() {
        for good in ["a", "c12.345", "A-b_9", "x".repeat(64).as_str()] {
            assert!(is_token(good), "{good}");
        }
        for bad in ["", ".", "a.", ".a", "a..b", "*", "a.>", "a b", "a\r\nb", "$JS", "\u{e4}", "x".repeat(65).as_str()] {
            assert!(!is_token(bad), "{bad}");
        }
    }
}
