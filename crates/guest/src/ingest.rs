//! From sealed blobs to what a program is run on.
//!
//! In this order: every blob is fetched and checked against the digest in the job's terms; then the data key is waited for, and only one that opens the
//! manifest is taken; then everything is opened. So a provider that withholds a blob, or brings a key of its own, gets a guest that waits and says
//! nothing. Not here: running (`job`), receipts' wording (`journal`).

use crate::{
    job::JobError,
    journal::{Journal, name},
    keys::Keys,
    log::Log,
    sandbox::{INPUT, Quota, Sandbox, Vfs, VirtualClock},
    stop::Stop,
    transport::{Agent, Launch},
};
use blockcloud_primitives::{Blob, Digest, Evidence, JobSpec, Workload};
use blockcloud_seal::{
    DataKey, KeyContext, MANIFEST_MAX, Manifest, ManifestError, ObjectKey, Room, SecretText, room::MODULE_MAX, sealed_len,
};
use std::{collections::BTreeMap, io, time::Duration};
use tokio::time;
use zeroize::Zeroizing;

/// Pause after an envelope that is of no use.
const NEXT_ENVELOPE: Duration = Duration::from_secs(1);
/// Directory entries that a program may keep.
const ENTRIES: u64 = 100_000;

/// The blobs of a job, as they were sealed.
pub struct Sealed {
    manifest: Vec<u8>,
    /// Module, files and standard input; nothing if they are more than the job has room for.
    inputs: Option<Vec<Vec<u8>>>,
}

/// The key that opens a job's data.
pub struct Released {
    /// The key.
    pub key: DataKey,
    /// The envelope that it came in, as JSON.
    pub envelope: Vec<u8>,
    /// What it opened.
    pub manifest: Result<Manifest, ManifestError>,
}

/// What a program is to be run on.
pub struct Inputs {
    /// Key of the digests in receipts.
    pub object_key: ObjectKey,
    /// The module.
    pub module: Zeroizing<Vec<u8>>,
    /// Its digest.
    pub module_digest: Digest,
    /// The name that the program sees as its own.
    pub name: String,
    /// Its environment.
    pub env: BTreeMap<String, SecretText>,
    /// The seed of its randomness.
    pub seed: Zeroizing<[u8; 32]>,
    /// Keyed digests of all inputs, one after the other.
    pub digests: Vec<u8>,
    /// Its files.
    pub files: Vfs,
}

/// What became of a job's data when it was opened.
pub struct Opened {
    /// The object key, once the manifest was read.
    pub object_key: Option<ObjectKey>,
    /// Plain bytes that were opened.
    pub plain_bytes: u64,
    /// The inputs; or what is the customer's mistake, in words, for the sealed summary.
    pub inputs: Result<Inputs, String>,
}

/// Fetches every blob that the job's terms name, and waits for those that are not there yet.
pub async fn fetch(agent: &Agent, spec: &JobSpec, log: &Log) -> Result<Sealed, JobError> {
    if spec.manifest.bytes > MANIFEST_MAX {
        return Err(JobError::ManifestTooLarge(spec.manifest.bytes));
    }
    let manifest = fetch_one(agent, &spec.manifest, log).await?;
    // What does not fit is not fetched: it could not be opened, and the customer is told so as soon as there is a key to seal the answer under.
    let bytes = spec.inputs.iter().fold(0_u64, |sum, blob| sum.saturating_add(blob.bytes));
    if bytes > sealed_len(Room::of(spec).files.saturating_add(MODULE_MAX)) {
        return Ok(Sealed { manifest, inputs: None });
    }
    let mut inputs = Vec::new();
    for blob in &spec.inputs {
        inputs.push(fetch_one(agent, blob, log).await?);
    }
    Ok(Sealed { manifest, inputs: Some(inputs) })
}

async fn fetch_one(agent: &Agent, blob: &Blob, log: &Log) -> Result<Vec<u8>, JobError> {
    let sealed = agent.blob(blob).await?;
    log.use_up(|usage| usage.bytes_in = usage.bytes_in.saturating_add(blob.bytes));
    Ok(sealed)
}

/// Waits for an envelope with the key that opens this job's manifest. Any other may still be followed by that one.
pub async fn receive_key(
    agent: &Agent,
    launch: &Launch,
    keys: &Keys,
    evidence: &Evidence,
    sealed: &Sealed,
    stop: &Stop,
) -> Result<Released, JobError> {
    let context = KeyContext { genesis: launch.genesis, job: launch.job, evidence: evidence.replay_key() };
    loop {
        let envelope = agent.envelope().await?;
        match keys.wrapping.unwrap(&envelope, &context) {
            Ok(key) => match Manifest::open(&key, &sealed.manifest) {
                Err(ManifestError::Sealed(error)) => tracing::warn!(%error, "the key does not open the manifest, waiting for another"),
                manifest => return Ok(Released { key, envelope: serde_json::to_vec(&envelope).map_err(io::Error::from)?, manifest }),
            },
            Err(error) => tracing::warn!(%error, "the envelope is not for this guest, waiting for another"),
        }
        stop.or(time::sleep(NEXT_ENVELOPE)).await?;
    }
}

