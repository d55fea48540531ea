//! `blockcloud receipt mirror`: a job's log as static files that any web server, CDN or object store can serve, in the layout of C2SP tlog-tiles.
//!
//! What stands at the destination is what the exporter signed for last (`checkpoint`), so it is read first: a mirror is only ever continued, never replaced by another log or an
//! older state. Not here: how a log is fetched and verified (`source`), how tiles look (`blockcloud_receipt_log::tiles`).

use super::source::{From, Source};
use crate::{
    context::Context,
    fault::{as_usage, usage},
};
use anyhow::{Context as _, Result, bail};
use blockcloud_primitives::Digest;
use blockcloud_receipt_log::{
    Hash,
    formats::{
        Signer as _,
        note::{self, NoteKey, Role},
    },
    tiles::{BundleWriter, Directory, Flush, Objects, Store, TILE_WIDTH, TileId, TileTree, TileWriter, mirror},
};
use clap::Args;
use object_store::{
    RetryConfig,
    aws::{AmazonS3, AmazonS3Builder},
    memory::InMemory,
    path::Path as Prefix,
    prefix::PrefixStore,
};
use serde_json::json;
use std::{path::PathBuf, sync::Arc, time::Duration};

/// Where the exporter's statement lies beside the tiles.
const CHECKPOINT: &str = "checkpoint";

/// Variables of which each says where credentials come from.
const CREDENTIALS: [&str; 5] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_METADATA_ENDPOINT",
];

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    from: From,
    /// Where to: a folder, or s3://BUCKET/PREFIX with the usual variables (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION; AWS_ENDPOINT for what is S3-compatible).
    #[arg(long, value_name = "FOLDER|URL")]
    to: String,
    /// Who exports: a name of yours, best a URL without its scheme, such as audit.example.com.
    #[arg(long, value_name = "NAME")]
    issuer: String,
}

pub async fn run(context: &Context, arguments: Arguments) -> Result<bool> {
    if let Some((flag, _)) = arguments.from.misplaced().iter().find(|(_, misplaced)| *misplaced) {
        return Err(usage(format!("{flag} has no meaning without --bundle")));
    }
    // What does not need the log is asked before it is fetched.
    let place = Place::parse(&arguments.to, context.timeout())?;
    let key = context.signing_key()?;
    let source = arguments.from.read(context).await?;
    let head = source.tree_head(&arguments.issuer);
    let known = NoteKey::new(&head.origin, Role::Log, &key.public()).map_err(as_usage)?;
    let (note, vkey) = (note::sign(&head, &key).map_err(as_usage)?, known.to_vkey());
    // Stores wait for the disk or the network.
    let written = tokio::task::spawn_blocking(move || write(&source, &known, &note, &&*place.open()?));
    let (to, root) = (&arguments.to, Digest(head.root));
    let before = written.await?.with_context(|| to.clone())?;
    let shown = json!({"to": to, "origin": head.origin, "vkey": vkey, "before": before, "size": head.size, "root": root});
    context.output.result(&shown, |_| {
        format!(
            "{to}: {} receipts under {root}, {} of them new\nothers verify it with the verifier key {vkey}",
            head.size,
            head.size - before
        )
    })?;
    Ok(true)
}

/// The destination that somebody names.
enum Place {
    Folder(PathBuf),
    Bucket(PrefixStore<AmazonS3>),
}

impl Place {
    /// Reads a name. Nothing is asked or made yet.
    fn parse(to: &str, timeout: Duration) -> Result<Self> {
        let Some((scheme, rest)) = to.split_once("://") else { return Ok(Self::Folder(to.into())) };
        if scheme != "s3" {
            return Err(usage(format!(
                "a mirror is a folder or s3://BUCKET/PREFIX, not {scheme}://: mirror to a folder, and copy that with the tools of the store"
            )));
        }
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            return Err(usage("name the bucket: s3://BUCKET/PREFIX"));
        }
        // The library would otherwise go and ask whatever answers at the address where clouds keep a machine's credentials.
        if !CREDENTIALS.iter().any(|name| std::env::var_os(name).is_some()) {
            return Err(usage(format!(
                "no credentials for {to}: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or another of {}",
                CREDENTIALS.join(", ")
            )));
        }
        let retry = RetryConfig { max_retries: 3, retry_timeout: timeout, ..RetryConfig::default() };
        let bucket = AmazonS3Builder::from_env().with_bucket_name(bucket).with_retry(retry).build().map_err(as_usage)?;
        Ok(Self::Bucket(PrefixStore::new(bucket, Prefix::parse(prefix).map_err(as_usage)?)))
    }

    /// Opens it, on a thread that may wait.
    fn open(self) -> Result<Box<dyn Store>> {
        Ok(match self {
            Self::Folder(path) => Box::new(Directory::open(&path, Flush::Together).context("cannot make the folder")?),
            Self::Bucket(bucket) => Box::new(Objects::new(Arc::new(bucket))?),
        })
    }
}

/// Brings the mirror up to the log, and returns how many receipts it had before.
fn write(source: &Source, known: &NoteKey, note: &str, to: &impl Store) -> Result<u64> {
    let memory = Objects::new(Arc::new(InMemory::new()))?;
    let (mut tiles, mut bundles) = (TileWriter::new(&memory), BundleWriter::new(&memory));
    tiles.append(&source.entries.iter().map(|entry| entry.leaf()).collect::<Vec<Hash>>())?;
    source.entries.iter().try_for_each(|entry| bundles.append(&entry.bytes()))?;
    tiles.publish()?;
    bundles.publish()?;
    let tree = TileTree::new(&memory, tiles.frontier().clone());
    let before = before(to, known, &tree)?;
    mirror(&tree, before, to)?;
    // What was erased since the last time is not served any longer.
    let erased = source.entries.iter().filter(|entry| entry.receipt().is_none()).map(|entry| entry.seq() / TILE_WIDTH);
    let mut erased: Vec<u64> = erased.filter(|bundle| *bundle < before / TILE_WIDTH).collect();
    erased.dedup();
    for bundle in erased.into_iter().filter_map(|bundle| TileId::entries(bundle, tree.size())).map(|bundle| bundle.to_string()) {
        to.write(&bundle, &memory.read(&bundle)?.context("every bundle was written")?)?;
    }
    // Last, and durably: whoever reads it finds all that it speaks of.
    to.sync()?;
    to.write(CHECKPOINT, note.as_bytes())?;
    to.sync()?;
    Ok(before)
}

/// The size that the mirror has, if what stands there is an earlier state of this log under this name.
fn before<S: Store>(to: &impl Store, known: &NoteKey, tree: &TileTree<S>) -> Result<u64> {
    let Some(bytes) = to.read(CHECKPOINT)? else { return Ok(0) };
    let opened = String::from_utf8(bytes).context("it is no text").and_then(|text| Ok(note::open(&text, known, &[], 0)?));
    let head = opened.context("there is a checkpoint that is not of this name, job and key: mirror to another place")?.head;
    if head.size > tree.size() {
        bail!("the mirror has {} receipts and this log {}: it is an older state; mirror the newest", head.size, tree.size());
    }
    if tree.root_at(head.size)? != head.root {
        bail!(
            "the mirror has another log: its first {} receipts have the root {}, here {}. Keep both: somebody changed the log, and two signed states show it",
            head.size,
            Digest(head.root),
            Digest(tree.root_at(head.size)?)
        );
    }
    Ok(head.size)
}
