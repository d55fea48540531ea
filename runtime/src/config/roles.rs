//! Who in a company may do what: typed proxies of the company's account.
//!
//! A call that is missing here is refused to every role but `Any`. Batches are allowed to all: each call in them passes the same filter.

use crate::{Balances, Runtime, RuntimeCall, RuntimeEvent, System, config::money::deposit};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{
    parameter_types,
    traits::{ConstU32, InstanceFilter},
};
use scale_info::TypeInfo;
use sp_runtime::traits::BlakeTwo256;

/// A role that one account plays for another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub enum ProxyType {
    /// Everything.
    #[default]
    #[codec(index = 0)]
    Any,
    /// Places, extends and cancels jobs.
    #[codec(index = 1)]
    Buyer,
    /// Runs a data centre's side of the market: its offers, its jobs, their checkpoints, and rounds. Not its bond.
    #[codec(index = 2)]
    Operator,
    /// Holds keys: releases data keys to attested guests off the chain, on the chain rotates session keys and stops jobs.
    #[codec(index = 3)]
    Security,
    /// Reads, sees to it that what is overdue happens, and reports equivocation. Moves nothing.
    #[codec(index = 4)]
    Auditor,
    /// Moves money: transfers, bonds, escrow.
    #[codec(index = 5)]
    Treasurer,
}

parameter_types! {
    pub const ProxyDepositBase: u128 = deposit(1, 8);
    pub const ProxyDepositFactor: u128 = deposit(0, 38);
    pub const AnnouncementDepositBase: u128 = deposit(1, 8);
    pub const AnnouncementDepositFactor: u128 = deposit(0, 68);
}

impl InstanceFilter<RuntimeCall> for ProxyType {
    fn filter(&self, call: &RuntimeCall) -> bool {
        use pallet_utility::Call as Utility;
        if matches!(call, RuntimeCall::Utility(Utility::batch { .. } | Utility::batch_all { .. } | Utility::force_batch { .. })) {
            return true;
        }
        match self {
            Self::Any => true,
            Self::Buyer => buyer(call),
            Self::Operator => operator(call),
            Self::Security => security(call),
            Self::Auditor => auditor(call),
            Self::Treasurer => treasurer(call),
        }
    }

    fn is_superset(&self, other: &Self) -> bool {
        *self == Self::Any || self == other
    }
}

fn buyer(call: &RuntimeCall) -> bool {
    use pallet_jobs::Call as Jobs;
    use pallet_receipts::Call as Receipts;
    matches!(
        call,
        RuntimeCall::Jobs(
            Jobs::place { .. }
                | Jobs::cancel { .. }
                | Jobs::top_up { .. }
                | Jobs::settle { .. }
                | Jobs::complete { .. }
                | Jobs::poke { .. }
        ) | RuntimeCall::Receipts(Receipts::register_source { .. } | Receipts::withdraw_source { .. })
    )
}

fn operator(call: &RuntimeCall) -> bool {
    use pallet_attestation::Call as Attestation;
    use pallet_jobs::Call as Jobs;
    use pallet_offers::Call as Offers;
    use pallet_receipts::Call as Receipts;
    match call {
        RuntimeCall::Offers(call) => matches!(
            call,
            Offers::register { .. }
                | Offers::update_profile { .. }
                | Offers::deregister { .. }
                | Offers::add_site { .. }
                | Offers::remove_site { .. }
                | Offers::publish { .. }
                | Offers::update { .. }
                | Offers::withdraw { .. }
                | Offers::remove_expired_fact { .. }
        ),
        RuntimeCall::Jobs(call) => matches!(
            call,
            Jobs::accept { .. }
                | Jobs::attest { .. }
                | Jobs::renew { .. }
                | Jobs::settle { .. }
                | Jobs::complete { .. }
                | Jobs::cancel { .. }
                | Jobs::poke { .. }
        ),
        RuntimeCall::Receipts(call) => matches!(
            call,
            Receipts::checkpoint { .. }
                | Receipts::checkpoint_in_round { .. }
                | Receipts::commit_round { .. }
                | Receipts::register_aggregator { .. }
                | Receipts::retire_aggregator { .. }
                | Receipts::register_source { .. }
                | Receipts::withdraw_source { .. }
        ),
        RuntimeCall::Attestation(call) => {
            matches!(call, Attestation::submit_collateral { .. } | Attestation::remove_collateral { .. } | Attestation::release_chip { .. })
        }
        _ => false,
    }
}

fn security(call: &RuntimeCall) -> bool {
    use pallet_session::Call as Session;
    matches!(
        call,
        RuntimeCall::Session(Session::set_keys { .. } | Session::purge_keys { .. }) | RuntimeCall::Jobs(pallet_jobs::Call::cancel { .. })
    )
}

fn auditor(call: &RuntimeCall) -> bool {
    matches!(
        call,
        RuntimeCall::Jobs(pallet_jobs::Call::poke { .. }) | RuntimeCall::Receipts(pallet_receipts::Call::report_equivocation { .. })
    )
}

fn treasurer(call: &RuntimeCall) -> bool {
    use pallet_bonds::Call as Bonds;
    use pallet_jobs::Call as Jobs;
    matches!(
        call,
        RuntimeCall::Balances(_)
            | RuntimeCall::Bonds(Bonds::bond { .. } | Bonds::unbond { .. } | Bonds::withdraw { .. })
            | RuntimeCall::Jobs(Jobs::top_up { .. } | Jobs::settle { .. })
    )
}

impl pallet_proxy::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type RuntimeCall = RuntimeCall;
    type Currency = Balances;
    type ProxyType = ProxyType;
    type ProxyDepositBase = ProxyDepositBase;
    type ProxyDepositFactor = ProxyDepositFactor;
    type MaxProxies = ConstU32<32>;
    type WeightInfo = pallet_proxy::weights::SubstrateWeight<Runtime>;
    type MaxPending = ConstU32<32>;
    type CallHasher = BlakeTwo256;
    type AnnouncementDepositBase = AnnouncementDepositBase;
    type AnnouncementDepositFactor = AnnouncementDepositFactor;
    type BlockNumberProvider = System;
}
