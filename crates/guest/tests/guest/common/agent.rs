//! An agent and a customer in one: serves what a guest asks for, keeps what it brings, and remembers every byte that it saw.

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::{Method, StatusCode, Uri},
    response::{IntoResponse, Response},
    routing::any,
};
use blockcloud_guest::{
    evidence::{EvidenceError, Report, ReportSource},
    log::Increment,
    sandbox::engine_id,
    transport::{Anchor, Completed, Launch, Renewal},
};
use blockcloud_primitives::{
    AccountId, Allow, Blob, Digest, Evidence, JobId, JobSpec, Measurements, Policy, Resources, SiteId, Tcb, Tee, Text, Workload,
};
use blockcloud_seal::{DataKey, Envelope, FileEntry, KeyContext, Manifest, ObjectKey, Sealer, wrap};
use std::{
    collections::HashMap,
    io::Write,
    sync::{Arc, Mutex},
};
use tokio::net::TcpListener;

pub const GENESIS: Digest = Digest([11; 32]);
pub const JOB: JobId = JobId(5);
pub const SITE: SiteId = SiteId(3);

/// What the agent knows and has seen.
#[derive(Default)]
pub struct Seen {
    pub evidence: Option<Evidence>,
    pub envelopes: Vec<Envelope>,
    pub outputs: HashMap<Digest, Vec<u8>>,
    pub increments: Vec<Increment>,
    pub completed: Option<Completed>,
    /// Every byte that a guest has sent.
    pub bytes: Vec<u8>,
    /// How often each route is still to fail before it works.
    pub failures: HashMap<&'static str, u32>,
    /// Whether control says stop, and from which number of increments on.
    pub stop_after: Option<usize>,
    /// Envelopes that are not for this guest come first.
    pub wrong_envelopes: u32,
    /// An envelope comes first that is for this guest, but holds a key that the provider has made.
    pub key_of_its_own: bool,
    /// The envelope with the customer's key does not come at all.
    pub no_key: bool,
    /// Blobs that are withheld.
    pub withheld: Vec<Digest>,
    /// What was asked for, in order.
    pub asked: Vec<String>,
    /// Control says stop once this was asked for so often.
    pub stop_after_asking: Option<(&'static str, usize)>,
    /// Control asks for this renewal until it has come.
    pub renew: Option<Renewal>,
    /// Renewed evidence that came.
    pub renewed: Vec<Evidence>,
    /// What is refused for good.
    pub refuse: Option<&'static str>,
}

/// A job as a customer makes it.
pub struct Customer {
    pub data_key: DataKey,
    pub object_key: ObjectKey,
    pub launch: Launch,
    pub blobs: HashMap<Digest, Vec<u8>>,
}

fn seal(key: &DataKey, path: &str, plain: &[u8]) -> (FileEntry, Vec<u8>) {
    let mut sealer = Sealer::new(key, Vec::new()).unwrap();
    sealer.write_all(plain).unwrap();
    let (bytes, sealed) = sealer.finish().unwrap();
    (FileEntry::new(path, &sealed), bytes)
}

fn blob(bytes: &[u8]) -> Blob {
    Blob { digest: Digest::of(bytes), bytes: bytes.len() as u64 }
}

/// What a customer may give a program beside its files.
#[derive(Default)]
pub struct Extras<'a> {
    pub data_key: Option<DataKey>,
    pub module_path: Option<&'a str>,
    pub stdin: Option<&'a [u8]>,
    pub env: &'a [(&'a str, &'a str)],
}

impl Customer {
    /// A job for this module over these files.
    pub fn new(module: &[u8], args: &[&str], files: &[(&str, &[u8])]) -> Self {
        Self::with(module, args, files, Extras::default())
    }

    /// The same with more.
    pub fn with(module: &[u8], args: &[&str], files: &[(&str, &[u8])], extras: Extras<'_>) -> Self {
        let (data_key, object_key) = (extras.data_key.unwrap_or(DataKey::from_bytes([1; 32])), ObjectKey::from_bytes([2; 32]));
        let mut blobs = HashMap::new();
        let mut inputs = Vec::new();
        let mut entry = |path: &str, plain: &[u8]| {
            let (entry, bytes) = seal(&data_key, path, plain);
            inputs.push(blob(&bytes));
            blobs.insert(entry.blob, bytes);
            entry
        };
        let module_entry = entry(extras.module_path.unwrap_or("module.wasm"), module);
        let entries = files.iter().map(|(path, plain)| entry(path, plain)).collect();
        let env = extras.env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned().into())).collect();
        let mut manifest = Manifest::new(object_key.clone(), module_entry, entries).unwrap().with_env(env).unwrap();
        if let Some(plain) = extras.stdin {
            manifest = manifest.with_stdin(entry("stdin", plain)).unwrap();
        }
        let manifest = manifest.seal(&data_key);
        let spec = JobSpec {
            workload: Workload::Wasm {
                module: Digest::of(module),
                engine: engine_id(),
                fuel: 20_000_000_000,
                memory_mib: 64,
                seed: Digest([9; 32]),
                args: args.iter().map(|arg| arg.parse::<Text<256>>().unwrap()).collect::<Vec<_>>().try_into().unwrap(),
            },
            manifest: blob(&manifest),
            inputs: inputs.try_into().unwrap(),
            resources: Resources { vcpus: 1, memory_gib: 1, storage_gib: 1, gpus: 0 },
            longest_run: 300,
            policy: Policy {
                regions: Allow::Any,
                jurisdictions: Allow::Any,
                certificates: Default::default(),
                tees: vec![Tee::Simulated].try_into().unwrap(),
                firmware_floor: Tcb::default(),
                tdx_floor: Default::default(),
                legacy_hardware: false,
                chip_endorsements: 0,
                longest_session: 0,
                measurements: Measurements::Approved,
                denied_providers: Default::default(),
                erase_within: 60,
                recipients: Default::default(),
                checkpoint_gap: 1,
                suspension_grace: 0,
            },
            price_limit: 1,
            escrow: 1,
            cover: 1,
        };
        blobs.insert(Digest::of(&manifest), manifest);
        let launch = Launch {
            genesis: GENESIS,
            provider: AccountId([4; 32]),
            job: JOB,
            site: SITE,
            spec,
            anchor: Anchor { number: 8, hash: Digest([8; 32]) },
        };
        Self { data_key, object_key, launch, blobs }
    }
}

