//! Where rounds go: to the aggregator above by HTTP, or into a folder. Another way, such as the chain, is another implementation of [`Upstream`].
//!
//! Rounds are sent one at a time, in order, again and again until acknowledged; what was acknowledged is noted before the next is sent. So after a
//! crash at most one is sent again, with the very same bytes. Not here: making rounds (`collect`), what comes back from above (`anchors`).

use crate::{Anchor, Outcome, Part, Refusal, SignedBranch, Statement, Step, collect::Shared, files};
use anyhow::Context as _;
use codec::{Decode, DecodeAll as _, Encode as _};
use futures::future::BoxFuture;
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use thiserror::Error;
use tokio_util::sync::CancellationToken;

/// How long a request to the aggregator above may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// Largest answer of the aggregator above, in bytes.
const ANSWER_MAX: usize = 4 << 20;
/// First and longest wait after a failure.
const WAITS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));

/// Why a round was not handed up.
#[derive(Debug, Error)]
pub enum UpstreamError {
    /// It could not be asked, or had no room: ask again.
    #[error("upstream cannot be reached: {0}")]
    Unreachable(String),
    /// It does not take this round. That may change: ask again.
    #[error("upstream refuses the round: {0}")]
    Refused(Refusal),
    /// It has another round under this number, or later ones that are not here. Going on would be equivocation.
    #[error(
        "upstream has another round {number} of this aggregator, or later ones: the data folder is older than what was sent, or two run with one key"
    )]
    Conflict {
        /// The number.
        number: u64,
    },
}

/// Where rounds go.
pub trait Upstream: Send + Sync + 'static {
    /// Hands up a round; when this returns, it is there for good. The same round may come again.
    fn send<'a>(&'a self, statement: &'a Statement) -> BoxFuture<'a, Result<(), UpstreamError>>;

    /// Number of the newest round that is there.
    fn newest(&self) -> BoxFuture<'_, Result<Option<u64>, UpstreamError>>;
}

/// The aggregator above.
#[derive(Clone, Debug)]
pub struct Parent {
    client: reqwest::Client,
    url: String,
    part: Part,
}

