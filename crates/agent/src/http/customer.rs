//! The customer's routes: `/v1/...`. What changes something, and the output, needs the authorization of the customer or of an account that acts for it;
//! the rest is public, because whoever holds a job's number may verify it.

use super::{ApiError, Shared, send_blob};
use crate::{
    agent::{Agent, now},
    decide::GuestProcess,
    log::JobLogError,
    record::{JobRecord, StoredEnvelope},
};
use axum::{
    Json,
    body::Body,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use blockcloud_client::{
    At, Role,
    access::{self, AccessError},
    agent_api::{GuestState, Health, JobStatus, SignedCheckpoint},
};
use blockcloud_primitives::{CollateralItem, Digest, Evidence, JobId, Receipt};
use blockcloud_receipt_log::document::{ConsistencyDocument, InclusionDocument};
use serde::Deserialize;
use std::{str::FromStr as _, sync::Arc};

/// Most receipts or checkpoints in one answer.
const PAGE: u64 = 4_096;
/// Largest key envelope as JSON.
const ENVELOPE: usize = 4 << 10;

/// Which receipts.
#[derive(Deserialize)]
pub struct Range {
    #[serde(default)]
    from: u64,
    #[serde(default = "page")]
    limit: u64,
}

/// Which checkpoints.
#[derive(Deserialize)]
pub struct Pages {
    from: Option<u64>,
    #[serde(default = "page")]
    limit: u64,
}

fn page() -> u64 {
    PAGE
}

/// Which inclusion proof.
#[derive(Deserialize)]
pub struct Inclusion {
    index: u64,
    size: Option<u64>,
}

/// Which consistency proof.
#[derive(Deserialize)]
pub struct Consistency {
    old: u64,
    new: Option<u64>,
}

/// For which session a key is meant.
#[derive(Deserialize)]
pub struct For {
    evidence: Option<Digest>,
}

async fn record_of(agent: &Shared, job: &str) -> Result<JobRecord, ApiError> {
    let job = JobId::from_str(job).map_err(|_| ApiError::bad("the job is not a number", "name the job by its number"))?;
    let record = agent.record(job).await?;
    record.ok_or_else(|| {
        ApiError::not_found(
            format!("job {job} is not one of this provider's"),
            "wait until the placement is final, and ask the provider of its offer",
        )
    })
}

/// Refuses whoever is neither the job's customer nor acts for it in one of these roles.
async fn authorize(agent: &Agent, record: &JobRecord, headers: &HeaderMap, roles: &[Role]) -> Result<(), ApiError> {
    let genesis = agent.genesis().ok_or_else(|| ApiError::no_node("no node was reached yet"))?;
    let header = headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap_or_default());
    let access = access::verify(header, &genesis, record.job, now())?;
    if access.account == record.customer {
        return Ok(());
    }
    let deputies = match agent.chain() {
        Some(chain) => chain.deputies(record.customer, At::Finalised).await.map_err(anyhow::Error::from)?,
        None => Vec::new(),
    };
    let acts = roles.iter().any(|role| deputies.iter().any(|deputy| deputy.is(access.account, *role)));
    if acts { Ok(()) } else { Err(AccessError::NotTheCustomer(access.account).into()) }
}

/// `GET health`.
pub async fn health(State(agent): State<Shared>) -> Json<Health> {
    let node = *agent.node.borrow();
    let jobs = agent.store.live();
    Json(Health { genesis: agent.genesis(), provider: agent.provider(), node: node.reachable, finalised: node.finalised, jobs })
}

/// `GET collateral`: what the vendor publishes beside its evidence, as this agent fetched it last. Whoever uses it verifies it.
pub async fn collateral(State(agent): State<Shared>) -> Result<Json<Vec<CollateralItem>>, ApiError> {
    let data = agent.config.data.clone();
    let kept = tokio::task::spawn_blocking(move || crate::collateral::kept(&data)).await;
    let kept = kept.map_err(|error| error.to_string()).and_then(|kept| kept.map_err(|error| error.to_string()));
    kept.map(Json)
        .map_err(|error| ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, error, "have the provider run `blockcloud-agent collateral`"))
}

