//! The state machine of a BlockCloud chain: which pallets, wired how.
//!
//! Here the pallets are named and numbered; `config` says how each is configured and implements what one asks of another; `apis` is what a node
//! and a light client can ask; `genesis` holds the presets of a first block. No logic of its own lives here: that is in the pallets.
//!
//! Numbers of pallets are part of every signed transaction and stored byte: they are never reused.
#![cfg_attr(not(feature = "std"), no_std)]
#![recursion_limit = "512"]

extern crate alloc;

#[cfg(feature = "std")]
include!(concat!(env!("OUT_DIR"), "/wasm_binary.rs"));

pub mod apis;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarks;
pub mod config;
pub mod genesis;
#[cfg(test)]
mod tests;

pub use config::{
    consensus::{SESSION_BLOCKS, SLOT_DURATION, SessionKeys},
    money::{DECIMALS, MICRO, MILLI, SYMBOL, UNIT},
    roles::ProxyType,
};

use alloc::{borrow::Cow, vec::Vec};
use sp_runtime::{
    MultiAddress, MultiSignature, generic,
    traits::{BlakeTwo256, IdentifyAccount, Verify},
};
use sp_version::RuntimeVersion;

/// An amount of the currency in its smallest unit.
pub type Balance = u128;
/// The number of a block.
pub type BlockNumber = u32;
/// The hash of a block or transaction.
pub type Hash = sp_core::H256;
/// How many transactions an account has sent.
pub type Nonce = u32;
/// A signature by an account: ed25519, sr25519 or ECDSA.
pub type Signature = MultiSignature;
/// An account.
pub type AccountId = <<Signature as Verify>::Signer as IdentifyAccount>::AccountId;
/// How a transaction names an account.
pub type Address = MultiAddress<AccountId, ()>;
/// The header of a block.
pub type Header = generic::Header<BlockNumber, BlakeTwo256>;
/// A block.
pub type Block = generic::Block<Header, UncheckedExtrinsic>;
/// What every transaction carries besides its call.
pub type TxExtension = (
    frame_system::AuthorizeCall<Runtime>,
    frame_system::CheckNonZeroSender<Runtime>,
    frame_system::CheckSpecVersion<Runtime>,
    frame_system::CheckTxVersion<Runtime>,
    frame_system::CheckGenesis<Runtime>,
    frame_system::CheckMortality<Runtime>,
    frame_system::CheckNonce<Runtime>,
    frame_system::CheckWeight<Runtime>,
    pallet_transaction_payment::ChargeTransactionPayment<Runtime>,
    frame_system::WeightReclaim<Runtime>,
);
/// A transaction as it comes over the wire.
pub type UncheckedExtrinsic = generic::UncheckedExtrinsic<Address, RuntimeCall, Signature, TxExtension>;
/// What a signature covers.
pub type SignedPayload = generic::SignedPayload<RuntimeCall, TxExtension>;
/// Plays blocks.
pub type Executive = frame_executive::Executive<Runtime, Block, frame_system::ChainContext<Runtime>, Runtime, AllPalletsWithSystem>;

/// The types as the node sees them: it need not understand transactions.
pub mod opaque {
    use super::{BlakeTwo256, BlockNumber, generic};

    /// The header of a block.
    pub type Header = generic::Header<BlockNumber, BlakeTwo256>;
    /// A block of transactions as mere bytes.
    pub type Block = generic::Block<Header, sp_runtime::OpaqueExtrinsic>;
    /// The number of a block on one fork.
    pub type BlockId = generic::BlockId<Block>;
}

/// The version of this runtime. `spec_version` grows with every change of behaviour, `transaction_version` with every change of what a
/// signature covers.
#[sp_version::runtime_version]
pub const VERSION: RuntimeVersion = RuntimeVersion {
    spec_name: Cow::Borrowed("blockcloud"),
    impl_name: Cow::Borrowed("blockcloud"),
    authoring_version: 1,
    spec_version: 1,
    impl_version: 1,
    apis: apis::RUNTIME_API_VERSIONS,
    transaction_version: 1,
    system_version: 1,
};

/// The pallets. Their numbers are those of the wire, and the order of genesis and of hooks.
#[frame_support::runtime]
mod runtime {
    /// The runtime.
    #[runtime::runtime]
    #[runtime::derive(
        RuntimeCall,
        RuntimeEvent,
        RuntimeError,
        RuntimeOrigin,
        RuntimeFreezeReason,
        RuntimeHoldReason,
        RuntimeSlashReason,
        RuntimeLockId,
        RuntimeTask,
        RuntimeViewFunction
    )]
    pub struct Runtime;

    #[runtime::pallet_index(0)]
    pub type System = frame_system;
    #[runtime::pallet_index(1)]
    pub type Timestamp = pallet_timestamp;
    #[runtime::pallet_index(2)]
    pub type Aura = pallet_aura;
    #[runtime::pallet_index(3)]
    pub type Grandpa = pallet_grandpa;
    #[runtime::pallet_index(5)]
    pub type Balances = pallet_balances;
    #[runtime::pallet_index(6)]
    pub type TransactionPayment = pallet_transaction_payment;
    #[runtime::pallet_index(7)]
    pub type Council = pallet_collective<Instance1>;
    #[runtime::pallet_index(8)]
    pub type Utility = pallet_utility;
    #[runtime::pallet_index(9)]
    pub type Multisig = pallet_multisig;
    #[runtime::pallet_index(10)]
    pub type Proxy = pallet_proxy;
    #[runtime::pallet_index(11)]
    pub type TechnicalCommittee = pallet_collective<Instance2>;

    #[runtime::pallet_index(20)]
    pub type Offers = pallet_offers;
    #[runtime::pallet_index(21)]
    pub type Bonds = pallet_bonds;
    #[runtime::pallet_index(22)]
    pub type Jobs = pallet_jobs;
    #[runtime::pallet_index(23)]
    pub type Attestation = pallet_attestation;
    #[runtime::pallet_index(24)]
    pub type Receipts = pallet_receipts;

    #[runtime::pallet_index(25)]
    pub type Consortium = pallet_consortium;
    // Genesis and hooks run in the order of these numbers. Session comes after balances, because its genesis takes references to accounts that must
    // exist, and after the consortium, which it asks for the first validators.
    #[runtime::pallet_index(26)]
    pub type Session = pallet_session;
}
