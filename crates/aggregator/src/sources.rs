//! Who may fill which slot: sources by job and receipt key, and aggregators below this one by part and key.
//!
//! Where that is registered is behind the trait [`Sources`]; here is a file that is read again when it changes. Not here: the chain's register (`chain`), what
//! was taken from whom (`state`).

use crate::Part;
use blockcloud_primitives::{JobId, PublicKey};
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
};
use thiserror::Error;

/// A log that has a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Its slot, counted in the whole tree.
    pub slot: u32,
    /// The job whose log it is.
    pub job: JobId,
    /// The attested guest's receipt key. Another key is another guest, and its log another log.
    pub key: PublicKey,
}

/// An aggregator below this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Child {
    /// First slot of its part.
    pub base: u32,
    /// Height of its part.
    pub height: u8,
    /// Its key.
    pub key: PublicKey,
    /// Number of the first branch that is taken from it: more than zero only where it handed its earlier ones to another.
    #[serde(default)]
    pub first: u64,
}

impl Child {
    /// Its part.
    pub fn part(&self) -> Part {
        Part { base: self.base, height: self.height }
    }
}

/// Why sources cannot be read or do not fit together.
#[derive(Debug, Error)]
pub enum SourcesError {
    /// The file cannot be read.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file cannot be understood.
    #[error("{path}: {source}")]
    Format {
        /// The file.
        path: PathBuf,
        /// What the parser says.
        source: Box<toml::de::Error>,
    },
    /// A slot is outside this aggregator's part.
    #[error("slot {0} is outside this aggregator's part")]
    OutsideSlot(u32),
    /// A slot is given twice, or to a child too.
    #[error("slot {0} is given away twice")]
    TwiceSlot(u32),
    /// A job has two slots.
    #[error("job {0} has two slots")]
    TwiceJob(JobId),
    /// A child's part is not aligned, not smaller than this aggregator's, or outside it.
    #[error("the part of 2^{height} slots from slot {base} is not aligned, outside this aggregator's part, or not smaller than it")]
    BadPart {
        /// First slot.
        base: u32,
        /// Height.
        height: u8,
    },
    /// The register cannot be asked.
    #[error("the chain's register of sources: {0}")]
    Chain(String),
    /// Sources stand in the file although the chain is to name them.
    #[error("sources are taken from the chain (chain.sources): take them out of the file, which is for aggregators below this one then")]
    Both,
    /// Two children share slots.
    #[error("two children share slot {0}")]
    Overlap(u32),
}

/// All that is registered, and that it fits together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registry {
    sources: BTreeMap<u32, Source>,
    jobs: HashMap<JobId, u32>,
    children: BTreeMap<u32, Child>,
}

impl Registry {
    /// Sources and children of the aggregator that collects `part`.
    ///
    /// # Errors
    /// Whatever does not fit together: any [`SourcesError`] but those of reading.
    pub fn new(part: Part, sources: Vec<Source>, children: Vec<Child>) -> Result<Self, SourcesError> {
        let mut registry = Self::default();
        let mut end = 0u64;
        let mut sorted = children;
        sorted.sort_by_key(|child| child.base);
        for child in sorted {
            let below = child.part();
            if !below.is_aligned() || child.height >= part.height || !part.has(child.base) {
                return Err(SourcesError::BadPart { base: child.base, height: child.height });
            }
            if u64::from(child.base) < end {
                return Err(SourcesError::Overlap(child.base));
            }
            end = u64::from(child.base).saturating_add(below.slots().into());
            registry.children.insert(child.base, child);
        }
        for source in sources {
            if !part.has(source.slot) {
                return Err(SourcesError::OutsideSlot(source.slot));
            }
            if registry.child_of(source.slot).is_some() || registry.sources.insert(source.slot, source).is_some() {
                return Err(SourcesError::TwiceSlot(source.slot));
            }
            if registry.jobs.insert(source.job, source.slot).is_some() {
                return Err(SourcesError::TwiceJob(source.job));
            }
        }
        Ok(registry)
    }

    /// Sources by slot.
    pub fn sources(&self) -> impl ExactSizeIterator<Item = &Source> {
        self.sources.values()
    }

    /// Children by first slot.
    pub fn children(&self) -> impl ExactSizeIterator<Item = &Child> {
        self.children.values()
    }

    /// The source of a job.
    pub fn source_of(&self, job: JobId) -> Option<&Source> {
        self.sources.get(self.jobs.get(&job)?)
    }

    /// The source with this slot.
    pub fn source(&self, slot: u32) -> Option<&Source> {
        self.sources.get(&slot)
    }

    /// The child that collects this slot.
    pub fn child_of(&self, slot: u32) -> Option<&Child> {
        self.children.range(..=slot).next_back().map(|(_, child)| child).filter(|child| child.part().has(slot))
    }

    /// The child with exactly this part.
    pub fn child(&self, part: Part) -> Option<&Child> {
        self.children.get(&part.base).filter(|child| child.height == part.height)
    }
}

/// Where sources and children are registered.
pub trait Sources: Send + 'static {
    /// All that is registered now, or nothing if that has not changed since the last call.
    fn changed(&mut self) -> BoxFuture<'_, Result<Option<Registry>, SourcesError>>;
}

/// As the file has it.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourcesFile {
    /// The sources.
    #[serde(default, rename = "source")]
    pub sources: Vec<Source>,
    /// The aggregators below this one.
    #[serde(default, rename = "child")]
    pub children: Vec<Child>,
}

