//! `blockcloud receipt verify`: COSE statements and receipts, C2SP notes and proofs, under a key that the user names.
//!
//! The key comes from the user and never from the file. What holds is that this key's owner signed, and what follows from the proof; whether that owner is to be believed is the
//! user's judgement. Not here: audit bundles (`blockcloud audit verify`), JSON views (they prove nothing).

use crate::{
    context::Context,
    fault::{as_usage, usage},
};
use anyhow::{Context as _, Result, anyhow};
use blockcloud_primitives::{Digest, Receipt};
use blockcloud_receipt_log::formats::{
    PublicKey,
    cose::{self, Claims},
    note::{self, NoteKey, Opened, Proof},
    receipt_uri,
};
use clap::Args;
use codec::DecodeAll as _;
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
};

#[derive(Debug, Args)]
pub struct Arguments {
    /// The file.
    file: PathBuf,
    /// Public key of who exported (PEM), for COSE.
    #[arg(long, value_name = "FILE", conflicts_with = "vkey")]
    public_key: Option<PathBuf>,
    /// Verifier key of the log (NAME+ID+KEY), for C2SP.
    #[arg(long, value_name = "VKEY")]
    vkey: Option<String>,
    /// Verifier key of a witness, for C2SP; may be given several times.
    #[arg(long, value_name = "VKEY", requires = "vkey")]
    witness: Vec<String>,
    /// How many of these witnesses must have cosigned; without it, all.
    #[arg(long, value_name = "NUMBER", requires = "witness")]
    witnesses: Option<usize>,
    /// A file with the entry in its canonical encoding: for a bare COSE Receipt, and for a C2SP proof that carries none.
    #[arg(long, value_name = "FILE")]
    entry: Option<PathBuf>,
    /// Size of the older tree, for a COSE Receipt of consistency.
    #[arg(long, value_name = "SIZE", requires_all = ["old_root", "public_key"], conflicts_with = "entry")]
    old_size: Option<u64>,
    /// Root of the older tree.
    #[arg(long, value_name = "HASH", requires = "old_size")]
    old_root: Option<Digest>,
}

/// What a file is found to say, or why it is not believed.
type Found = Result<(Value, String), String>;

pub fn run(context: &Context, arguments: &Arguments) -> Result<bool> {
    let bytes = read(&arguments.file)?;
    let entry = arguments.entry.as_deref().map(read).transpose()?;
    let found = match (&arguments.public_key, &arguments.vkey) {
        (Some(path), _) => {
            let key = PublicKey::from_pem(&read(path)?).with_context(|| path.display().to_string()).map_err(as_usage)?;
            let older = arguments.old_size.zip(arguments.old_root);
            cose(&bytes, &key, entry.as_deref(), older, context.genesis())
        }
        (None, Some(vkey)) => {
            let log = NoteKey::from_vkey(vkey).map_err(as_usage)?;
            let witnesses: Vec<_> =
                arguments.witness.iter().map(|key| NoteKey::from_vkey(key)).collect::<Result<_, _>>().map_err(as_usage)?;
            let needed = arguments.witnesses.unwrap_or(witnesses.len());
            if needed > witnesses.len() {
                return Err(usage(format!("{needed} witnesses are asked for, and {} are named", witnesses.len())));
            }
            c2sp(&bytes, &log, &witnesses, needed, entry.as_deref(), context.genesis())
        }
        (None, None) => return Err(usage("name the key of who exported: --public-key FILE for COSE, --vkey VKEY for C2SP")),
    };
    let holds = found.is_ok();
    let shown = match &found {
        Ok((value, _)) => json!({"holds": true, "found": value}),
        Err(reason) => json!({"holds": false, "reason": reason}),
    };
    context.output.result(&shown, |_| match found {
        Ok((_, text)) => text,
        Err(reason) => format!("not believed: {reason}"),
    })?;
    Ok(holds)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    // No file of these kinds is larger; a larger one is refused without being read to its end.
    const MOST: u64 = 1 << 20;
    let read = || -> Result<Vec<u8>> {
        if fs::metadata(path)?.len() > MOST {
            return Err(anyhow!("it is larger than anything that is verified here"));
        }
        Ok(fs::read(path)?)
    };
    read().with_context(|| format!("cannot read {}", path.display())).map_err(as_usage)
}

