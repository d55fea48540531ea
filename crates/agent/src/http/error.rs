//! Refusals over HTTP.

use crate::{blobs::BlobError, log::JobLogError, store::StoreError};
use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use blockcloud_client::{access::AccessError, agent_api::Refusal};
use std::io;

/// A refused request: status, what is wrong, what to do.
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    refusal: Refusal,
}

impl ApiError {
    /// A refusal.
    pub fn new(status: StatusCode, error: impl ToString, advice: impl Into<String>) -> Self {
        Self { status, refusal: Refusal { error: error.to_string(), advice: advice.into() } }
    }

    /// 400: the request itself is wrong.
    pub fn bad(error: impl ToString, advice: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error, advice)
    }

    /// 404.
    pub fn not_found(error: impl ToString, advice: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, error, advice)
    }

    /// 409: right in itself, but not now.
    pub fn conflict(error: impl ToString, advice: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, error, advice)
    }

    /// 410: this guest has been replaced, or its job is over.
    pub fn gone() -> Self {
        Self::new(StatusCode::GONE, "this token is not that of a running guest", "end: the job has another guest or none")
    }

    /// 503: the node is needed and away.
    pub fn no_node(reason: impl ToString) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, reason, "try again: the agent has no contact to a node at the moment")
    }

    fn internal(error: impl ToString) -> Self {
        let error = error.to_string();
        tracing::error!(target: "blockcloud::agent", error, "a request failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, error, "try again; if it repeats, the agent's log and disk need a look")
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        (self.status, Json(self.refusal)).into_response()
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Self::internal(error)
    }
}

impl From<io::Error> for ApiError {
    fn from(error: io::Error) -> Self {
        Self::internal(error)
    }
}

impl From<anyhow::Error> for ApiError {
    fn from(error: anyhow::Error) -> Self {
        match error.downcast::<blockcloud_client::Error>() {
            Ok(error) if error.is_unreachable() => Self::no_node(error),
            Ok(error) => Self::internal(error),
            Err(error) => Self::internal(error),
        }
    }
}

impl From<BlobError> for ApiError {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::Io(error) => Self::internal(error),
            BlobError::TooLong { .. } => {
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, error, "hand over less, or choose a provider that takes more")
            }
            // Both are asked again by guests: a second request of one guest comes while its first, cut off, is still thought to live.
            BlobError::Busy => Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                error,
                "wait until it is here or breaks off; the job's status says whether it is here",
            ),
            BlobError::Interrupted(_) => Self::new(StatusCode::REQUEST_TIMEOUT, error, "send the blob again"),
            BlobError::NoRoom { .. } => Self::new(
                StatusCode::INSUFFICIENT_STORAGE,
                error,
                "try again later; the provider has to make room on the disk of its data folder (run.keep_free_bytes)",
            ),
            BlobError::WrongLength { .. } | BlobError::WrongDigest { .. } => {
                Self::bad(error, "send exactly the sealed blob that the job's spec names")
            }
        }
    }
}

impl From<JobLogError> for ApiError {
    fn from(error: JobLogError) -> Self {
        match &error {
            JobLogError::Log(_) | JobLogError::Stopped => Self::internal(error),
            JobLogError::Crowded => Self::new(StatusCode::SERVICE_UNAVAILABLE, error, "ask again in a few seconds"),
            JobLogError::Full { .. } => {
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, error, "end: the job is given up; place it where more receipts are taken")
            }
            JobLogError::Gap { size, .. } => {
                let advice = format!("hand over the receipts from position {size} on");
                Self::conflict(error, advice)
            }
            _ => Self::bad(error, "hand over exactly the receipts that the checkpoint vouches for"),
        }
    }
}

impl From<AccessError> for ApiError {
    fn from(error: AccessError) -> Self {
        let status = match error {
            AccessError::NotTheCustomer(_) => StatusCode::FORBIDDEN,
            _ => StatusCode::UNAUTHORIZED,
        };
        let advice = error.advice();
        Self::new(status, error, advice)
    }
}