/// A running agent.
pub struct FakeAgent {
    pub url: String,
    pub seen: Arc<Mutex<Seen>>,
}

struct Serving {
    customer: Customer,
    seen: Arc<Mutex<Seen>>,
}

impl FakeAgent {
    /// Starts serving this job.
    pub async fn start(customer: Customer, seen: Seen) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/guest/token", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(seen));
        let serving = Arc::new(Serving { customer, seen: seen.clone() });
        let router = Router::new().route("/guest/token/{*path}", any(serve)).with_state(serving);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, seen }
    }
}

async fn serve(State(serving): State<Arc<Serving>>, Path(path): Path<String>, method: Method, uri: Uri, body: Bytes) -> Response {
    let (customer, seen) = (&serving.customer, &mut *serving.seen.lock().unwrap());
    seen.bytes.extend_from_slice(uri.to_string().as_bytes());
    seen.bytes.extend_from_slice(&body);
    let (route, rest) = path.split_once('/').unwrap_or((&path, ""));
    seen.asked.push(route.to_owned());
    if seen.refuse == Some(route) {
        return (StatusCode::CONFLICT, "not\nwanted").into_response();
    }
    if let Some(left) = seen.failures.get_mut(route).filter(|left| **left > 0) {
        *left -= 1;
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    match (method.as_str(), route) {
        ("GET", "launch") => axum::Json(customer.launch.clone()).into_response(),
        ("POST", "evidence") => {
            let evidence: Evidence = serde_json::from_slice(&body).unwrap();
            for wrong in (0..=seen.wrong_envelopes).rev() {
                let context = KeyContext { genesis: GENESIS, job: JobId(JOB.0 + u64::from(wrong)), evidence: evidence.replay_key() };
                seen.envelopes.insert(0, wrap(&customer.data_key, &evidence.wrapping_key, &context).unwrap());
            }
            seen.envelopes.reverse();
            if seen.no_key {
                seen.envelopes.clear();
            }
            if seen.key_of_its_own {
                let context = KeyContext { genesis: GENESIS, job: JOB, evidence: evidence.replay_key() };
                seen.envelopes.insert(0, wrap(&DataKey::from_bytes([66; 32]), &evidence.wrapping_key, &context).unwrap());
            }
            seen.evidence = Some(evidence);
            StatusCode::NO_CONTENT.into_response()
        }
        ("GET", "key") => {
            let next = if seen.envelopes.len() > 1 { Some(seen.envelopes.remove(0)) } else { seen.envelopes.first().cloned() };
            next.map_or(StatusCode::NO_CONTENT.into_response(), |envelope| axum::Json(envelope).into_response())
        }
        ("GET", "blobs") => match customer.blobs.get_key_value(&rest.parse().unwrap()) {
            Some((digest, bytes)) if !seen.withheld.contains(digest) => bytes.clone().into_response(),
            _ => StatusCode::NOT_FOUND.into_response(),
        },
        ("PUT", "output") => {
            seen.outputs.insert(rest.parse().unwrap(), body.to_vec());
            StatusCode::NO_CONTENT.into_response()
        }
        ("POST", "log") => {
            let increment: Increment = serde_json::from_slice(&body).unwrap();
            // The same one again: its answer was lost.
            if seen.increments.last() != Some(&increment) {
                seen.increments.push(increment);
            }
            StatusCode::NO_CONTENT.into_response()
        }
        ("POST", "completion") => {
            seen.completed = Some(serde_json::from_slice(&body).unwrap());
            StatusCode::NO_CONTENT.into_response()
        }
        ("GET", "control") => {
            let asked = |route: &str| seen.asked.iter().filter(|asked| *asked == route).count();
            let stop = seen.stop_after.is_some_and(|count| seen.increments.len() >= count)
                || seen.stop_after_asking.is_some_and(|(route, count)| asked(route) >= count);
            let renew = seen.renew;
            axum::Json(serde_json::json!({ "stop": stop, "reason": stop.then_some("cancelled"), "renew": renew })).into_response()
        }
        ("POST", "renewal") => {
            seen.renewed.push(serde_json::from_slice(&body).unwrap());
            seen.renew = None;
            StatusCode::NO_CONTENT.into_response()
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

/// A processor that signs nothing but puts everything in its place.
pub struct FakeProcessor(pub Digest);

impl ReportSource for FakeProcessor {
    fn tee(&self) -> Tee {
        Tee::Simulated
    }

    async fn report(&self, data: [u8; 64]) -> Result<Report, EvidenceError> {
        let mut report = vec![0; 1184];
        report[0x50..0x90].copy_from_slice(&data);
        report[0xc0..0xe0].copy_from_slice(&self.0.0);
        Ok(Report { report, certificate: vec![1, 2, 3] })
    }
}
