//! Where data went: the receipts of several jobs as one graph, and what of it lies before or behind one object.
//!
//! Nodes are data (a sealed blob, an object inside a guest, content that is the same in several jobs), a program's run, or a recipient; edges are what
//! receipts say was done. Within a job, nodes are joined by what its receipts name: objects, digests, `derived_from`, and the order in which a guest takes its
//! inputs. Digests in receipts are keyed for each job, so jobs are joined only by what is equal whoever looks: the BLAKE3 digest of a sealed blob, which
//! the terms of one job and the completion of another name; or of content, for whoever has the object keys.
//!
//! [`build`] makes the graph, [`show`], [`dot`] and [`svg`] show it. Not here: whether the receipts are to be believed (`bundle`), files, flags.

pub mod build;
pub mod dot;
pub mod show;
pub mod svg;

use blockcloud_primitives::{AccountId, Digest, JobId, Moment, SiteId};
use serde::Serialize;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque, btree_map::Entry},
    fmt,
};

/// Stretches of positions that are kept one by one; further receipts are counted only.
const STRETCHES: usize = 64;

/// What a node is. Unique in a graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum What {
    /// Sealed data outside the guests, by its BLAKE3 digest.
    Blob(Digest),
    /// Sealed data of which only the keyed digest in one job's receipts is known.
    Sealed(JobId, Digest),
    /// Data inside the guest of a job, by the keyed digest of its name.
    Object(JobId, Digest),
    /// The program of a job (BLAKE3 of its module), running.
    Run(JobId, Digest),
    /// Plain data that is the same in several places, by its digest: BLAKE3, or keyed where jobs share an object key.
    Content(Digest),
    /// Who data was sent to.
    Recipient(SiteId, Digest),
    /// What something was derived from and no receipt tells more about, by the keyed digest in one job's receipts.
    Unknown(JobId, Digest),
}

impl What {
    /// The digest by which it is known.
    pub fn digest(&self) -> Digest {
        match self {
            Self::Blob(digest)
            | Self::Sealed(_, digest)
            | Self::Object(_, digest)
            | Self::Run(_, digest)
            | Self::Content(digest)
            | Self::Recipient(_, digest)
            | Self::Unknown(_, digest) => *digest,
        }
    }

    /// The word for it in JSON.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Blob(_) => "blob",
            Self::Sealed(..) => "sealed",
            Self::Object(..) => "object",
            Self::Run(..) => "run",
            Self::Content(_) => "content",
            Self::Recipient(..) => "recipient",
            Self::Unknown(..) => "unknown",
        }
    }
}

/// A name that is unique in a graph.
impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, digest) = (self.kind(), self.digest());
        match self {
            Self::Blob(_) | Self::Content(_) => write!(f, "{kind}:{digest}"),
            Self::Sealed(job, _) | Self::Object(job, _) | Self::Run(job, _) | Self::Unknown(job, _) => write!(f, "{kind}:{job}:{digest}"),
            Self::Recipient(site, _) => write!(f, "{kind}:{site}:{digest}"),
        }
    }
}

/// What leads from one node to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// A blob was opened inside the guest.
    Ingest,
    /// The program read it.
    Read,
    /// The program wrote it.
    Write,
    /// The program ran: this was there, and that came of it.
    Process,
    /// It was sealed and stored outside the guest.
    Store,
    /// It was sent.
    Send,
    /// It was renamed or linked.
    Access,
    /// Another operation's receipt says that it was derived from this.
    Derive,
    /// The customer sealed the content; no receipt says so, the manifest does.
    Seal,
    /// The same bytes.
    Same,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ingest => "ingest",
            Self::Read => "read",
            Self::Write => "write",
            Self::Process => "process",
            Self::Store => "store",
            Self::Send => "send",
            Self::Access => "access",
            Self::Derive => "derive",
            Self::Seal => "seal",
            Self::Same => "same",
        })
    }
}

/// Receipts by their positions in one log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Receipts {
    /// How many.
    pub count: u64,
    /// Their positions as stretches, first and last; the first [`STRETCHES`] of them.
    pub seqs: Vec<(u64, u64)>,
    /// Time of the first, by the guest's clock.
    pub first: Moment,
    /// Time of the last.
    pub last: Moment,
    /// Whether all of them are below the head that the chain accepted, so that the bundle proves that they are in the log.
    pub proved: bool,
}

impl Receipts {
    /// Adds a receipt behind those that are there; one that is there already stays as it is.
    fn add(&mut self, seq: u64, time: Moment, proved: bool) {
        if self.count == 0 {
            *self = Self { count: 1, seqs: vec![(seq, seq)], first: time, last: time, proved };
            return;
        }
        let kept = self.seqs.len();
        match self.seqs.last_mut() {
            Some((_, last)) if *last == seq => return,
            Some((_, last)) if last.checked_add(1) == Some(seq) => *last = seq,
            _ if kept < STRETCHES => self.seqs.push((seq, seq)),
            _ => {}
        }
        self.count += 1;
        self.last = time;
        self.proved &= proved;
    }
}

/// Where a node was seen: in one job, with the receipts about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The job.
    pub job: JobId,
    /// Its provider.
    pub provider: AccountId,
    /// Its site.
    pub site: SiteId,
    /// The receipts.
    pub receipts: Receipts,
}

/// When something was erased, as a receipt says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Erased {
    /// The erase receipt's position in the job's log.
    pub seq: u64,
    /// Its time, by the guest's clock.
    pub time: Moment,
    /// Whether the bundle proves that it is in the log.
    pub proved: bool,
}

