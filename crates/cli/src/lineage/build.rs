//! From verified bundles to the graph.
//!
//! # What joins what
//! * A guest takes its blobs in the order of the job's terms, the manifest first, so the n-th `Ingest` is about the n-th blob; the lengths must agree.
//! * `Read` leads from an object into the run, `Write` from the run to an object.
//! * `Process` leads from every object that was taken in to the run, and from the run and everything that it wrote to what it names: a guest does not say
//!   which part of an output came from which input.
//! * `Store` leads to a sealed blob; the last one before the end is the output of the completion, if their lengths agree.
//! * `derived_from` leads from whatever has that digest in the same job, or from something unknown.
//! * Whoever has a job's manifest has its names, the BLAKE3 digests of its inputs, and can tell whether an object is a given file: by its `Ingest`, or by
//!   `Write`s that cover the file and hold the same bytes.

use super::{Edge, Erased, Graph, Node, Place, Receipts, Step, What};
use crate::{bundle::Bundle, entry::Entry, spec::names};
use blockcloud_primitives::{Blob, Digest, JobId, Op, Receipt, Workload};
use blockcloud_seal::{Manifest, ObjectKey, sealed_len};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What is asked about.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// Any of the digests that name data: of a blob, of content, of a module; or keyed, of a name or of content.
    Digest(Digest),
    /// The name of an object inside the guests, such as `/input/data.csv`.
    Name(String),
    /// Content.
    Content(Vec<u8>),
}

/// One job: its bundle, which was verified, and its manifest, if the customer gave it.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    pub bundle: &'a Bundle,
    pub manifest: Option<&'a Manifest>,
}

/// Makes the graph, and finds the nodes that are asked about.
pub fn build(sources: &[Source<'_>], wanted: &Wanted) -> (Graph, BTreeSet<usize>) {
    let mut builder = Builder::default();
    for source in sources {
        JobBuilder::new(source, &mut builder).run(wanted);
    }
    builder.join_contents(wanted);
    let found = match wanted {
        Wanted::Digest(digest) => builder.mentions.get(digest).cloned().unwrap_or_default(),
        Wanted::Name(_) => builder.named.clone(),
        Wanted::Content(bytes) => builder.mentions.get(&Digest::of(bytes)).cloned().unwrap_or_default(),
    };
    (Graph { nodes: builder.nodes, edges: builder.edges.into_values().collect(), ..Graph::default() }, found)
}

/// How a node has some content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Has {
    /// It was made with it.
    Made,
    /// It came with it.
    Came,
}

#[derive(Default)]
struct Builder {
    nodes: Vec<Node>,
    places: HashMap<What, usize>,
    edges: BTreeMap<(usize, usize, Step), Edge>,
    /// Nodes by every digest that is said of them.
    mentions: BTreeMap<Digest, BTreeSet<usize>>,
    /// Nodes by the name that is asked about.
    named: BTreeSet<usize>,
    /// Nodes by content, for what may be equal between jobs.
    contents: BTreeMap<Digest, BTreeSet<(usize, Has, JobId)>>,
    /// Contents that are shown even if only one node has them.
    shown: BTreeSet<Digest>,
}

impl Builder {
    fn node(&mut self, what: What) -> usize {
        let next = self.nodes.len();
        let node = *self.places.entry(what).or_insert(next);
        if node == next {
            self.nodes.push(Node { what, name: None, places: Vec::new(), erased: None });
            self.mentions.entry(what.digest()).or_default().insert(node);
        }
        node
    }

    fn edge(&mut self, from: usize, to: usize, step: Step) -> &mut Receipts {
        &mut self.edges.entry((from, to, step)).or_insert_with(|| Edge { from, to, step, receipts: Receipts::default() }).receipts
    }

