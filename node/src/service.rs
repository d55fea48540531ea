//! A node from its parts: client, pool, network, RPC, authoring, finality.

use crate::{
    finality::{FinalityParams, JUSTIFICATION_PERIOD},
    rpc,
};
use blockcloud_runtime::{apis::RuntimeApi, opaque::Block};
use futures::FutureExt;
use sc_client_api::{Backend as _, BlockBackend};
use sc_consensus_aura::{ImportQueueParams, SlotProportion, StartAuraParams};
use sc_consensus_grandpa::{GrandpaBlockImport, GrandpaParams, LinkHalf, SharedVoterState};
use sc_executor::{DEFAULT_HEAP_ALLOC_STRATEGY, HeapAllocStrategy, WasmExecutor};
use sc_network::{NetworkBackend, service::NotificationMetrics};
use sc_service::{
    BuildNetworkParams, Configuration, PartialComponents, SpawnTasksParams, TaskManager, WarpSyncConfig, config::ExecutorConfiguration,
    error::Error,
};
use sc_telemetry::{Telemetry, TelemetryWorker};
use sc_transaction_pool::TransactionPoolHandle;
use sc_transaction_pool_api::OffchainTransactionPoolFactory;
use sp_consensus_aura::{inherents::InherentDataProvider as SlotProvider, sr25519::AuthorityPair};
use sp_inherents::CreateInherentDataProviders;
use sp_runtime::traits::Block as BlockT;
use sp_timestamp::InherentDataProvider as TimeProvider;
use std::{path::PathBuf, sync::Arc};

/// The chain: runs the runtime's Wasm.
pub type Client = sc_service::TFullClient<Block, RuntimeApi, WasmExecutor<HostFunctions>>;
/// Where blocks and state are stored.
pub type Backend = sc_service::TFullBackend<Block>;
/// The transactions that wait.
pub type Pool = TransactionPoolHandle<Block, Client>;

/// What the runtime may call on its host.
#[cfg(not(feature = "runtime-benchmarks"))]
type HostFunctions = sp_io::SubstrateHostFunctions;
/// What the runtime may call on its host while it is measured.
#[cfg(feature = "runtime-benchmarks")]
type HostFunctions = (sp_io::SubstrateHostFunctions, frame_benchmarking::benchmarking::HostFunctions);

type Hash = <Block as BlockT>::Hash;
type LongestChain = sc_consensus::LongestChain<Backend, Block>;

/// What finality brings into the import of blocks.
pub struct Grandpa {
    import: GrandpaBlockImport<Backend, Block, Client, LongestChain>,
    link: LinkHalf<Block, Client, LongestChain>,
    telemetry: Option<Telemetry>,
}

/// A node without network and consensus: enough for the commands that work on its database.
pub type Parts = PartialComponents<Client, Backend, LongestChain, sc_consensus::DefaultImportQueue<Block>, Pool, Grandpa>;

/// What runs the runtime's Wasm: the library's own executor, which however never asks for a cache of compiled code.
fn executor(config: &ExecutorConfiguration, cache: Option<PathBuf>) -> Result<WasmExecutor<HostFunctions>, Error> {
    let heap = match config.default_heap_pages.map(u32::try_from) {
        None => DEFAULT_HEAP_ALLOC_STRATEGY,
        Some(Ok(extra_pages)) => HeapAllocStrategy::Static { extra_pages },
        Some(Err(_)) => return Err(Error::Other("--default-heap-pages is more than 32 bits can say".into())),
    };
    let builder = WasmExecutor::builder()
        .with_execution_method(config.wasm_method)
        .with_onchain_heap_alloc_strategy(heap)
        .with_offchain_heap_alloc_strategy(heap)
        .with_max_runtime_instances(config.max_runtime_instances)
        .with_runtime_cache_size(config.runtime_cache_size);
    let Some(cache) = cache else { return Ok(builder.build()) };
    std::fs::create_dir_all(&cache)?;
    // The cache takes no relative path.
    Ok(builder.with_cache_path(cache.canonicalize()?).build())
}

