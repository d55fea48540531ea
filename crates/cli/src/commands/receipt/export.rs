//! `blockcloud receipt export`: a job's log in other people's formats.
//!
//! Nothing is exported that was not verified: of a job, that the agent's receipts are those of the chain's head; of a bundle, everything that the file can show. What is signed
//! is signed with the exporter's own key and says so. Not here: how a format looks (`blockcloud_receipt_log::formats`), our own format (`audit export`).

use super::source::{From, Source};
use crate::{
    context::{Context, now},
    entry::{Entry, erased},
    fault::{as_usage, usage},
    signing::Key,
};
use anyhow::{Context as _, Result, bail};
use blockcloud_receipt_log::{
    formats::{
        Signer as _, View, cloudevents,
        cose::{self, Claims},
        log_uri,
        note::{self, NoteKey, Proof, Role},
        ocsf, openlineage, prov, receipt_uri,
    },
    receipt_bytes,
};
use clap::{Args, ValueEnum};
use serde::Serialize;
use serde_json::{Value, json};
use std::{
    fs,
    io::{IsTerminal as _, Write as _},
    path::PathBuf,
};

/// In what format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// COSE (RFC 9942, RFC 9943): a signed statement with its receipt (--index), the bare receipt (--index --bare), or a receipt of consistency (--since).
    Cose,
    /// C2SP: a checkpoint as a signed note, or a proof around it (--index).
    C2sp,
    /// CloudEvents 1.0, a JSON batch.
    Cloudevents,
    /// OpenLineage run events, one a line.
    Openlineage,
    /// W3C PROV-JSON, one document.
    Prov,
    /// OCSF events, one a line.
    Ocsf,
}

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    from: From,
    /// The format.
    #[arg(long, value_enum)]
    format: Format,
    /// The file to write; without it, what is exported goes to stdout.
    #[arg(long)]
    to: Option<PathBuf>,
    /// The receipt's position (cose, c2sp).
    #[arg(long, conflicts_with = "since")]
    index: Option<u64>,
    /// Only the COSE Receipt, without the statement around the entry.
    #[arg(long)]
    bare: bool,
    /// Size of an older tree that the log continues (cose).
    #[arg(long, value_name = "SIZE")]
    since: Option<u64>,
    /// Who exports: a name of yours, best a URL without its scheme, such as audit.example.com (cose, c2sp).
    #[arg(long, value_name = "NAME")]
    issuer: Option<String>,
    /// First position to show (cloudevents, openlineage, prov, ocsf).
    #[arg(long = "from", value_name = "FROM")]
    first: Option<u64>,
    /// Most receipts to show (the same).
    #[arg(long)]
    limit: Option<usize>,
    /// A URL where readers find the log; it stands beside every receipt (the same).
    #[arg(long, value_name = "URL")]
    verify_at: Option<String>,
}

impl Arguments {
    /// Refuses flags that the format has no use for, so that nobody believes they did something.
    fn check(&self) -> Result<()> {
        let proof = matches!(self.format, Format::Cose | Format::C2sp);
        let view = !proof;
        let misplaced = [
            ("--index", self.index.is_some() && !proof),
            ("--issuer", self.issuer.is_some() && !proof),
            ("--since", self.since.is_some() && self.format != Format::Cose),
            ("--bare", self.bare && (self.format != Format::Cose || self.since.is_some())),
            ("--from", self.first.is_some() && !view),
            ("--limit", self.limit.is_some() && !view),
            ("--verify-at", self.verify_at.is_some() && !view),
        ];
        if let Some((flag, _)) = misplaced.iter().chain(&self.from.misplaced()).find(|(_, misplaced)| *misplaced) {
            return Err(usage(format!("{flag} has no meaning for what is exported here")));
        }
        if self.format == Format::Cose && self.index.is_none() && self.since.is_none() {
            return Err(usage("say with --index which receipt, or with --since which older size, the COSE Receipt is to prove"));
        }
        Ok(())
    }

    /// The exporter's name.
    fn issuer(&self) -> Result<&str> {
        self.issuer.as_deref().ok_or_else(|| usage("say with --issuer who exports: what is signed is signed in that name"))
    }
}

