//! What a node and a light client can ask of the runtime.

use crate::{
    AccountId, Aura, Balance, Block, Executive, Grandpa, InherentDataExt, Jobs, Nonce, Offers, Receipts, Runtime, RuntimeCall,
    RuntimeGenesisConfig, SessionKeys, System, TransactionPayment, VERSION, genesis,
};
use alloc::vec::Vec;
use blockcloud_evidence::{snp, tdx};
use blockcloud_primitives::{
    self as market, AggregatorId, AggregatorView, BondView, CertificateDer, CollateralSet, JobId, JobSpec, JobView, List, Moment,
    OfferFilter, OfferId, OfferView, Page, Quote, RoundView, SignedObject, SourceView,
};
use frame_support::{
    genesis_builder_helper::{build_state, get_preset},
    weights::Weight,
};
use sp_api::impl_runtime_apis;
use sp_consensus_aura::sr25519::AuthorityId as AuraId;
use sp_consensus_grandpa::AuthorityId as GrandpaId;
use sp_core::{OpaqueMetadata, crypto::KeyTypeId};
use sp_runtime::{
    ApplyExtrinsicResult,
    traits::{Block as BlockT, NumberFor},
    transaction_validity::{TransactionSource, TransactionValidity},
};
use sp_session::OpaqueGeneratedSessionKeys;
use sp_version::RuntimeVersion;

sp_api::decl_runtime_apis! {
    /// What the market shows. Every list is paged; limits are clamped to what a page may hold.
    pub trait MarketApi {
        /// Offers on the market that pass the filter, after the one named.
        fn offers(filter: OfferFilter, after: Option<OfferId>, limit: u32) -> Page<OfferView, OfferId>;
        /// One offer, absent once it is withdrawn.
        fn offer(offer: OfferId) -> Option<OfferView>;
        /// Offers judged against a job spec: those that fit, cheapest first, then those that do not, with the reasons.
        fn quote(spec: JobSpec, limit: u32) -> Vec<Quote>;
        /// One job, absent once it is closed.
        fn job(job: JobId) -> Option<JobView>;
        /// The jobs of an account, as customer or provider, oldest first, after the one named.
        fn jobs_of(account: market::AccountId, after: Option<JobId>, limit: u32) -> Page<JobView, JobId>;
        /// The bond of an account, absent if it has none.
        fn bond(account: market::AccountId) -> Option<BondView>;
    }

    /// What the chain knows of rounds. Limits are clamped to what a page may hold.
    pub trait RoundsApi {
        /// One aggregator, absent once it is retired.
        fn aggregator(aggregator: AggregatorId) -> Option<AggregatorView>;
        /// The aggregators, oldest first, after the one named. A page may be short, or empty, and yet have a next one.
        fn aggregators(after: Option<AggregatorId>, limit: u32) -> Page<AggregatorView, AggregatorId>;
        /// The jobs that are registered with an aggregator, by slot, after the one named. A page may be short, or empty, and yet have a next one.
        fn sources(aggregator: AggregatorId, after: Option<u32>, limit: u32) -> Page<SourceView, u32>;
        /// Where a job is registered: at most four places.
        fn places(job: JobId) -> Vec<SourceView>;
        /// The rounds of an aggregator that are kept, newest first.
        fn rounds(aggregator: AggregatorId, limit: u32) -> Vec<RoundView>;
    }

    /// What this chain's verifiers say of evidence, before anybody pays for a transaction that brings it. The issuers, the collateral, the requirements
    /// and the time are the caller's: nothing is read from the state, and nothing is said of jobs, floors or approvals.
    pub trait EvidenceApi {
        /// An SEV-SNP report and the certificate of the key that signed it, under the issuer of such keys: `snp::verify`.
        fn verify_snp(
            report: EvidenceBytes,
            certificate: CertificateDer,
            issuer: CertificateDer,
            requirements: snp::Requirements,
            now: Moment,
        ) -> Result<snp::Claims, snp::Error>;
        /// A root and the issuer below it: `snp::verify_issuers`. Answers when the first of the two expires.
        fn verify_snp_issuers(root: CertificateDer, issuer: CertificateDer, now: Moment) -> Result<Moment, snp::Error>;
        /// A TDX quote with all of its collateral, under a root: `tdx::verify`.
        fn verify_tdx(
            quote: EvidenceBytes,
            collateral: CollateralSet,
            root: CertificateDer,
            requirements: tdx::Requirements,
            now: Moment,
        ) -> Result<tdx::Claims, tdx::Error>;
    }
}

