//! Intel's collateral: where it is fetched from, and what is kept of it for customers. The chain takes it piece by piece (`blockcloud-agent collateral`).
//!
//! Nothing here is believed or verified: the chain verifies what it takes, and customers what they are served.

mod bring;
mod document;
mod service;

pub use bring::bring;

use blockcloud_primitives::CollateralItem;
use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
    time::Duration,
};

/// How long one answer of a service may take.
const DEADLINE: Duration = Duration::from_secs(30);
/// Longest file with collateral. Real ones have 25 kB.
const LONGEST_FILE: u64 = 256 << 10;
/// The file in the agent's data folder that keeps what was fetched last.
const KEPT: &str = "collateral.json";

/// Where collateral comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A service that speaks Intel's Provisioning Certification Service API v4: Intel's own, or a cache of it (PCCS). Base URL.
    Service(String),
    /// Files, each with the collateral of one family of platforms as `dcap-qvl` and others write it.
    Files(Vec<PathBuf>),
}

/// Why there is no collateral.
#[derive(Debug, thiserror::Error)]
pub enum CollateralError {
    /// The service does not answer.
    #[error("{url} does not answer: {reason}: may this host reach it? Collateral can be read from files, too, with --file")]
    Unreachable {
        /// What was asked for.
        url: String,
        /// Why.
        reason: String,
    },
    /// The service refuses.
    #[error("{url} answers {status}: {}", advice(*status))]
    Refused {
        /// What was asked for.
        url: String,
        /// HTTP's status.
        status: u16,
    },
    /// An answer or a file is not what it should be.
    #[error("{place} does not hold {what}")]
    Malformed {
        /// Which answer or file.
        place: String,
        /// What was looked for.
        what: &'static str,
    },
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A service has to be told what for.
    #[error("no family of platforms is named: give its FMSPC, six bytes in hex, with --fmspc")]
    NoFamily,
}

/// What to do about a status.
fn advice(status: u16) -> &'static str {
    match status {
        300..=399 => "name the address that it sends to, if that is to be trusted",
        401 | 403 => "it wants a key or a certificate: name a service that does not, or read collateral from files with --file",
        429 | 500..=599 => "try again later, or name another service",
        _ => "is the family (FMSPC) right, and is this a service of API version 4?",
    }
}

/// Fetches the collateral of these families of platforms (FMSPC), in the order in which a chain takes it. Files say themselves which families they are of.
///
/// # Errors
/// The first piece that is not there, or not what it should be.
pub async fn fetch(source: &Source, families: &[[u8; 6]]) -> Result<Vec<CollateralItem>, CollateralError> {
    match source {
        Source::Service(_) if families.is_empty() => Err(CollateralError::NoFamily),
        Source::Service(url) => service::fetch(url, families, DEADLINE).await,
        Source::Files(files) => {
            let mut items = Vec::new();
            for path in files {
                let mut text = Vec::new();
                let read = File::open(path).and_then(|file| file.take(LONGEST_FILE + 1).read_to_end(&mut text));
                let length = read.map_err(|source| CollateralError::File { path: path.clone(), source })?;
                if u64::try_from(length).is_ok_and(|length| length > LONGEST_FILE) {
                    return Err(document::malformed(&path.display().to_string(), "collateral of a length that there is"));
                }
                for item in document::read(&path.display().to_string(), &text)? {
                    if !items.contains(&item) {
                        items.push(item);
                    }
                }
            }
            items.sort_by_key(rank);
            Ok(items)
        }
    }
}

/// What comes before what.
fn rank(item: &CollateralItem) -> u8 {
    match item {
        CollateralItem::RootCrl { .. } => 0,
        CollateralItem::PckCrl { .. } => 1,
        CollateralItem::TcbInfo(_) => 2,
        CollateralItem::QeIdentity(_) => 3,
    }
}

/// Keeps collateral in the agent's data folder, in the place of what was there.
///
/// # Errors
/// The file cannot be written.
pub fn keep(data: &Path, items: &[CollateralItem]) -> Result<(), CollateralError> {
    let path = data.join(KEPT);
    let failed = |source| CollateralError::File { path: path.clone(), source };
    let text = serde_json::to_vec(items).map_err(|error| failed(error.into()))?;
    std::fs::create_dir_all(data).map_err(failed)?;
    // Whole or not at all: the agent may be reading it.
    let part = data.join(format!("{KEPT}.part"));
    std::fs::write(&part, text).and_then(|()| std::fs::rename(&part, &path)).map_err(failed)
}

/// What is kept; nothing if nothing was ever fetched.
///
/// # Errors
/// The file cannot be read.
pub fn kept(data: &Path) -> Result<Vec<CollateralItem>, CollateralError> {
    let path = data.join(KEPT);
    let text = match std::fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(CollateralError::File { path, source }),
    };
    serde_json::from_slice(&text)
        .map_err(|_| CollateralError::Malformed { place: path.display().to_string(), what: "collateral that this agent kept" })
}

#[cfg(test)]
mod tests;
