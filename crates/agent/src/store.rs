//! The embedded database: job records, tokens of guests, signed checkpoints. Every write is durable before it is acknowledged.
//!
//! A change of a record is one transaction, so that a crash leaves the old record or the new one. Not here: receipts (`log`) and blobs
//! (`blobs`), which are files of their own.

use crate::record::{JobRecord, Token};
use blockcloud_client::agent_api::SignedCheckpoint;
use blockcloud_primitives::{Digest, JobId};
use redb::{Database, ReadableDatabase as _, ReadableTable as _, TableDefinition};
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicIsize, Ordering},
    },
};

const JOBS: TableDefinition<u64, &[u8]> = TableDefinition::new("jobs/1");
const TOKENS: TableDefinition<&str, u64> = TableDefinition::new("tokens/1");
/// By job, launch and size.
const CHECKPOINTS: TableDefinition<(u64, u32, u64), &[u8]> = TableDefinition::new("checkpoints/1");
const META: TableDefinition<&str, &[u8]> = TableDefinition::new("meta/1");
const GENESIS: &str = "genesis";

/// Why the store does not do what it is asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database refused.
    #[error("the agent's database: {0}")]
    Database(#[from] redb::Error),
    /// A stored record cannot be read.
    #[error("a stored record cannot be read: {0}")]
    Record(#[from] serde_json::Error),
    /// The database belongs to an agent of another chain.
    #[error(
        "the data folder belongs to the chain with genesis {stored}, the node follows {found}: use another data folder or another node"
    )]
    OtherChain {
        /// The chain that the data is of.
        stored: Digest,
        /// The chain that the node follows.
        found: Digest,
    },
    /// No record of this job.
    #[error("no record of job {0}")]
    UnknownJob(JobId),
    /// The thread that did it was stopped.
    #[error("the agent is shutting down")]
    Stopped,
}

type Result<T, E = StoreError> = core::result::Result<T, E>;

/// Turns any of the database's many errors into one.
fn db<T, E: Into<redb::Error>>(result: core::result::Result<T, E>) -> Result<T> {
    result.map_err(|error| StoreError::Database(error.into()))
}

/// How many jobs are not over: counted once at the start and kept up with every change, so that nobody has to read all records to know.
#[derive(Debug, Default)]
struct Counts {
    live: AtomicIsize,
    launched: AtomicIsize,
}

impl Counts {
    /// Takes note of a record that is there now, in place of another or of none. Changes may be noted in another order than they were made in:
    /// the sum is the same in the end.
    fn note(&self, before: Option<&JobRecord>, after: &JobRecord) {
        let live = |record: &JobRecord| !record.is_over();
        let launched = |record: &JobRecord| !record.is_over() && record.launch.is_some();
        for (count, counts) in [(&self.live, &live as &dyn Fn(&JobRecord) -> bool), (&self.launched, &launched)] {
            match (before.is_some_and(counts), counts(after)) {
                (false, true) => count.fetch_add(1, Ordering::AcqRel),
                (true, false) => count.fetch_sub(1, Ordering::AcqRel),
                _ => continue,
            };
        }
    }
}

/// The database. Cloning shares it.
#[derive(Clone)]
pub struct Store {
    database: Arc<Database>,
    counts: Arc<Counts>,
}

impl Store {
    /// Opens it, or creates it.
    pub fn open(path: &Path) -> Result<Self> {
        let database = db(Database::create(path))?;
        let write = db(database.begin_write())?;
        {
            db(write.open_table(JOBS))?;
            db(write.open_table(TOKENS))?;
            db(write.open_table(CHECKPOINTS))?;
            db(write.open_table(META))?;
        }
        db(write.commit())?;
        let counts = Counts::default();
        let read = db(database.begin_read())?;
        for entry in db(db(read.open_table(JOBS))?.iter())? {
            let (_, bytes) = db(entry)?;
            counts.note(None, &serde_json::from_slice(bytes.value())?);
        }
        Ok(Self { database: Arc::new(database), counts: Arc::new(counts) })
    }

    /// How many jobs are not over.
    pub fn live(&self) -> usize {
        usize::try_from(self.counts.live.load(Ordering::Acquire)).unwrap_or(0)
    }

    /// How many jobs that are not over have got a guest.
    pub fn launched(&self) -> usize {
        usize::try_from(self.counts.launched.load(Ordering::Acquire)).unwrap_or(0)
    }

    /// The chain that this data is of, once known.
    pub async fn genesis(&self) -> Result<Option<Digest>> {
        self.run(|database| {
            let read = db(database.begin_read())?;
            let meta = db(read.open_table(META))?;
            let value = db(meta.get(GENESIS))?;
            Ok(value.and_then(|value| value.value().try_into().ok()).map(Digest))
        })
        .await
    }

