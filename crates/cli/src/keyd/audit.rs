//! The audit log: what the daemon decided, one line of JSON each, on disk before it acts. Every line holds the digest (BLAKE3) of the line before it, so that the
//! newest digest, the head, fixes all of them: whoever noted a head sees when anything before it is removed or replaced.
//!
//! Not here: the proof that the guest got the key. That is a receipt of kind `KeyRelease` in the job's own log, signed by the guest.

use crate::{context::now, verdict::Answer};
use anyhow::{Context as _, Result, bail, ensure};
use blockcloud_primitives::{AccountId, Digest, JobId, Moment, PublicKey};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeSet,
    fmt,
    fs::{self, File, TryLockError},
    io::{ErrorKind, Write as _},
    path::Path,
};

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The daemon started with this configuration and policy.
    Started {
        /// BLAKE3 of that file.
        config: Digest,
    },
    /// A guest asked, and something did not hold.
    Refused {
        /// The job.
        job: JobId,
        /// Replay key of the guest's evidence.
        evidence: Digest,
        /// What did not hold.
        failed: Vec<Answer>,
    },
    /// Everything holds; the officers are asked.
    Requested {
        /// The job.
        job: JobId,
        /// Replay key of the guest's evidence.
        evidence: Digest,
    },
    /// The key is about to be wrapped and sent. Written first: whatever happens then, this counts as a release.
    Releasing {
        /// The job.
        job: JobId,
        /// Replay key of the guest's evidence.
        evidence: Digest,
        /// For whom it is wrapped.
        wrapping_key: PublicKey,
        /// The officers who approved.
        officers: Vec<AccountId>,
    },
    /// The provider's agent took the envelope.
    Released {
        /// The job.
        job: JobId,
        /// Replay key of the guest's evidence.
        evidence: Digest,
    },
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its number, from zero.
    seq: u64,
    /// When, Unix milliseconds.
    time: Moment,
    /// Digest of the line before it; zero for the first.
    previous: Digest,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}: ", self.seq, self.time)?;
        match &self.event {
            Event::Started { config } => write!(f, "started with configuration {config}"),
            Event::Refused { job, evidence, failed } => {
                let failed: Vec<_> = failed.iter().map(ToString::to_string).collect();
                write!(f, "job {job}, guest {evidence}: REFUSED: {}", failed.join("; "))
            }
            Event::Requested { job, evidence } => write!(f, "job {job}, guest {evidence}: officers are asked"),
            Event::Releasing { job, evidence, wrapping_key, officers } => {
                let officers: Vec<_> = officers.iter().map(ToString::to_string).collect();
                let who = if officers.is_empty() { "by policy alone".into() } else { format!("approved by {}", officers.join(", ")) };
                write!(f, "job {job}, guest {evidence}: releasing to wrapping key {wrapping_key}, {who}")
            }
            Event::Released { job, evidence } => write!(f, "job {job}, guest {evidence}: released"),
        }
    }
}

/// A log as it was read and verified.
pub struct Audit {
    /// Every whole line.
    pub entries: Vec<Entry>,
    /// The head after each of them.
    pub heads: BTreeSet<Digest>,
    head: Digest,
    /// Bytes of the whole lines: what is behind them is a line that was cut off.
    whole: u64,
}

impl Audit {
    /// Digest of the last line; zero while there is none.
    pub fn head(&self) -> Digest {
        self.head
    }
}

/// Reads a log, and refuses one whose chain is broken. A last line that was cut off does not count: nothing was done after it.
pub fn read(path: &Path) -> Result<Audit> {
    let text = match fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
        text => text.with_context(|| format!("cannot read {}", path.display()))?,
    };
    let mut audit = Audit { entries: Vec::new(), heads: BTreeSet::new(), head: Digest::ZERO, whole: 0 };
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let Some(line) = line.strip_suffix(b"\n") else { break };
        let seq = audit.entries.len() as u64;
        let broken = || format!("{}: line {} was changed, or a line before it is missing", path.display(), seq + 1);
        let entry: Entry = serde_json::from_slice(line).with_context(broken)?;
        ensure!(entry.seq == seq && entry.previous == audit.head, broken());
        audit.head = Digest::of(line);
        audit.heads.insert(audit.head);
        audit.entries.push(entry);
        audit.whole += line.len() as u64 + 1;
    }
    Ok(audit)
}

/// The log of a running daemon. One at a time has it.
pub struct AuditLog {
    file: File,
    head: Digest,
    next: u64,
    /// Every guest for which a release was begun.
    releasing: BTreeSet<(JobId, Digest)>,
    /// Every guest whose agent took the envelope, in order.
    released: Vec<(JobId, Digest)>,
}

impl AuditLog {
    /// Opens or makes a log.
    pub fn open(path: &Path) -> Result<Self> {
        let folder = path.parent().context("a folder")?;
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let mut options = File::options();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path).with_context(|| format!("cannot write {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!("another blockcloud-keyd runs with {}: stop it first", folder.display()),
            Err(TryLockError::Error(error)) => return Err(error).with_context(|| format!("cannot lock {}", path.display())),
        }
        let audit = read(path)?;
        if file.metadata()?.len() > audit.whole {
            file.set_len(audit.whole).with_context(|| format!("cannot cut the unfinished line off {}", path.display()))?;
        }
        // Its entry in the folder must be on disk, too.
        File::open(folder).and_then(|folder| folder.sync_all()).with_context(|| format!("cannot write {} to disk", folder.display()))?;
        let mut log = Self { file, head: audit.head, next: audit.entries.len() as u64, releasing: BTreeSet::new(), released: Vec::new() };
        for entry in &audit.entries {
            log.remember(&entry.event);
        }
        Ok(log)
    }

