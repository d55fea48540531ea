//! Ciphertext on disk: one folder for each job, one file for each blob, named by its BLAKE3 digest.
//!
//! A file with its final name is whole: it was written under another name, its digest compared, synced and renamed. What a crash leaves is a
//! file with a temporary name, which is deleted at the next start. One blob of a job has one writer at a time, and none takes the room that the
//! disk is to keep free.

use blockcloud_primitives::{Blob, Digest, JobId};
use futures::{Stream, StreamExt as _};
use std::{
    collections::HashSet,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{fs, io::AsyncWriteExt as _};

const TEMPORARY: &str = "partial-";
/// After how many bytes it is looked again whether the disk has room: others write as well.
const STRIDE: u64 = 64 << 20;

/// Why a blob is not taken.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// Longer than announced or allowed.
    #[error("the blob is longer than {limit} bytes")]
    TooLong {
        /// The bound.
        limit: u64,
    },
    /// Another length than expected.
    #[error("the blob has {found} bytes instead of {expected}")]
    WrongLength {
        /// As the job's spec says.
        expected: u64,
        /// As received.
        found: u64,
    },
    /// Another content than its name says.
    #[error("the blob's BLAKE3 digest is {found}, not {expected}")]
    WrongDigest {
        /// As named.
        expected: Digest,
        /// As received.
        found: Digest,
    },
    /// Somebody hands it over already.
    #[error("another request is handing over this blob")]
    Busy,
    /// The disk is too full.
    #[error("the disk has {free} bytes left, of which {reserve} are to stay free")]
    NoRoom {
        /// What is free.
        free: u64,
        /// What is to stay free.
        reserve: u64,
    },
    /// The sender went away.
    #[error("the upload broke off: {0}")]
    Interrupted(String),
    /// The disk.
    #[error("the blob store: {0}")]
    Io(#[from] io::Error),
}

/// The blobs that are being written.
type Writing = Arc<Mutex<HashSet<(JobId, Digest)>>>;

/// The blob store.
#[derive(Clone, Debug)]
pub struct Blobs {
    root: PathBuf,
    /// Bytes of the disk that stay free.
    reserve: u64,
    writing: Writing,
}

impl Blobs {
    /// Opens the store in a folder, and clears away what a crash has left. Of the folder's disk, `reserve` bytes are left free.
    pub async fn open(root: PathBuf, reserve: u64) -> io::Result<Self> {
        fs::create_dir_all(&root).await?;
        let mut jobs = fs::read_dir(&root).await?;
        while let Some(job) = jobs.next_entry().await? {
            if !job.file_type().await?.is_dir() {
                continue;
            }
            let mut files = fs::read_dir(job.path()).await?;
            while let Some(file) = files.next_entry().await? {
                if file.file_name().to_string_lossy().starts_with(TEMPORARY) {
                    fs::remove_file(file.path()).await?;
                }
            }
        }
        Ok(Self { root, reserve, writing: Writing::default() })
    }

    fn folder(&self, job: JobId) -> PathBuf {
        self.root.join(job.to_string())
    }

    fn path(&self, job: JobId, digest: Digest) -> PathBuf {
        self.folder(job).join(hex::encode(digest.0))
    }

    /// Length of a blob, if it is here.
    pub async fn length(&self, job: JobId, digest: Digest) -> io::Result<Option<u64>> {
        match fs::metadata(self.path(job, digest)).await {
            Ok(metadata) => Ok(Some(metadata.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Opens a blob for reading, with its length, if it is here.
    pub async fn read(&self, job: JobId, digest: Digest) -> io::Result<Option<(fs::File, u64)>> {
        match fs::File::open(self.path(job, digest)).await {
            Ok(file) => {
                let length = file.metadata().await?.len();
                Ok(Some((file, length)))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Takes a blob of exactly this length.
    pub async fn write_exact<B, E>(&self, job: JobId, blob: Blob, content: impl Stream<Item = Result<B, E>>) -> Result<(), BlobError>
    where
        B: AsRef<[u8]>,
        E: std::fmt::Display,
    {
        let length = Length { limit: blob.bytes, exact: true, announced: blob.bytes };
        let found = self.write(job, blob.digest, length, content).await?;
        debug_assert_eq!(found, blob.bytes);
        Ok(())
    }

    /// Takes a blob of at most this length, and says how long it is. What is announced to be longer is refused before it comes.
    pub async fn write_up_to<B, E>(
        &self,
        job: JobId,
        digest: Digest,
        limit: u64,
        announced: Option<u64>,
        content: impl Stream<Item = Result<B, E>>,
    ) -> Result<u64, BlobError>
    where
        B: AsRef<[u8]>,
        E: std::fmt::Display,
    {
        let length = Length { limit, exact: false, announced: announced.unwrap_or(0) };
        self.write(job, digest, length, content).await
    }

    async fn write<B, E>(
        &self,
        job: JobId,
        digest: Digest,
        expected: Length,
        content: impl Stream<Item = Result<B, E>>,
    ) -> Result<u64, BlobError>
    where
        B: AsRef<[u8]>,
        E: std::fmt::Display,
    {
        if let Some(length) = self.length(job, digest).await? {
            return Ok(length);
        }
        expected.check(expected.announced)?;
        let _claim = Claim::new(&self.writing, job, digest)?;
        // Its last writer may have come to the end in between.
        if let Some(length) = self.length(job, digest).await? {
            return Ok(length);
        }
        self.check_room(expected.announced)?;
        fs::create_dir_all(self.folder(job)).await?;
        let partial = Partial::new(self.folder(job).join(format!("{TEMPORARY}{:032x}", rand::random::<u128>())));
        let mut file = fs::File::create_new(partial.path()).await?;
        let mut hasher = blake3::Hasher::new();
        let (mut length, mut checked) = (0u64, 0u64);
        let mut content = std::pin::pin!(content);
        while let Some(chunk) = content.next().await {
            let chunk = chunk.map_err(|error| BlobError::Interrupted(error.to_string()))?;
            let chunk = chunk.as_ref();
            length = length.saturating_add(chunk.len() as u64);
            expected.check(length)?;
            if length.saturating_sub(checked) >= STRIDE {
                self.check_room(0)?;
                checked = length;
            }
            hasher.update(chunk);
            file.write_all(chunk).await?;
        }
        if expected.exact && length != expected.limit {
            return Err(BlobError::WrongLength { expected: expected.limit, found: length });
        }
        let found = Digest(*hasher.finalize().as_bytes());
        if found != digest {
            return Err(BlobError::WrongDigest { expected: digest, found });
        }
        file.sync_all().await?;
        drop(file);
        fs::rename(partial.path(), self.path(job, digest)).await?;
        fs::File::open(self.folder(job)).await?.sync_all().await?;
        Ok(length)
    }

    /// Whether the disk has room for so many bytes more.
    fn check_room(&self, bytes: u64) -> Result<(), BlobError> {
        let disk = rustix::fs::statvfs(&self.root).map_err(io::Error::from)?;
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        if free.saturating_sub(bytes) < self.reserve { Err(BlobError::NoRoom { free, reserve: self.reserve }) } else { Ok(()) }
    }

    /// Deletes one blob; that it is not there is no error.
    pub async fn delete(&self, job: JobId, digest: Digest) -> io::Result<()> {
        ignore_missing(fs::remove_file(self.path(job, digest)).await)
    }

    /// Deletes all blobs of a job.
    pub async fn delete_all(&self, job: JobId) -> io::Result<()> {
        ignore_missing(fs::remove_dir_all(self.folder(job)).await)
    }
}

fn ignore_missing(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// How long a blob may be.
#[derive(Clone, Copy)]
struct Length {
    limit: u64,
    /// Whether it is to be as long as that.
    exact: bool,
    /// How long its sender says that it is; zero where it does not say.
    announced: u64,
}

impl Length {
    fn check(&self, length: u64) -> Result<(), BlobError> {
        match *self {
            Self { limit, .. } if length <= limit => Ok(()),
            Self { limit, exact: true, .. } => Err(BlobError::WrongLength { expected: limit, found: length }),
            Self { limit, exact: false, .. } => Err(BlobError::TooLong { limit }),
        }
    }
}

/// The right to write a blob, until this is dropped.
struct Claim {
    writing: Writing,
    blob: (JobId, Digest),
}

impl Claim {
    fn new(writing: &Writing, job: JobId, digest: Digest) -> Result<Self, BlobError> {
        let free = writing.lock().unwrap_or_else(PoisonError::into_inner).insert((job, digest));
        if free { Ok(Self { writing: writing.clone(), blob: (job, digest) }) } else { Err(BlobError::Busy) }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.blob);
    }
}

/// A file that is gone when this is dropped, unless it was renamed before.
struct Partial(PathBuf);

impl Partial {
    fn new(path: PathBuf) -> Self {
        Self(path)
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if let Err(error) = ignore_missing(std::fs::remove_file(&self.0)) {
            tracing::warn!(target: "blockcloud::agent", %error, "a partial blob could not be deleted");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JOB: JobId = JobId(1);

    fn chunks(parts: &[&'static str]) -> impl Stream<Item = Result<&'static [u8], io::Error>> {
        futures::stream::iter(parts.iter().map(|part| Ok(part.as_bytes())).collect::<Vec<_>>())
    }

    fn files(folder: &Path) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(folder.join("1")) else { return Vec::new() };
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[tokio::test]
    async fn a_blob_is_there_once_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(folder.path().into(), 0).await.unwrap();
        let blob = Blob { digest: Digest::of(b"sealed"), bytes: 6 };
        assert_eq!(blobs.length(JOB, blob.digest).await.unwrap(), None);
        blobs.write_exact(JOB, blob, chunks(&["sea", "led"])).await.unwrap();
        blobs.write_exact(JOB, blob, chunks(&[])).await.unwrap();
        assert_eq!(blobs.length(JOB, blob.digest).await.unwrap(), Some(6));
        assert_eq!(blobs.length(JobId(2), blob.digest).await.unwrap(), None);
        assert_eq!(files(folder.path()), [hex::encode(blob.digest.0)]);
    }

    #[tokio::test]
    async fn what_is_too_long_too_short_different_or_interrupted_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(folder.path().into(), 0).await.unwrap();
        let blob = Blob { digest: Digest::of(b"sealed"), bytes: 6 };
        let long = blobs.write_exact(JOB, blob, chunks(&["sealed", "!"])).await;
        assert!(matches!(long, Err(BlobError::WrongLength { expected: 6, found: 7 })));
        let short = blobs.write_exact(JOB, blob, chunks(&["seale"])).await;
        assert!(matches!(short, Err(BlobError::WrongLength { expected: 6, found: 5 })));
        let other = blobs.write_exact(JOB, blob, chunks(&["saaled"])).await;
        assert!(matches!(other, Err(BlobError::WrongDigest { .. })));
        let unbounded = blobs.write_up_to(JOB, blob.digest, 5, None, chunks(&["sealed"])).await;
        assert!(matches!(unbounded, Err(BlobError::TooLong { limit: 5 })));
        let announced = blobs.write_up_to(JOB, blob.digest, 5, Some(6), futures::stream::pending::<Result<&[u8], io::Error>>()).await;
        assert!(matches!(announced, Err(BlobError::TooLong { limit: 5 })));
        let broken = futures::stream::iter([Ok(&b"sea"[..]), Err(io::Error::other("gone"))]);
        assert!(matches!(blobs.write_exact(JOB, blob, broken).await, Err(BlobError::Interrupted(_))));
        assert_eq!(files(folder.path()), [""; 0]);
    }

    #[tokio::test]
    async fn opening_clears_away_what_a_crash_has_left() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("1")).unwrap();
        std::fs::write(folder.path().join("1").join("partial-abc"), "half").unwrap();
        Blobs::open(folder.path().into(), 0).await.unwrap();
        assert_eq!(files(folder.path()), [""; 0]);
    }

    #[tokio::test]
    async fn deleting_is_idempotent() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(folder.path().into(), 0).await.unwrap();
        let digest = Digest::of(b"a");
        assert_eq!(blobs.write_up_to(JOB, digest, 9, None, chunks(&["a"])).await.unwrap(), 1);
        blobs.delete(JOB, digest).await.unwrap();
        blobs.delete(JOB, digest).await.unwrap();
        assert!(blobs.read(JOB, digest).await.unwrap().is_none());
        blobs.delete_all(JOB).await.unwrap();
        blobs.delete_all(JOB).await.unwrap();
    }

    #[tokio::test]
    async fn a_blob_has_one_writer_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(folder.path().into(), 0).await.unwrap();
        let blob = Blob { digest: Digest::of(b"sealed"), bytes: 6 };
        let (send, receive) = tokio::sync::oneshot::channel::<()>();
        let slow = futures::stream::once(async move {
            receive.await.unwrap();
            Ok::<_, io::Error>(&b"sealed"[..])
        });
        let first = blobs.write_exact(JOB, blob, slow);
        let others = async {
            // The first was polled before and waits for its content.
            let second = blobs.write_exact(JOB, blob, chunks(&["sealed"])).await;
            assert!(matches!(second, Err(BlobError::Busy)));
            blobs.write_exact(JobId(2), blob, chunks(&["sealed"])).await.unwrap();
            send.send(()).unwrap();
        };
        let (first, ()) = futures::future::join(first, async {
            while blobs.writing.lock().unwrap().is_empty() {
                tokio::task::yield_now().await;
            }
            others.await;
        })
        .await;
        first.unwrap();
        assert!(blobs.writing.lock().unwrap().is_empty());
        // One that broke off leaves the place to the next.
        let other = Blob { digest: Digest::of(b"other"), bytes: 5 };
        let broken = futures::stream::iter([Err::<&[u8], _>(io::Error::other("gone"))]);
        assert!(blobs.write_exact(JOB, other, broken).await.is_err());
        blobs.write_exact(JOB, other, chunks(&["other"])).await.unwrap();
    }

    #[tokio::test]
    async fn nothing_is_taken_that_the_disk_has_no_room_for() {
        let folder = tempfile::tempdir().unwrap();
        let blob = Blob { digest: Digest::of(b"sealed"), bytes: 6 };
        let full = Blobs::open(folder.path().into(), u64::MAX).await.unwrap();
        assert!(matches!(full.write_exact(JOB, blob, chunks(&["sealed"])).await, Err(BlobError::NoRoom { reserve: u64::MAX, .. })));
        // What is announced counts as if it were there.
        let blobs = Blobs::open(folder.path().into(), 1).await.unwrap();
        let huge = blobs.write_up_to(JOB, blob.digest, u64::MAX, Some(u64::MAX), chunks(&["sealed"])).await;
        assert!(matches!(huge, Err(BlobError::NoRoom { reserve: 1, .. })));
        assert_eq!(files(folder.path()), [""; 0]);
        blobs.write_exact(JOB, blob, chunks(&["sealed"])).await.unwrap();
    }
}
