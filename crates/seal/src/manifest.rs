//! The manifest: names, digests and sizes of a job's files. It is sealed like the files, so the host learns no name.
//!
//! Not here: the job spec, which lists the blobs that the host ferries, in the manifest's order.

use crate::{
    blob::{self, BlobError, Sealed},
    key::{DataKey, ObjectKey},
};
use blockcloud_primitives::Digest;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use thiserror::Error;
use zeroize::Zeroizing;

/// Most input files of one job: the job spec has room for 32 blobs, one of which is the module.
pub const MAX_FILES: usize = 31;
const VERSION: u8 = 1;
const MAX_PATH_LEN: usize = 1024;
const MAX_NAME_LEN: usize = 255;

/// Why a manifest is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ManifestError {
    /// The sealed manifest does not open.
    #[error("the manifest: {0}")]
    Sealed(#[from] BlobError),
    /// It opens, but is not a manifest.
    #[error("the manifest cannot be read: {0}")]
    Unreadable(String),
    /// It is of a version that this code does not know.
    #[error("the manifest is of version {0}, this program reads version {VERSION}")]
    UnknownVersion(u8),
    /// It lists too many files.
    #[error("the manifest lists {0} files, a job has at most {MAX_FILES}")]
    TooManyFiles(usize),
    /// A path could lead outside the job's folder, or cannot be a file's.
    #[error("`{0}` is not a path within the job's folder: write relative paths like `data/input.csv`, without `.` and `..`")]
    BadPath(String),
    /// Two files claim one path, or one stands where another needs a folder.
    #[error("`{0}` is there twice, or is a file where another file needs a folder")]
    PathTaken(String),
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Path within the job's folder, parts separated by `/`.
    pub path: String,
    /// BLAKE3-256 of the plain file.
    pub digest: Digest,
    /// Length of the plain file in bytes.
    pub bytes: u64,
    /// BLAKE3-256 of the sealed blob.
    pub blob: Digest,
}

impl FileEntry {
    /// The entry for a file that was sealed.
    pub fn new(path: impl Into<String>, sealed: &Sealed) -> Self {
        Self { path: path.into(), digest: sealed.digest, bytes: sealed.bytes, blob: sealed.blob.digest }
    }

    /// Opens the file's blob, if it is the file's.
    ///
    /// # Errors
    /// As [`crate::open`]; [`BlobError::Tampered`] of chunk 0 if the blob opens to another file.
    pub fn open(&self, key: &DataKey, sealed: &[u8]) -> Result<Vec<u8>, BlobError> {
        let mut plain = Zeroizing::new(blob::open(key, sealed)?);
        if Digest::of(&plain) == self.digest && plain.len() as u64 == self.bytes {
            Ok(std::mem::take(&mut *plain))
        } else {
            Err(BlobError::Tampered { chunk: 0 })
        }
    }
}

/// A job's files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of this layout: 1.
    pub version: u8,
    /// Key of the digests in this job's receipts.
    pub object_key: ObjectKey,
    /// The program.
    pub module: FileEntry,
    /// The input files.
    pub files: Vec<FileEntry>,
}

impl Manifest {
    /// A manifest that has been checked.
    ///
    /// # Errors
    /// [`ManifestError::TooManyFiles`], [`ManifestError::BadPath`], [`ManifestError::PathTaken`].
    pub fn new(object_key: ObjectKey, module: FileEntry, files: Vec<FileEntry>) -> Result<Self, ManifestError> {
        let manifest = Self { version: VERSION, object_key, module, files };
        manifest.check()?;
        Ok(manifest)
    }

    /// Seals the manifest.
    pub fn seal(&self, key: &DataKey) -> Vec<u8> {
        // Strings, numbers and lists always have a JSON form.
        let json = Zeroizing::new(serde_json::to_vec(self).unwrap_or_default());
        blob::seal(key, &json)
    }

    /// Opens and checks a sealed manifest.
    ///
    /// # Errors
    /// Every [`ManifestError`].
    pub fn open(key: &DataKey, sealed: &[u8]) -> Result<Self, ManifestError> {
        let json = Zeroizing::new(blob::open(key, sealed)?);
        let manifest: Self = serde_json::from_slice(&json).map_err(|error| ManifestError::Unreadable(error.to_string()))?;
        manifest.check()?;
        Ok(manifest)
    }

    /// The module and the input files, in the order in which the job spec lists their blobs.
    pub fn entries(&self) -> impl Iterator<Item = &FileEntry> {
        std::iter::once(&self.module).chain(&self.files)
    }

    fn check(&self) -> Result<(), ManifestError> {
        if self.version != VERSION {
            return Err(ManifestError::UnknownVersion(self.version));
        }
        if self.files.len() > MAX_FILES {
            return Err(ManifestError::TooManyFiles(self.files.len()));
        }
        if let Some(entry) = self.entries().find(|entry| !is_path(&entry.path)) {
            return Err(ManifestError::BadPath(entry.path.clone()));
        }
        // The module is not in the job's folder, so its path may be an input's, too.
        let mut files = BTreeSet::new();
        for entry in &self.files {
            if !files.insert(entry.path.as_str()) {
                return Err(ManifestError::PathTaken(entry.path.clone()));
            }
        }
        let folders = files.iter().flat_map(|path| path.match_indices('/').map(|(end, _)| &path[..end]));
        match folders.into_iter().find(|folder| files.contains(folder)) {
            Some(taken) => Err(ManifestError::PathTaken(taken.to_owned())),
            None => Ok(()),
        }
    }
}

fn is_path(path: &str) -> bool {
    path.len() <= MAX_PATH_LEN
        && path.split('/').all(|name| {
            !name.is_empty() && name != "." && name != ".." && name.len() <= MAX_NAME_LEN && !name.chars().any(char::is_control)
        })
}
