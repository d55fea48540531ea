//! Answers of others over HTTP, which are believed in nothing: bounded, not followed elsewhere, and made harmless before they are shown.
//!
//! Not here: what is asked (`agent`, `aggregator`).

use crate::{fault::Fault, output::plain};
use anyhow::{Context as _, Result, bail};
use blockcloud_client::agent_api::Refusal;
use reqwest::{Client, Response, StatusCode};
use serde::de::DeserializeOwned;

/// Most bytes of an answer as JSON.
pub const LARGEST_JSON: u64 = 1 << 20;

/// A client that follows nobody elsewhere.
pub fn client() -> reqwest::ClientBuilder {
    Client::builder().redirect(reqwest::redirect::Policy::none())
}

/// Who answers.
#[derive(Clone, Copy, Debug)]
pub struct Peer<'a> {
    /// What it is, for messages.
    who: &'static str,
    /// Its base URL.
    base: &'a str,
}

impl<'a> Peer<'a> {
    /// A provider's agent.
    pub fn agent(base: &'a str) -> Self {
        Self { who: "agent", base }
    }

    /// An aggregator.
    pub fn aggregator(base: &'a str) -> Self {
        Self { who: "aggregator", base }
    }

    /// Reads an answer of at most `limit` bytes.
    pub async fn body(self, mut answer: Response, limit: u64, mut progress: impl FnMut(u64)) -> Result<Vec<u8>> {
        let Self { who, base } = self;
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.with_context(|| format!("the {who} at {} broke off", plain(base)))? {
            let read = bytes.len() as u64 + chunk.len() as u64;
            if read > limit {
                bail!(
                    "the {who} at {} sends more than the {limit} bytes that this answer may have: it is broken or means harm",
                    plain(base)
                );
            }
            bytes.extend_from_slice(&chunk);
            progress(read);
        }
        Ok(bytes)
    }

    /// Reads an answer of at most `limit` bytes as JSON.
    pub async fn json<T: DeserializeOwned>(self, answer: Response, limit: u64) -> Result<T> {
        let bytes = self.body(answer, limit, |_| ()).await?;
        let Self { who, base } = self;
        serde_json::from_slice(&bytes).map_err(|error| {
            anyhow::anyhow!("the {who} at {} sent an answer that cannot be read: {}", plain(base), plain(&error.to_string()))
        })
    }

    /// The error for an answer that is no success.
    pub async fn refused(self, answer: Response) -> anyhow::Error {
        let Self { who, base } = self;
        let status = answer.status();
        let text = match self.json::<Refusal>(answer, LARGEST_JSON).await {
            Ok(refusal) => format!("the {who} refused ({status}): {}; {}", plain(&refusal.error), plain(&refusal.advice)),
            Err(_) if status.is_redirection() => {
                format!(
                    "the {who} at {} points elsewhere ({status}), which is not followed: the right address has to be published",
                    plain(base)
                )
            }
            Err(_) => format!("the {who} at {} refused: {status}", plain(base)),
        };
        match status {
            // It is there, or something before it is, but it cannot answer now.
            StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => Fault::Unreachable(text).into(),
            _ => anyhow::Error::msg(text),
        }
    }
}
