//! The manifest: names, digests and sizes of a job's files, and the program's environment. It is sealed like the files, so the host learns no name.
//!
//! Not here: the job spec, which lists the blobs that the host ferries, in the manifest's order.

use crate::{
    blob::{self, BlobError, Sealed},
    key::{DataKey, ObjectKey, SecretText},
    room,
};
use blockcloud_primitives::Digest;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use thiserror::Error;
use zeroize::Zeroizing;

/// Most input files of one job, standard input among them: the job spec has room for 32 blobs, one of which is the module.
pub const MAX_FILES: usize = 31;
/// Most environment variables of one job.
pub const MAX_VARIABLES: usize = 64;
/// Most bytes of all environment variables together, names and values.
pub const MAX_ENVIRONMENT_LEN: usize = 1 << 16;
/// Length that no sealed manifest exceeds.
pub const MANIFEST_MAX: u64 = 1 << 20;
const VERSION: u8 = 2;
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
    #[error("the manifest lists {0} files, a job has at most {MAX_FILES}, standard input among them: pack several into one archive")]
    TooManyFiles(usize),
    /// A path could lead outside the job's folder, or cannot be a file's.
    #[error("`{0}` is not a path within the job's folder: write relative paths like `data/input.csv`, without `.` and `..`")]
    BadPath(String),
    /// There are too many environment variables.
    #[error("there are {0} environment variables, a job has at most {MAX_VARIABLES}: put the others into an input file")]
    TooManyVariables(usize),
    /// The environment is too large.
    #[error("the environment has {0} bytes, a job's has at most {MAX_ENVIRONMENT_LEN}: put what is long into an input file")]
    EnvironmentTooLarge(usize),
    /// It cannot be an environment variable. Its value is not told.
    #[error(
        "`{0}` cannot be an environment variable: the name must not be empty or hold `=` or control characters, the value no zero byte"
    )]
    BadVariable(String),
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

/// A job's files, and what else its program is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of this layout: 2.
    pub version: u8,
    /// Key of the digests in this job's receipts.
    pub object_key: ObjectKey,
    /// The program. It finds its own name in this path, without folders and without its ending.
    pub module: FileEntry,
    /// The input files.
    pub files: Vec<FileEntry>,
    /// What the program reads as its standard input; without it, nothing. The path has no meaning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdin: Option<FileEntry>,
    /// Environment variables, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, SecretText>,
}

impl Manifest {
    /// A manifest that has been checked.
    ///
    /// # Errors
    /// [`ManifestError::TooManyFiles`], [`ManifestError::BadPath`], [`ManifestError::PathTaken`].
    pub fn new(object_key: ObjectKey, module: FileEntry, files: Vec<FileEntry>) -> Result<Self, ManifestError> {
        let manifest = Self { version: VERSION, object_key, module, files, stdin: None, env: BTreeMap::new() };
        manifest.check()?;
        Ok(manifest)
    }

    /// The same with a standard input.
    ///
    /// # Errors
    /// [`ManifestError::TooManyFiles`], [`ManifestError::BadPath`].
    pub fn with_stdin(mut self, stdin: FileEntry) -> Result<Self, ManifestError> {
        self.stdin = Some(stdin);
        self.check()?;
        Ok(self)
    }

    /// The same with this environment.
    ///
    /// # Errors
    /// [`ManifestError::TooManyVariables`], [`ManifestError::BadVariable`], [`ManifestError::EnvironmentTooLarge`].
    pub fn with_env(mut self, env: BTreeMap<String, SecretText>) -> Result<Self, ManifestError> {
        self.env = env;
        self.check()?;
        Ok(self)
    }

    /// The name that the program sees as its own: `coreutils` for a module from `coreutils.wasm`.
    pub fn program_name(&self) -> &str {
        let file = self.module.path.rsplit('/').next().unwrap_or_default();
        match file.rsplit_once('.') {
            Some((stem, _)) if !stem.is_empty() => stem,
            _ => file,
        }
    }

    /// What the files take of the room for files ([`crate::Room`]) before the program has written anything.
    pub fn cost(&self) -> u64 {
        room::start_cost(self.files.iter().map(|file| (file.path.as_str(), file.bytes)), self.stdin.as_ref().map(|stdin| stdin.bytes))
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

    /// The module, the input files and standard input, in the order in which the job spec lists their blobs.
    pub fn entries(&self) -> impl Iterator<Item = &FileEntry> {
        std::iter::once(&self.module).chain(&self.files).chain(&self.stdin)
    }

    fn check(&self) -> Result<(), ManifestError> {
        if self.version != VERSION {
            return Err(ManifestError::UnknownVersion(self.version));
        }
        let files = self.files.len() + usize::from(self.stdin.is_some());
        if files > MAX_FILES {
            return Err(ManifestError::TooManyFiles(files));
        }
        self.check_env()?;
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

    fn check_env(&self) -> Result<(), ManifestError> {
        if self.env.len() > MAX_VARIABLES {
            return Err(ManifestError::TooManyVariables(self.env.len()));
        }
        if let Some((name, _)) = self.env.iter().find(|(name, value)| !is_variable(name, value.as_str())) {
            return Err(ManifestError::BadVariable(name.clone()));
        }
        let bytes = self.env.iter().map(|(name, value)| name.len() + value.as_str().len()).sum();
        if bytes > MAX_ENVIRONMENT_LEN { Err(ManifestError::EnvironmentTooLarge(bytes)) } else { Ok(()) }
    }
}

/// Whether this can be an environment variable.
fn is_variable(name: &str, value: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c == '=' || c.is_control()) && !value.contains('\0')
}

fn is_path(path: &str) -> bool {
    path.len() <= MAX_PATH_LEN
        && path.split('/').all(|name| {
            !name.is_empty() && name != "." && name != ".." && name.len() <= MAX_NAME_LEN && !name.chars().any(char::is_control)
        })
}
