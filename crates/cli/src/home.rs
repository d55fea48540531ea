//! The customer's folder: for every job its data key, its sealed files and what was agreed. Without the key the output is lost, so it is on disk before
//! anything is sent.
//!
//! `HOME/GENESIS/draft-TERMS/` until the job is placed, then `HOME/GENESIS/job-N/`: `data.key` (readable by its owner only, or sealed: `keys`), `job.json`,
//! `blobs/DIGEST`, and `seen.json`: what the chain showed of the job, because it forgets the job an hour after its end.

use crate::keys::Protection;
use anyhow::{Context as _, Result, bail};
use blockcloud_client::{At, Chain};
use blockcloud_primitives::{Blob, Completion, Digest, JobId, JobSpec, JobView, OfferId, Text};
use blockcloud_seal::{DataKey, Manifest};
use serde::{Deserialize, Serialize};
use std::{
    fs,
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

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

impl Agreed {
    /// Reads a job folder's `job.json`.
    pub fn read(file: &Path) -> Result<Self> {
        let text = Zeroizing::new(fs::read(file).with_context(|| format!("cannot read {}", file.display()))?);
        serde_json::from_slice(&text).with_context(|| format!("{} was changed", file.display()))
    }
}

/// What the chain showed of a job, as far as it is needed once the job is closed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Where the provider's agent is.
    pub endpoint: Text<256>,
    /// What the guest signed when it ended, once it has.
    pub completion: Option<Completion>,
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
    pub fn create(
        home: &Path,
        genesis: Digest,
        key: &DataKey,
        protection: &Protection,
        agreed: Agreed,
        blobs: &[(Blob, Vec<u8>)],
    ) -> Result<Self> {
        let (chain, terms) = (Self::chain(home, genesis), agreed.spec.terms());
        let sealed = Zeroizing::new(protection.seal(key, &terms)?);
        let path = chain.join(format!("draft-{}", hex::encode(terms.0)));
        let folder = path.join("blobs");
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", path.display()))?;
        private(&path.join(protection.file()), protection.mode(), &sealed)?;
        private(&path.join("job.json"), protection.mode(), &serde_json::to_vec_pretty(&agreed)?)?;
        for (blob, bytes) in blobs {
            write(&folder.join(blob.digest.to_string()), bytes)?;
        }
        // A file is on disk only when its folder's entry for it is.
        for folder in [&folder, &path, &chain].into_iter().map(PathBuf::as_path).chain(home.ancestors().take(2)) {
            sync(folder)?;
        }
        Ok(Self { path, agreed })
    }

    /// Numbers of the jobs that were placed from here on this chain.
    pub fn jobs(home: &Path, genesis: Digest) -> Result<Vec<JobId>> {
        let folder = Self::chain(home, genesis);
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.with_context(|| format!("cannot read {}", folder.display()))?,
        };
        let mut jobs = Vec::new();
        for entry in entries {
            jobs.extend(entry?.file_name().to_str().and_then(|name| name.strip_prefix("job-")?.parse().ok()).map(JobId));
        }
        Ok(jobs)
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
            sync(&folder)?;
        }
        Self::at(path)
    }

    /// The folder of a job that was placed from here, if it was. No chain is asked.
    pub fn placed_here(home: &Path, genesis: Digest, job: JobId) -> Result<Option<Self>> {
        let path = Self::chain(home, genesis).join(format!("job-{job}"));
        if path.exists() { Self::at(path).map(Some) } else { Ok(None) }
    }

    fn at(path: PathBuf) -> Result<Self> {
        let agreed = Agreed::read(&path.join("job.json"))?;
        Ok(Self { path, agreed })
    }

    /// Gives the draft the number of the job that it became.
    pub fn placed(&mut self, job: JobId) -> Result<()> {
        let path = self.path.with_file_name(format!("job-{job}"));
        fs::rename(&self.path, &path).with_context(|| format!("cannot rename {}", self.path.display()))?;
        self.path = path;
        self.path.parent().map_or(Ok(()), sync)
    }

    /// Notes what the chain shows of the job, as far as it is needed once the job is closed.
    pub fn saw(&self, view: &JobView) -> Result<()> {
        let before = self.seen()?;
        let seen = Seen {
            endpoint: if view.endpoint.is_empty() { before.endpoint.clone() } else { view.endpoint.clone() },
            completion: view.completion.or(before.completion),
        };
        if seen == before {
            return Ok(());
        }
        // Several commands may look at one job: each writes a file of its own, and the last one stays.
        let new = self.path.join(format!("seen.json.{}", std::process::id()));
        write(&new, &serde_json::to_vec_pretty(&seen)?)?;
        fs::rename(&new, self.path.join("seen.json"))?;
        sync(&self.path)
    }

    /// What the chain was last seen to show.
    pub fn seen(&self) -> Result<Seen> {
        let path = self.path.join("seen.json");
        match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).with_context(|| format!("{} was changed: remove it", path.display())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Seen::default()),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    /// Removes a draft that was not placed.
    pub fn discard(self) -> Result<()> {
        Ok(fs::remove_dir_all(self.path)?)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The job's data key, which was protected in this way when the job was placed.
    pub fn data_key(&self, protection: &Protection) -> Result<DataKey> {
        let path = self.path.join(protection.file());
        let sealed = match fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                bail!("the data key is not in {}: say with --key-protection how it was protected when the job was placed", path.display())
            }
            read => Zeroizing::new(read.with_context(|| format!("cannot read {}", path.display()))?),
        };
        protection.open(&sealed, &self.agreed.spec.terms()).with_context(|| format!("cannot open {}", path.display()))
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