    /// Notes the chain on first contact; refuses another one ever after.
    pub async fn bind(&self, genesis: Digest) -> Result<()> {
        self.run(move |database| {
            let write = db(database.begin_write())?;
            {
                let mut meta = db(write.open_table(META))?;
                let stored = db(meta.get(GENESIS))?.and_then(|value| value.value().try_into().ok()).map(Digest);
                match stored {
                    Some(stored) if stored != genesis => return Err(StoreError::OtherChain { stored, found: genesis }),
                    Some(_) => return Ok(()),
                    None => db(meta.insert(GENESIS, &genesis.0[..]))?,
                };
            }
            db(write.commit())
        })
        .await
    }

    /// A job's record.
    pub async fn job(&self, job: JobId) -> Result<Option<JobRecord>> {
        self.run(move |database| {
            let read = db(database.begin_read())?;
            let jobs = db(read.open_table(JOBS))?;
            db(jobs.get(job.0))?.map(|bytes| Ok(serde_json::from_slice(bytes.value())?)).transpose()
        })
        .await
    }

    /// All records.
    pub async fn jobs(&self) -> Result<Vec<JobRecord>> {
        self.run(|database| {
            let read = db(database.begin_read())?;
            let jobs = db(read.open_table(JOBS))?;
            let mut records = Vec::new();
            for entry in db(jobs.iter())? {
                let (_, bytes) = db(entry)?;
                records.push(serde_json::from_slice(bytes.value())?);
            }
            Ok(records)
        })
        .await
    }

    /// Adds a record unless there is one, and returns the one that stands.
    pub async fn insert(&self, record: JobRecord) -> Result<JobRecord> {
        let counts = self.counts.clone();
        self.run(move |database| {
            let write = db(database.begin_write())?;
            {
                let mut jobs = db(write.open_table(JOBS))?;
                if let Some(bytes) = db(jobs.get(record.job.0))? {
                    return Ok(serde_json::from_slice(bytes.value())?);
                }
                db(jobs.insert(record.job.0, serde_json::to_vec(&record)?.as_slice()))?;
            }
            db(write.commit())?;
            counts.note(None, &record);
            Ok(record)
        })
        .await
    }

    /// Changes a record in one transaction and returns it. The tokens follow: that of the present launch leads to the job, earlier ones to
    /// nothing. A change that fails with an error changes nothing.
    pub async fn update<T, E>(
        &self,
        job: JobId,
        change: impl FnOnce(&mut JobRecord) -> Result<T, E> + Send + 'static,
    ) -> Result<Result<(JobRecord, T), E>>
    where
        T: Send + 'static,
        E: Send + 'static,
    {
        let counts = self.counts.clone();
        self.run(move |database| {
            let write = db(database.begin_write())?;
            let (before, after, value) = {
                let mut jobs = db(write.open_table(JOBS))?;
                let before: JobRecord = match db(jobs.get(job.0))? {
                    Some(bytes) => serde_json::from_slice(bytes.value())?,
                    None => return Err(StoreError::UnknownJob(job)),
                };
                let mut after = before.clone();
                let value = match change(&mut after) {
                    Ok(value) => value,
                    Err(error) => return Ok(Err(error)),
                };
                if after != before {
                    db(jobs.insert(job.0, serde_json::to_vec(&after)?.as_slice()))?;
                    let mut tokens = db(write.open_table(TOKENS))?;
                    let token = |record: &JobRecord| record.launch.as_ref().map(|launch| launch.token.clone());
                    let (old, new) = (token(&before), token(&after));
                    if old != new {
                        if let Some(old) = old {
                            db(tokens.remove(old.as_str()))?;
                        }
                        if let Some(new) = new {
                            db(tokens.insert(new.as_str(), job.0))?;
                        }
                    }
                }
                (before, after, value)
            };
            db(write.commit())?;
            counts.note(Some(&before), &after);
            Ok(Ok((after, value)))
        })
        .await
    }

    /// Changes a record by something that cannot fail.
    pub async fn change(&self, job: JobId, change: impl FnOnce(&mut JobRecord) + Send + 'static) -> Result<JobRecord> {
        let changed: core::result::Result<(JobRecord, ()), core::convert::Infallible> = self
            .update(job, move |record| {
                change(record);
                Ok(())
            })
            .await?;
        match changed {
            Ok((record, ())) => Ok(record),
            Err(never) => match never {},
        }
    }

