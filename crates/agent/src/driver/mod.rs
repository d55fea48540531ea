//! How guests are started, watched and stopped. One trait, one implementation for each kind of machine that a guest may run in.
//!
//! A guest outlives the agent: what is needed to find it again is in [`Guest`], which is stored. Not here: what guest and agent say to each
//! other (`http::guest`), when a guest is started (`decide`).

mod process;

use blockcloud_primitives::{Digest, JobId, Measurement};
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

pub use process::ProcessDriver;
pub(crate) use process::describe;

/// Why a guest cannot be started or stopped.
#[derive(Debug, thiserror::Error)]
pub enum DriverError {
    /// The program cannot be started.
    #[error("cannot start the guest {program}: {reason}")]
    Start {
        /// The program.
        program: String,
        /// Why.
        reason: String,
    },
    /// The processor, or what stands in for it, refused the launch.
    #[error("cannot launch at {url}: {reason}")]
    Processor {
        /// Whom it was asked.
        url: String,
        /// What it said.
        reason: String,
    },
    /// A running guest cannot be stopped.
    #[error("cannot stop the guest with process id {pid}: {reason}")]
    Stop {
        /// The process.
        pid: u32,
        /// Why.
        reason: String,
    },
}

/// What a guest is started for.
#[derive(Clone, Debug)]
pub struct LaunchRequest {
    /// The job.
    pub job: JobId,
    /// Hash of the job's terms: what the launch is bound to (SEV-SNP: host data).
    pub terms: Digest,
    /// Base URL under which the guest reaches the agent; its last part is the guest's secret and unique to the launch.
    pub agent: String,
}

/// A guest that was started, wherever the agent is by now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "driver", rename_all = "snake_case")]
pub enum Guest {
    /// A process of this host.
    Process {
        /// Its process id.
        pid: u32,
        /// When it was started, in clock ticks since the host was: a process id alone may have gone to another process since.
        started: u64,
        /// Id of the host's present start: the ticks begin anew with each.
        boot: String,
        /// What was measured at launch, where the driver knows it.
        measurement: Option<Measurement>,
    },
}

/// A way to run guests.
pub trait Driver: Send + Sync {
    /// Starts a guest.
    fn launch<'a>(&'a self, request: &'a LaunchRequest) -> BoxFuture<'a, Result<Guest, DriverError>>;

    /// Looks for a guest that was started with this agent URL, but whose start was not noted before the agent died.
    fn find<'a>(&'a self, agent: &'a str) -> BoxFuture<'a, Option<Guest>>;

    /// Whether it still runs.
    fn alive<'a>(&'a self, guest: &'a Guest) -> BoxFuture<'a, bool>;

    /// Ends it: politely first. That it has ended already is no error.
    fn stop<'a>(&'a self, guest: &'a Guest) -> BoxFuture<'a, Result<(), DriverError>>;
}