fn cose(bytes: &[u8], key: &PublicKey, entry: Option<&[u8]>, older: Option<(u64, Digest)>, genesis: Option<Digest>) -> Found {
    if let Some((size, root)) = older {
        let found = cose::verify_consistency(bytes, size, &root.0, key).map_err(|error| error.to_string())?;
        let root = Digest(found.root);
        let value = json!({"kind": "consistency", "old_size": size, "size": found.size, "root": root, "claims": claims(&found.claims)});
        return Ok((
            value,
            format!("the log of {} receipts with root {root} continues that of {size}\n{}", found.size, signed(&found.claims)),
        ));
    }
    let (entry, inclusion) = match entry {
        Some(entry) => (entry.to_vec(), cose::verify_inclusion(bytes, entry, key).map_err(|error| error.to_string())?),
        None => {
            let statement = cose::verify_statement(bytes, key).map_err(|error| error.to_string())?;
            (statement.entry, statement.inclusion)
        }
    };
    let receipt = receipt(&entry, inclusion.index)?;
    if let Some(genesis) = genesis {
        let wanted = receipt_uri(&genesis, receipt.job, receipt.seq);
        if inclusion.claims.subject != wanted {
            return Err(format!("it is about {}, not {wanted}", inclusion.claims.subject));
        }
    }
    let root = Digest(inclusion.root);
    let value = json!({
        "kind": "inclusion", "size": inclusion.size, "index": inclusion.index, "root": root, "claims": claims(&inclusion.claims), "receipt": receipt,
    });
    Ok((value, format!("{}\n{}", standing(&receipt, inclusion.size, root), signed(&inclusion.claims))))
}

fn c2sp(bytes: &[u8], log: &NoteKey, witnesses: &[NoteKey], needed: usize, entry: Option<&[u8]>, genesis: Option<Digest>) -> Found {
    let text = std::str::from_utf8(bytes).map_err(|_| "this is neither a signed note nor a C2SP proof: it is not text".to_owned())?;
    let of_chain = |opened: &Opened| match genesis {
        Some(genesis) if !opened.head.origin.contains(&format!("/{}/", hex::encode(genesis.0))) => {
            Err(format!("{} is no log of the chain {genesis}", opened.head.origin))
        }
        _ => Ok(()),
    };
    let cosigned = |opened: &Opened| {
        let witnesses: Vec<_> = opened.witnesses.iter().map(|(name, time)| json!({"name": name, "time": time})).collect();
        let names: Vec<_> = opened.witnesses.iter().map(|(name, time)| format!("cosigned by {name} at {time} (Unix seconds)")).collect();
        (witnesses, [vec![format!("signed by {}", log.name())], names].concat().join("\n"))
    };
    if !text.starts_with("c2sp.org/") {
        let opened = note::open(text, log, witnesses, needed).map_err(|error| error.to_string())?;
        of_chain(&opened)?;
        let (root, (witnesses, signed)) = (Digest(opened.head.root), cosigned(&opened));
        let value =
            json!({"kind": "checkpoint", "origin": opened.head.origin, "size": opened.head.size, "root": root, "witnesses": witnesses});
        return Ok((value, format!("the log {} has {} receipts and root {root}\n{signed}", opened.head.origin, opened.head.size)));
    }
    let proof = Proof::read(text).map_err(|error| error.to_string())?;
    let entry = entry.or(proof.extra.as_deref()).ok_or("the proof carries no entry: name it with --entry")?;
    let opened = proof.verify(entry, log, witnesses, needed).map_err(|error| error.to_string())?;
    of_chain(&opened)?;
    let receipt = receipt(entry, proof.index)?;
    if !opened.head.origin.ends_with(&format!("/job/{}", receipt.job)) {
        return Err(format!("the receipt is of job {}, the log is {}", receipt.job, opened.head.origin));
    }
    let (root, (witnesses, signed)) = (Digest(opened.head.root), cosigned(&opened));
    let value = json!({
        "kind": "inclusion", "origin": opened.head.origin, "size": opened.head.size, "index": proof.index, "root": root, "witnesses": witnesses, "receipt": receipt,
    });
    Ok((value, format!("{}\n{signed}", standing(&receipt, opened.head.size, root))))
}

/// The entry as a receipt that says itself that it stands where the proof says.
fn receipt(entry: &[u8], index: u64) -> Result<Receipt, String> {
    let receipt = Receipt::decode_all(&mut &entry[..]).map_err(|_| "the entry is in the log, but it is no receipt".to_owned())?;
    if receipt.version != Receipt::VERSION {
        return Err(format!("the entry is a receipt of version {}", receipt.version));
    }
    if receipt.seq != index {
        return Err(format!("the receipt says that it is number {}, and stands at position {index}", receipt.seq));
    }
    Ok(receipt)
}

fn standing(receipt: &Receipt, size: u64, root: Digest) -> String {
    format!("receipt {} of job {} ({:?}) is in the log of {size} receipts with root {root}", receipt.seq, receipt.job, receipt.op)
}

fn signed(claims: &Claims) -> String {
    format!(
        "signed by {} about {} at {} (Unix seconds), who saw the log's head in {}",
        claims.issuer,
        claims.subject,
        claims.issued_at,
        match claims.head_seen {
            cose::HeadSeen::Chain => "the chain's state",
            cose::HeadSeen::Bundle => "an audit bundle only",
        }
    )
}

fn claims(claims: &Claims) -> Value {
    json!({"issuer": claims.issuer, "subject": claims.subject, "issued_at": claims.issued_at, "head_seen": claims.head_seen.as_str()})
}
