//! What a provider's agent and its customers say to each other, as JSON. The agent writes these, the customer's programs read them.
//!
//! Not here: what the agent and the guest say to each other; the HTTP itself.

pub use blockcloud_primitives::SignedCheckpoint;
use blockcloud_primitives::{Digest, End, JobId, JobState};
use serde::{Deserialize, Serialize};

/// What the agent sees of a job's guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GuestState {
    /// Not started.
    None,
    /// Its process runs.
    Running,
    /// It said its last word.
    Finished,
    /// Its process is gone before its last word.
    Dead,
}

/// A job as its agent sees it: `GET /v1/jobs/{job}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobStatus {
    /// The job.
    pub job: JobId,
    /// Its state on chain as last seen; nothing once it is closed.
    pub state: Option<JobState>,
    /// How it ended, once it has.
    pub end: Option<End>,
    /// The guest.
    pub guest: GuestState,
    /// How often a guest was started for it.
    pub launches: u32,
    /// Blobs of the spec that are here.
    pub uploaded: Vec<Digest>,
    /// Blobs of the spec that are not here yet.
    pub missing: Vec<Digest>,
    /// Replay key of the evidence that the guest brought; an envelope must be made for the session of this evidence.
    pub evidence: Option<Digest>,
    /// Whether the customer's key envelope is here.
    pub key: bool,
    /// Number of receipts that are safely stored.
    pub log_size: u64,
    /// The guest's last checkpoint.
    pub checkpoint: Option<SignedCheckpoint>,
    /// Digest of the sealed output, once it is here.
    pub output: Option<Digest>,
    /// Why the job does not go on, where it does not.
    pub note: Option<String>,
}

/// The agent itself: `GET /v1/health`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// The chain that it serves; nothing before its first contact.
    pub genesis: Option<Digest>,
    /// The provider's account.
    pub provider: blockcloud_primitives::AccountId,
    /// Whether it follows a node at the moment.
    pub node: bool,
    /// The last final block that it saw.
    pub finalised: u32,
    /// Number of jobs that are not over.
    pub jobs: usize,
}

/// Why a request was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// What is wrong.
    pub error: String,
    /// What to do about it.
    pub advice: String,
}
