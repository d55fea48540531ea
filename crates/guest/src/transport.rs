//! The guest's side of its conversation with the agent: HTTP, the guest is the client.
//!
//! The agent may be killed and come back on the same port, so every call is repeated until it succeeds, is refused, or the guest is told to stop. What
//! comes in is bounded in length and checked by whoever uses it. Not here: what the messages mean.

use crate::{
    log::Increment,
    stop::{Stop, Stopped},
};
use blockcloud_primitives::{AccountId, Blob, Completion, Digest, Evidence, JobId, JobSpec, Receipt, Signature, SiteId};
use blockcloud_seal::Envelope;
use reqwest::{RequestBuilder, Response, StatusCode};
use serde::{Deserialize, Serialize};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// First and longest wait between two attempts.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));
/// How long the agent may hold the question for the key open.
const KEY_WAIT_SECONDS: u32 = 20;
/// Longest answer that is not a blob.
const ANSWER_MAX: usize = 1 << 20;

/// Why a call has ended without a result.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The guest was told to stop.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// The agent does not want it.
    #[error("the agent refuses {what} ({status}): {reason}")]
    Refused {
        /// What was asked or brought.
        what: &'static str,
        /// HTTP's status.
        status: u16,
        /// The agent's words.
        reason: String,
    },
    /// The agent's answer cannot be read.
    #[error("the agent's answer to {what} cannot be read")]
    Unreadable {
        /// What was asked.
        what: &'static str,
    },
    /// There can be no HTTP client.
    #[error("no HTTP client: {0}")]
    Client(reqwest::Error),
}

/// The number and hash of a recent block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    /// Its number.
    pub number: u32,
    /// Its hash.
    pub hash: Digest,
}

/// What a guest is told about its job. None of it is believed: the evidence binds it, and the chain and the customer know better.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launch {
    /// Hash of the chain's first block.
    pub genesis: Digest,
    /// The provider.
    pub provider: AccountId,
    /// The job.
    pub job: JobId,
    /// The site.
    pub site: SiteId,
    /// The job's terms.
    pub spec: JobSpec,
    /// A recent block.
    pub anchor: Anchor,
}

/// The guest's last word as it is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Completed {
    /// The completion.
    pub completion: Completion,
    /// The receipt key's signature over it.
    pub signature: Signature,
    /// The receipt of the erasure.
    pub erase_receipt: Receipt,
}

/// What the agent wants of the guest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Control {
    /// Whether it is to stop.
    pub stop: bool,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
    /// Which evidence it is to renew, if any.
    #[serde(default)]
    pub renew: Option<Renewal>,
}

/// That evidence is to be renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renewal {
    /// Replay key of the evidence that the new one renews.
    pub previous: Digest,
    /// A recent block.
    pub anchor: Anchor,
}

/// Whether an answer ends a call.
enum Verdict {
    Done,
    Again,
}

/// The agent, as far as the guest can tell.
#[derive(Clone)]
pub struct Agent {
    base: String,
    http: reqwest::Client,
    stop: Stop,
    heard: Arc<Mutex<Instant>>,
}