impl Parent {
    /// The aggregator at this base URL, to which branches of this part go.
    ///
    /// # Errors
    /// The system's certificates cannot be read.
    pub fn new(url: &str, part: Part) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder().timeout(PATIENCE).redirect(reqwest::redirect::Policy::none());
        Ok(Self { client: client.build().context("cannot speak HTTP")?, url: url.trim_end_matches('/').to_owned(), part })
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> Result<Vec<u8>, UpstreamError> {
        let unreachable = |error: reqwest::Error| UpstreamError::Unreachable(error.without_url().to_string());
        let mut response = request.header("accept", crate::http::SCALE).send().await.map_err(unreachable)?;
        let status = response.status();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if body.len().saturating_add(chunk.len()) > ANSWER_MAX {
                return Err(UpstreamError::Unreachable(format!("its answer is longer than {ANSWER_MAX} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        // With what it says about each: `Outcome`s come with 422 where all are refused.
        if status.is_success() || status == reqwest::StatusCode::UNPROCESSABLE_ENTITY {
            return Ok(body);
        }
        let words: String = String::from_utf8_lossy(&body).chars().filter(|letter| !letter.is_control()).take(200).collect();
        Err(UpstreamError::Unreachable(format!("{status}: {words}")))
    }

    /// Rounds at the top after `after`, each with the way to it from the branch of this part that it has.
    ///
    /// # Errors
    /// [`UpstreamError::Unreachable`].
    pub async fn anchors(&self, after: Option<u64>) -> Result<Vec<Anchor>, UpstreamError> {
        let Part { base, height } = self.part;
        let url = match after {
            Some(after) => format!("{}/v1/parts/{base}/{height}/anchors?after={after}", self.url),
            None => format!("{}/v1/parts/{base}/{height}/anchors", self.url),
        };
        decoded(&self.answer(self.client.get(url)).await?)
    }
}

fn decoded<T: Decode>(bytes: &[u8]) -> Result<T, UpstreamError> {
    T::decode_all(&mut &bytes[..]).map_err(|error| UpstreamError::Unreachable(format!("its answer cannot be understood: {error}")))
}

impl Upstream for Parent {
    fn send<'a>(&'a self, statement: &'a Statement) -> BoxFuture<'a, Result<(), UpstreamError>> {
        Box::pin(async move {
            let Statement::Branch(signed) = statement else {
                // The configuration is checked: only parts have a parent.
                return Err(UpstreamError::Unreachable("a round at the top has no aggregator above".into()));
            };
            let request = self.client.post(format!("{}/v1/branches", self.url)).header("content-type", crate::http::SCALE);
            let outcomes: Vec<Outcome> = decoded(&self.answer(request.body(vec![*signed].encode())).await?)?;
            match outcomes.as_slice() {
                [Outcome::Accepted { .. } | Outcome::Known { .. }] => Ok(()),
                [Outcome::Refused { refusal: Refusal::Conflict { .. } | Refusal::Behind { .. } }] => {
                    Err(UpstreamError::Conflict { number: statement.number() })
                }
                [Outcome::Refused { refusal }] => Err(UpstreamError::Refused(*refusal)),
                _ => Err(UpstreamError::Unreachable("it answers about another number of branches than were sent".into())),
            }
        })
    }

    fn newest(&self) -> BoxFuture<'_, Result<Option<u64>, UpstreamError>> {
        Box::pin(async move {
            let Part { base, height } = self.part;
            let url = format!("{}/v1/parts/{base}/{height}", self.url);
            let newest: Option<SignedBranch> = decoded(&self.answer(self.client.get(url)).await?)?;
            Ok(newest.map(|signed| signed.branch.number))
        })
    }
}

/// A folder with one JSON file for each round.
#[derive(Clone, Debug)]
pub struct Directory {
    folder: PathBuf,
}

impl Directory {
    /// Opens the folder, or makes it.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(folder: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        files::clear_unfinished(&folder)?;
        Ok(Self { folder })
    }

    fn path(&self, number: u64) -> PathBuf {
        self.folder.join(format!("{number:016}.json"))
    }

    fn put(&self, statement: &Statement) -> Result<(), UpstreamError> {
        let number = statement.number();
        let path = self.path(number);
        let unreachable = |error: io::Error| UpstreamError::Unreachable(format!("{}: {error}", path.display()));
        match fs::read(&path) {
            Ok(found) => {
                let found: Option<Statement> = serde_json::from_slice(&found).ok();
                return if found.as_ref() == Some(statement) { Ok(()) } else { Err(UpstreamError::Conflict { number }) };
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(unreachable(error)),
        }
        let content = serde_json::to_vec_pretty(statement).map_err(|error| unreachable(error.into()))?;
        files::write_atomically(&path, &content).map_err(unreachable)
    }

    fn last(&self) -> io::Result<Option<u64>> {
        let mut newest = None;
        for entry in fs::read_dir(&self.folder)? {
            let name = entry?.file_name();
            let number = name.to_str().and_then(|name| name.strip_suffix(".json")).and_then(|digits| digits.parse::<u64>().ok());
            newest = newest.max(number);
        }
        Ok(newest)
    }
}

impl Upstream for Directory {
    fn send<'a>(&'a self, statement: &'a Statement) -> BoxFuture<'a, Result<(), UpstreamError>> {
        Box::pin(async move {
            let (directory, statement) = (self.clone(), *statement);
            let put = tokio::task::spawn_blocking(move || directory.put(&statement)).await;
            put.unwrap_or_else(|error| Err(UpstreamError::Unreachable(error.to_string())))
        })
    }

    fn newest(&self) -> BoxFuture<'_, Result<Option<u64>, UpstreamError>> {
        let last = self.last().map_err(|error| UpstreamError::Unreachable(format!("{}: {error}", self.folder.display())));
        Box::pin(async move { last })
    }
}

/// Reads how many rounds were acknowledged.
///
/// # Errors
/// The file is there and holds no number.
pub fn read_acknowledged(path: &Path) -> anyhow::Result<u64> {
    match fs::read_to_string(path) {
        Ok(text) => text.trim().parse().with_context(|| format!("{} holds no number", path.display())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// Hands up rounds until told to stop. Ends everything on a conflict, and if what was acknowledged cannot be noted.
pub async fn deliver(shared: Arc<Shared>, upstream: Arc<dyn Upstream>, noted: PathBuf, stop: CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        failed = delivering(&shared, upstream.as_ref(), &noted) => {
            if let Err(error) = failed {
                shared.fatal.raise(error);
            }
        }
    }
}

async fn delivering(shared: &Shared, upstream: &dyn Upstream, noted: &Path) -> anyhow::Result<()> {
    let mut finished = shared.finished.subscribe();
    let newest = again(shared, || upstream.newest()).await?;
    let here = *finished.borrow_and_update();
    if let Some(number) = newest.filter(|number| *number >= here) {
        return Err(UpstreamError::Conflict { number }.into());
    }
    shared.checked.store(true, Ordering::Release);
    loop {
        let next = shared.acknowledged();
        finished.wait_for(|finished| *finished > next).await.context("rounds are no longer closed")?;
        let statement = shared.rounds.statement(next).with_context(|| format!("round {next} was not acknowledged and is not kept"))?;
        (shared.observer)(Step::Sending);
        again(shared, || upstream.send(&statement)).await?;
        (shared.observer)(Step::Acknowledged);
        let done = next.saturating_add(1);
        let path = noted.to_owned();
        let note = tokio::task::spawn_blocking(move || files::write_atomically(&path, done.to_string().as_bytes())).await;
        note.map_err(io::Error::other).flatten().with_context(|| format!("cannot write {}", noted.display()))?;
        (shared.observer)(Step::Noted);
        shared.acknowledged.store(done, Ordering::Release);
        shared.metrics.acknowledged(done);
    }
}

/// Asks until it is done, or until there is a conflict.
async fn again<'a, T>(shared: &Shared, ask: impl Fn() -> BoxFuture<'a, Result<T, UpstreamError>>) -> anyhow::Result<T> {
    let (mut wait, longest) = WAITS;
    let mut said = None;
    loop {
        match ask().await {
            Ok(done) => return Ok(done),
            Err(error @ UpstreamError::Conflict { .. }) => return Err(error.into()),
            Err(error) => {
                shared.metrics.upstream_failed();
                // The same reason is worth one line.
                let words = error.to_string();
                if said.as_ref() != Some(&words) {
                    tracing::warn!(target: "blockcloud::aggregator", error = words, "a round cannot be handed up; it is tried again");
                    said = Some(words);
                }
            }
        }
        tokio::time::sleep(wait).await;
        wait = wait.saturating_mul(2).min(longest);
    }
}
