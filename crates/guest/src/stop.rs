//! Being told to stop: by the agent, by the job's own deadline, by the operating system.
//!
//! Everything that waits also waits for this.

use std::sync::Arc;
use tokio::sync::watch;

/// The guest was told to stop.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("stopped: {0}")]
pub struct Stopped(pub String);

/// Whether and why the guest is to stop. Clones share it.
#[derive(Clone, Debug)]
pub struct Stop(Arc<watch::Sender<Option<String>>>);

impl Default for Stop {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(None)))
    }
}

impl Stop {
    /// Tells everybody to stop. The first reason counts.
    pub fn stop(&self, reason: impl Into<String>) {
        self.0.send_if_modified(|now| match now {
            Some(_) => false,
            None => {
                *now = Some(reason.into());
                true
            }
        });
    }

    /// Whether it has been said already.
    pub fn check(&self) -> Result<(), Stopped> {
        match &*self.0.borrow() {
            Some(reason) => Err(Stopped(reason.clone())),
            None => Ok(()),
        }
    }

    /// Waits until it is said.
    pub async fn stopped(&self) -> Stopped {
        let mut receiver = self.0.subscribe();
        let reason = receiver.wait_for(Option::is_some).await.ok().and_then(|reason| reason.clone());
        Stopped(reason.unwrap_or_default())
    }

    /// Waits for `work`, but no longer than until it is said.
    pub async fn or<T>(&self, work: impl Future<Output = T>) -> Result<T, Stopped> {
        tokio::select! {
            biased;
            stopped = self.stopped() => Err(stopped),
            done = work => Ok(done),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_reason_counts_for_all_clones() {
        let stop = Stop::default();
        assert_eq!(stop.check(), Ok(()));
        assert_eq!(stop.or(async { 1 }).await, Ok(1));
        let clone = stop.clone();
        clone.stop("first");
        clone.stop("second");
        assert_eq!(stop.check(), Err(Stopped("first".into())));
        assert_eq!(stop.or(std::future::pending::<()>()).await, Err(Stopped("first".into())));
    }
}
