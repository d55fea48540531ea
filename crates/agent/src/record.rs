//! What the agent remembers of a job. The chain is the authority about the job itself; here stands what the chain does not know.

use crate::driver::Guest;
use blockcloud_client::agent_api::SignedCheckpoint;
use blockcloud_primitives::{
    AccountId, Blob, Completion, Digest, End, Evidence, JobId, JobSpec, JobState, JobView, Moment, Receipt, Signature, SiteId,
};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// The secret in a guest's URL: who has it is the guest of one launch of one job.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Token(String);

impl Token {
    /// A new random token.
    pub fn generate() -> Self {
        Self(hex::encode(rand::random::<[u8; 32]>()))
    }

    /// As it stands in the URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Token {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err("not a token")
        }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

/// The guest's last word, as it goes on chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedCompletion {
    /// The completion.
    pub completion: Completion,
    /// By the session's receipt key, over [`Completion::signing_payload`].
    pub signature: Signature,
    /// The receipt of the erasure.
    pub erase_receipt: Receipt,
}

/// The customer's key on its way to the guest. Only the guest can open it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredEnvelope {
    /// Replay key of the evidence whose session it was made for.
    pub evidence: Digest,
    /// The envelope, as the customer sent it.
    pub envelope: serde_json::Value,
}

/// One start of a guest, and what came of it. A new launch begins with nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launch {
    /// One for the first.
    pub number: u32,
    /// The guest's secret.
    pub token: Token,
    /// The running guest; absent between the decision to start it and its being started.
    pub guest: Option<Guest>,
    /// What it brought to be attested.
    pub evidence: Option<Evidence>,
    /// The renewal of that evidence that is under way, if any.
    #[serde(default)]
    pub renewal: Option<Renewal>,
    /// The key that was released to it.
    pub envelope: Option<StoredEnvelope>,
    /// Its last checkpoint.
    pub checkpoint: Option<SignedCheckpoint>,
    /// Its last word.
    pub completion: Option<SignedCompletion>,
    /// Why it cannot come to a good end, where this agent had to refuse what it brought.
    #[serde(default)]
    pub refused: Option<String>,
}

/// A renewal of a guest's evidence: asked for, then brought, then accepted by the chain, after which it takes the place of what it renews.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renewal {
    /// Replay key of the evidence that is renewed.
    pub previous: Digest,
    /// What the guest brought; nothing yet while it is asked.
    pub evidence: Option<Evidence>,
    /// Before when the guest is not asked, because what it brought was refused. Unix milliseconds.
    pub not_before: Moment,
}

impl Launch {
    /// A launch of which nothing is known yet.
    pub fn new(number: u32) -> Self {
        Self {
            number,
            token: Token::generate(),
            guest: None,
            evidence: None,
            renewal: None,
            envelope: None,
            checkpoint: None,
            completion: None,
            refused: None,
        }
    }
}

/// What the agent remembers of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobRecord {
    /// The job.
    pub job: JobId,
    /// Who placed it.
    pub customer: AccountId,
    /// Where it runs.
    pub site: SiteId,
    /// What was asked for.
    pub spec: JobSpec,
    /// Hash of that.
    pub terms: Digest,
    /// Its state on chain as last seen; nothing once it is closed.
    pub state: Option<JobState>,
    /// How it ended, once it has.
    pub end: Option<End>,
    /// When this agent noticed that it was closed, Unix milliseconds.
    pub closed_at: Option<Moment>,
    /// Whether its blobs are deleted.
    pub blobs_deleted: bool,
    /// Whether its receipts and checkpoints are deleted.
    #[serde(default)]
    pub logs_deleted: bool,
    /// When this agent last asked for the payout of what was earned, Unix milliseconds.
    #[serde(default)]
    pub settled_at: Option<Moment>,
    /// When the checkpoint was accepted with which the escrow was first seen to be used up; nothing while there is some left.
    #[serde(default)]
    pub dry_at: Option<Moment>,
    /// The present launch.
    pub launch: Option<Launch>,
    /// Sealed outputs that the guest handed over; the completion says which one counts.
    pub outputs: Vec<Blob>,
    /// Why it does not go on, where it does not.
    pub note: Option<String>,
}

impl JobRecord {
    /// The record of a job that was never seen before.
    pub fn new(view: &JobView) -> Self {
        Self {
            job: view.id,
            customer: view.customer,
            site: view.site,
            spec: view.spec.clone(),
            terms: view.terms,
            state: Some(view.state),
            end: None,
            closed_at: None,
            blobs_deleted: false,
            logs_deleted: false,
            settled_at: None,
            dry_at: None,
            launch: None,
            outputs: Vec::new(),
            note: None,
        }
    }

    /// The blobs that the customer is to hand over.
    pub fn expected(&self) -> impl Iterator<Item = &Blob> {
        core::iter::once(&self.spec.manifest).chain(self.spec.inputs.iter())
    }

    /// How many launches there were.
    pub fn launches(&self) -> u32 {
        self.launch.as_ref().map_or(0, |launch| launch.number)
    }

    /// The evidence of the present launch.
    pub fn evidence(&self) -> Option<&Evidence> {
        self.launch.as_ref()?.evidence.as_ref()
    }

    /// The renewal that is under way.
    pub fn renewal(&self) -> Option<&Renewal> {
        self.launch.as_ref()?.renewal.as_ref()
    }

    /// Renewed evidence that the guest has brought.
    pub fn renewed(&self) -> Option<&Evidence> {
        self.renewal()?.evidence.as_ref()
    }

    /// The last word of the present launch.
    pub fn completion(&self) -> Option<&SignedCompletion> {
        self.launch.as_ref()?.completion.as_ref()
    }

    /// The last checkpoint of the present launch.
    pub fn checkpoint(&self) -> Option<&SignedCheckpoint> {
        self.launch.as_ref()?.checkpoint.as_ref()
    }

    /// Why the present launch cannot come to a good end.
    pub fn refused(&self) -> Option<&str> {
        self.launch.as_ref()?.refused.as_deref()
    }

    /// The output that counts.
    pub fn output(&self) -> Option<Blob> {
        let named = self.completion()?.completion.output;
        self.outputs.iter().find(|blob| **blob == named).copied()
    }

    /// Whether nothing more will happen to it on chain.
    pub fn is_over(&self) -> bool {
        self.end.is_some() || self.closed_at.is_some()
    }
}