/// Data, a run, or a recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// What it is.
    pub what: What,
    /// Its name, for whoever has the object key.
    pub name: Option<String>,
    /// Where it was seen, by job.
    pub places: Vec<Place>,
    /// When it was erased, if it was and nothing was written to it since.
    pub erased: Option<Erased>,
}

/// What leads from one node to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    /// Position of the node it leads from.
    pub from: usize,
    /// Position of the node it leads to.
    pub to: usize,
    /// What was done.
    pub step: Step,
    /// The receipts that say so. None for what follows from digests alone.
    pub receipts: Receipts,
}

/// A job to which data goes, or from which it comes, and of which nothing was given.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Missing {
    /// The blob that it shares with the jobs that were given.
    pub blob: Digest,
    /// Whether the job takes the blob in; else it is the blob's origin.
    pub takes: bool,
    /// The job, where its number is known.
    pub job: Option<JobId>,
    /// Its terms hash.
    pub terms: Digest,
}

/// Which way to follow the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// To what it came from.
    Backward,
    /// To what became of it.
    Forward,
    /// Both.
    Both,
}

impl Direction {
    pub(crate) fn backward(self) -> bool {
        self != Self::Forward
    }

    pub(crate) fn forward(self) -> bool {
        self != Self::Backward
    }
}

/// Nodes and what leads from one to another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Graph {
    /// The nodes. What was asked about comes first.
    pub nodes: Vec<Node>,
    /// Positions of the nodes that were asked about.
    pub roots: Vec<usize>,
    /// The edges, by the nodes they join.
    pub edges: Vec<Edge>,
    /// Whether nodes were left out because there are too many.
    pub cut: bool,
}

impl Graph {
    /// What lies before and behind these nodes, as far as the direction goes: at most `limit` nodes, the nearest ones. Every node comes once, so cycles end.
    pub fn around(&self, roots: &BTreeSet<usize>, direction: Direction, limit: usize) -> Self {
        let (mut forward, mut backward) = (BTreeMap::<usize, Vec<usize>>::new(), BTreeMap::<usize, Vec<usize>>::new());
        for (position, edge) in self.edges.iter().enumerate() {
            forward.entry(edge.from).or_default().push(position);
            backward.entry(edge.to).or_default().push(position);
        }
        let (mut kept, mut cut) = (BTreeMap::<usize, usize>::new(), false);
        let mut keep = |node: usize, cut: &mut bool| {
            let next = kept.len();
            match kept.entry(node) {
                Entry::Occupied(_) => true,
                Entry::Vacant(_) if next >= limit => {
                    *cut = true;
                    false
                }
                Entry::Vacant(place) => {
                    place.insert(next);
                    true
                }
            }
        };
        let begin: VecDeque<usize> = roots.iter().copied().filter(|root| keep(*root, &mut cut)).collect();
        let mut used = BTreeSet::new();
        for (follow, edges, ahead) in [(direction.backward(), &backward, false), (direction.forward(), &forward, true)] {
            if !follow {
                continue;
            }
            let (mut waiting, mut seen) = (begin.clone(), roots.clone());
            while let Some(node) = waiting.pop_front() {
                for position in edges.get(&node).into_iter().flatten() {
                    let Some(edge) = self.edges.get(*position) else { continue };
                    let next = if ahead { edge.to } else { edge.from };
                    if !keep(next, &mut cut) {
                        continue;
                    }
                    used.insert(*position);
                    if seen.insert(next) {
                        waiting.push_back(next);
                    }
                }
            }
        }
        let mut order: Vec<_> = kept.iter().map(|(node, place)| (*place, *node)).collect();
        order.sort_unstable();
        let place = |node: usize| kept.get(&node).copied().unwrap_or_default();
        Self {
            nodes: order.iter().filter_map(|(_, node)| self.nodes.get(*node).cloned()).collect(),
            roots: begin.iter().map(|root| place(*root)).collect(),
            edges: used
                .iter()
                .filter_map(|position| self.edges.get(*position))
                .map(|edge| Edge { from: place(edge.from), to: place(edge.to), ..edge.clone() })
                .collect(),
            cut,
        }
    }

    /// Blobs that are in the graph.
    pub fn blobs(&self) -> BTreeSet<Digest> {
        self.nodes
            .iter()
            .filter_map(|node| match node.what {
                What::Blob(digest) => Some(digest),
                _ => None,
            })
            .collect()
    }

    /// The graph as JSON: `{"nodes", "edges", "cut"}`. Times in Unix milliseconds; edges name nodes by their ids.
    pub fn to_json(&self) -> Value {
        let id = |node: usize| self.nodes.get(node).map(|node| node.what.to_string());
        let nodes: Vec<_> = self
            .nodes
            .iter()
            .enumerate()
            .map(|(position, node)| {
                json!({
                    "id": node.what.to_string(),
                    "kind": node.what.kind(),
                    "digest": node.what.digest(),
                    "name": node.name,
                    "asked": self.roots.contains(&position),
                    "places": node.places,
                    "erased": node.erased,
                })
            })
            .collect();
        let edges: Vec<_> = self
            .edges
            .iter()
            .map(|edge| json!({"from": id(edge.from), "to": id(edge.to), "step": edge.step, "receipts": edge.receipts}))
            .collect();
        json!({"nodes": nodes, "edges": edges, "cut": self.cut})
    }
}

#[cfg(test)]
mod tests;
