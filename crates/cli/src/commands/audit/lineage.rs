//! `blockcloud audit lineage`: where a piece of data went, across jobs and providers.
//!
//! Not here: the graph (`crate::lineage`).

use super::{Belief, gather, hold};
use crate::{
    bundle::Bundle,
    context::Context,
    entry::erased,
    fault::{as_usage, usage},
    home::{Agreed, JobFolder},
    lineage::{
        Direction, Graph, Missing,
        build::{Source, Wanted, build},
        dot::dot,
        show::tree,
        svg::svg,
    },
    output::Format,
};
use anyhow::{Context as _, Result, bail};
use blockcloud_primitives::{Digest, JobId, Op};
use blockcloud_seal::Manifest;
use clap::{Args, ValueEnum};
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// How the graph is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Drawing {
    /// For a terminal.
    Tree,
    /// The language of Graphviz.
    Dot,
    /// A picture.
    Svg,
}

#[derive(Debug, Args)]
pub struct Arguments {
    /// The data: a digest as hex (BLAKE3 of a sealed blob, of a file or of a module; or a keyed digest as it stands in receipts), `name:PATH` for what the guests know
    /// by that name, or a file. Names and files are recognised only in jobs whose job file is known.
    #[arg(value_name = "DIGEST|name:PATH|FILE")]
    object: String,
    /// Audit bundles (`blockcloud audit export`), verified first.
    #[arg(long = "bundle", value_name = "FILE", num_args = 1.., required_unless_present = "jobs")]
    bundles: Vec<PathBuf>,
    /// Jobs that are still on chain: their records are fetched as `audit export` does (--node).
    #[arg(long = "job", value_name = "JOB", num_args = 1..)]
    jobs: Vec<JobId>,
    /// Job files of the customer's (`job.json` of a job folder), which hold names and the key of the digests in receipts. Those in your own folder (--home) are used
    /// as they are.
    #[arg(long = "job-file", value_name = "FILE", num_args = 1..)]
    job_files: Vec<PathBuf>,
    /// Which way to follow it.
    #[arg(long, value_enum, default_value_t = Direction::Both)]
    direction: Direction,
    /// How the graph is drawn; --output json is another form.
    #[arg(long, value_enum, default_value_t = Drawing::Tree)]
    format: Drawing,
    /// Most nodes to show, the nearest first.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    limit: u16,
    #[command(flatten)]
    belief: Belief,
}

/// A job that a job file or the customer's folder knows.
struct Known {
    job: Option<JobId>,
    agreed: Agreed,
    /// The sealed output, where it is known.
    output: Option<Digest>,
}

pub async fn run(context: &Context, arguments: Arguments) -> Result<bool> {
    if arguments.format != Drawing::Tree && context.output.format() == Format::Json {
        return Err(usage("--output json is a form of its own: leave out --format"));
    }
    let job_files = arguments.job_files.iter().map(|file| Agreed::read(file).map_err(as_usage)).collect::<Result<Vec<_>>>()?;
    let wanted = wanted(&arguments.object)?;
    let bundles = bundles(context, &arguments).await?;
    let mut known: Vec<_> = job_files.into_iter().map(|agreed| Known { job: None, agreed, output: None }).collect();
    if let (Some(first), Ok(home)) = (bundles.first(), context.home()) {
        known.extend(placed_here(context, &home, first.genesis)?);
    }
    let terms: BTreeMap<Digest, &Known> = known.iter().map(|known| (known.agreed.spec.terms(), known)).collect();
    let sources: Vec<_> = bundles
        .iter()
        .map(|bundle| Source { bundle, manifest: terms.get(&bundle.job.terms).map(|known| &known.agreed.manifest) })
        .collect();
    for Source { bundle, manifest } in &sources {
        if manifest.is_some_and(|manifest| !fits(bundle, manifest)) {
            return Err(usage(format!("the job file of job {} holds another key than that of its receipts", bundle.job.id)));
        }
    }
    let named = sources.iter().filter(|source| source.manifest.is_some()).count();
    let (graph, found) = build(&sources, &wanted);
    if found.is_empty() {
        let advice = match wanted {
            Wanted::Digest(_) => String::new(),
            Wanted::Name(_) | Wanted::Content(_) => {
                format!(
                    "; the job files of {named} of {} jobs are known, without which a name or a file is not recognised (--job-file)",
                    sources.len()
                )
            }
        };
        bail!("{} is in none of these records{advice}", arguments.object);
    }
    let graph = graph.around(&found, arguments.direction, arguments.limit.into());
    for bundle in &bundles {
        let erased = erased(&bundle.receipts).len();
        if erased > 0 {
            context.output.say(format!("note: {erased} receipts of job {} were erased: what they said is not in this", bundle.job.id));
        }
    }
    let missing = missing(&graph, &bundles, &known, arguments.direction);
    for missing in &missing {
        context.output.say(format!("note: {}", sentence(missing)));
    }
    if graph.cut {
        context.output.say(format!("note: there is more than the {} nodes shown; --limit shows more", arguments.limit));
    }
    match arguments.format {
        Drawing::Tree => {
            let mut shown = graph.to_json();
            if let Some(fields) = shown.as_object_mut() {
                fields.insert("object".into(), json!(arguments.object));
                fields.insert("direction".into(), json!(arguments.direction));
                fields.insert("missing".into(), json!(missing));
                let erased = bundles.iter().map(|bundle| json!({"job": bundle.job.id, "seqs": erased(&bundle.receipts)}));
                fields.insert("erased_receipts".into(), erased.filter(|erased| erased["seqs"] != json!([])).collect());
            }
            context.output.result(&shown, |_| tree(&graph, arguments.direction))?;
        }
        Drawing::Dot => println!("{}", dot(&graph)),
        Drawing::Svg => println!("{}", svg(&graph, arguments.direction)),
    }
    Ok(true)
}