    /// Joins what has the same content: who made it, the content, who got it.
    fn join_contents(&mut self, wanted: &Wanted) {
        let asked = match wanted {
            Wanted::Digest(digest) => Some(*digest),
            Wanted::Content(bytes) => Some(Digest::of(bytes)),
            Wanted::Name(_) => None,
        };
        for (digest, having) in std::mem::take(&mut self.contents) {
            let jobs: BTreeSet<_> = having.iter().map(|(_, _, job)| *job).collect();
            if jobs.len() < 2 && !(self.shown.contains(&digest) && asked == Some(digest)) {
                continue;
            }
            let content = self.node(What::Content(digest));
            for (node, has, _) in having {
                match has {
                    Has::Made => self.edge(node, content, Step::Same),
                    Has::Came if matches!(self.nodes.get(node), Some(Node { what: What::Blob(_), .. })) => {
                        self.edge(content, node, Step::Seal)
                    }
                    Has::Came => self.edge(content, node, Step::Same),
                };
            }
        }
    }
}

/// The ranges of a file that receipts about one object say the same bytes of.
#[derive(Default)]
struct Covered(Vec<(u64, u64)>);

impl Covered {
    /// Whether they leave nothing out of the first `length` bytes.
    fn whole(mut self, length: u64) -> bool {
        self.0.sort_unstable();
        let end = self.0.iter().try_fold(0_u64, |end, (from, to)| (*from <= end).then_some(end.max(*to)));
        end.is_some_and(|end| end >= length)
    }
}

struct JobBuilder<'a, 'b> {
    all: &'b mut Builder,
    bundle: &'a Bundle,
    manifest: Option<&'a Manifest>,
    job: JobId,
    names: BTreeMap<Digest, String>,
    run: usize,
    objects: BTreeSet<usize>,
    ingested: BTreeSet<usize>,
    written: BTreeSet<usize>,
    /// Nodes of this job by what they contain.
    holders: BTreeMap<Digest, usize>,
}

impl<'a, 'b> JobBuilder<'a, 'b> {
    fn new(source: &Source<'a>, all: &'b mut Builder) -> Self {
        let Source { bundle, manifest } = *source;
        let job = bundle.job.id;
        let Workload::Wasm { module, .. } = &bundle.job.spec.workload;
        let run = all.node(What::Run(job, *module));
        let names = manifest.map(names).unwrap_or_default();
        let (objects, ingested, written) = Default::default();
        Self { all, bundle, manifest, job, names, run, objects, ingested, written, holders: BTreeMap::new() }
    }

    fn run(mut self, wanted: &Wanted) {
        let last_store = self.bundle.receipts().filter(|receipt| receipt.op == Op::Store).last().map(|receipt| receipt.seq);
        let mut blobs = std::iter::once(self.bundle.job.spec.manifest).chain(self.bundle.job.spec.inputs.iter().copied());
        let mut takes = true;
        for entry in &self.bundle.receipts {
            let Entry::Receipt(receipt) = entry else {
                // Behind the key and before the first work, what was erased was about a blob.
                if takes && entry.seq() > 0 {
                    blobs.next();
                }
                continue;
            };
            takes &= matches!(receipt.op, Op::Ingest | Op::KeyRelease);
            match receipt.op {
                Op::Ingest => self.ingest(receipt, blobs.next()),
                Op::Read => {
                    let object = self.object(receipt);
                    self.step(object, self.run, Step::Read, receipt);
                    self.see(self.run, receipt);
                }
                Op::Write => self.write(receipt),
                Op::Process => self.process(receipt),
                Op::Store => self.store(receipt, last_store == Some(receipt.seq)),
                Op::Send => self.send(receipt),
                Op::Access => self.access(receipt),
                Op::Erase => self.erase(receipt),
                Op::KeyRelease | Op::Admin | Op::Heartbeat => {}
            }
        }
        if let Some(manifest) = self.manifest {
            self.find(manifest, wanted);
        }
    }

    fn proved(&self, receipt: &Receipt) -> bool {
        self.bundle.head().is_some_and(|head| receipt.seq < head.size)
    }

    /// Notes that a receipt is about a node.
    fn see(&mut self, node: usize, receipt: &Receipt) {
        let (proved, job) = (self.proved(receipt), &self.bundle.job);
        let Some(node) = self.all.nodes.get_mut(node) else { return };
        if node.places.last().is_none_or(|place| place.job != job.id) {
            node.places.push(Place { job: job.id, provider: job.provider, site: job.site, receipts: Receipts::default() });
        }
        if let Some(place) = node.places.last_mut() {
            place.receipts.add(receipt.seq, receipt.time, proved);
        }
    }