/// Opens the database and builds what works on it. Compiled runtimes are kept in the folder, if there is one.
pub fn parts(config: &Configuration, wasm_cache: Option<PathBuf>) -> Result<Parts, Error> {
    let telemetry = config
        .telemetry_endpoints
        .clone()
        .filter(|endpoints| !endpoints.is_empty())
        .map(|endpoints| {
            let worker = TelemetryWorker::new(16)?;
            let telemetry = worker.handle().new_telemetry(endpoints);
            Ok::<_, sc_telemetry::Error>((worker, telemetry))
        })
        .transpose()?;

    let executor = executor(&config.executor, wasm_cache)?;
    let (client, backend, keystore_container, task_manager) = sc_service::new_full_parts::<Block, RuntimeApi, _>(
        config,
        telemetry.as_ref().map(|(_, telemetry)| telemetry.handle()),
        executor,
        Vec::new(),
    )?;
    let client = Arc::new(client);
    let telemetry = telemetry.map(|(worker, telemetry)| {
        task_manager.spawn_handle().spawn("telemetry", None, worker.run());
        telemetry
    });

    let transaction_pool = Arc::from(
        sc_transaction_pool::Builder::new(task_manager.spawn_essential_handle(), client.clone(), config.role.is_authority().into())
            .with_options(config.transaction_pool.clone())
            .with_prometheus(config.prometheus_registry())
            .build(),
    );

    let select_chain = LongestChain::new(backend.clone());
    let (import, link) = sc_consensus_grandpa::block_import(
        client.clone(),
        JUSTIFICATION_PERIOD,
        &client,
        select_chain.clone(),
        telemetry.as_ref().map(Telemetry::handle),
    )?;

    let import_queue = sc_consensus_aura::import_queue::<AuthorityPair, _, _, _, _, _>(ImportQueueParams {
        block_import: import.clone(),
        justification_import: Some(Box::new(import.clone())),
        client: client.clone(),
        create_inherent_data_providers: inherents(client.clone()),
        spawner: &task_manager.spawn_essential_handle(),
        registry: config.prometheus_registry(),
        check_for_equivocation: Default::default(),
        telemetry: telemetry.as_ref().map(Telemetry::handle),
        compatibility_mode: Default::default(),
    })?;

    Ok(PartialComponents {
        client,
        backend,
        task_manager,
        import_queue,
        keystore_container,
        select_chain,
        transaction_pool,
        other: Grandpa { import, link, telemetry },
    })
}

/// What a block says about the world: the time, and the slot that follows from it.
fn inherents(client: Arc<Client>) -> impl CreateInherentDataProviders<Block, (), InherentDataProviders = (SlotProvider, TimeProvider)> {
    move |parent, ()| {
        let client = client.clone();
        async move {
            let slot = sc_consensus_aura::standalone::slot_duration_at(&*client, parent)?;
            let time = TimeProvider::from_system_time();
            Ok((SlotProvider::from_timestamp_and_slot_duration(*time, slot), time))
        }
    }
}