    /// The job whose present guest has this token.
    pub async fn job_of(&self, token: Token) -> Result<Option<JobId>> {
        self.run(move |database| {
            let read = db(database.begin_read())?;
            let tokens = db(read.open_table(TOKENS))?;
            Ok(db(tokens.get(token.as_str()))?.map(|job| JobId(job.value())))
        })
        .await
    }

    /// Keeps a checkpoint of a launch's guest for good.
    pub async fn add_checkpoint(&self, launch: u32, signed: SignedCheckpoint) -> Result<()> {
        self.run(move |database| {
            let write = db(database.begin_write())?;
            {
                let mut table = db(write.open_table(CHECKPOINTS))?;
                let key = (signed.checkpoint.job.0, launch, signed.checkpoint.size);
                db(table.insert(key, serde_json::to_vec(&signed)?.as_slice()))?;
            }
            db(write.commit())
        })
        .await
    }

    /// Checkpoints of a launch's guest, by size: from this size on the first so many, or without one the last so many.
    pub async fn checkpoints(&self, job: JobId, launch: u32, from: Option<u64>, limit: usize) -> Result<Vec<SignedCheckpoint>> {
        self.run(move |database| {
            let read = db(database.begin_read())?;
            let table = db(read.open_table(CHECKPOINTS))?;
            let range = db(table.range((job.0, launch, from.unwrap_or(0))..=(job.0, launch, u64::MAX)))?;
            let mut found = Vec::new();
            let mut add = |entry: core::result::Result<(_, redb::AccessGuard<'_, &[u8]>), redb::StorageError>| -> Result<()> {
                let (_, bytes): (redb::AccessGuard<'_, (u64, u32, u64)>, _) = db(entry)?;
                found.push(serde_json::from_slice(bytes.value())?);
                Ok(())
            };
            if from.is_some() {
                range.take(limit).try_for_each(&mut add)?;
            } else {
                range.rev().take(limit).try_for_each(&mut add)?;
                found.reverse();
            }
            Ok(found)
        })
        .await
    }

    /// Deletes the checkpoints of all guests of a job.
    pub async fn delete_checkpoints(&self, job: JobId) -> Result<()> {
        self.run(move |database| {
            let write = db(database.begin_write())?;
            {
                let mut table = db(write.open_table(CHECKPOINTS))?;
                db(table.retain_in((job.0, 0, 0)..=(job.0, u32::MAX, u64::MAX), |_, _| false))?;
            }
            db(write.commit())
        })
        .await
    }

    /// The database waits for the disk: on a thread that may.
    async fn run<T: Send + 'static>(&self, work: impl FnOnce(&Database) -> Result<T> + Send + 'static) -> Result<T> {
        let database = self.database.clone();
        tokio::task::spawn_blocking(move || work(&database)).await.map_err(|_| StoreError::Stopped)?
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{record::Launch, testing};

    #[tokio::test]
    async fn a_record_survives_being_reopened_and_an_unfinished_change_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent.redb");
        let token = {
            let store = Store::open(&path).unwrap();
            store.insert(JobRecord::new(&testing::view())).await.unwrap();
            let record = store.change(testing::JOB, |record| record.launch = Some(Launch::new(1))).await.unwrap();
            let refused = store
                .update(testing::JOB, |record| {
                    record.note = Some("half done".into());
                    Err::<(), _>("no")
                })
                .await
                .unwrap();
            assert_eq!(refused.unwrap_err(), "no");
            record.launch.unwrap().token
        };
        let store = Store::open(&path).unwrap();
        let record = store.job(testing::JOB).await.unwrap().unwrap();
        assert_eq!(record.note, None);
        assert_eq!(record.launches(), 1);
        assert_eq!(store.job_of(token).await.unwrap(), Some(testing::JOB));
    }