/// Whether the job's receipts are keyed with this manifest's key: every guest takes in a manifest, and most a module.
fn fits(bundle: &Bundle, manifest: &Manifest) -> bool {
    let names = ["manifest", "module"].map(|name| manifest.object_key.digest(name.as_bytes()));
    let mut taken = bundle.receipts().filter(|receipt| receipt.op == Op::Ingest).peekable();
    taken.peek().is_none() || taken.any(|receipt| names.contains(&receipt.object)) || !erased(&bundle.receipts).is_empty()
}

/// What the user means.
fn wanted(text: &str) -> Result<Wanted> {
    if let Some(name) = text.strip_prefix("name:") {
        return Ok(Wanted::Name(name.to_owned()));
    }
    let file = Path::new(text);
    match text.parse() {
        Ok(Digest::ZERO) => Err(usage("the digest of nothing but zeros stands for none")),
        Ok(digest) => Ok(Wanted::Digest(digest)),
        Err(_) => {
            let content = fs::read(file).with_context(|| format!("{text} is no digest, no name:PATH, and cannot be read as a file"));
            let content = content.map_err(as_usage)?;
            if content.is_empty() {
                return Err(usage(format!("{text} is empty: every empty file is the same")));
            }
            Ok(Wanted::Content(content))
        }
    }
}

/// The bundles, each of another job of one chain, and each of them good.
async fn bundles(context: &Context, arguments: &Arguments) -> Result<Vec<Bundle>> {
    let mut bundles = Vec::new();
    for file in &arguments.bundles {
        bundles.push(arguments.belief.read(context, file, false).await?);
    }
    for job in &arguments.jobs {
        let (bundle, _) = gather(context, *job).await?;
        hold(&arguments.belief.judge(context, &bundle)?, &format!("job {job}"))?;
        bundles.push(bundle);
    }
    let mut jobs = BTreeSet::new();
    for bundle in &bundles {
        let first = bundles.first().map_or(bundle.genesis, |first| first.genesis);
        if bundle.genesis != first {
            bail!("the records are of different chains: {first} and {}", bundle.genesis);
        }
        if !jobs.insert(bundle.job.id) {
            return Err(usage(format!("job {} is given twice", bundle.job.id)));
        }
    }
    if context.genesis().is_none() && !arguments.bundles.is_empty() {
        let genesis = bundles.first().map_or(Digest::ZERO, |bundle| bundle.genesis);
        context.output.say(format!("note: the files say they are of the chain {genesis}; --genesis makes sure"));
    }
    bundles.sort_by_key(|bundle| bundle.job.id);
    Ok(bundles)
}

/// The jobs that were placed from here.
fn placed_here(context: &Context, home: &Path, genesis: Digest) -> Result<Vec<Known>> {
    let mut known = Vec::new();
    for job in JobFolder::jobs(home, genesis)? {
        let folder = match JobFolder::placed_here(home, genesis, job) {
            Ok(Some(folder)) => folder,
            Ok(None) => continue,
            Err(error) => {
                context.output.say(format!("note: what you know of job {job} is left out: {error:#}"));
                continue;
            }
        };
        let output = folder.seen()?.completion.map(|completion| completion.output.digest);
        known.push(Known { job: Some(job), agreed: folder.agreed, output });
    }
    Ok(known)
}

/// Jobs that share a blob with what is shown, and of which no record was given.
fn missing(graph: &Graph, bundles: &[Bundle], known: &[Known], direction: Direction) -> Vec<Missing> {
    let given: BTreeSet<_> = bundles.iter().map(|bundle| bundle.job.terms).collect();
    let blobs = graph.blobs();
    let mut missing = BTreeSet::new();
    for Known { job, agreed, output } in known {
        let terms = agreed.spec.terms();
        if given.contains(&terms) {
            continue;
        }
        let takes = std::iter::once(&agreed.spec.manifest).chain(&agreed.spec.inputs).map(|blob| (blob.digest, true));
        let shared = takes
            .chain(output.map(|output| (output, false)))
            .filter(|(blob, takes)| blobs.contains(blob) && if *takes { direction.forward() } else { direction.backward() });
        missing.extend(shared.map(|(blob, takes)| Missing { blob, takes, job: *job, terms }));
    }
    missing.into_iter().collect()
}

fn sentence(missing: &Missing) -> String {
    let job = missing.job.map_or_else(|| format!("the job with terms {}", missing.terms), |job| format!("job {job}"));
    let what = if missing.takes { "goes on in" } else { "comes from" };
    format!("sealed blob {} {what} {job}, of which no record was given", missing.blob)
}
