//! The aggregator that checkpoints go to: many in one request, and what stands in a job's slot of a committed round.
//!
//! It is believed in nothing: what it acknowledges is only not sent again, and what it says of a round is held against the root on chain. Not here: when a
//! checkpoint goes which way (`job::rounds`).

use crate::config::RoundsConfig;
use anyhow::Context as _;
use blockcloud_client::aggregator_api::{Outcome, SlotProof, Submission};
use blockcloud_primitives::AggregatorId;
use codec::{DecodeAll as _, Encode as _};
use reqwest::{Client, Response, StatusCode, header};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Most checkpoints in a request.
const TOGETHER: usize = 256;
/// The longest answer that is read, in bytes: outcomes of a full request, or one proof.
const LONGEST: usize = 64 << 10;
/// SCALE in both directions.
const BINARY: &str = "application/octet-stream";

/// Why an aggregator was of no use.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AggregatorError {
    /// It was not reached, or answered something else.
    #[error("the aggregator at {url}: {problem}")]
    Away {
        /// Its URL.
        url: String,
        /// What happened.
        problem: String,
    },
    /// The agent ends.
    #[error("the agent is shutting down")]
    Stopped,
}

/// A checkpoint, and who waits for what becomes of it.
struct Waiting {
    submission: Submission,
    answer: oneshot::Sender<Result<Outcome, AggregatorError>>,
}

/// The way to an aggregator.
pub struct Aggregator {
    number: AggregatorId,
    url: String,
    client: Client,
    outbox: mpsc::Sender<Waiting>,
}

impl Aggregator {
    /// Begins to send to it, until told to stop. To be called within a tokio runtime.
    ///
    /// # Errors
    /// The HTTP client cannot be made.
    pub fn start(config: &RoundsConfig, stop: CancellationToken) -> anyhow::Result<Self> {
        let client = Client::builder().timeout(PATIENCE).redirect(reqwest::redirect::Policy::none()).build().context("the HTTP client")?;
        let url = config.url.trim_end_matches('/').to_owned();
        let (outbox, inbox) = mpsc::channel(TOGETHER);
        tokio::spawn(stop.run_until_cancelled_owned(send(client.clone(), url.clone(), inbox)));
        Ok(Self { number: config.aggregator, url, client, outbox })
    }

    /// Under which number it is registered on chain.
    pub fn number(&self) -> AggregatorId {
        self.number
    }

    /// Hands a checkpoint in, in one request with all others that wait.
    ///
    /// # Errors
    /// Any [`AggregatorError`]: it may be taken all the same, and is to be handed in again.
    pub async fn hand_in(&self, submission: Submission) -> Result<Outcome, AggregatorError> {
        let (answer, answered) = oneshot::channel();
        self.outbox.send(Waiting { submission, answer }).await.map_err(|_| AggregatorError::Stopped)?;
        answered.await.unwrap_or(Err(AggregatorError::Stopped))
    }

    /// What stands in a slot of a round at the top; nothing where it does not have the round, yet or any more.
    ///
    /// # Errors
    /// Any [`AggregatorError`].
    pub async fn proof(&self, slot: u32, round: u64) -> Result<Option<SlotProof>, AggregatorError> {
        let url = format!("{}/v1/sources/{slot}/proof?round={round}", self.url);
        let sent = self.client.get(url).header(header::ACCEPT, BINARY).send().await.map_err(|error| self.away(&error))?;
        if matches!(sent.status(), StatusCode::NOT_FOUND | StatusCode::GONE) {
            return Ok(None);
        }
        decoded(&self.url, sent).await.map(Some)
    }

    fn away(&self, problem: &reqwest::Error) -> AggregatorError {
        away(&self.url, problem)
    }
}

fn away(url: &str, problem: impl ToString) -> AggregatorError {
    AggregatorError::Away { url: url.to_owned(), problem: problem.to_string() }
}

/// Sends whatever waits, one request after the other: under load they grow, without it nobody waits for a full one.
async fn send(client: Client, url: String, mut inbox: mpsc::Receiver<Waiting>) {
    let mut waiting = Vec::with_capacity(TOGETHER);
    while inbox.recv_many(&mut waiting, TOGETHER).await > 0 {
        let (submissions, askers): (Vec<_>, Vec<_>) = waiting.drain(..).map(|each| (each.submission, each.answer)).unzip();
        let outcomes = post(&client, &url, &submissions).await;
        for (index, asker) in askers.into_iter().enumerate() {
            let answer = outcomes.as_ref().map_err(Clone::clone).and_then(|outcomes| {
                outcomes.get(index).copied().ok_or_else(|| away(&url, "it answers about fewer checkpoints than were sent"))
            });
            // Whoever asked may have been stopped.
            let _ = asker.send(answer);
        }
    }
}

async fn post(client: &Client, url: &str, submissions: &Vec<Submission>) -> Result<Vec<Outcome>, AggregatorError> {
    let request = client.post(format!("{url}/v1/checkpoints")).header(header::CONTENT_TYPE, BINARY).header(header::ACCEPT, BINARY);
    let sent = request.body(submissions.encode()).send().await.map_err(|error| away(url, error))?;
    decoded(url, sent).await
}

