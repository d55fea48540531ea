//! The guest's routes: `/guest/{token}/...`. The guest is the client; the token says whose guest it is.
//!
//! Everything can be asked and handed over again: agent, guest and node die independently. Not here: what the chain is told, and when (`job`).

use super::{ApiError, Shared, send_blob};
use crate::{
    agent::{Agent, now},
    blobs::BlobError,
    bounds::largest_output,
    log::JobLogError,
    record::{JobRecord, Launch, Renewal, SignedCompletion, Token},
};
use axum::{
    Json,
    body::Body,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use blockcloud_client::agent_api::SignedCheckpoint;
use blockcloud_primitives::{
    AccountId, Blob, Checkpoint, Completion, Digest, Evidence, JobId, JobSpec, Op, PublicKey, Signature, SiteId, Tee,
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Longest wait for a key within one request.
const LONGEST_WAIT: u64 = 60;

/// A recent block.
#[derive(Serialize)]
pub struct Anchor {
    number: u32,
    hash: Digest,
}

/// What a guest has to know.
#[derive(Serialize)]
pub struct LaunchInfo {
    genesis: Digest,
    provider: AccountId,
    job: JobId,
    site: SiteId,
    spec: JobSpec,
    anchor: Anchor,
}

/// How long to wait for a key.
#[derive(Deserialize)]
pub struct Wait {
    #[serde(default)]
    wait: u64,
}

/// A batch of receipts and the checkpoint that it ends at.
#[derive(Deserialize)]
pub struct Batch {
    first_seq: u64,
    receipts: String,
    checkpoint: Checkpoint,
    signature: Signature,
}

/// Whether the guest is to end, and which evidence it is to renew.
#[derive(Serialize)]
pub struct Control {
    stop: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    renew: Option<Renew>,
}

/// Which evidence is to be renewed, and a recent block for the new one.
#[derive(Serialize)]
struct Renew {
    previous: Digest,
    anchor: Anchor,
}

/// The record of the guest with this token, and its launch.
async fn guest_of(agent: &Agent, token: &str) -> Result<(JobRecord, Launch), ApiError> {
    let token: Token = token.parse().map_err(|_| ApiError::gone())?;
    let record = agent.guest(token).await?.ok_or_else(ApiError::gone)?;
    let launch = record.launch.clone().ok_or_else(ApiError::gone)?;
    Ok((record, launch))
}

/// Changes the launch with this token; if another guest has taken its place meanwhile, nothing.
async fn change_launch(agent: &Agent, job: JobId, token: Token, change: impl FnOnce(&mut Launch) + Send + 'static) -> Result<(), ApiError> {
    let changed = agent
        .store
        .update(job, move |record| match &mut record.launch {
            Some(launch) if launch.token == token => {
                change(launch);
                Ok(())
            }
            _ => Err(()),
        })
        .await?;
    changed.map_err(|()| ApiError::gone())?;
    agent.live(job).changed.raise();
    Ok(())
}

/// Notes why a guest cannot come to a good end: it is refused what it cannot do without.
async fn refuse(agent: &Agent, job: JobId, token: Token, reason: String) -> Result<(), ApiError> {
    tracing::warn!(target: "blockcloud::agent", %job, reason, "the guest cannot go on");
    change_launch(agent, job, token, move |launch| launch.refused = Some(reason)).await
}

/// `GET launch`: the job and a recent block to bind the evidence to.
pub async fn launch(State(agent): State<Shared>, Path(token): Path<String>) -> Result<Json<LaunchInfo>, ApiError> {
    let (record, _) = guest_of(&agent, &token).await?;
    let chain = agent.chain().ok_or_else(|| ApiError::no_node("no node was reached yet"))?;
    let anchor = chain.finalised().await.map_err(ApiError::no_node)?;
    Ok(Json(LaunchInfo {
        genesis: chain.genesis(),
        provider: agent.provider(),
        job: record.job,
        site: record.site,
        spec: record.spec,
        anchor: Anchor { number: anchor.number, hash: anchor.hash },
    }))
}

/// `POST evidence`.
pub async fn evidence(
    State(agent): State<Shared>,
    Path(token): Path<String>,
    Json(evidence): Json<Evidence>,
) -> Result<StatusCode, ApiError> {
    let (record, launch) = guest_of(&agent, &token).await?;
    if launch.evidence.as_ref() == Some(&evidence) {
        return Ok(StatusCode::NO_CONTENT);
    }
    if launch.checkpoint.is_some() {
        return Err(ApiError::conflict(
            "the guest's log has begun under other evidence",
            "sign checkpoints with the key that the first evidence bound",
        ));
    }
    // The layout of other hardware's evidence has no place for one.
    if matches!(evidence.tee, Tee::SevSnp | Tee::Simulated) && evidence.certificate.is_empty() {
        let reason = "the guest's evidence has no certificate of the chip that signed it (VCEK): the chain cannot verify it";
        refuse(&agent, record.job, launch.token, reason.into()).await?;
        return Err(ApiError::bad(
            reason,
            "end; the provider has to have its host supply the certificate: `blockcloud-agent doctor` says how",
        ));
    }
    let set = move |launch: &mut Launch| {
        launch.evidence = Some(evidence);
        // An envelope that was made for other evidence does not open under this one.
        launch.envelope = None;
    };
    change_launch(&agent, record.job, launch.token, set).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET key?wait=SECS`: the customer's envelope, or 204 if it is not here in time.
pub async fn key(State(agent): State<Shared>, Path(token): Path<String>, Query(query): Query<Wait>) -> Result<Response, ApiError> {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(query.wait.min(LONGEST_WAIT));
    loop {
        let job = guest_of(&agent, &token).await?.0.job;
        // Subscribed before the record is read, so that no change falls between.
        let mut changed = agent.live(job).changed.subscribe();
        let (record, launch) = guest_of(&agent, &token).await?;
        let brought = launch.evidence.as_ref().map(Evidence::replay_key);
        if let Some(stored) = launch.envelope.filter(|stored| Some(stored.evidence) == brought) {
            return Ok(Json(stored.envelope).into_response());
        }
        if record.is_over() {
            return Ok(StatusCode::NO_CONTENT.into_response());
        }
        tokio::select! {
            () = tokio::time::sleep_until(deadline) => return Ok(StatusCode::NO_CONTENT.into_response()),
            () = agent.stop.cancelled() => return Ok(StatusCode::NO_CONTENT.into_response()),
            _ = changed.changed() => {}
        }
    }
}

/// `GET blobs/{digest}`: a sealed input.
pub async fn blob(State(agent): State<Shared>, Path((token, digest)): Path<(String, Digest)>) -> Result<Response, ApiError> {
    let (record, _) = guest_of(&agent, &token).await?;
    if !record.expected().any(|blob| blob.digest == digest) {
        return Err(ApiError::not_found(format!("the job has no blob {digest}"), "ask for blobs of the job's spec"));
    }
    send_blob(&agent, record.job, digest).await
}

/// `PUT output/{digest}`: a sealed output, as long as what was accepted with the job.
pub async fn output(
    State(agent): State<Shared>,
    Path((token, digest)): Path<(String, Digest)>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, ApiError> {
    let (record, launch) = guest_of(&agent, &token).await?;
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let written = agent.blobs.write_up_to(record.job, digest, largest_output(&record.spec), announced, body.into_data_stream()).await;
    if let Err(error @ BlobError::TooLong { .. }) = &written {
        refuse(&agent, record.job, launch.token, format!("the output is larger than any of this job may be: {error}")).await?;
    }
    let blob = Blob { digest, bytes: written? };
    let add = move |record: &mut JobRecord| {
        if !record.outputs.contains(&blob) {
            record.outputs.push(blob);
        }
    };
    agent.store.change(record.job, add).await?;
    agent.live(record.job).changed.raise();
    Ok(StatusCode::NO_CONTENT)
}

/// `POST log`: receipts, and the checkpoint that vouches for them.
pub async fn log(State(agent): State<Shared>, Path(token): Path<String>, Json(batch): Json<Batch>) -> Result<StatusCode, ApiError> {
    let (record, launch) = guest_of(&agent, &token).await?;
    if record.closed_at.is_some() {
        return Err(ApiError::gone());
    }
    let Batch { first_seq, receipts, checkpoint, signature } = batch;
    if checkpoint.job != record.job || checkpoint.version != Checkpoint::VERSION {
        return Err(ApiError::bad("the checkpoint is of another job or version", "sign checkpoints of version 1 of this guest's own job"));
    }
    let genesis = genesis(&agent)?;
    verify(&launch, &checkpoint.signing_payload(&genesis), &signature)?;
    let receipts = hex::decode(receipts.strip_prefix("0x").unwrap_or(&receipts))
        .map_err(|_| ApiError::bad("the receipts are not hex", "send the receipts' canonical encoding as hex"))?;
    let live = agent.live(record.job);
    let limit = agent.config.accept.max_log_bytes;
    let taken = agent.with_log(&live, launch.number, move |log| log.take_up_to(limit, first_seq, &receipts, &checkpoint)).await;
    if let Err(error @ JobLogError::Full { .. }) = &taken {
        refuse(&agent, record.job, launch.token.clone(), error.to_string()).await?;
    }
    taken?;
    let signed = SignedCheckpoint { checkpoint, signature };
    agent.store.add_checkpoint(launch.number, signed).await?;
    let advance = move |launch: &mut Launch| {
        if launch.checkpoint.is_none_or(|newest| newest.checkpoint.size < checkpoint.size) {
            launch.checkpoint = Some(signed);
        }
    };
    change_launch(&agent, record.job, launch.token, advance).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST completion`: the guest's last word.
pub async fn completion(
    State(agent): State<Shared>,
    Path(token): Path<String>,
    Json(last): Json<SignedCompletion>,
) -> Result<StatusCode, ApiError> {
    let (record, launch) = guest_of(&agent, &token).await?;
    let genesis = genesis(&agent)?;
    let completion = last.completion;
    if completion.job != record.job || completion.version != Completion::VERSION {
        return Err(ApiError::bad("the completion is of another job or version", "sign a completion of version 1 of this guest's own job"));
    }
    verify(&launch, &completion.signing_payload(&genesis), &last.signature)?;
    let erased = &last.erase_receipt;
    if erased.op != Op::Erase || erased.seq != completion.erased || erased.job != record.job {
        return Err(ApiError::bad("the receipt is not the erasure that the completion names", "send the erase receipt itself"));
    }
    if !record.outputs.contains(&completion.output) {
        return Err(ApiError::conflict("the output is not here", "hand over the sealed output before the completion"));
    }
    if launch.checkpoint.is_none_or(|newest| (newest.checkpoint.size, newest.checkpoint.root) != (completion.size, completion.root)) {
        return Err(ApiError::conflict(
            "the last checkpoint is another than the completion names",
            "hand over the log up to the completion's size first",
        ));
    }
    change_launch(&agent, record.job, launch.token, move |launch| launch.completion = Some(last)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET control`.
pub async fn control(State(agent): State<Shared>, Path(token): Path<String>) -> Result<Json<Control>, ApiError> {
    let (record, launch) = guest_of(&agent, &token).await?;
    let reason = match record.end {
        Some(end) => Some(end.to_string()),
        None if record.closed_at.is_some() => Some("the job is closed".to_owned()),
        None => None,
    };
    let renew = match launch.renewal {
        Some(Renewal { previous, evidence: None, not_before }) if reason.is_none() && now() >= not_before => {
            // Without a node there is no block to bind; the guest asks again.
            let anchor = match agent.chain() {
                Some(chain) => chain.finalised().await.ok(),
                None => None,
            };
            anchor.map(|anchor| Renew { previous, anchor: Anchor { number: anchor.number, hash: anchor.hash } })
        }
        _ => None,
    };
    Ok(Json(Control { stop: reason.is_some(), reason, renew }))
}

/// `POST renewal`: evidence that renews that of the guest's session. It must be of the same keys; the chain judges the rest.
pub async fn renewal(
    State(agent): State<Shared>,
    Path(token): Path<String>,
    Json(evidence): Json<Evidence>,
) -> Result<StatusCode, ApiError> {
    let (record, launch) = guest_of(&agent, &token).await?;
    let keys = |evidence: &Evidence| (evidence.receipt_key, evidence.wrapping_key);
    if launch.evidence.as_ref().map(keys) != Some(keys(&evidence)) {
        return Err(ApiError::conflict("this is evidence of other keys", "renew the evidence of the keys that were attested first"));
    }
    match launch.renewal {
        None => return Err(ApiError::conflict("no renewal was asked for", "renew evidence when `control` says so")),
        // Brought twice: the answer was lost.
        Some(Renewal { evidence: Some(_), .. }) => return Ok(StatusCode::NO_CONTENT),
        Some(Renewal { evidence: None, .. }) => {}
    }
    let set = move |launch: &mut Launch| {
        if let Some(renewal) = &mut launch.renewal {
            renewal.evidence = Some(evidence);
        }
    };
    change_launch(&agent, record.job, launch.token, set).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn genesis(agent: &Agent) -> Result<Digest, ApiError> {
    agent.genesis().ok_or_else(|| ApiError::no_node("no node was reached yet"))
}

/// Checks a signature of the guest's receipt key.
fn verify(launch: &Launch, payload: &[u8], signature: &Signature) -> Result<(), ApiError> {
    let evidence =
        launch.evidence.as_ref().ok_or_else(|| ApiError::conflict("the guest has brought no evidence yet", "bring evidence first"))?;
    let PublicKey(key) = evidence.receipt_key;
    let valid = ed25519_dalek::VerifyingKey::from_bytes(&key)
        .is_ok_and(|key| key.verify_strict(payload, &ed25519_dalek::Signature::from_bytes(&signature.0)).is_ok());
    if valid {
        Ok(())
    } else {
        Err(ApiError::bad("the signature is not that of the key in the evidence", "sign with the receipt key that the evidence binds"))
    }
}