pub async fn run(context: &Context, arguments: Arguments) -> Result<bool> {
    arguments.check()?;
    // What does not need the log is asked before it is fetched.
    let signer = if matches!(arguments.format, Format::Cose | Format::C2sp) {
        arguments.issuer()?;
        Some(context.signing_key()?)
    } else {
        None
    };
    let source = arguments.from.read(context).await?;
    let (bytes, what) = match (arguments.format, &signer) {
        (Format::Cose, Some(key)) => cose(&source, key, &arguments)?,
        (Format::C2sp, Some(key)) => c2sp(context, &source, key, &arguments)?,
        _ => (view(&source, &arguments)?, "a view, which proves nothing by itself"),
    };
    match &arguments.to {
        Some(to) => {
            fs::write(to, &bytes).with_context(|| format!("cannot write {}", to.display()))?;
            let shown =
                json!({"file": to, "format": arguments.format, "bytes": bytes.len(), "size": source.head.size, "root": source.head.root});
            context.output.result(&shown, |_| {
                format!("{}: {what}, {} bytes, of a log of {} receipts", to.display(), bytes.len(), source.head.size)
            })?;
        }
        None if arguments.format == Format::Cose && std::io::stdout().is_terminal() => {
            bail!("COSE is binary: name a file with --to, or redirect the output")
        }
        None => std::io::stdout().write_all(&bytes).context("cannot write to stdout")?,
    }
    Ok(true)
}

fn cose(source: &Source, key: &Key, arguments: &Arguments) -> Result<(Vec<u8>, &'static str)> {
    let (genesis, job) = (&source.genesis, source.job.id);
    let claims = |subject| {
        let issuer = arguments.issuer()?.to_owned();
        anyhow::Ok(Claims { issuer, subject, issued_at: now() / 1000, head_seen: source.seen })
    };
    if let Some(since) = arguments.since {
        let receipt = cose::consistency(key, &claims(log_uri(genesis, job))?, &source.tree, since, source.head.size)?;
        return Ok((receipt, "a COSE Receipt of consistency"));
    }
    let index = arguments.index.context("a position is given")?;
    let entry = receipt_bytes(source.receipt(index)?);
    let claims = claims(receipt_uri(genesis, job, index))?;
    let receipt = cose::inclusion(key, &claims, &source.tree, index, source.head.size)?;
    if arguments.bare {
        return Ok((receipt, "a COSE Receipt of inclusion"));
    }
    Ok((cose::statement(key, &claims, &entry, &[receipt])?, "a signed statement with its COSE Receipt"))
}

fn c2sp(context: &Context, source: &Source, key: &Key, arguments: &Arguments) -> Result<(Vec<u8>, &'static str)> {
    let head = source.tree_head(arguments.issuer()?);
    let vkey = NoteKey::new(&head.origin, Role::Log, &key.public()).map_err(as_usage)?.to_vkey();
    let note = note::sign(&head, key).map_err(as_usage)?;
    context.output.say(format!("note: others verify it with the verifier key {vkey}"));
    let Some(index) = arguments.index else { return Ok((note.into_bytes(), "a C2SP checkpoint")) };
    let entry = receipt_bytes(source.receipt(index)?);
    let proof = Proof::of(&source.tree, index, note, Some(entry.to_vec()))?;
    Ok((proof.to_text().into_bytes(), "a C2SP proof with its entry"))
}

fn view(source: &Source, arguments: &Arguments) -> Result<Vec<u8>> {
    let from = usize::try_from(arguments.first.unwrap_or(0)).unwrap_or(usize::MAX).min(source.entries.len());
    let shown = source.entries.get(from..).unwrap_or_default();
    let shown = shown.get(..arguments.limit.unwrap_or(usize::MAX).min(shown.len())).unwrap_or_default();
    let erased = erased(shown);
    if let Some(first) = erased.first() {
        bail!(
            "{} of these receipts were erased, the first of them is {first}: choose a stretch without them with --from and --limit",
            erased.len()
        );
    }
    let shown: Vec<_> = shown.iter().filter_map(Entry::receipt).copied().collect();
    let (tree, size) = (&source.tree, source.head.size);
    let view = View::new(source.genesis, source.job.id, tree, size, source.standing(), arguments.verify_at.clone(), &shown)?;
    match arguments.format {
        Format::Cloudevents => text(&Value::Array(cloudevents::events(&view))),
        Format::Openlineage => lines(&openlineage::events(&view)),
        Format::Ocsf => lines(&ocsf::events(&view)),
        Format::Prov => text(&prov::document(&view)),
        Format::Cose | Format::C2sp => bail!("this format is no view"),
    }
}

fn text(value: &Value) -> Result<Vec<u8>> {
    let mut text = serde_json::to_vec(value)?;
    text.push(b'\n');
    Ok(text)
}

fn lines(values: &[Value]) -> Result<Vec<u8>> {
    Ok(values.iter().map(text).collect::<Result<Vec<_>>>()?.concat())
}