/// Writes a new file that is readable by those only whom this mode names.
fn private(path: &Path, mode: u32, content: &[u8]) -> Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    fill(&options, path, content)
}

/// Writes a file.
fn write(path: &Path, content: &[u8]) -> Result<()> {
    fill(fs::OpenOptions::new().write(true).create(true).truncate(true), path, content)
}

/// Writes a file, and waits until its content is on disk.
fn fill(options: &fs::OpenOptions, path: &Path, content: &[u8]) -> Result<()> {
    let write = || -> std::io::Result<()> {
        let mut file = options.open(path)?;
        file.write_all(content)?;
        file.sync_all()
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

/// Waits until a folder's entries are on disk.
fn sync(folder: &Path) -> Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let opened = fs::File::open(folder);
    // A folder above the job folders may belong to somebody else: what cannot be opened cannot be waited for.
    match opened {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(()),
        opened => opened.and_then(|folder| folder.sync_all()).with_context(|| format!("cannot write {} to disk", folder.display())),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::commands::evidence::tests::job;
    use blockcloud_primitives::Exit;
    use blockcloud_seal::{FileEntry, ObjectKey, Sealed};

    pub const GENESIS: Digest = Digest([3; 32]);

    /// A job folder with one sealed file, as a customer has it before anything is sent.
    pub fn folder(home: &Path, key: &DataKey) -> (JobFolder, Blob) {
        let sealed = blockcloud_seal::seal(key, b"an input");
        let blob = Blob { digest: Digest::of(&sealed), bytes: sealed.len() as u64 };
        let entry = FileEntry::new("module.wasm", &Sealed { digest: Digest::ZERO, bytes: 1, blob });
        let mut spec = job().spec;
        spec.inputs = vec![blob].try_into().unwrap();
        let manifest = Manifest::new(ObjectKey::generate(), entry, Vec::new()).unwrap();
        let agreed = Agreed { spec, offer: OfferId(0), manifest };
        (JobFolder::create(home, GENESIS, key, &Protection::default(), agreed, &[(blob, sealed)]).unwrap(), blob)
    }

    pub fn completion(output: Blob) -> Completion {
        Completion { version: 1, job: JobId(5), size: 1, root: Digest::ZERO, output, exit: Exit::Code(0), erased: 0 }
    }

    #[test]
    fn what_was_seen_stays_when_the_job_is_placed_and_when_less_is_shown() {
        let home = tempfile::tempdir().unwrap();
        let (mut folder, blob) = folder(&home.path().join("not/yet/there"), &DataKey::generate());
        assert_eq!(folder.seen().unwrap(), Seen::default());
        folder.placed(JobId(5)).unwrap();
        let (endpoint, completion) = ("http://agent".parse::<Text<256>>().unwrap(), Some(completion(blob)));
        folder.saw(&JobView { endpoint: endpoint.clone(), ..job() }).unwrap();
        assert_eq!(folder.seen().unwrap(), Seen { endpoint: endpoint.clone(), completion: None });
        folder.saw(&JobView { endpoint: endpoint.clone(), completion, ..job() }).unwrap();
        folder.saw(&job()).unwrap();
        assert_eq!(folder.seen().unwrap(), Seen { endpoint, completion });
        assert_eq!(folder.blob(blob.digest).unwrap().len() as u64, blob.bytes);
        let files: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(files.len(), 4, "{files:?}");
    }

    #[test]
    fn a_draft_that_is_discarded_leaves_no_key() {
        let home = tempfile::tempdir().unwrap();
        let (folder, _) = folder(home.path(), &DataKey::generate());
        let path = folder.path().to_owned();
        assert!(path.join("data.key").is_file());
        folder.discard().unwrap();
        assert!(!path.exists());
    }
}
