//! The aggregator over HTTP, under `/v1`. Whoever sends `content-type: application/octet-stream` speaks SCALE and is answered in it; whoever asks with
//! `accept: application/octet-stream` too; all others speak JSON. Refusals of a whole request are JSON: what is wrong, and what to do.
//!
//! Everything is public, or signed. Not here: TLS (a proxy), connections (`serve`), decisions (`collect`).

mod error;
mod serve;

use crate::{
    Outcome, Part, SignedBranch, Submission,
    anchors::Anchors,
    collect::{self, Item, Shared, Ticket, View},
    config::LimitsConfig,
    equivocation::Equivocation,
    rounds::Loaded,
};
use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, Query, Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use blockcloud_primitives::{AggregatorId, Digest, PublicKey, SlotEntry};
use codec::{Decode, DecodeAll as _, Encode};
use crossbeam_channel::{Sender, TrySendError};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    sync::{Arc, PoisonError, RwLockReadGuard, atomic::Ordering},
    time::Duration,
};
use tokio::{
    net::TcpListener,
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
};
use tokio_util::sync::CancellationToken;

pub use error::ApiError;

/// The media type of SCALE.
pub const SCALE: &str = "application/octet-stream";
/// Bodies are weighed in units of this many bytes.
const UNIT: usize = 1_024;
/// Most slots and parts in one answer: about a megabyte in SCALE.
const CONTENTS: usize = 4_096;
/// Most contradictions in one answer.
const PAGE: usize = 64;

/// What requests need.
pub struct Server {
    shared: Arc<Shared>,
    anchors: Arc<Anchors>,
    tickets: Sender<Ticket>,
    limits: LimitsConfig,
    in_flight: Arc<Semaphore>,
    reads: Semaphore,
}

type Its = Arc<Server>;

impl Server {
    /// A server over what the rest of the program shares.
    pub fn new(shared: Arc<Shared>, anchors: Arc<Anchors>, tickets: Sender<Ticket>, limits: LimitsConfig) -> Self {
        let in_flight = Arc::new(Semaphore::new(limits.in_flight_bytes.div_ceil(UNIT)));
        Self { shared, anchors, tickets, limits, in_flight, reads: Semaphore::new(limits.reads) }
    }

    fn view(&self) -> RwLockReadGuard<'_, View> {
        self.shared.view.read().unwrap_or_else(PoisonError::into_inner)
    }

    async fn loaded(self: &Arc<Self>, number: u64) -> Result<Arc<Loaded>, ApiError> {
        if let Some(loaded) = self.shared.rounds.in_memory(number) {
            return Ok(loaded);
        }
        let server = self.clone();
        blocking(move || Ok(server.shared.rounds.load(number)?)).await
    }
}

/// Serves until told to stop, and then the requests that run.
pub async fn serve(server: Server, listener: TcpListener, stop: CancellationToken) {
    let (connections, idle) = (server.limits.connections, Duration::from_secs(server.limits.idle_s));
    serve::serve(router(Arc::new(server)), listener, connections, idle, stop).await;
}

/// All routes.
pub fn router(server: Arc<Server>) -> Router {
    let idle = Duration::from_secs(server.limits.idle_s);
    let write = Router::new()
        .route("/v1/checkpoints", post(checkpoints))
        .route("/v1/branches", post(branches))
        .layer(DefaultBodyLimit::max(server.limits.body_bytes))
        .layer(middleware::from_fn_with_state(server.clone(), weigh));
    let read = Router::new()
        .route("/v1/health", get(health))
        .route("/metrics", get(metrics))
        .route("/v1/rounds/latest", get(latest))
        .route("/v1/rounds/{number}", get(round))
        .route("/v1/rounds/{number}/slots/{slot}", get(slot_of_round))
        .route("/v1/rounds/{number}/contents", get(contents_of_round))
        .route("/v1/sources/{slot}", get(source))
        .route("/v1/sources/{slot}/proof", get(proof))
        .route("/v1/parts/{base}/{height}", get(part))
        .route("/v1/parts/{base}/{height}/anchors", get(part_anchors))
        .route("/v1/equivocations", get(equivocations))
        .layer(middleware::from_fn_with_state(server.clone(), crowded));
    Router::new()
        .merge(write)
        .merge(read)
        .fallback(async || ApiError::not_found("no such route", "see the aggregator's README for its routes"))
        .layer(middleware::from_fn_with_state(idle, serve::impatient))
        .with_state(server)
}