/// Opens and checks module and files.
pub async fn open(
    spec: &JobSpec,
    sealed: Sealed,
    key: &DataKey,
    manifest: Result<Manifest, ManifestError>,
    journal: &Journal,
) -> Result<Opened, JobError> {
    let mut opened = Opened { object_key: None, plain_bytes: 0, inputs: Err(String::new()) };
    let manifest = match manifest {
        Ok(manifest) => manifest,
        Err(error) => return Ok(Opened { inputs: Err(error.to_string()), ..opened }),
    };
    opened.object_key = Some(manifest.object_key.clone());
    journal.ingested(&manifest.object_key, name::MANIFEST, &sealed.manifest)?;
    opened.inputs = match check(spec, &manifest, &sealed) {
        Ok(files) => open_all(spec, sealed, key, manifest, files, journal, &mut opened.plain_bytes).await?,
        Err(reason) => Err(reason),
    };
    Ok(opened)
}

/// Checks the manifest against the job's terms, and that there is room; returns the empty file system.
fn check(spec: &JobSpec, manifest: &Manifest, sealed: &Sealed) -> Result<Vfs, String> {
    let Workload::Wasm { module, engine, .. } = &spec.workload;
    if *engine != crate::sandbox::engine_id() {
        return Err(format!("the job asks for engine {engine}, this guest runs {}", crate::sandbox::engine_id()));
    }
    if manifest.module.digest != *module {
        return Err("the manifest's module is not the job's".into());
    }
    if !manifest.entries().map(|entry| entry.blob).eq(spec.inputs.iter().map(|blob| blob.digest)) {
        return Err("the manifest's files are not the job's inputs, in this order".into());
    }
    let (room, cost) = (Room::of(spec).files, manifest.cost());
    if sealed.inputs.is_none() || cost > room {
        return Err(format!(
            "the inputs need {cost} bytes of the job's memory, {room} are left for files: reserve more memory, or give the program less of it"
        ));
    }
    Sandbox::files(Quota { bytes: room, entries: ENTRIES }).map_err(|errno| format!("the file system cannot be made: {errno:?}"))
}

async fn open_all(
    spec: &JobSpec,
    sealed: Sealed,
    key: &DataKey,
    manifest: Manifest,
    mut files: Vfs,
    journal: &Journal,
    plain_bytes: &mut u64,
) -> Result<Result<Inputs, String>, JobError> {
    let Workload::Wasm { module: module_digest, seed, .. } = &spec.workload;
    let name = manifest.program_name().to_owned();
    let Manifest { object_key, module, files: entries, stdin, env, .. } = manifest;
    let mut blobs = sealed.inputs.unwrap_or_default().into_iter();
    let mut digests = Vec::new();
    let mut program = Zeroizing::new(Vec::new());
    let (files_from, stdin_from) = (1, entries.len().saturating_add(1));
    for (place, entry) in std::iter::once(module).chain(entries).chain(stdin).enumerate() {
        // Each blob is let go of as soon as it is opened.
        let (opener, blob) = (key.clone(), blobs.next().unwrap_or_default());
        let opened = tokio::task::spawn_blocking(move || (entry.open(&opener, &blob).map(Zeroizing::new), entry)).await?;
        let (plain, entry) = match opened {
            (Ok(plain), entry) => (plain, entry),
            (Err(error), entry) => return Ok(Err(format!("{}: {error}", entry.path))),
        };
        *plain_bytes = plain_bytes.saturating_add(u64::try_from(plain.len()).unwrap_or(u64::MAX));
        digests.extend_from_slice(&object_key.digest(&plain).0);
        let object = match place {
            place if place < files_from => name::MODULE.to_owned(),
            place if place < stdin_from => format!("{INPUT}/{}", entry.path),
            _ => name::STDIN.to_owned(),
        };
        journal.ingested(&object_key, &object, &plain)?;
        let loaded = match place {
            place if place < files_from => {
                program = plain;
                Ok(())
            }
            place if place < stdin_from => files.load(&object, &plain, VirtualClock::EPOCH).map(|_| ()),
            _ => files.load_stdin(&plain, VirtualClock::EPOCH),
        };
        if let Err(errno) = loaded {
            return Ok(Err(format!("{object} cannot be placed: {errno:?}")));
        }
    }
    let seed = key.program_seed(seed);
    Ok(Ok(Inputs { object_key, module: program, module_digest: *module_digest, name, env, seed, digests, files }))
}