/// Starts a node. It runs until the task manager is dropped or an essential task fails.
pub fn start<N: NetworkBackend<Block, Hash>>(
    config: Configuration,
    finality: FinalityParams,
    wasm_cache: Option<PathBuf>,
) -> Result<TaskManager, Error> {
    let PartialComponents {
        client,
        backend,
        mut task_manager,
        import_queue,
        keystore_container,
        select_chain,
        transaction_pool,
        other: Grandpa { import, link, mut telemetry },
    } = parts(&config, wasm_cache)?;

    let metrics: NotificationMetrics = N::register_notification_metrics(config.prometheus_registry());
    let mut net_config =
        sc_network::config::FullNetworkConfiguration::<Block, Hash, N>::new(&config.network, config.prometheus_registry().cloned());
    let genesis =
        client.block_hash(0)?.ok_or_else(|| Error::Other("the database has no first block; purge-chain and start again".into()))?;
    let protocol_name = sc_consensus_grandpa::protocol_standard_name(&genesis, &config.chain_spec);
    let (protocol, notification_service) =
        sc_consensus_grandpa::grandpa_peers_set_config::<_, N>(protocol_name.clone(), metrics.clone(), net_config.peer_store_handle());
    net_config.add_notification_protocol(protocol);
    let warp_sync =
        sc_consensus_grandpa::warp_proof::NetworkProvider::new(backend.clone(), link.shared_authority_set().clone(), Vec::new());

    let (network, system_rpc_tx, tx_handler_controller, sync_service, _bitswap) = sc_service::build_network(BuildNetworkParams {
        config: &config,
        net_config,
        client: client.clone(),
        transaction_pool: transaction_pool.clone(),
        spawn_handle: task_manager.spawn_handle(),
        spawn_essential_handle: task_manager.spawn_essential_handle(),
        import_queue,
        block_announce_validator_builder: None,
        warp_sync_config: Some(WarpSyncConfig::WithProvider(Arc::new(warp_sync))),
        block_relay: None,
        metrics,
        gap_sync_body_policy: None,
    })?;

    if config.offchain_worker.enabled {
        let workers = sc_offchain::OffchainWorkers::new(sc_offchain::OffchainWorkerOptions {
            runtime_api_provider: client.clone(),
            is_validator: config.role.is_authority(),
            keystore: Some(keystore_container.keystore()),
            offchain_db: backend.offchain_storage(),
            transaction_pool: Some(OffchainTransactionPoolFactory::new(transaction_pool.clone())),
            network_provider: Arc::new(network.clone()),
            enable_http_requests: true,
            custom_extensions: |_| Vec::new(),
        })?;
        let run = workers.run(client.clone(), task_manager.spawn_handle()).boxed();
        task_manager.spawn_handle().spawn("offchain-workers", "offchain-worker", run);
    }

    let role = config.role;
    let force_authoring = config.force_authoring;
    let vote = !config.disable_grandpa;
    let name = config.network.node_name.clone();
    let prometheus_registry = config.prometheus_registry().cloned();
    let voters = SharedVoterState::empty();

    let deps = rpc::Deps {
        client: client.clone(),
        pool: transaction_pool.clone(),
        finality: rpc::Finality {
            authorities: link.shared_authority_set().clone(),
            voters: voters.clone(),
            justifications: link.justification_stream(),
            backend: backend.clone(),
        },
    };
    sc_service::spawn_tasks(SpawnTasksParams {
        config,
        client: client.clone(),
        backend,
        task_manager: &mut task_manager,
        keystore: keystore_container.keystore(),
        transaction_pool: transaction_pool.clone(),
        rpc_builder: Box::new(move |executor| rpc::methods(deps.clone(), executor).map_err(|error| Error::Application(error.into()))),
        network: Arc::new(network.clone()),
        system_rpc_tx,
        tx_handler_controller,
        sync_service: sync_service.clone(),
        telemetry: telemetry.as_mut(),
        tracing_execute_block: None,
    })?;
    let telemetry = telemetry.as_ref().map(Telemetry::handle);

    if role.is_authority() {
        let proposer_factory = sc_basic_authorship::ProposerFactory::new(
            task_manager.spawn_handle(),
            client.clone(),
            transaction_pool.clone(),
            prometheus_registry.as_ref(),
            telemetry.clone(),
        );
        let aura = sc_consensus_aura::start_aura::<AuthorityPair, _, _, _, _, _, _, _, _, _, _>(StartAuraParams {
            slot_duration: sc_consensus_aura::slot_duration(&*client)?,
            client: client.clone(),
            select_chain,
            block_import: import,
            proposer_factory,
            create_inherent_data_providers: inherents(client),
            force_authoring,
            backoff_authoring_blocks: Option::<()>::None,
            keystore: keystore_container.keystore(),
            sync_oracle: sync_service.clone(),
            justification_sync_link: sync_service.clone(),
            block_proposal_slot_portion: SlotProportion::new(2.0 / 3.0),
            max_block_proposal_slot_portion: None,
            telemetry: telemetry.clone(),
            compatibility_mode: Default::default(),
        })?;
        // A validator that cannot author must stop, not linger.
        task_manager.spawn_essential_handle().spawn_blocking("aura", Some("block-authoring"), aura);
    }

    if vote {
        let voter = sc_consensus_grandpa::run_grandpa_voter(GrandpaParams {
            config: sc_consensus_grandpa::Config {
                gossip_duration: finality.gossip_duration(),
                justification_generation_period: JUSTIFICATION_PERIOD,
                name: Some(name),
                observer_enabled: false,
                keystore: role.is_authority().then(|| keystore_container.keystore()),
                local_role: role,
                telemetry: telemetry.clone(),
                protocol_name,
            },
            link,
            network,
            sync: Arc::new(sync_service),
            notification_service,
            voting_rule: finality.finality_lag.rule(),
            prometheus_registry,
            shared_voter_state: voters,
            telemetry,
            offchain_tx_pool_factory: OffchainTransactionPoolFactory::new(transaction_pool),
        })?;
        task_manager.spawn_essential_handle().spawn_blocking("grandpa-voter", None, voter);
    }

    Ok(task_manager)
}