/// `GET jobs/{job}`.
pub async fn status(State(agent): State<Shared>, Path(job): Path<String>) -> Result<Json<JobStatus>, ApiError> {
    let record = record_of(&agent, &job).await?;
    let (mut uploaded, mut missing) = (Vec::new(), Vec::new());
    for blob in record.expected() {
        let here = agent.blobs.length(record.job, blob.digest).await?.is_some();
        let list = if here { &mut uploaded } else { &mut missing };
        // What is missing of a job that is over was deleted, and nobody waits for it.
        if !list.contains(&blob.digest) && (here || !record.is_over()) {
            list.push(blob.digest);
        }
    }
    let (guest, record) = agent.guest_process(record).await?;
    let guest = match guest {
        _ if record.completion().is_some() => GuestState::Finished,
        GuestProcess::None | GuestProcess::Unknown => GuestState::None,
        GuestProcess::Alive => GuestState::Running,
        GuestProcess::Dead => GuestState::Dead,
    };
    let log_size = record.checkpoint().map_or(0, |signed| signed.checkpoint.size);
    Ok(Json(JobStatus {
        job: record.job,
        state: record.state,
        end: record.end,
        guest,
        launches: record.launches(),
        uploaded,
        missing,
        evidence: record.evidence().map(Evidence::replay_key),
        key: record.launch.as_ref().is_some_and(|launch| launch.envelope.is_some()),
        log_size,
        checkpoint: record.checkpoint().copied(),
        output: record.output().map(|blob| blob.digest),
        note: record.note,
    }))
}