/// Lets bodies of so many bytes in at a time, by what they say that they weigh; who does not say counts as the largest.
async fn weigh(State(server): State<Its>, mut request: Request, next: Next) -> Response {
    if !server.shared.room.load(Ordering::Acquire) {
        let error =
            ApiError::new(StatusCode::INSUFFICIENT_STORAGE, "the disk is too full to take anything", "tell the operator; try again later");
        return error.into_response();
    }
    let said = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    let bytes = said.unwrap_or(server.limits.body_bytes);
    if bytes > server.limits.body_bytes {
        let error = format!("the body has {bytes} bytes, more than {}", server.limits.body_bytes);
        return ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, error, "send fewer at a time").into_response();
    }
    let units = u32::try_from(bytes.div_ceil(UNIT).max(1)).unwrap_or(u32::MAX);
    match server.in_flight.clone().try_acquire_many_owned(units) {
        Ok(permit) => {
            request.extensions_mut().insert(Arc::new(permit));
            next.run(request).await
        }
        Err(_) => ApiError::busy("too much is worked on at this moment").into_response(),
    }
}

/// Refuses a question while as many others as may be are worked on.
async fn crowded(State(server): State<Its>, request: Request, next: Next) -> Response {
    match server.reads.try_acquire() {
        Ok(_place) => next.run(request).await,
        Err(_) => ApiError::busy("too many questions at this moment").into_response(),
    }
}

fn speaks_scale(headers: &HeaderMap, name: header::HeaderName) -> bool {
    headers.get(name).is_some_and(|value| value.as_bytes().starts_with(SCALE.as_bytes()))
}

/// An answer in the caller's language.
fn answer<T: Serialize + Encode>(headers: &HeaderMap, status: StatusCode, value: &T) -> Response {
    if speaks_scale(headers, header::ACCEPT) || speaks_scale(headers, header::CONTENT_TYPE) {
        (status, [(header::CONTENT_TYPE, SCALE)], value.encode()).into_response()
    } else {
        (status, Json(value)).into_response()
    }
}

/// Reads a list, which in JSON may also be a single one.
pub(crate) fn read_list<T: Decode + DeserializeOwned>(scale: bool, body: &[u8], most: usize) -> Result<Vec<T>, ApiError> {
    let list: Vec<T> = if scale {
        Vec::<T>::decode_all(&mut &body[..])
            .map_err(|error| ApiError::bad(format!("the body is no SCALE list: {error}"), "see the README for what is expected"))?
    } else {
        let bad = |error: serde_json::Error| ApiError::bad(format!("the body cannot be read: {error}"), "send a JSON list, or SCALE");
        match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'{') => vec![serde_json::from_slice(body).map_err(bad)?],
            _ => serde_json::from_slice(body).map_err(bad)?,
        }
    };
    if list.is_empty() || list.len() > most {
        return Err(ApiError::bad(format!("the list has {} items", list.len()), format!("send from 1 to {most} at a time")));
    }
    Ok(list)
}