/// Sources in a TOML file: `[[source]]` with slot, job and key, `[[child]]` with base, height and key.
#[derive(Debug)]
pub struct FileSources {
    path: PathBuf,
    part: Part,
    /// BLAKE3 of what was read last.
    seen: Option<blake3::Hash>,
}

impl FileSources {
    /// The sources of the aggregator that collects `part`.
    pub fn new(path: impl Into<PathBuf>, part: Part) -> Self {
        Self { path: path.into(), part, seen: None }
    }

    fn read(path: &Path, part: Part, seen: &mut Option<blake3::Hash>) -> Result<Option<Registry>, SourcesError> {
        let text = std::fs::read_to_string(path).map_err(|source| SourcesError::Io { path: path.into(), source })?;
        let digest = blake3::hash(text.as_bytes());
        // A file that cannot be used is complained about once, not each second.
        if seen.replace(digest) == Some(digest) {
            return Ok(None);
        }
        let file: SourcesFile =
            toml::from_str(&text).map_err(|source| SourcesError::Format { path: path.into(), source: Box::new(source) })?;
        Registry::new(part, file.sources, file.children).map(Some)
    }
}

impl Sources for FileSources {
    fn changed(&mut self) -> BoxFuture<'_, Result<Option<Registry>, SourcesError>> {
        Box::pin(async move {
            let (path, part, mut seen) = (self.path.clone(), self.part, self.seen);
            let read = tokio::task::spawn_blocking(move || {
                let read = Self::read(&path, part, &mut seen);
                (read, seen)
            });
            let (read, seen) =
                read.await.map_err(|error| SourcesError::Io { path: self.path.clone(), source: std::io::Error::other(error) })?;
            self.seen = seen;
            read
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: Part = Part { base: 0, height: 4 };

    fn source(slot: u32, job: u64) -> Source {
        Source { slot, job: JobId(job), key: PublicKey([1; 32]) }
    }

    fn child(base: u32, height: u8) -> Child {
        Child { base, height, key: PublicKey([2; 32]), first: 0 }
    }

    #[test]
    fn finds_sources_by_job_and_children_by_slot() {
        let registry = Registry::new(WHOLE, vec![source(3, 30), source(0, 7)], vec![child(8, 2), child(12, 2), child(4, 1)]).unwrap();
        assert_eq!(registry.source_of(JobId(30)), Some(&source(3, 30)));
        assert_eq!(registry.source_of(JobId(31)), None);
        let bases = [0, 4, 5, 6, 8, 11, 12, 15, 16].map(|slot| registry.child_of(slot).map(|child| child.base));
        assert_eq!(bases, [None, Some(4), Some(4), None, Some(8), Some(8), Some(12), Some(12), None]);
        assert_eq!(registry.child(Part { base: 8, height: 2 }), Some(&child(8, 2)));
        assert_eq!(registry.child(Part { base: 8, height: 1 }), None);
    }

    #[test]
    fn fails_when_slots_or_jobs_are_given_twice_or_lie_outside() {
        let part = Part { base: 16, height: 4 };
        let new = |sources, children| Registry::new(part, sources, children).unwrap_err();
        assert!(matches!(new(vec![source(15, 1)], vec![]), SourcesError::OutsideSlot(15)));
        assert!(matches!(new(vec![source(32, 1)], vec![]), SourcesError::OutsideSlot(32)));
        assert!(matches!(new(vec![source(16, 1), source(16, 2)], vec![]), SourcesError::TwiceSlot(16)));
        assert!(matches!(new(vec![source(21, 1)], vec![child(20, 1)]), SourcesError::TwiceSlot(21)));
        assert!(matches!(new(vec![source(16, 1), source(17, 1)], vec![]), SourcesError::TwiceJob(JobId(1))));
    }

    #[test]
    fn fails_when_a_child_is_crooked_outside_as_large_as_its_parent_or_overlaps() {
        let part = Part { base: 16, height: 4 };
        let new = |children| Registry::new(part, vec![], children).unwrap_err();
        for bad in [child(17, 1), child(32, 1), child(0, 2), child(16, 4), child(0, 5), child(16, 31), child(16, 255)] {
            assert!(matches!(new(vec![bad]), SourcesError::BadPart { .. }), "{bad:?}");
        }
        assert!(matches!(new(vec![child(20, 2), child(22, 1)]), SourcesError::Overlap(22)));
        assert!(matches!(new(vec![child(20, 2), child(20, 1)]), SourcesError::Overlap(20)));
    }

    #[tokio::test]
    async fn a_file_is_read_again_when_it_changes_and_a_bad_one_is_named_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sources.toml");
        let key = PublicKey([1; 32]);
        std::fs::write(
            &path,
            format!("[[source]]\nslot = 1\njob = 5\nkey = \"{key}\"\n[[child]]\nbase = 8\nheight = 3\nkey = \"{key}\"\n"),
        )
        .unwrap();
        let mut sources = FileSources::new(&path, WHOLE);
        let first = sources.changed().await.unwrap().unwrap();
        assert_eq!(first, Registry::new(WHOLE, vec![source(1, 5)], vec![Child { key, ..child(8, 3) }]).unwrap());
        assert_eq!(sources.changed().await.unwrap(), None);
        std::fs::write(&path, "[[source]]\nslot = 99\n").unwrap();
        assert!(matches!(sources.changed().await, Err(SourcesError::Format { .. })));
        assert_eq!(sources.changed().await.unwrap(), None);
        std::fs::write(&path, "").unwrap();
        assert_eq!(sources.changed().await.unwrap(), Some(Registry::default()));
        std::fs::remove_file(&path).unwrap();
        assert!(matches!(sources.changed().await, Err(SourcesError::Io { .. })));
    }
}