/// `PUT jobs/{job}/blobs/{digest}`: a sealed blob of the job's spec.
pub async fn upload(
    State(agent): State<Shared>,
    Path((job, digest)): Path<(String, Digest)>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, ApiError> {
    let record = record_of(&agent, &job).await?;
    authorize(&agent, &record, &headers, &[Role::Buyer, Role::Security]).await?;
    let blob = *record.expected().find(|blob| blob.digest == digest).ok_or_else(|| {
        ApiError::bad(format!("the job's spec names no blob {digest}"), "send the sealed manifest and inputs of the spec")
    })?;
    if record.is_over() {
        return Err(ApiError::conflict("the job is over", "place another job"));
    }
    // A launch means that it was taken: limits that were lowered since do not matter.
    let judged = if record.launch.is_none() { agent.config.accept.judge(&record.spec, u128::MAX, 0) } else { Ok(()) };
    judged.map_err(|reason| {
        ApiError::conflict(format!("this provider does not take the job: {reason}"), "cancel the job and place it under another offer")
    })?;
    agent.blobs.write_exact(record.job, blob, body.into_data_stream()).await?;
    agent.live(record.job).changed.raise();
    Ok(StatusCode::NO_CONTENT)
}

/// `GET jobs/{job}/evidence`: the evidence of the job's present guest.
pub async fn evidence(State(agent): State<Shared>, Path(job): Path<String>) -> Result<Json<Evidence>, ApiError> {
    let record = record_of(&agent, &job).await?;
    let evidence = record.evidence().cloned();
    evidence.map(Json).ok_or_else(|| ApiError::not_found("the guest has brought no evidence yet", "ask again later"))
}

/// `POST jobs/{job}/key`: the data key, wrapped for the attested guest. With `?evidence=DIGEST` it is refused unless made for this session.
pub async fn key(
    State(agent): State<Shared>,
    Path(job): Path<String>,
    Query(meant): Query<For>,
    headers: HeaderMap,
    Json(envelope): Json<serde_json::Value>,
) -> Result<StatusCode, ApiError> {
    let record = record_of(&agent, &job).await?;
    authorize(&agent, &record, &headers, &[Role::Security]).await?;
    if !envelope.is_object() || envelope.to_string().len() > ENVELOPE {
        return Err(ApiError::bad("this is not a key envelope", "send the envelope as JSON"));
    }
    if record.is_over() {
        return Err(ApiError::conflict("the job is over", "place another job"));
    }
    let set = move |record: &mut JobRecord| {
        let launch = record.launch.as_mut().ok_or("the job has no guest yet")?;
        let present = launch.evidence.as_ref().map(Evidence::replay_key).ok_or("the guest has brought no evidence yet")?;
        if meant.evidence.is_some_and(|meant| meant != present) {
            return Err("the envelope is for a guest that was replaced");
        }
        launch.envelope = Some(StoredEnvelope { evidence: present, envelope });
        Ok(())
    };
    let changed = agent.store.update(record.job, set).await?;
    changed
        .map_err(|reason| ApiError::conflict(reason, "wait for the job to be attested, verify its evidence, and wrap the key for that"))?;
    agent.live(record.job).changed.raise();
    Ok(StatusCode::NO_CONTENT)
}

/// `GET jobs/{job}/output`: the sealed output.
pub async fn output(State(agent): State<Shared>, Path(job): Path<String>, headers: HeaderMap) -> Result<Response, ApiError> {
    let record = record_of(&agent, &job).await?;
    authorize(&agent, &record, &headers, &[Role::Buyer]).await?;
    let blob = record.output().ok_or_else(|| ApiError::not_found("there is no output yet", "ask again when the job is completed"))?;
    if record.blobs_deleted {
        return Err(ApiError::new(
            StatusCode::GONE,
            "the output was deleted: its time here is over",
            "fetch outputs soon after completion",
        ));
    }
    send_blob(&agent, record.job, blob.digest).await
}

/// `GET jobs/{job}/receipts?from=&limit=`: receipts in their canonical encoding, one after another.
pub async fn receipts(State(agent): State<Shared>, Path(job): Path<String>, Query(range): Query<Range>) -> Result<Response, ApiError> {
    let (size, bytes) = read_log(&agent, &job, move |log| {
        let size = log.size();
        let count = size.saturating_sub(range.from).min(range.limit).min(PAGE);
        let bytes = log.encoded(range.from, usize::try_from(count).unwrap_or_default())?;
        Ok((size, bytes))
    })
    .await?;
    debug_assert!(bytes.len().is_multiple_of(Receipt::ENCODED_LEN));
    let headers = [(header::CONTENT_TYPE, "application/octet-stream".to_owned()), (LOG_SIZE, size.to_string())];
    Ok((headers, bytes).into_response())
}

/// Header that says how many receipts the log has.
const LOG_SIZE: header::HeaderName = header::HeaderName::from_static("blockcloud-log-size");

/// `GET jobs/{job}/checkpoints?from=&limit=`, by size: those of this size and more, or without one the newest.
pub async fn checkpoints(
    State(agent): State<Shared>,
    Path(job): Path<String>,
    Query(pages): Query<Pages>,
) -> Result<Json<Vec<SignedCheckpoint>>, ApiError> {
    let record = record_of(&agent, &job).await?;
    if record.logs_deleted {
        return Err(log_is_gone());
    }
    let limit = usize::try_from(pages.limit.min(PAGE)).unwrap_or_default();
    Ok(Json(agent.store.checkpoints(record.job, record.launches(), pages.from, limit).await?))
}

/// `GET jobs/{job}/proof?index=&size=`: that a receipt is in the log. Without a size, of the last checkpoint.
pub async fn proof(
    State(agent): State<Shared>,
    Path(job): Path<String>,
    Query(asked): Query<Inclusion>,
) -> Result<Json<InclusionDocument>, ApiError> {
    let document =
        read_log(&agent, &job, move |log| log.ask(|tree| InclusionDocument::of(tree, asked.index, asked.size.unwrap_or(tree.size()))));
    let document = document.await?;
    document.map(Json).map_err(|error| ApiError::bad(error, "ask for a position below the size, and a size of at most the log's"))
}

/// `GET jobs/{job}/consistency?old=&new=`: that the log of one size continues that of another.
pub async fn consistency(
    State(agent): State<Shared>,
    Path(job): Path<String>,
    Query(asked): Query<Consistency>,
) -> Result<Json<ConsistencyDocument>, ApiError> {
    let document =
        read_log(&agent, &job, move |log| log.ask(|tree| ConsistencyDocument::of(tree, asked.old, asked.new.unwrap_or(tree.size()))));
    let document = document.await?;
    document.map(Json).map_err(|error| ApiError::bad(error, "ask for an older size of at least 1 and a newer one of at most the log's"))
}

/// Reads the log of a job's present guest.
async fn read_log<T: Send + 'static>(
    agent: &Shared,
    job: &str,
    read: impl FnOnce(&crate::log::JobLog) -> Result<T, JobLogError> + Send + 'static,
) -> Result<T, ApiError> {
    let record = record_of(agent, job).await?;
    if record.launches() == 0 {
        return Err(ApiError::not_found("the job has no guest yet, so no receipts", "ask again later"));
    }
    if record.logs_deleted {
        return Err(log_is_gone());
    }
    let live: Arc<_> = agent.live(record.job);
    if !record.is_over() {
        return Ok(agent.with_log(&live, record.launches(), move |log| read(log)).await?);
    }
    let read = agent.with_archived_log(&live, record.launches(), move |log| read(log)).await?;
    // Between the files' deletion and the note of it, or because the guest never brought any.
    read.ok_or_else(|| {
        if record.closed_at.is_some() { log_is_gone() } else { ApiError::not_found("the job has no receipts", "it ended before") }
    })
}

fn log_is_gone() -> ApiError {
    ApiError::new(
        StatusCode::GONE,
        "the receipts were deleted: their time here is over",
        "export receipts soon after a job's end: what was exported can be verified for ever",
    )
}
