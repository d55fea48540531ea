//! The provider's agent as its customers see it, over HTTP. It is believed in nothing: every answer is bounded, followed nowhere else, and made
//! harmless before it is shown.

use crate::{
    context::now,
    entry::Entry,
    output::{Output, plain},
    peer::{LARGEST_JSON, Peer, client},
};
use anyhow::{Context as _, Result, bail};
use blockcloud_client::{
    Signer, access,
    agent_api::{Health, JobStatus, SignedCheckpoint},
};
use blockcloud_primitives::{Blob, CollateralItem, Digest, Evidence, JobId, JobView, Receipt};
use blockcloud_seal::Envelope;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde::de::DeserializeOwned;
use std::time::Duration;

/// How long an authorization is good for, in milliseconds.
const AUTHORIZATION: u64 = 10 * 60 * 1000;
/// Most bytes of all checkpoints as JSON.
const LARGEST_CHECKPOINTS: u64 = 64 << 20;
/// Most bytes of an output whose size is not known: a guest has at most 4 GiB of memory for it.
const LARGEST_OUTPUT: u64 = 5 << 30;

/// Most receipts asked for at once.
const PAGE: u64 = 16_384;

/// One job at its provider's agent.
pub struct Agent {
    http: Client,
    base: String,
    job: JobId,
    genesis: Digest,
}

impl Agent {
    /// The agent that a job's provider has published.
    pub fn of(job: &JobView, genesis: Digest, timeout: Duration) -> Result<Self> {
        Self::at(job.endpoint.as_str(), job.id, genesis, timeout)
    }

    /// The agent at this address.
    pub fn at(endpoint: &str, job: JobId, genesis: Digest, timeout: Duration) -> Result<Self> {
        if endpoint.is_empty() {
            bail!("the provider of job {job} has published no agent: ask it to run `blockcloud provider register`");
        }
        let http = client().connect_timeout(timeout).read_timeout(timeout).build()?;
        Ok(Self { http, base: endpoint.trim_end_matches('/').to_owned(), job, genesis })
    }

