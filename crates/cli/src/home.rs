//! The customer's folder: for every job its data key, its sealed files and what was agreed. Without the key the output is lost, so it is on disk before
//! anything is sent.
//!
//! `HOME/GENESIS/draft-TERMS/` until the job is placed, then `HOME/GENESIS/job-N/`: `data.key` (hex, readable by its owner only), `job.json`,
//! `blobs/DIGEST`.

use anyhow::{Context as _, Result, bail};
use blockcloud_client::{At, Chain};
use blockcloud_primitives::{Blob, Digest, JobId, JobSpec, OfferId};
use blockcloud_seal::{DataKey, Manifest};
use serde::{Deserialize, Serialize};
use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

/// What was agreed about a job.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Agreed {
    /// The job spec.
    pub spec: JobSpec,
    /// The offer it was to be placed under.
    pub offer: OfferId,
    /// The manifest in plain: names and digests, and the key of the digests in receipts.
    pub manifest: Manifest,
}

/// A job's folder.
pub struct JobFolder {
    path: PathBuf,
    /// What was agreed.
    pub agreed: Agreed,
}

impl JobFolder {
    fn chain(home: &Path, genesis: Digest) -> PathBuf {
        home.join(hex::encode(&genesis.0[..8]))
    }

    /// Writes a new job's key and what was agreed.
    pub fn create(home: &Path, genesis: Digest, key: &DataKey, agreed: Agreed, blobs: &[(Blob, Vec<u8>)]) -> Result<Self> {
        let path = Self::chain(home, genesis).join(format!("draft-{}", hex::encode(agreed.spec.terms().0)));
        fs::create_dir_all(path.join("blobs")).with_context(|| format!("cannot make {}", path.display()))?;
        private(&path.join("data.key"), format!("{}\n", hex::encode(key.as_bytes())).as_bytes())?;
        private(&path.join("job.json"), &serde_json::to_vec_pretty(&agreed)?)?;
        for (blob, bytes) in blobs {
            fs::write(path.join("blobs").join(blob.digest.to_string()), bytes)?;
        }
        Ok(Self { path, agreed })
    }

    /// Finds a placed job's folder; a draft is recognised by its terms, in case the last run was cut off before it could give it the job's number.
    pub async fn find(home: &Path, chain: &Chain, job: JobId) -> Result<Self> {
        let folder = Self::chain(home, chain.genesis());
        let path = folder.join(format!("job-{job}"));
        if !path.exists() {
            let terms = chain.job(job, At::Best).await?.with_context(|| format!("there is no job {job}, or it is closed"))?.terms;
            let draft = folder.join(format!("draft-{}", hex::encode(terms.0)));
            if !draft.exists() {
                bail!("job {job} was not placed from here: its data key is not in {}", folder.display());
            }
            fs::rename(&draft, &path)?;
        }
        let text = fs::read(path.join("job.json")).with_context(|| format!("cannot read {}", path.join("job.json").display()))?;
        let agreed = serde_json::from_slice(&text).with_context(|| format!("{} was changed", path.join("job.json").display()))?;
        Ok(Self { path, agreed })
    }

    /// Gives the draft the number of the job that it became.
    pub fn placed(&mut self, job: JobId) -> Result<()> {
        let path = self.path.with_file_name(format!("job-{job}"));
        fs::rename(&self.path, &path)?;
        self.path = path;
        Ok(())
    }

    /// Removes a draft that was not placed.
    pub fn discard(self) -> Result<()> {
        Ok(fs::remove_dir_all(self.path)?)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The job's data key.
    pub fn data_key(&self) -> Result<DataKey> {
        let path = self.path.join("data.key");
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut bytes = [0; 32];
        hex::decode_to_slice(text.trim(), &mut bytes).with_context(|| format!("{} does not hold a key", path.display()))?;
        Ok(DataKey::from_bytes(bytes))
    }

    /// A sealed blob.
    pub fn blob(&self, digest: Digest) -> Result<Vec<u8>> {
        let path = self.path.join("blobs").join(digest.to_string());
        let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        if Digest::of(&bytes) != digest {
            bail!("{} was changed: it can no longer be uploaded for this job", path.display());
        }
        Ok(bytes)
    }

    /// The manifest and all inputs, as the spec lists them.
    pub fn blobs(&self) -> impl Iterator<Item = &Blob> {
        std::iter::once(&self.agreed.spec.manifest).chain(&self.agreed.spec.inputs)
    }
}

/// Writes a new file that only its owner can read.
fn private(path: &Path, content: &[u8]) -> Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).with_context(|| format!("cannot write {}", path.display()))?;
    file.write_all(content)?;
    file.sync_all()?;
    Ok(())
}