/// Evidence of any vendor, as long as any is taken.
pub type EvidenceBytes = List<u8, 8192>;

/// A job as the market shows it.
fn job_view(job: JobId) -> Option<JobView> {
    // A provider that has deregistered has no agent any more.
    Jobs::job_view(job, |provider| Offers::endpoint(provider).unwrap_or_default())
}

impl_runtime_apis! {
    impl self::MarketApi<Block> for Runtime {
        fn offers(filter: OfferFilter, after: Option<OfferId>, limit: u32) -> Page<OfferView, OfferId> {
            Offers::offers_page(&filter, after, limit)
        }

        fn offer(offer: OfferId) -> Option<OfferView> {
            Offers::offer_view(offer)
        }

        fn quote(spec: JobSpec, limit: u32) -> Vec<Quote> {
            Offers::quotes(&spec, limit)
        }

        fn job(job: JobId) -> Option<JobView> {
            job_view(job)
        }

        fn jobs_of(account: market::AccountId, after: Option<JobId>, limit: u32) -> Page<JobView, JobId> {
            let Page { items, next } = Jobs::jobs_of(&AccountId::new(account.0), after, limit);
            Page { items: items.into_iter().filter_map(job_view).collect(), next }
        }

        fn bond(account: market::AccountId) -> Option<BondView> {
            let bond = pallet_bonds::Bonds::<Runtime>::get(AccountId::new(account.0))?;
            Some(BondView { total: bond.total, reserved: bond.reserved, unbonding: bond.leaving(), free: bond.free() })
        }
    }

    impl self::RoundsApi<Block> for Runtime {
        fn aggregator(aggregator: AggregatorId) -> Option<AggregatorView> {
            Receipts::aggregator_view(aggregator)
        }

        fn aggregators(after: Option<AggregatorId>, limit: u32) -> Page<AggregatorView, AggregatorId> {
            Receipts::aggregators(after, limit)
        }

        fn sources(aggregator: AggregatorId, after: Option<u32>, limit: u32) -> Page<SourceView, u32> {
            Receipts::sources_of(aggregator, after, limit)
        }

        fn places(job: JobId) -> Vec<SourceView> {
            Receipts::places_of(job)
        }

        fn rounds(aggregator: AggregatorId, limit: u32) -> Vec<RoundView> {
            Receipts::recent_rounds(aggregator, limit)
        }
    }

    impl self::EvidenceApi<Block> for Runtime {
        fn verify_snp(
            report: EvidenceBytes,
            certificate: CertificateDer,
            issuer: CertificateDer,
            requirements: snp::Requirements,
            now: Moment,
        ) -> Result<snp::Claims, snp::Error> {
            snp::verify(&report, &certificate, &issuer, &requirements, now)
        }

        fn verify_snp_issuers(root: CertificateDer, issuer: CertificateDer, now: Moment) -> Result<Moment, snp::Error> {
            snp::verify_issuers(&root, &issuer, now)
        }

        fn verify_tdx(
            quote: EvidenceBytes,
            collateral: CollateralSet,
            root: CertificateDer,
            requirements: tdx::Requirements,
            now: Moment,
        ) -> Result<tdx::Claims, tdx::Error> {
            fn signed(object: &SignedObject) -> tdx::SignedItem<'_> {
                tdx::SignedItem { body: &object.body, signature: &object.signature.0, signer: &object.signer }
            }
            let CollateralSet { root_crl, pck_crl, pck_issuer, tcb_info, qe_identity } = &collateral;
            let (tcb_info, qe_identity) = (signed(tcb_info), signed(qe_identity));
            let collateral = tdx::Collateral { root_crl, pck_crl, pck_issuer, tcb_info, qe_identity };
            tdx::verify(&quote, &collateral, &root, &requirements, now)
        }
    }

    impl sp_api::Core<Block> for Runtime {
        fn version() -> RuntimeVersion {
            VERSION
        }

        fn execute_block(block: <Block as BlockT>::LazyBlock) {
            Executive::execute_block(block);
        }

        fn initialize_block(header: &<Block as BlockT>::Header) -> sp_runtime::ExtrinsicInclusionMode {
            Executive::initialize_block(header)
        }
    }

    impl sp_api::Metadata<Block> for Runtime {
        fn metadata() -> OpaqueMetadata {
            OpaqueMetadata::new(Runtime::metadata().into())
        }

        fn metadata_at_version(version: u32) -> Option<OpaqueMetadata> {
            Runtime::metadata_at_version(version)
        }

        fn metadata_versions() -> Vec<u32> {
            Runtime::metadata_versions()
        }
    }

    impl frame_support::view_functions::runtime_api::RuntimeViewFunction<Block> for Runtime {
        fn execute_view_function(
            id: frame_support::view_functions::ViewFunctionId,
            input: Vec<u8>,
        ) -> Result<Vec<u8>, frame_support::view_functions::ViewFunctionDispatchError> {
            Runtime::execute_view_function(id, input)
        }
    }

    impl sp_block_builder::BlockBuilder<Block> for Runtime {
        fn apply_extrinsic(extrinsic: <Block as BlockT>::Extrinsic) -> ApplyExtrinsicResult {
            Executive::apply_extrinsic(extrinsic)
        }

        fn finalize_block() -> <Block as BlockT>::Header {
            Executive::finalize_block()
        }

        fn inherent_extrinsics(data: sp_inherents::InherentData) -> Vec<<Block as BlockT>::Extrinsic> {
            data.create_extrinsics()
        }

        fn check_inherents(block: <Block as BlockT>::LazyBlock, data: sp_inherents::InherentData) -> sp_inherents::CheckInherentsResult {
            data.check_extrinsics(&block)
        }
    }

    impl sp_transaction_pool::runtime_api::TaggedTransactionQueue<Block> for Runtime {
        fn validate_transaction(
            source: TransactionSource,
            transaction: <Block as BlockT>::Extrinsic,
            block_hash: <Block as BlockT>::Hash,
        ) -> TransactionValidity {
            Executive::validate_transaction(source, transaction, block_hash)
        }
    }

    impl sp_offchain::OffchainWorkerApi<Block> for Runtime {
        fn offchain_worker(header: &<Block as BlockT>::Header) {
            Executive::offchain_worker(header)
        }
    }

    impl sp_consensus_aura::AuraApi<Block, AuraId> for Runtime {
        fn slot_duration() -> sp_consensus_aura::SlotDuration {
            sp_consensus_aura::SlotDuration::from_millis(Aura::slot_duration())
        }

        fn authorities() -> Vec<AuraId> {
            pallet_aura::Authorities::<Runtime>::get().into_inner()
        }
    }

    impl sp_consensus_grandpa::GrandpaApi<Block> for Runtime {
        fn grandpa_authorities() -> sp_consensus_grandpa::AuthorityList {
            Grandpa::grandpa_authorities()
        }

        fn current_set_id() -> sp_consensus_grandpa::SetId {
            pallet_grandpa::CurrentSetId::<Runtime>::get()
        }

        fn submit_report_equivocation_unsigned_extrinsic(
            _: sp_consensus_grandpa::EquivocationProof<<Block as BlockT>::Hash, NumberFor<Block>>,
            _: sp_consensus_grandpa::OpaqueKeyOwnershipProof,
        ) -> Option<()> {
            None
        }

        fn generate_key_ownership_proof(
            _: sp_consensus_grandpa::SetId,
            _: GrandpaId,
        ) -> Option<sp_consensus_grandpa::OpaqueKeyOwnershipProof> {
            None
        }
    }

    impl sp_session::SessionKeys<Block> for Runtime {
        fn generate_session_keys(owner: Vec<u8>, seed: Option<Vec<u8>>) -> OpaqueGeneratedSessionKeys {
            SessionKeys::generate(&owner, seed).into()
        }

        fn decode_session_keys(encoded: Vec<u8>) -> Option<Vec<(Vec<u8>, KeyTypeId)>> {
            SessionKeys::decode_into_raw_public_keys(&encoded)
        }
    }

    impl frame_system_rpc_runtime_api::AccountNonceApi<Block, AccountId, Nonce> for Runtime {
        fn account_nonce(account: AccountId) -> Nonce {
            System::account_nonce(account)
        }
    }

    impl pallet_transaction_payment_rpc_runtime_api::TransactionPaymentApi<Block, Balance> for Runtime {
        fn query_info(
            transaction: <Block as BlockT>::Extrinsic,
            length: u32,
        ) -> pallet_transaction_payment_rpc_runtime_api::RuntimeDispatchInfo<Balance> {
            TransactionPayment::query_info(transaction, length)
        }

        fn query_fee_details(
            transaction: <Block as BlockT>::Extrinsic,
            length: u32,
        ) -> pallet_transaction_payment_rpc_runtime_api::FeeDetails<Balance> {
            TransactionPayment::query_fee_details(transaction, length)
        }

        fn query_weight_to_fee(weight: Weight) -> Balance {
            TransactionPayment::weight_to_fee(weight)
        }

        fn query_length_to_fee(length: u32) -> Balance {
            TransactionPayment::length_to_fee(length)
        }
    }

    impl pallet_transaction_payment_rpc_runtime_api::TransactionPaymentCallApi<Block, Balance, RuntimeCall> for Runtime {
        fn query_call_info(call: RuntimeCall, length: u32) -> pallet_transaction_payment_rpc_runtime_api::RuntimeDispatchInfo<Balance> {
            TransactionPayment::query_call_info(call, length)
        }

        fn query_call_fee_details(call: RuntimeCall, length: u32) -> pallet_transaction_payment_rpc_runtime_api::FeeDetails<Balance> {
            TransactionPayment::query_call_fee_details(call, length)
        }

        fn query_weight_to_fee(weight: Weight) -> Balance {
            TransactionPayment::weight_to_fee(weight)
        }

        fn query_length_to_fee(length: u32) -> Balance {
            TransactionPayment::length_to_fee(length)
        }
    }

    impl sp_genesis_builder::GenesisBuilder<Block> for Runtime {
        fn build_state(config: Vec<u8>) -> sp_genesis_builder::Result {
            build_state::<RuntimeGenesisConfig>(config)
        }

        fn get_preset(id: &Option<sp_genesis_builder::PresetId>) -> Option<Vec<u8>> {
            get_preset::<RuntimeGenesisConfig>(id, genesis::preset)
        }

        fn preset_names() -> Vec<sp_genesis_builder::PresetId> {
            genesis::names()
        }
    }

    #[cfg(feature = "runtime-benchmarks")]
    impl frame_benchmarking::Benchmark<Block> for Runtime {
        fn benchmark_metadata(extra: bool) -> (Vec<frame_benchmarking::BenchmarkList>, Vec<frame_support::traits::StorageInfo>) {
            crate::benchmarks::metadata(extra)
        }

        fn dispatch_benchmark(
            config: frame_benchmarking::BenchmarkConfig,
        ) -> Result<Vec<frame_benchmarking::BenchmarkBatch>, alloc::string::String> {
            crate::benchmarks::dispatch(config)
        }
    }

    #[cfg(feature = "try-runtime")]
    impl frame_try_runtime::TryRuntime<Block> for Runtime {
        fn on_runtime_upgrade(checks: frame_try_runtime::UpgradeCheckSelect) -> (Weight, Weight) {
            use frame_support::traits::Get;
            // The caller asks for the outcome of a dry run; there is no chain to harm.
            let used = Executive::try_runtime_upgrade(checks).expect("the upgrade's checks must pass");
            (used, <Runtime as frame_system::Config>::BlockWeights::get().max_block)
        }

        fn execute_block(
            block: <Block as BlockT>::LazyBlock,
            state_root_check: bool,
            signature_check: bool,
            select: frame_try_runtime::TryStateSelect,
        ) -> Weight {
            Executive::try_execute_block(block, state_root_check, signature_check, select).expect("the block's checks must pass")
        }
    }
}