    fn peer(&self) -> Peer<'_> {
        Peer::agent(&self.base)
    }

    /// The job.
    pub fn job(&self) -> JobId {
        self.job
    }

    fn url(&self, rest: &str) -> String {
        format!("{}/v1/jobs/{}{rest}", self.base, self.job)
    }

    fn authorization(&self, signer: &Signer) -> String {
        access::header(signer, &self.genesis, self.job, now() + AUTHORIZATION)
    }

    /// Sends a request and returns the answer, whatever its status.
    async fn ask(&self, request: RequestBuilder) -> Result<Response> {
        request.send().await.with_context(|| format!("the provider's agent at {} does not answer", plain(&self.base)))
    }

    /// Sends a request that must succeed.
    async fn send(&self, request: RequestBuilder) -> Result<Response> {
        let answer = self.ask(request).await?;
        if answer.status().is_success() { Ok(answer) } else { Err(self.peer().refused(answer).await) }
    }

    /// Sends a request and reads the answer's JSON.
    async fn json<T: DeserializeOwned>(&self, request: RequestBuilder, limit: u64) -> Result<T> {
        self.peer().json(self.send(request).await?, limit).await
    }

    /// The agent itself.
    pub async fn health(base: &str, timeout: Duration) -> Result<Health> {
        let base = base.trim_end_matches('/');
        let answer = client().timeout(timeout).build()?.get(format!("{base}/v1/health")).send().await?;
        if !answer.status().is_success() {
            return Err(Peer::agent(base).refused(answer).await);
        }
        Peer::agent(base).json(answer, LARGEST_JSON).await
    }

    /// The job as the agent sees it; `None` while it does not know the job.
    pub async fn status(&self) -> Result<Option<JobStatus>> {
        let answer = self.ask(self.http.get(self.url(""))).await?;
        match answer.status() {
            StatusCode::NOT_FOUND => Ok(None),
            status if status.is_success() => Ok(Some(self.peer().json(answer, LARGEST_JSON).await?)),
            _ => Err(self.peer().refused(answer).await),
        }
    }

    /// The evidence of the job's present guest.
    pub async fn evidence(&self) -> Result<Evidence> {
        self.json(self.http.get(self.url("/evidence")), LARGEST_JSON).await
    }

    /// The vendor's collateral that the provider has. Whoever uses it verifies it.
    pub async fn collateral(&self) -> Result<Vec<CollateralItem>> {
        self.json(self.http.get(format!("{}/v1/collateral", self.base)), LARGEST_JSON).await
    }

    /// Uploads a sealed blob.
    pub async fn upload(&self, signer: &Signer, blob: &Blob, bytes: Vec<u8>) -> Result<()> {
        let request = self.http.put(self.url(&format!("/blobs/{}", blob.digest))).header("authorization", self.authorization(signer));
        self.send(request.body(bytes)).await?;
        Ok(())
    }

    /// Hands over the data key, wrapped for the guest of this evidence.
    pub async fn release(&self, signer: &Signer, evidence: Digest, envelope: &Envelope) -> Result<()> {
        let request = self.http.post(self.url(&format!("/key?evidence={evidence}"))).header("authorization", self.authorization(signer));
        self.send(request.json(envelope)).await?;
        Ok(())
    }

    /// Downloads the sealed output. Where the chain was never seen to say which one it is, the seal must tell.
    pub async fn fetch(&self, signer: &Signer, expected: Option<&Blob>, output: Output) -> Result<Vec<u8>> {
        let request = self.http.get(self.url("/output")).header("authorization", self.authorization(signer));
        let answer = self.send(request).await?;
        let (limit, total) = match expected {
            Some(blob) => (blob.bytes, blob.bytes),
            None => (LARGEST_OUTPUT, answer.content_length().unwrap_or_default()),
        };
        let progress = output.bytes(total, "fetching the sealed output");
        let bytes = self.peer().body(answer, limit, |read| progress.set_position(read)).await?;
        progress.finish_and_clear();
        if let Some(expected) = expected
            && Digest::of(&bytes) != expected.digest
        {
            bail!(
                "what the agent sent is not the output that the guest signed for: digest {} instead of {}",
                Digest::of(&bytes),
                expected.digest
            );
        }
        Ok(bytes)
    }

    /// Downloads the first `size` entries of the log. Nothing is verified here.
    pub async fn receipts(&self, size: u64, output: Output) -> Result<Vec<Entry>> {
        let length = Receipt::ENCODED_LEN as u64;
        let progress = output.bytes(size.saturating_mul(length), "fetching receipts");
        let mut receipts = Vec::new();
        while (receipts.len() as u64) < size {
            let from = receipts.len() as u64;
            let limit = (size - from).min(PAGE);
            let answer = self.send(self.http.get(self.url(&format!("/receipts?from={from}&limit={limit}")))).await?;
            let bytes = self.peer().body(answer, limit.saturating_mul(length), |_| ()).await?;
            let before = receipts.len();
            for record in bytes.chunks_exact(Receipt::ENCODED_LEN) {
                receipts.push(Entry::read(record)?);
            }
            if receipts.len() == before {
                bail!("the agent has only {before} of the {size} receipts that the chain knows of: it withholds the rest");
            }
            progress.set_position(receipts.len() as u64 * length);
        }
        progress.finish_and_clear();
        Ok(receipts)
    }

    /// All of the guest's signed checkpoints, by size, fetched page by page. Nothing is verified here.
    pub async fn checkpoints(&self) -> Result<Vec<SignedCheckpoint>> {
        let mut all = Vec::<SignedCheckpoint>::new();
        loop {
            let from = all.last().map_or(0, |last| last.checkpoint.size.saturating_add(1));
            let page = self.http.get(self.url(&format!("/checkpoints?from={from}")));
            let page: Vec<SignedCheckpoint> = self.json(page, LARGEST_CHECKPOINTS).await?;
            // An agent that serves the same again would be asked for ever.
            let forward = page.iter().map(|signed| signed.checkpoint.size).is_sorted_by(|a, b| a < b);
            if page.first().is_some_and(|first| first.checkpoint.size < from) || !forward {
                bail!("the agent's checkpoints are not in the order of their sizes: it is broken or means harm");
            }
            if page.is_empty() {
                return Ok(all);
            }
            all.extend(page);
        }
    }
}

#[cfg(test)]
mod tests;