    fn step(&mut self, from: usize, to: usize, step: Step, receipt: &Receipt) {
        let proved = self.proved(receipt);
        self.all.edge(from, to, step).add(receipt.seq, receipt.time, proved);
    }

    /// The object that a receipt is about.
    fn object(&mut self, receipt: &Receipt) -> usize {
        let object = self.object_of(receipt.object);
        self.see(object, receipt);
        self.mention(object, receipt.digest);
        object
    }

    fn object_of(&mut self, digest: Digest) -> usize {
        let object = self.all.node(What::Object(self.job, digest));
        self.objects.insert(object);
        if let (Some(name), Some(node)) = (self.names.get(&digest), self.all.nodes.get_mut(object)) {
            node.name = Some(name.clone());
        }
        object
    }

    fn mention(&mut self, node: usize, digest: Digest) {
        if digest != Digest::ZERO {
            self.all.mentions.entry(digest).or_default().insert(node);
            self.holders.insert(digest, node);
        }
    }

    fn contains(&mut self, digest: Digest, node: usize, has: Has) {
        if digest != Digest::ZERO {
            self.all.contents.entry(digest).or_default().insert((node, has, self.job));
        }
    }

    fn ingest(&mut self, receipt: &Receipt, blob: Option<Blob>) {
        let object = self.object(receipt);
        let sealed = self.bundle.job.spec.manifest;
        if blob == Some(sealed) && self.ingested.is_empty() && receipt.bytes == sealed.bytes {
            // The manifest is named as it was sealed, and no input of the program.
            let blob = self.all.node(What::Blob(sealed.digest));
            self.see(blob, receipt);
            self.step(blob, object, Step::Ingest, receipt);
            return;
        }
        self.ingested.insert(object);
        self.contains(receipt.digest, object, Has::Came);
        if let Some(blob) = blob.filter(|blob| sealed_len(receipt.bytes) == blob.bytes) {
            let node = self.all.node(What::Blob(blob.digest));
            self.see(node, receipt);
            self.step(node, object, Step::Ingest, receipt);
            let plain =
                self.manifest.and_then(|manifest| manifest.entries().find(|entry| entry.blob == blob.digest)).map(|entry| entry.digest);
            if let Some(plain) = plain {
                self.contains(plain, node, Has::Came);
                self.all.shown.insert(plain);
            }
        }
        self.derive(receipt, object);
    }

    fn write(&mut self, receipt: &Receipt) {
        let object = self.object(receipt);
        self.see(self.run, receipt);
        self.step(self.run, object, Step::Write, receipt);
        self.written.insert(object);
        if receipt.offset == 0 {
            self.contains(receipt.digest, object, Has::Made);
        }
        if let Some(node) = self.all.nodes.get_mut(object) {
            node.erased = None;
        }
        self.derive(receipt, object);
    }

    fn process(&mut self, receipt: &Receipt) {
        self.see(self.run, receipt);
        let output = self.object(receipt);
        self.contains(receipt.digest, output, Has::Made);
        for input in self.ingested.clone() {
            self.step(input, self.run, Step::Process, receipt);
        }
        for part in self.written.clone() {
            if part != output {
                self.step(part, output, Step::Process, receipt);
            }
        }
        self.step(self.run, output, Step::Process, receipt);
        // What it names is the digest over all inputs, which no receipt has alone, unless there are none.
        if self.ingested.is_empty() || self.holders.contains_key(&receipt.derived_from) {
            self.derive(receipt, output);
        }
    }

    fn store(&mut self, receipt: &Receipt, is_last: bool) {
        let object = self.object_of(receipt.object);
        self.see(object, receipt);
        let output = self.bundle.job.completion.map(|completion| completion.output);
        let sealed = match output.filter(|output| is_last && output.bytes == receipt.bytes) {
            Some(output) => self.all.node(What::Blob(output.digest)),
            None => self.all.node(What::Sealed(self.job, receipt.digest)),
        };
        self.see(sealed, receipt);
        let from = self.holders.get(&receipt.derived_from).copied().unwrap_or(object);
        self.step(from, sealed, Step::Store, receipt);
        self.mention(sealed, receipt.digest);
    }

