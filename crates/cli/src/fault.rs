//! What the exit code needs to know about an error: wrong usage, or somebody who cannot be reached. Everything else is a refusal.

/// An error whose kind decides the exit code.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The command line, or a file that it names, is wrong.
    #[error("{0}")]
    Usage(String),
    /// A node or an agent cannot be reached, or cannot answer now.
    #[error("{0}")]
    Unreachable(String),
    /// The job is over or closed: there is nothing to go on with.
    #[error("{0}")]
    Over(String),
}

/// Wrong usage.
pub fn usage(text: impl Into<String>) -> anyhow::Error {
    Fault::Usage(text.into()).into()
}

/// Makes any error one of wrong usage.
pub fn as_usage(error: impl Into<anyhow::Error>) -> anyhow::Error {
    usage(format!("{:#}", error.into()))
}

/// Whether the job is known to be over or closed.
pub fn is_over(error: &anyhow::Error) -> bool {
    fault(error).is_some_and(|fault| matches!(fault, Fault::Over(_)))
}

fn fault(error: &anyhow::Error) -> Option<&Fault> {
    // The first also sees what was given to an error as its context.
    error.downcast_ref().or_else(|| error.chain().find_map(|cause| cause.downcast_ref()))
}

/// The exit code for a failure: 1 refused, 2 wrong usage, 3 unreachable.
pub fn exit_code(error: &anyhow::Error) -> u8 {
    match fault(error) {
        Some(Fault::Usage(_)) => 2,
        Some(Fault::Unreachable(_)) => 3,
        Some(Fault::Over(_)) => 1,
        None if is_unreachable(error) => 3,
        None => 1,
    }
}

/// Whether this failed because a node or an agent could not be reached, or the connection to it was lost.
pub fn is_unreachable(error: &anyhow::Error) -> bool {
    let http = |error: &reqwest::Error| error.is_connect() || error.is_timeout() || error.is_request() || error.is_body();
    matches!(fault(error), Some(Fault::Unreachable(_)))
        || error.chain().any(|cause| {
            cause.downcast_ref::<blockcloud_client::Error>().is_some_and(blockcloud_client::Error::is_unreachable)
                || cause.downcast_ref::<reqwest::Error>().is_some_and(http)
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::{Context as _, anyhow};

    #[test]
    fn every_kind_has_its_exit_code_however_it_is_wrapped() {
        let away = || blockcloud_client::Error::Unreachable { url: "ws://h".into(), reason: "refused".into() };
        let cases = [
            (usage("no key"), 2),
            (as_usage(anyhow!("not a module")), 2),
            (Fault::Unreachable("503".into()).into(), 3),
            (away().into(), 3),
            (Fault::Over("job 1 is over".into()).into(), 1),
            (blockcloud_client::Error::Invalid { reason: "no".into() }.into(), 1),
            (anyhow!("no"), 1),
        ];
        for (error, code) in cases {
            assert_eq!(exit_code(&error), code, "{error:#}");
            let wrapped = Err::<(), _>(error).context("job 5 is placed").unwrap_err();
            assert_eq!(exit_code(&wrapped), code, "{wrapped:#}");
        }
    }
}