impl Agent {
    /// The agent at this URL, which holds the guest's token.
    pub fn new(base: &str, stop: Stop) -> Result<Self, TransportError> {
        let http = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(5))
            .read_timeout(Duration::from_secs(30))
            .build()
            .map_err(TransportError::Client)?;
        Ok(Self { base: base.trim_end_matches('/').into(), http, stop, heard: Arc::new(Mutex::new(Instant::now())) })
    }

    /// The same agent, for calls that end with another stop.
    pub fn until(&self, stop: Stop) -> Self {
        Self { stop, ..self.clone() }
    }

    /// When the agent answered last, whatever it said; at first, when this was made.
    pub fn heard(&self) -> Instant {
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hears(&self) {
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// What the job is.
    pub async fn launch(&self) -> Result<Launch, TransportError> {
        let answer = self.call("the launch", || self.http.get(self.url("launch")), ok).await?;
        self.json("the launch", answer).await
    }

    /// Brings the evidence.
    pub async fn evidence(&self, evidence: &Evidence) -> Result<(), TransportError> {
        self.call("evidence", || self.http.post(self.url("evidence")).json(evidence), ok).await?;
        Ok(())
    }

    /// Brings evidence that renews the first.
    pub async fn renewal(&self, evidence: &Evidence) -> Result<(), TransportError> {
        self.call("renewed evidence", || self.http.post(self.url("renewal")).json(evidence), ok).await?;
        Ok(())
    }

    /// Waits for the wrapped data key.
    pub async fn envelope(&self) -> Result<Envelope, TransportError> {
        let url = self.url(&format!("key?wait={KEY_WAIT_SECONDS}"));
        let arrived = |status| if status == StatusCode::NO_CONTENT { Verdict::Again } else { Verdict::Done };
        let answer = self.call("the key", || self.http.get(&url), arrived).await?;
        self.json("the key", answer).await
    }

    /// Waits for a blob and makes sure that it is the one: what has another length or digest is treated as not there yet.
    pub async fn blob(&self, blob: &Blob) -> Result<Vec<u8>, TransportError> {
        let url = self.url(&format!("blobs/{}", blob.digest));
        let length = usize::try_from(blob.bytes).unwrap_or(usize::MAX);
        let mut pause = Pause::default();
        loop {
            let answer = self.call("a blob", || self.http.get(&url), ok).await?;
            match self.stop.or(body(answer, length)).await? {
                Some(bytes) if bytes.len() == length && Digest::of(&bytes) == blob.digest => return Ok(bytes),
                _ => tracing::warn!(blob = %blob.digest, "the agent served something else; asking again"),
            }
            pause.wait(&self.stop).await?;
        }
    }

    /// Hands over the sealed output.
    pub async fn output(&self, digest: &Digest, bytes: Vec<u8>) -> Result<(), TransportError> {
        let url = self.url(&format!("output/{digest}"));
        // A body of bytes can be shared between attempts; without it the agent would refuse by the digest.
        let request = self.http.put(&url).body(bytes);
        self.call("the output", || request.try_clone().unwrap_or_else(|| self.http.put(&url)), ok).await?;
        Ok(())
    }

    /// Hands over a stretch of the log.
    pub async fn log(&self, increment: &Increment) -> Result<(), TransportError> {
        self.call("receipts", || self.http.post(self.url("log")).json(increment), ok).await?;
        Ok(())
    }

    /// Hands over the last word.
    pub async fn completion(&self, completed: &Completed) -> Result<(), TransportError> {
        self.call("the completion", || self.http.post(self.url("completion")).json(completed), ok).await?;
        Ok(())
    }

    /// Asks once what the agent wants; nothing while it is away.
    pub async fn control(&self) -> Option<Control> {
        let answer = self.http.get(self.url("control")).send().await.ok()?;
        self.hears();
        let answer = Some(answer).filter(|answer| answer.status().is_success())?;
        serde_json::from_slice(&body(answer, ANSWER_MAX).await?).ok()
    }

    fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.base)
    }

    /// Calls until there is an answer that `verdict` takes.
    async fn call(
        &self,
        what: &'static str,
        request: impl Fn() -> RequestBuilder,
        verdict: impl Fn(StatusCode) -> Verdict,
    ) -> Result<Response, TransportError> {
        let mut pause = Pause::default();
        loop {
            match self.stop.or(request().send()).await? {
                Ok(answer) => {
                    self.hears();
                    let status = answer.status();
                    match verdict(status) {
                        Verdict::Done if status.is_success() => return Ok(answer),
                        _ if is_final(status) => {
                            let reason = self.stop.or(body(answer, ANSWER_MAX)).await?.unwrap_or_default();
                            let reason = String::from_utf8_lossy(&reason).chars().filter(|c| !c.is_control()).take(300).collect();
                            return Err(TransportError::Refused { what, status: status.as_u16(), reason });
                        }
                        _ => tracing::debug!(what, status = status.as_u16(), "not yet"),
                    }
                }
                Err(error) => tracing::debug!(what, error = %error.without_url(), "the agent is away"),
            }
            pause.wait(&self.stop).await?;
        }
    }

    async fn json<T: serde::de::DeserializeOwned>(&self, what: &'static str, answer: Response) -> Result<T, TransportError> {
        let bytes = self.stop.or(body(answer, ANSWER_MAX)).await?;
        bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).ok_or(TransportError::Unreadable { what })
    }
}

fn ok(_: StatusCode) -> Verdict {
    Verdict::Done
}

/// Whether asking again cannot help. What is not there may come; an agent that restarts may not know the guest for a moment.
fn is_final(status: StatusCode) -> bool {
    status.is_client_error()
        && !matches!(status, StatusCode::NOT_FOUND | StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS)
}

/// The body of an answer, if it arrives whole and is no longer than `limit`.
async fn body(mut answer: Response, limit: usize) -> Option<Vec<u8>> {
    let announced = answer.content_length().and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
    let mut bytes = Vec::with_capacity(announced.min(limit));
    while let Some(chunk) = answer.chunk().await.ok()? {
        if chunk.len() > limit.saturating_sub(bytes.len()) {
            return None;
        }
        bytes.extend_from_slice(&chunk);
    }
    Some(bytes)
}

/// The pauses between attempts: each twice as long as the one before, up to a limit.
struct Pause(Duration);

impl Default for Pause {
    fn default() -> Self {
        Self(BACKOFF.0)
    }
}

impl Pause {
    async fn wait(&mut self, stop: &Stop) -> Result<(), Stopped> {
        stop.or(tokio::time::sleep(self.0)).await?;
        self.0 = self.0.saturating_mul(2).min(BACKOFF.1);
        Ok(())
    }
}