    fn remember(&mut self, event: &Event) {
        match event {
            Event::Releasing { job, evidence, .. } => {
                self.releasing.insert((*job, *evidence));
            }
            Event::Released { job, evidence } => self.released.push((*job, *evidence)),
            Event::Started { .. } | Event::Refused { .. } | Event::Requested { .. } => {}
        }
    }

    /// Writes an event, and returns once it is on disk.
    pub fn append(&mut self, event: Event) -> Result<()> {
        let entry = Entry { seq: self.next, time: now(), previous: self.head, event };
        let mut line = serde_json::to_vec(&entry)?;
        let head = Digest::of(&line);
        line.push(b'\n');
        self.file
            .write_all(&line)
            .and_then(|()| self.file.sync_data())
            .context("cannot write the audit log: nothing is released without it")?;
        self.head = head;
        self.next += 1;
        self.remember(&entry.event);
        Ok(())
    }

    /// The guest of this job that was given its key last.
    pub fn given(&self, job: JobId) -> Option<Digest> {
        self.released.iter().rev().find(|(of, _)| *of == job).map(|(_, evidence)| *evidence)
    }

    /// To how many guests of this job other than this one a release was begun.
    pub fn others(&self, job: JobId, evidence: Digest) -> usize {
        self.releasing.range((job, Digest::ZERO)..=(job, Digest([0xff; 32]))).filter(|(_, of)| *of != evidence).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JOB: JobId = JobId(5);
    const GUEST: Digest = Digest([1; 32]);

    fn releasing(job: JobId, evidence: Digest) -> Event {
        Event::Releasing { job, evidence, wrapping_key: PublicKey([4; 32]), officers: vec![AccountId([5; 32])] }
    }

    /// A log of three entries in a folder of its own.
    fn log() -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/audit.jsonl");
        let mut log = AuditLog::open(&path).unwrap();
        log.append(Event::Started { config: Digest::ZERO }).unwrap();
        log.append(releasing(JOB, GUEST)).unwrap();
        log.append(Event::Released { job: JOB, evidence: GUEST }).unwrap();
        (folder, path)
    }

    #[test]
    fn what_was_released_is_known_after_a_restart() {
        let (_folder, path) = log();
        let mut log = AuditLog::open(&path).unwrap();
        let (other, job) = (Digest([2; 32]), JobId(6));
        assert_eq!((log.given(JOB), log.given(job)), (Some(GUEST), None));
        assert_eq!((log.others(JOB, GUEST), log.others(JOB, other), log.others(job, other)), (0, 1, 0));
        log.append(releasing(JOB, other)).unwrap();
        // Begun counts, whether or not the agent took it; the same guest again does not.
        assert_eq!((log.given(JOB), log.others(JOB, GUEST), log.others(JOB, other)), (Some(GUEST), 1, 1));
        assert_eq!(read(&path).unwrap().entries.len(), 4);
    }

    #[test]
    fn a_line_that_was_changed_or_removed_is_named() {
        let (_folder, path) = log();
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<_> = text.lines().collect();
        let with = |lines: &[&str]| {
            fs::write(&path, lines.join("\n") + "\n").unwrap();
            read(&path).err().map(|error| format!("{error:#}"))
        };
        assert_eq!(with(&lines), None);
        let changed = lines[1].replace("\"job\":5", "\"job\":6");
        assert_ne!(changed, lines[1]);
        for (tampered, line) in [([lines[0], &changed, lines[2]].to_vec(), 3), (vec![lines[0], lines[2]], 2), (vec![lines[1], lines[2]], 1)]
        {
            let error = with(&tampered).unwrap();
            assert!(error.contains(&format!("line {line} was changed")), "{error}");
            assert!(AuditLog::open(&path).is_err());
        }
    }

    #[test]
    fn a_noted_head_shows_that_the_end_was_removed() {
        let (_folder, path) = log();
        let head = read(&path).unwrap().head();
        let text = fs::read_to_string(&path).unwrap();
        let cut = text.lines().take(2).map(|line| format!("{line}\n")).collect::<String>();
        fs::write(&path, cut).unwrap();
        let audit = read(&path).unwrap();
        assert!(!audit.heads.contains(&head) && audit.head() != head);
    }

    #[test]
    fn a_line_that_was_cut_off_by_a_crash_is_not_there() {
        let (_folder, path) = log();
        let whole = fs::read(&path).unwrap();
        fs::write(&path, [&whole[..], b"{\"seq\":3,\"ti"].concat()).unwrap();
        AuditLog::open(&path).unwrap().append(Event::Requested { job: JOB, evidence: GUEST }).unwrap();
        assert_eq!(read(&path).unwrap().entries.len(), 4);
    }

    #[test]
    fn only_one_daemon_has_it() {
        let (_folder, path) = log();
        let _first = AuditLog::open(&path).unwrap();
        assert!(AuditLog::open(&path).err().unwrap().to_string().contains("stop it first"));
    }
}
