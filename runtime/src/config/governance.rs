//! The council, and what its motions can do. There is no sudo.

use crate::{AccountId, BlockNumber, Runtime, RuntimeCall, RuntimeEvent, RuntimeOrigin, Session, config::system::Weights};
use frame_support::{
    parameter_types,
    traits::{ConstU32, EitherOfDiverse, Get},
    weights::Weight,
};
use frame_system::EnsureRoot;
use pallet_collective::{DefaultVote, EnsureProportionAtLeast, Instance1, Instance2, MemberCount};
use sp_runtime::Perbill;

/// The council's collective.
pub type CouncilCollective = Instance1;
/// The collective of the technical committee: the companies' engineers, who are awake when something breaks.
pub type TechnicalCollective = Instance2;
/// Two thirds of the council have voted for it. This is the origin of everything that needs governance.
pub type CouncilMotion = EnsureProportionAtLeast<AccountId, CouncilCollective, 2, 3>;
/// Half of the technical committee, or the council. Can stop, never allow.
pub type EmergencyStop = EitherOfDiverse<EnsureProportionAtLeast<AccountId, TechnicalCollective, 1, 2>, CouncilMotion>;
/// Most validators.
pub type MaxValidators = ConstU32<64>;

parameter_types! {
    /// Blocks that a motion stays open: three days of 1-s slots.
    pub const MotionDuration: BlockNumber = 3 * 24 * 60 * 60;
    /// A motion may fill half a block, which is enough to store a new runtime.
    pub MaxProposalWeight: Weight = Perbill::from_percent(50) * <Weights as Get<frame_system::limits::BlockWeights>>::get().max_block;
}

/// Who has not voted when a motion runs out has voted against it.
pub struct SilenceIsNo;

impl DefaultVote for SilenceIsNo {
    fn default_vote(_: Option<bool>, _: MemberCount, _: MemberCount, _: MemberCount) -> bool {
        false
    }
}

/// One set of rules for both collectives.
macro_rules! collectives {
    ($($instance:ty)*) => {
        $(impl pallet_collective::Config<$instance> for Runtime {
            type RuntimeOrigin = RuntimeOrigin;
            type Proposal = RuntimeCall;
            type RuntimeEvent = RuntimeEvent;
            type MotionDuration = MotionDuration;
            type MaxProposals = ConstU32<64>;
            type MaxMembers = ConstU32<64>;
            type DefaultVote = SilenceIsNo;
            type SetMembersOrigin = EnsureRoot<AccountId>;
            type MaxProposalWeight = MaxProposalWeight;
            type DisapproveOrigin = EnsureRoot<AccountId>;
            type KillOrigin = EnsureRoot<AccountId>;
            /// Only members can propose and their number is bounded, so motions need no deposit.
            type Consideration = ();
            type WeightInfo = pallet_collective::weights::SubstrateWeight<Runtime>;
        })*
    };
}

collectives!(CouncilCollective TechnicalCollective);

impl pallet_consortium::Config for Runtime {
    type RuntimeCall = RuntimeCall;
    type GovernanceOrigin = CouncilMotion;
    type Registration = Session;
    type MaxValidators = MaxValidators;
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = benchmarking::Keys;
    type WeightInfo = pallet_consortium::weights::SubstrateWeight<Runtime>;
}

/// What benchmarks of the consortium need.
#[cfg(feature = "runtime-benchmarks")]
mod benchmarking {
    use crate::{AccountId, Runtime, SessionKeys};
    use sp_core::{ed25519, sr25519};

    /// Gives accounts session keys made of their own bytes.
    pub struct Keys;

    impl pallet_consortium::BenchmarkHelper<AccountId> for Keys {
        fn set_keys(account: &AccountId) {
            let raw: &[u8; 32] = account.as_ref();
            let keys = SessionKeys { aura: sr25519::Public::from_raw(*raw).into(), grandpa: ed25519::Public::from_raw(*raw).into() };
            pallet_session::NextKeys::<Runtime>::insert(account, keys);
        }
    }
}