    fn send(&mut self, receipt: &Receipt) {
        let object = self.object(receipt);
        let recipient = self.all.node(What::Recipient(receipt.to.site, receipt.to.recipient));
        self.see(recipient, receipt);
        self.step(object, recipient, Step::Send, receipt);
        self.derive(receipt, object);
    }

    /// An object that came from another by renaming or linking; other looks at it lead nowhere.
    fn access(&mut self, receipt: &Receipt) {
        let object = self.object(receipt);
        if receipt.derived_from != Digest::ZERO {
            let origin = self.object_of(receipt.derived_from);
            self.step(origin, object, Step::Access, receipt);
            if self.written.contains(&origin) {
                self.written.insert(object);
            }
        }
    }

    fn erase(&mut self, receipt: &Receipt) {
        let erased = Erased { seq: receipt.seq, time: receipt.time, proved: self.proved(receipt) };
        let objects = if receipt.object == Digest::ZERO { self.objects.clone() } else { BTreeSet::from([self.object(receipt)]) };
        for object in objects {
            if let Some(node) = self.all.nodes.get_mut(object) {
                node.erased.get_or_insert(erased);
            }
        }
    }

    /// What a receipt says its object was derived from.
    fn derive(&mut self, receipt: &Receipt, object: usize) {
        let digest = receipt.derived_from;
        if digest == Digest::ZERO {
            return;
        }
        let origin = match self.holders.get(&digest) {
            Some(origin) => *origin,
            None => self.all.node(What::Unknown(self.job, digest)),
        };
        if origin != object {
            self.step(origin, object, Step::Derive, receipt);
        }
    }

    /// Finds what is asked about by name or content, for which the object key is needed.
    fn find(&mut self, manifest: &Manifest, wanted: &Wanted) {
        match wanted {
            Wanted::Digest(_) => {}
            Wanted::Name(name) => {
                let object = self.all.places.get(&What::Object(self.job, manifest.object_key.digest(name.as_bytes()))).copied();
                if let Some(node) = object.and_then(|object| self.all.nodes.get_mut(object)) {
                    node.name = Some(name.clone());
                }
                self.all.named.extend(object);
            }
            Wanted::Content(bytes) => self.find_content(&manifest.object_key, bytes),
        }
    }

    fn find_content(&mut self, key: &ObjectKey, bytes: &[u8]) {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let mut digests = HashMap::new();
        let mut is_there = |receipt: &Receipt| {
            let range = (receipt.offset, receipt.bytes);
            let digest = *digests.entry(range).or_insert_with(|| {
                let from = usize::try_from(range.0).ok()?;
                let to = from.checked_add(usize::try_from(range.1).ok()?)?;
                bytes.get(from..to).filter(|part| !part.is_empty()).map(|part| key.digest(part))
            });
            digest == Some(receipt.digest)
        };
        let mut written = BTreeMap::<Digest, Covered>::new();
        let mut found = BTreeSet::new();
        for receipt in self.bundle.receipts() {
            let whole = receipt.offset == 0 && receipt.bytes == length;
            match receipt.op {
                Op::Ingest if whole && is_there(receipt) => drop(found.insert((receipt.object, Has::Came))),
                Op::Process if whole && is_there(receipt) => drop(found.insert((receipt.object, Has::Made))),
                Op::Write if is_there(receipt) => {
                    written.entry(receipt.object).or_default().0.push((receipt.offset, receipt.offset.saturating_add(receipt.bytes)));
                }
                _ => {}
            }
        }
        found.extend(
            written
                .into_iter()
                .filter(|(_, covered)| length > 0 && !covered.0.is_empty())
                .filter_map(|(object, covered)| covered.whole(length).then_some((object, Has::Made))),
        );
        let content = Digest::of(bytes);
        for (object, has) in found {
            let object = self.object_of(object);
            let blob = self.all.edges.values().find(|edge| edge.to == object && edge.step == Step::Ingest).map(|edge| edge.from);
            let node = blob.filter(|_| has == Has::Came).unwrap_or(object);
            self.contains(content, node, has);
            self.all.shown.insert(content);
        }
    }
}