/// Has items verified, judged and made durable, and answers with what became of each.
async fn submit(
    server: &Server,
    headers: &HeaderMap,
    items: Vec<Item>,
    place: Option<Arc<OwnedSemaphorePermit>>,
) -> Result<Response, ApiError> {
    let (reply, outcomes) = oneshot::channel();
    match server.tickets.try_send(Ticket { items, reply, place }) {
        Ok(()) => {}
        Err(TrySendError::Full(_)) => return Err(ApiError::busy("too many requests wait at this moment")),
        Err(TrySendError::Disconnected(_)) => return Err(ApiError::busy("the aggregator is ending")),
    }
    let outcomes = outcomes.await.map_err(|_| ApiError::busy("the aggregator is ending"))?;
    let status = if outcomes.iter().all(|outcome| outcome.refusal().is_some()) { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    if speaks_scale(headers, header::CONTENT_TYPE) {
        return Ok(answer(headers, status, &outcomes));
    }
    Ok((status, Json(explained(&outcomes))).into_response())
}

/// Outcomes for people.
pub(crate) fn explained(outcomes: &[Outcome]) -> Vec<Explained> {
    outcomes.iter().copied().map(Explained::from).collect()
}

/// An outcome for people: with words.
#[derive(Serialize)]
pub(crate) struct Explained {
    #[serde(flatten)]
    outcome: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<&'static str>,
}

impl From<Outcome> for Explained {
    fn from(outcome: Outcome) -> Self {
        let refusal = outcome.refusal();
        Self { outcome, error: refusal.map(|refusal| refusal.to_string()), advice: refusal.map(|refusal| refusal.advice()) }
    }
}

/// `POST /v1/checkpoints`: a list of submissions. Answers with a list of outcomes, after all that was taken is on disk.
async fn checkpoints(
    State(server): State<Its>,
    headers: HeaderMap,
    permit: Option<axum::Extension<Arc<OwnedSemaphorePermit>>>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let list: Vec<Submission> = read_list(speaks_scale(&headers, header::CONTENT_TYPE), &body, server.limits.batch)?;
    drop(body);
    let items = {
        let view = server.view();
        list.into_iter().map(|submission| collect::prepare(&view, submission)).collect()
    };
    submit(&server, &headers, items, permit.map(|axum::Extension(permit)| permit)).await
}

/// `POST /v1/branches`: a list of signed branches of aggregators below this one, in order.
async fn branches(
    State(server): State<Its>,
    headers: HeaderMap,
    permit: Option<axum::Extension<Arc<OwnedSemaphorePermit>>>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let list: Vec<SignedBranch> = read_list(speaks_scale(&headers, header::CONTENT_TYPE), &body, server.limits.batch)?;
    let items = {
        let view = server.view();
        list.into_iter().map(|signed| collect::prepare_branch(&view, signed)).collect()
    };
    submit(&server, &headers, items, permit.map(|axum::Extension(permit)| permit)).await
}

/// The aggregator itself: `GET /v1/health`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// The chain.
    pub genesis: Digest,
    /// The tree.
    pub aggregator: AggregatorId,
    /// What is collected here.
    pub part: Part,
    /// Whether this is the top.
    pub top: bool,
    /// The key that rounds are signed with.
    pub key: PublicKey,
    /// Registered sources.
    pub sources: usize,
    /// Registered aggregators below.
    pub children: usize,
    /// Rounds that were closed.
    pub rounds: u64,
    /// Rounds that were acknowledged upstream.
    pub acknowledged: u64,
    /// Whether upstream was reached since the start; before that no round is closed.
    pub upstream: bool,
    /// Whether the disk has room.
    pub room: bool,
}

async fn health(State(server): State<Its>) -> Json<Health> {
    let shared = &server.shared;
    let (sources, children) = {
        let view = server.view();
        (view.registry.sources().len(), view.registry.children().len())
    };
    Json(Health {
        genesis: shared.genesis,
        aggregator: shared.rules.aggregator,
        part: shared.part,
        top: shared.top,
        key: PublicKey(shared.signer.account().0),
        sources,
        children,
        rounds: *shared.finished.borrow(),
        acknowledged: shared.acknowledged(),
        upstream: shared.is_checked(),
        room: shared.room.load(Ordering::Acquire),
    })
}

async fn metrics(State(server): State<Its>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], server.shared.metrics.text()).into_response()
}

async fn latest(State(server): State<Its>, headers: HeaderMap) -> Result<Response, ApiError> {
    let newest = server.shared.rounds.newest().ok_or_else(|| ApiError::not_found("there is no round yet", "ask again in a second"))?;
    Ok(answer(&headers, StatusCode::OK, &newest))
}

async fn round(State(server): State<Its>, headers: HeaderMap, Path(number): Path<u64>) -> Result<Response, ApiError> {
    let found = server.shared.rounds.statement(number).ok_or_else(|| missing_round(&server, number))?;
    Ok(answer(&headers, StatusCode::OK, &found))
}

fn missing_round(server: &Server, number: u64) -> ApiError {
    if number < *server.shared.finished.borrow() {
        ApiError::new(StatusCode::GONE, format!("round {number} is no longer kept"), "ask upstream, or the chain")
    } else {
        ApiError::not_found(format!("there is no round {number} yet"), "ask again in a second")
    }
}

async fn slot_of_round(
    State(server): State<Its>,
    headers: HeaderMap,
    Path((number, slot)): Path<(u64, u32)>,
) -> Result<Response, ApiError> {
    server.shared.rounds.statement(number).ok_or_else(|| missing_round(&server, number))?;
    let loaded = server.loaded(number).await?;
    Ok(answer(&headers, StatusCode::OK, &server.anchors.prove_here(slot, &loaded)?))
}

/// All that a round holds: `GET /v1/rounds/{number}/contents?after=SLOT`.
async fn contents_of_round(
    State(server): State<Its>,
    headers: HeaderMap,
    Path(number): Path<u64>,
    Query(asked): Query<After<u32>>,
) -> Result<Response, ApiError> {
    server.shared.rounds.statement(number).ok_or_else(|| missing_round(&server, number))?;
    let loaded = server.loaded(number).await?;
    Ok(answer(&headers, StatusCode::OK, &loaded.contents(asked.after, CONTENTS)))
}