    #[tokio::test]
    async fn a_transaction_that_never_commits_leaves_the_file_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent.redb");
        let store = Store::open(&path).unwrap();
        store.insert(JobRecord::new(&testing::view())).await.unwrap();
        // What a killed process leaves behind: the file as it is at this moment, in the middle of a write.
        let write = store.database.begin_write().unwrap();
        write.open_table(JOBS).unwrap().remove(testing::JOB.0).unwrap();
        let copy = folder.path().join("copy.redb");
        std::fs::copy(&path, &copy).unwrap();
        drop(write);
        let reopened = Store::open(&copy).unwrap();
        assert_eq!(reopened.job(testing::JOB).await.unwrap(), Some(JobRecord::new(&testing::view())));
    }

    #[tokio::test]
    async fn inserting_twice_keeps_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("agent.redb")).unwrap();
        store.insert(JobRecord::new(&testing::view())).await.unwrap();
        store.change(testing::JOB, |record| record.note = Some("kept".into())).await.unwrap();
        let stands = store.insert(JobRecord::new(&testing::view())).await.unwrap();
        assert_eq!(stands.note.as_deref(), Some("kept"));
        assert_eq!(store.jobs().await.unwrap(), vec![stands]);
    }

    #[tokio::test]
    async fn a_token_leads_to_its_job_until_the_next_launch() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("agent.redb")).unwrap();
        store.insert(JobRecord::new(&testing::view())).await.unwrap();
        let first = store.change(testing::JOB, |record| record.launch = Some(Launch::new(1))).await.unwrap().launch.unwrap().token;
        assert_eq!(store.job_of(first.clone()).await.unwrap(), Some(testing::JOB));
        let second = store.change(testing::JOB, |record| record.launch = Some(Launch::new(2))).await.unwrap().launch.unwrap().token;
        assert_eq!(store.job_of(first).await.unwrap(), None);
        assert_eq!(store.job_of(second).await.unwrap(), Some(testing::JOB));
        assert_eq!(store.job_of(Token::generate()).await.unwrap(), None);
    }

    #[tokio::test]
    async fn checkpoints_are_listed_by_size_for_each_launch_of_a_job() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("agent.redb")).unwrap();
        let guest = testing::Guest::new();
        let mut expected = Vec::new();
        for size in [3, 1, 2] {
            let signed = guest.checkpoint(testing::JOB, size, Digest::ZERO);
            store.add_checkpoint(1, signed).await.unwrap();
            store.add_checkpoint(1, signed).await.unwrap();
            expected.push(signed);
        }
        store.add_checkpoint(2, expected[0]).await.unwrap();
        store.add_checkpoint(1, guest.checkpoint(JobId(99), 1, Digest::ZERO)).await.unwrap();
        expected.sort_by_key(|signed| signed.checkpoint.size);
        let list = async |launch, from, limit| store.checkpoints(testing::JOB, launch, from, limit).await.unwrap();
        assert_eq!(list(1, None, 9).await, expected);
        assert_eq!(list(1, None, 2).await, expected[1..]);
        assert_eq!(list(1, Some(1), 2).await, expected[..2]);
        assert_eq!(list(1, Some(3), 2).await, expected[2..]);
        assert_eq!(list(1, Some(4), 2).await, vec![]);
        assert_eq!(list(2, None, 9).await.len(), 1);
        assert_eq!(list(3, None, 9).await, vec![]);
        store.delete_checkpoints(testing::JOB).await.unwrap();
        assert_eq!(list(1, None, 9).await, vec![]);
        assert_eq!(list(2, None, 9).await, vec![]);
        assert_eq!(store.checkpoints(JobId(99), 1, None, 9).await.unwrap().len(), 1, "another job's stay");
    }

    #[tokio::test]
    async fn jobs_are_counted_as_they_change_and_anew_at_the_start() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent.redb");
        {
            let store = Store::open(&path).unwrap();
            for job in 1..=3 {
                let record = JobRecord { job: JobId(job), ..JobRecord::new(&testing::view()) };
                store.insert(record.clone()).await.unwrap();
                store.insert(record).await.unwrap();
            }
            assert_eq!((store.live(), store.launched()), (3, 0));
            for job in [1, 2] {
                store.change(JobId(job), |record| record.launch = Some(Launch::new(1))).await.unwrap();
            }
            assert_eq!((store.live(), store.launched()), (3, 2));
            store.change(JobId(1), |record| record.end = Some(blockcloud_primitives::End::TimeUp)).await.unwrap();
            store.change(JobId(1), |record| record.closed_at = Some(1)).await.unwrap();
            assert!(
                store
                    .update(JobId(2), |record| {
                        record.closed_at = Some(1);
                        Err::<(), _>("no")
                    })
                    .await
                    .unwrap()
                    .is_err()
            );
            assert_eq!((store.live(), store.launched()), (2, 1));
        }
        let store = Store::open(&path).unwrap();
        assert_eq!((store.live(), store.launched()), (2, 1));
    }

    #[tokio::test]
    async fn refuses_a_second_chain_and_unknown_jobs() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("agent.redb")).unwrap();
        assert_eq!(store.genesis().await.unwrap(), None);
        store.bind(Digest([1; 32])).await.unwrap();
        store.bind(Digest([1; 32])).await.unwrap();
        assert!(matches!(store.bind(Digest([2; 32])).await, Err(StoreError::OtherChain { .. })));
        assert_eq!(store.genesis().await.unwrap(), Some(Digest([1; 32])));
        assert!(matches!(store.change(JobId(4), |_| ()).await, Err(StoreError::UnknownJob(JobId(4)))));
    }
}
