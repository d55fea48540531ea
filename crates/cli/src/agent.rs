//! The provider's agent as its customers see it, over HTTP.

use crate::{context::now, output::Output};
use anyhow::{Context as _, Result, bail};
use blockcloud_client::{
    Signer, access,
    agent_api::{Health, JobStatus, Refusal, SignedCheckpoint},
};
use blockcloud_primitives::{Blob, Digest, Evidence, JobId, JobView, Receipt};
use blockcloud_seal::Envelope;
use codec::Decode as _;
use std::time::Duration;

/// How long an authorization is good for, in milliseconds.
const AUTHORIZATION: u64 = 10 * 60 * 1000;

/// One job at its provider's agent.
pub struct Agent {
    http: reqwest::Client,
    base: String,
    job: JobId,
    genesis: Digest,
}

impl Agent {
    /// The agent that a job's provider has published.
    pub fn of(job: &JobView, genesis: Digest, timeout: Duration) -> Result<Self> {
        if job.endpoint.is_empty() {
            bail!("the provider of job {} has published no agent: ask it to run `blockcloud provider register`", job.id);
        }
        let http = reqwest::Client::builder().connect_timeout(timeout).read_timeout(timeout).build()?;
        Ok(Self { http, base: job.endpoint.as_str().trim_end_matches('/').to_owned(), job: job.id, genesis })
    }

    fn url(&self, rest: &str) -> String {
        format!("{}/v1/jobs/{}{rest}", self.base, self.job)
    }

    fn authorization(&self, signer: &Signer) -> String {
        access::header(signer, &self.genesis, self.job, now() + AUTHORIZATION)
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<reqwest::Response> {
        let answer = request.send().await.with_context(|| format!("the provider's agent at {} does not answer", self.base))?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let status = answer.status();
        match answer.json::<Refusal>().await {
            Ok(refusal) => bail!("the agent refused ({status}): {}; {}", refusal.error, refusal.advice),
            Err(_) => bail!("the agent at {} refused: {status}", self.base),
        }
    }

    /// The agent itself.
    pub async fn health(base: &str, timeout: Duration) -> Result<Health> {
        let http = reqwest::Client::builder().timeout(timeout).build()?;
        Ok(http.get(format!("{}/v1/health", base.trim_end_matches('/'))).send().await?.error_for_status()?.json().await?)
    }

    /// The job as the agent sees it; `None` while it does not know the job.
    pub async fn status(&self) -> Result<Option<JobStatus>> {
        let request = self.http.get(self.url(""));
        let answer = request.send().await.with_context(|| format!("the provider's agent at {} does not answer", self.base))?;
        match answer.status() {
            reqwest::StatusCode::NOT_FOUND => Ok(None),
            _ => Ok(Some(answer.error_for_status()?.json().await?)),
        }
    }

    /// The evidence of the job's present guest.
    pub async fn evidence(&self) -> Result<Evidence> {
        Ok(self.send(self.http.get(self.url("/evidence"))).await?.json().await?)
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

    /// Downloads the sealed output.
    pub async fn fetch(&self, signer: &Signer, expected: &Blob, output: Output) -> Result<Vec<u8>> {
        let request = self.http.get(self.url("/output")).header("authorization", self.authorization(signer));
        let mut answer = self.send(request).await?;
        let progress = output.bytes(expected.bytes, "fetching the sealed output");
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            if (bytes.len() + chunk.len()) as u64 > expected.bytes {
                bail!("the agent sends more than the {} bytes of the output", expected.bytes);
            }
            bytes.extend_from_slice(&chunk);
            progress.set_position(bytes.len() as u64);
        }
        progress.finish_and_clear();
        if Digest::of(&bytes) != expected.digest {
            bail!(
                "what the agent sent is not the output that the guest signed for: digest {} instead of {}",
                Digest::of(&bytes),
                expected.digest
            );
        }
        Ok(bytes)
    }

    /// Downloads the first `size` receipts of the log. Nothing is verified here.
    pub async fn receipts(&self, size: u64, output: Output) -> Result<Vec<Receipt>> {
        let progress = output.bytes(size * Receipt::ENCODED_LEN as u64, "fetching receipts");
        let mut receipts = Vec::new();
        while (receipts.len() as u64) < size {
            let (from, limit) = (receipts.len() as u64, size - receipts.len() as u64);
            let bytes = self.send(self.http.get(self.url(&format!("/receipts?from={from}&limit={limit}")))).await?.bytes().await?;
            let before = receipts.len();
            for record in bytes.chunks_exact(Receipt::ENCODED_LEN).take(usize::try_from(limit)?) {
                receipts.push(Receipt::decode(&mut &record[..]).context("the agent sent something that is no receipt")?);
            }
            if receipts.len() == before {
                bail!("the agent has only {before} of the {size} receipts that the chain knows of: it withholds the rest");
            }
            progress.set_position(receipts.len() as u64 * Receipt::ENCODED_LEN as u64);
        }
        progress.finish_and_clear();
        Ok(receipts)
    }

    /// The guest's signed checkpoints. Nothing is verified here.
    pub async fn checkpoints(&self) -> Result<Vec<SignedCheckpoint>> {
        Ok(self.send(self.http.get(self.url("/checkpoints"))).await?.json().await?)
    }
}
