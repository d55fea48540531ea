//! Evidence with everything that it is judged by, and its verdict in both worlds.

use blockcloud_evidence::{snp, tdx};
use blockcloud_primitives::{CollateralSet, List};
use blockcloud_runtime::WASM_BINARY;
use codec::{Decode, Encode};
use sc_executor::WasmExecutor;
use sc_service::config::ExecutorConfiguration;
use sp_core::traits::{CallContext, CodeExecutor, RuntimeCode, WrappedRuntimeCode};
use std::{fmt::Debug, io::Write, sync::LazyLock};

/// What the runtime may call on its host, as the node says it.
#[cfg(not(feature = "runtime-benchmarks"))]
type HostFunctions = sp_io::SubstrateHostFunctions;
/// What the runtime may call on its host, as the node says it.
#[cfg(feature = "runtime-benchmarks")]
type HostFunctions = (sp_io::SubstrateHostFunctions, frame_benchmarking::benchmarking::HostFunctions);

/// The node's executor, as it is without options.
static EXECUTOR: LazyLock<WasmExecutor<HostFunctions>> = LazyLock::new(|| sc_service::new_wasm_executor(&ExecutorConfiguration::default()));

/// Says aloud, past the test harness, that something was not tested.
pub fn skipped(test: &str, because: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED {test}: {because}");
}

/// Whether this build has the runtime's Wasm.
pub fn has_wasm(test: &str) -> bool {
    if WASM_BINARY.is_none() {
        skipped(test, "built without the runtime's Wasm (SKIP_WASM_BUILD)");
    }
    WASM_BINARY.is_some()
}

/// Calls a function of the runtime's Wasm as the execution of a block does, on an empty state.
fn call<T: Decode>(function: &str, arguments: impl Encode) -> T {
    let code = WrappedRuntimeCode(WASM_BINARY.expect("asked for before").into());
    let code = RuntimeCode { code_fetcher: &code, heap_pages: None, hash: vec![1] };
    let mut state = sp_io::TestExternalities::default();
    let (answer, _) = EXECUTOR.call(&mut state.ext(), &code, function, &arguments.encode(), CallContext::Onchain { import: true });
    let answer = answer.unwrap_or_else(|error| panic!("{function}: {error}"));
    let mut rest = &answer[..];
    let value = T::decode(&mut rest).expect("an answer of the declared type");
    assert!(rest.is_empty(), "{function} answered more than its type");
    value
}

/// Evidence of SEV-SNP.
#[derive(Clone)]
pub struct Snp {
    pub report: Vec<u8>,
    pub chip: Vec<u8>,
    pub issuer: Vec<u8>,
    pub requirements: snp::Requirements,
    pub now_ms: u64,
}

/// Evidence of TDX.
#[derive(Clone)]
pub struct Tdx {
    pub quote: Vec<u8>,
    pub collateral: CollateralSet,
    pub root: Vec<u8>,
    pub requirements: tdx::Requirements,
    pub now_ms: u64,
}

impl Snp {
    /// The verdict, the same in both worlds.
    pub fn verdict(&self) -> Result<snp::Claims, snp::Error> {
        let Self { report, chip, issuer, requirements, now_ms } = self;
        let native = snp::verify(report, chip, issuer, requirements, *now_ms);
        let arguments = (bounded::<8192>(report), bounded::<2048>(chip), bounded::<2048>(issuer), requirements, now_ms);
        same(&native, &call("EvidenceApi_verify_snp", arguments));
        native
    }
}

impl Tdx {
    /// The verdict, the same in both worlds.
    pub fn verdict(&self) -> Result<tdx::Claims, tdx::Error> {
        let Self { quote, collateral, root, requirements, now_ms } = self;
        let CollateralSet { root_crl, pck_crl, pck_issuer, tcb_info, qe_identity } = collateral;
        let [tcb_info, qe_identity] = [tcb_info, qe_identity].map(|object| tdx::SignedItem {
            body: &object.body,
            signature: &object.signature.0,
            signer: &object.signer,
        });
        let borrowed = tdx::Collateral { root_crl, pck_crl, pck_issuer, tcb_info, qe_identity };
        let native = tdx::verify(quote, &borrowed, root, requirements, *now_ms);
        same(&native, &call("EvidenceApi_verify_tdx", (bounded::<8192>(quote), collateral, bounded::<2048>(root), requirements, now_ms)));
        native
    }
}

/// The verdict over a root and an issuer, the same in both worlds.
pub fn issuers(root: &[u8], issuer: &[u8], now_ms: u64) -> Result<u64, snp::Error> {
    let native = snp::verify_issuers(root, issuer, now_ms);
    same(&native, &call("EvidenceApi_verify_snp_issuers", (bounded::<2048>(root), bounded::<2048>(issuer), now_ms)));
    native
}

fn same<T: Debug + PartialEq>(native: &T, wasm: &T) {
    assert_eq!(native, wasm, "natively, and in the runtime's Wasm");
}

/// Bytes within a bound.
pub fn bounded<const N: u32>(bytes: &[u8]) -> List<u8, N> {
    bytes.to_vec().try_into().expect("within its bound")
}