/// What is known of a source: `GET /v1/sources/{slot}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceView {
    /// What is registered.
    pub source: crate::Source,
    /// The newest checkpoint that was taken.
    pub entry: Option<SlotEntry>,
}

async fn source(State(server): State<Its>, Path(slot): Path<u32>) -> Result<Json<SourceView>, ApiError> {
    let view = server.view();
    let source = *view.registry.source(slot).ok_or_else(|| match view.registry.child_of(slot) {
        Some(child) => ApiError::not_found(
            format!("slot {slot} belongs to the part of 2^{} slots from {}, which another aggregator collects", child.height, child.base),
            format!("ask the aggregator with key {}", child.key),
        ),
        None => ApiError::not_found(format!("slot {slot} has no source"), "register one; that it is empty can be proved all the same"),
    })?;
    let entry = view.slots.get(&slot).filter(|(key, _)| *key == source.key).map(|(_, entry)| *entry);
    Ok(Json(SourceView { source, entry }))
}

/// Which proof.
#[derive(Deserialize)]
struct Asked {
    /// Number of the round at the top; the newest unless given.
    round: Option<u64>,
    /// The checkpoint in it must have this many receipts at least.
    size: Option<u64>,
}

async fn proof(
    State(server): State<Its>,
    headers: HeaderMap,
    Path(slot): Path<u32>,
    Query(asked): Query<Asked>,
) -> Result<Response, ApiError> {
    let anchor = server.anchors.at(asked.round);
    let in_memory = anchor.is_some_and(|anchor| server.shared.rounds.in_memory(anchor.branch).is_some());
    let proof = if in_memory {
        server.anchors.prove(slot, asked.round)?
    } else {
        let server = server.clone();
        blocking(move || Ok(server.anchors.prove(slot, asked.round)?)).await?
    };
    if let Some(size) = asked.size {
        let found = proof.entry.map_or(0, |entry| entry.checkpoint.size);
        if found < size {
            let error = format!("the checkpoint in that round has {found} receipts, not yet {size}");
            return Err(ApiError::not_found(error, "ask again in a second"));
        }
    }
    Ok(answer(&headers, StatusCode::OK, &proof))
}

async fn part(State(server): State<Its>, headers: HeaderMap, Path((base, height)): Path<(u32, u8)>) -> Result<Response, ApiError> {
    let view = server.view();
    let child = registered(&view, Part { base, height })?;
    let newest = view.parts.get(&base).filter(|(key, _)| *key == child).map(|(_, signed)| *signed);
    Ok(answer(&headers, StatusCode::OK, &newest))
}

fn registered(view: &View, part: Part) -> Result<PublicKey, ApiError> {
    let child = view.registry.child(part).map(|child| child.key);
    child.ok_or_else(|| {
        let Part { base, height } = part;
        ApiError::not_found(format!("no aggregator below this one has the part of 2^{height} slots from {base}"), "have it registered here")
    })
}

/// Which anchors, or contradictions.
#[derive(Deserialize)]
struct After<T> {
    after: Option<T>,
}

async fn part_anchors(
    State(server): State<Its>,
    headers: HeaderMap,
    Path((base, height)): Path<(u32, u8)>,
    Query(asked): Query<After<u64>>,
) -> Result<Response, ApiError> {
    let part = Part { base, height };
    registered(&server.view(), part)?;
    let found = blocking(move || Ok(server.anchors.of_part(part, asked.after)?)).await?;
    Ok(answer(&headers, StatusCode::OK, &found))
}

/// Signers that contradict themselves: `GET /v1/equivocations?after=NAME`.
#[derive(Debug, Serialize, Deserialize)]
pub struct EquivocationsView {
    /// Each with the name that it is kept under.
    pub equivocations: Vec<(String, Equivocation)>,
    /// Ask after the last name for more.
    pub more: bool,
}

async fn equivocations(State(server): State<Its>, Query(asked): Query<After<String>>) -> Result<Json<EquivocationsView>, ApiError> {
    let listed = blocking(move || server.shared.equivocations.list(asked.after.as_deref(), PAGE).map_err(ApiError::internal));
    let (equivocations, more) = listed.await?;
    Ok(Json(EquivocationsView { equivocations, more }))
}

/// Does what waits for the disk on a thread that may.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, ApiError> + Send + 'static) -> Result<T, ApiError> {
    tokio::task::spawn_blocking(work).await.map_err(ApiError::internal)?
}