/// The body as SCALE. Where everything was refused the status is 422, and the body says why, for each.
async fn decoded<T: codec::Decode>(url: &str, mut answer: Response) -> Result<T, AggregatorError> {
    let status = answer.status();
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| away(url, error))? {
        body.extend_from_slice(&chunk);
        if body.len() > LONGEST {
            return Err(away(url, format!("it answers more than {LONGEST} bytes")));
        }
    }
    if !status.is_success() && status != StatusCode::UNPROCESSABLE_ENTITY {
        let text: String = String::from_utf8_lossy(&body).chars().take(200).collect();
        return Err(away(url, format!("it answers {status}: {text}")));
    }
    T::decode_all(&mut &body[..]).map_err(|error| away(url, format!("its answer cannot be understood: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Guest, JOB};
    use axum::{Router, body::Bytes, extract::State, response::IntoResponse as _, routing};
    use blockcloud_client::aggregator_api::Refusal;
    use blockcloud_primitives::Digest;
    use std::sync::{Arc, Mutex};

    /// How many checkpoints each request had.
    type Requests = Arc<Mutex<Vec<usize>>>;

    /// Takes odd sizes and refuses even ones; waits for a word before its first answer.
    struct Played {
        requests: Requests,
        word: tokio::sync::Semaphore,
    }

    async fn take(State(played): State<Arc<Played>>, body: Bytes) -> axum::response::Response {
        let submissions = Vec::<Submission>::decode_all(&mut &body[..]).unwrap();
        played.requests.lock().unwrap().push(submissions.len());
        played.word.acquire().await.unwrap().forget();
        let outcome = |submission: Submission| match submission.checkpoint.size % 2 {
            1 => Outcome::Accepted { slot: 0, round: submission.checkpoint.size },
            _ => Outcome::Refused { refusal: Refusal::Unproven { head: 1 } },
        };
        let outcomes: Vec<Outcome> = submissions.into_iter().map(outcome).collect();
        let all_refused = outcomes.iter().all(|outcome| outcome.refusal().is_some());
        let status = if all_refused { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
        (status, outcomes.encode()).into_response()
    }

    async fn played(words: usize) -> (String, Arc<Played>) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let played = Arc::new(Played { requests: Requests::default(), word: tokio::sync::Semaphore::new(words) });
        let routes = Router::new()
            .route("/v1/checkpoints", routing::post(take))
            .route("/v1/sources/1/proof", routing::get(|| async { (StatusCode::GONE, "not kept") }))
            .route("/v1/sources/2/proof", routing::get(|| async { (StatusCode::SERVICE_UNAVAILABLE, "busy") }))
            .route("/v1/sources/3/proof", routing::get(|| async { vec![0u8; LONGEST + 1] }))
            .with_state(played.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        (url, played)
    }

    fn submission(size: u64) -> Submission {
        let signed = Guest::new().checkpoint(JOB, size, Digest::ZERO);
        Submission { checkpoint: signed.checkpoint, signature: signed.signature, proof: Vec::new() }
    }

    fn aggregator(url: String) -> Aggregator {
        Aggregator::start(&RoundsConfig { aggregator: AggregatorId(0), url }, CancellationToken::new()).unwrap()
    }

    #[tokio::test]
    async fn what_waits_during_a_request_goes_together_in_the_next_and_each_gets_its_own_outcome() {
        let (url, played) = played(0).await;
        let aggregator = Arc::new(aggregator(url));
        let hand_in = |size| {
            let aggregator = aggregator.clone();
            tokio::spawn(async move { aggregator.hand_in(submission(size)).await.unwrap() })
        };
        let first = hand_in(2);
        while played.requests.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        let rest: Vec<_> = (3..=6).map(hand_in).collect();
        while aggregator.outbox.capacity() > TOGETHER - 4 {
            tokio::task::yield_now().await;
        }
        played.word.add_permits(2);
        let refused = Outcome::Refused { refusal: Refusal::Unproven { head: 1 } };
        assert_eq!(first.await.unwrap(), refused);
        let mut outcomes = Vec::new();
        for each in rest {
            outcomes.push(each.await.unwrap());
        }
        let taken = |round| Outcome::Accepted { slot: 0, round };
        assert_eq!(outcomes, [taken(3), refused, taken(5), refused]);
        assert_eq!(*played.requests.lock().unwrap(), [1, 4]);
    }

    #[tokio::test]
    async fn what_is_not_there_is_no_fault_and_faults_say_whose_they_are() {
        let (url, _played) = played(0).await;
        let aggregator = aggregator(url.clone());
        assert_eq!(aggregator.proof(1, 7).await.unwrap(), None);
        for (slot, words) in [(2, "busy"), (3, "more than")] {
            let error = aggregator.proof(slot, 7).await.unwrap_err().to_string();
            assert!(error.contains(words) && error.contains(url.trim_end_matches('/')), "{error}");
        }
        let nobody = self::aggregator("http://127.0.0.1:1".into());
        assert!(matches!(nobody.hand_in(submission(1)).await, Err(AggregatorError::Away { .. })));
    }
}
