//! The simulated processor or platform over HTTP, for guests and agents that are other processes.
//!
//! Not here: collateral of a simulated TDX platform, see `tdx::pcs`; and any protection. Whoever reaches the port gets reports about anything; it listens
//! on the loopback address unless it is told otherwise.

use crate::{
    Processor,
    tdx::{Collateral, Platform, pcs},
};
use axum::{
    Json, Router,
    extract::{State, rejection::JsonRejection},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use blockcloud_evidence::snp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha384};
use std::{
    collections::HashMap,
    fs::File,
    io,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

/// Most guests that one simulator remembers; the oldest are not forgotten, new ones are refused.
const MAX_LAUNCHES: usize = 4096;

/// The hardware that is simulated.
pub enum Machine {
    /// A processor with AMD SEV-SNP.
    SevSnp(Processor),
    /// A platform with Intel TDX.
    Tdx(Platform),
}

/// A machine and the guests that were launched on it. They are gone when the program ends, as they are when a machine is switched off.
struct Server {
    machine: Machine,
    launches: Mutex<HashMap<String, Guest>>,
}

#[derive(Clone, Copy)]
struct Guest {
    measurement: [u8; 48],
    host_data: [u8; 32],
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LaunchRequest {
    /// The file that is measured.
    image: PathBuf,
    /// 32 bytes, hex.
    host_data: String,
}

#[derive(Serialize)]
struct Launched {
    simulated: bool,
    launch: String,
    measurement: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReportRequest {
    /// What `POST /launch` returned.
    launch: String,
    /// 64 bytes, hex.
    report_data: String,
}

#[derive(Serialize)]
struct Reported {
    simulated: bool,
    report: String,
    certificate: String,
}

#[derive(Serialize)]
struct Description {
    simulated: bool,
    #[serde(flatten)]
    hardware: Hardware,
    advice: &'static str,
}

#[derive(Serialize)]
#[serde(tag = "tee", rename_all = "kebab-case")]
enum Hardware {
    SevSnp { product: snp::Product, chip_id: String, tcb: snp::Tcb },
    Tdx { ppid: String, fmspc: String },
}

/// Why a request is refused, and what to do about it.
#[derive(Debug, Serialize)]
pub(crate) struct Refusal {
    #[serde(skip)]
    pub(crate) status: StatusCode,
    pub(crate) error: String,
    pub(crate) advice: &'static str,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        tracing::warn!(target: "simulator", status = %self.status, error = %self.error, "SIMULATED hardware refused a request");
        (self.status, Json(self)).into_response()
    }
}

impl From<JsonRejection> for Refusal {
    fn from(rejection: JsonRejection) -> Self {
        Self {
            status: rejection.status(),
            error: rejection.body_text(),
            advice: "Send a JSON object with the fields that the README names.",
        }
    }
}

impl Machine {
    /// The report of a guest, and the certificate that comes with it, if one does.
    fn report(&self, guest: &Guest, report_data: [u8; 64]) -> (Vec<u8>, Vec<u8>) {
        let Guest { measurement, host_data } = *guest;
        match self {
            Self::SevSnp(processor) => {
                (processor.launch(measurement, host_data).report(report_data).to_vec(), processor.certificate().to_vec())
            }
            // A quote carries its certificates.
            Self::Tdx(platform) => {
                let mut mr_config_id = [0; 48];
                mr_config_id[..32].copy_from_slice(&host_data);
                (platform.launch(measurement, mr_config_id).quote(report_data), Vec::new())
            }
        }
    }

    fn describe(&self) -> Hardware {
        match self {
            Self::SevSnp(processor) => {
                Hardware::SevSnp { product: processor.product(), chip_id: hex::encode(processor.chip_id()), tcb: processor.tcb() }
            }
            Self::Tdx(platform) => Hardware::Tdx { ppid: hex::encode(platform.ppid()), fmspc: hex::encode(platform.fmspc()) },
        }
    }
}

impl From<Processor> for Machine {
    fn from(processor: Processor) -> Self {
        Self::SevSnp(processor)
    }
}

impl From<Platform> for Machine {
    fn from(platform: Platform) -> Self {
        Self::Tdx(platform)
    }
}

/// The routes of a simulated processor or platform; of a platform, its collateral's, too.
pub fn router(machine: impl Into<Machine>) -> Router {
    let machine = machine.into();
    let collateral = match &machine {
        Machine::SevSnp(_) => Router::new(),
        Machine::Tdx(platform) => pcs::router(&Collateral::new(platform.fmspc()), &[platform.fmspc()]),
    };
    let server = Arc::new(Server { machine, launches: Mutex::default() });
    Router::new()
        .route("/", get(describe))
        .route("/launch", post(launch))
        .route("/report", post(report))
        .with_state(server)
        .merge(collateral)
}

async fn describe(State(server): State<Arc<Server>>) -> Json<Description> {
    Json(Description {
        simulated: true,
        hardware: server.machine.describe(),
        advice: "SIMULATED hardware: its reports prove nothing. Only development chains accept them.",
    })
}

async fn launch(State(server): State<Arc<Server>>, request: Result<Json<LaunchRequest>, JsonRejection>) -> Result<Json<Launched>, Refusal> {
    let Json(request) = request?;
    let host_data = bytes("host_data", &request.host_data)?;
    let image = request.image.clone();
    let measurement = tokio::task::spawn_blocking(move || measure(&image)).await.map_err(io::Error::other).and_then(|result| result);
    let measurement = measurement.map_err(|error| Refusal {
        status: StatusCode::UNPROCESSABLE_ENTITY,
        error: format!("cannot measure the image {}: {error}", request.image.display()),
        advice: "Give the path of a file that this program can read.",
    })?;
    let name = hex::encode(rand::random::<[u8; 16]>());
    {
        let mut launches = server.launches.lock().unwrap_or_else(PoisonError::into_inner);
        if launches.len() >= MAX_LAUNCHES {
            return Err(Refusal {
                status: StatusCode::INSUFFICIENT_STORAGE,
                error: format!("{MAX_LAUNCHES} guests were launched on this simulated hardware"),
                advice: "Start the simulator again.",
            });
        }
        launches.insert(name.clone(), Guest { measurement, host_data });
    }
    tracing::info!(target: "simulator", launch = %name, image = %request.image.display(), "SIMULATED launch");
    Ok(Json(Launched { simulated: true, launch: name, measurement: hex::encode(measurement) }))
}

async fn report(State(server): State<Arc<Server>>, request: Result<Json<ReportRequest>, JsonRejection>) -> Result<Json<Reported>, Refusal> {
    let Json(request) = request?;
    let report_data = bytes("report_data", &request.report_data)?;
    let guest = server.launches.lock().unwrap_or_else(PoisonError::into_inner).get(&request.launch).copied();
    let guest = guest.ok_or_else(|| Refusal {
        status: StatusCode::NOT_FOUND,
        error: format!("no guest {} was launched on this simulated hardware", request.launch),
        advice: "Launch the guest first; a simulator that was started again knows none of its earlier guests.",
    })?;
    let (report, certificate) = server.machine.report(&guest, report_data);
    tracing::info!(target: "simulator", launch = %request.launch, "SIMULATED report");
    Ok(Json(Reported { simulated: true, report: hex::encode(report), certificate: hex::encode(certificate) }))
}

/// The measurement of a guest image: SHA-384 of the file.
///
/// # Errors
/// The file cannot be read.
pub fn measure(image: &std::path::Path) -> io::Result<[u8; 48]> {
    let mut hasher = Sha384::new();
    let mut file = File::open(image)?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        match io::Read::read(&mut file, &mut buffer)? {
            0 => return Ok(hasher.finalize().into()),
            read => hasher.update(&buffer[..read]),
        }
    }
}

fn bytes<const N: usize>(field: &str, text: &str) -> Result<[u8; N], Refusal> {
    let mut bytes = [0; N];
    hex::decode_to_slice(text.strip_prefix("0x").unwrap_or(text), &mut bytes).map_err(|_| Refusal {
        status: StatusCode::UNPROCESSABLE_ENTITY,
        error: format!("{field} is not {N} bytes in hex"),
        advice: "Write every byte as two hex digits; a leading 0x is allowed.",
    })?;
    Ok(bytes)
}
