//! The agent over HTTP: `/guest/{token}` for guests, `/v1` for customers. Errors are JSON: what is wrong, and what to do.
//!
//! Not here: TLS. What goes over these routes is ciphertext, public, or signed; a proxy gives the rest to customers elsewhere.

pub mod customer;
mod error;
pub mod guest;
mod serve;
#[cfg(test)]
mod tests;

use crate::agent::Agent;
use axum::{
    Router,
    body::Body,
    extract::DefaultBodyLimit,
    http::{HeaderValue, header},
    middleware,
    response::{IntoResponse as _, Response},
    routing::{get, post, put},
};
use blockcloud_primitives::{Digest, JobId};
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio_util::io::ReaderStream;

pub use error::ApiError;
pub use serve::{Limits, serve};

/// Largest JSON body where the content is of fixed shape.
const SMALL: usize = 64 << 10;
/// Largest batch of receipts: about 35,000 as hex.
const BATCH: usize = 16 << 20;

type Shared = Arc<Agent>;

/// All routes.
pub fn router(agent: Shared, limits: Limits) -> Router {
    let guest = Router::new()
        .route("/launch", get(guest::launch))
        .route("/evidence", post(guest::evidence))
        .route("/renewal", post(guest::renewal))
        .route("/key", get(guest::key))
        .route("/blobs/{digest}", get(guest::blob))
        .route("/output/{digest}", put(guest::output).layer(DefaultBodyLimit::disable()))
        .route("/log", post(guest::log).layer(DefaultBodyLimit::max(BATCH)))
        .route("/completion", post(guest::completion))
        .route("/control", get(guest::control));
    // These are quick, and everybody may ask: only so many at a time. What takes long, a customer has signed for.
    let read = Router::new()
        .route("/health", get(customer::health))
        .route("/collateral", get(customer::collateral))
        .route("/jobs/{job}", get(customer::status))
        .route("/jobs/{job}/evidence", get(customer::evidence))
        .route("/jobs/{job}/output", get(customer::output))
        .route("/jobs/{job}/receipts", get(customer::receipts))
        .route("/jobs/{job}/checkpoints", get(customer::checkpoints))
        .route("/jobs/{job}/proof", get(customer::proof))
        .route("/jobs/{job}/consistency", get(customer::consistency))
        .layer(middleware::from_fn_with_state(Arc::new(Semaphore::new(limits.requests)), serve::crowded));
    let customer = Router::new()
        .route("/jobs/{job}/blobs/{digest}", put(customer::upload).layer(DefaultBodyLimit::disable()))
        .route("/jobs/{job}/key", post(customer::key))
        .merge(read);
    Router::new()
        .nest("/guest/{token}", guest)
        .nest("/v1", customer)
        .fallback(async || ApiError::not_found("no such route", "see the agent's documentation for its routes"))
        .layer(DefaultBodyLimit::max(SMALL))
        .layer(middleware::from_fn_with_state(limits.idle, serve::impatient))
        .with_state(agent)
}

/// Streams a blob from the disk.
async fn send_blob(agent: &Agent, job: JobId, digest: Digest) -> Result<Response, ApiError> {
    let (file, length) = agent
        .blobs
        .read(job, digest)
        .await?
        .ok_or_else(|| ApiError::not_found(format!("blob {digest} is not here"), "hand it over first, or ask again later"))?;
    let mut response = Body::from_stream(ReaderStream::with_capacity(file, 64 << 10)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    Ok(response)
}
