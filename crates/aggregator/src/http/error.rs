//! Refusals of a request as a whole. What becomes of each checkpoint in it is an `Outcome`.

use crate::{anchors::ProofError, rounds::RoundsError};
use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use blockcloud_client::agent_api::Refusal;

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

    /// What is wrong, and what to do.
    #[cfg(feature = "nats")]
    pub(crate) fn refusal(&self) -> &Refusal {
        &self.refusal
    }

    /// 400: the request itself is wrong.
    pub fn bad(error: impl ToString, advice: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error, advice)
    }

    /// 404.
    pub fn not_found(error: impl ToString, advice: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, error, advice)
    }

    /// 503: not at this moment. Nothing of the request was taken.
    pub fn busy(error: impl ToString) -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            error,
            "send it again in a second: what was not answered may or may not have been taken, and is known then",
        )
    }

    /// 500.
    pub fn internal(error: impl ToString) -> Self {
        let error = error.to_string();
        tracing::error!(target: "blockcloud::aggregator", error, "a request failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, error, "try again; if it repeats, the aggregator's log and disk need a look")
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let busy = self.status == StatusCode::SERVICE_UNAVAILABLE;
        let mut response = (self.status, Json(self.refusal)).into_response();
        if busy {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

impl From<ProofError> for ApiError {
    fn from(error: ProofError) -> Self {
        match error {
            ProofError::NotYet => Self::not_found(error, "ask again in a second"),
            ProofError::NotKept(_) => Self::new(StatusCode::GONE, error, "ask without a round for the newest"),
            ProofError::NotHere(_) => {
                Self::not_found(error, "ask the aggregator that collects the slot: its path leads through this one to the top")
            }
            ProofError::Wrong(_) | ProofError::Rounds(_) => Self::internal(error),
        }
    }
}

impl From<RoundsError> for ApiError {
    fn from(error: RoundsError) -> Self {
        ProofError::from(error).into()
    }
}
