//! The records of the bonds pallet and the sums over one record.
//!
//! Not here: anything that reads or writes storage.

use blockcloud_primitives::{Balance, List, Moment};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Portions of one bond that may be unbonding at once.
pub const MAX_UNBONDINGS: u32 = 8;

/// A principal's bond. All of it is on hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Bond {
    /// Everything on hold, whatever it is for.
    pub total: Balance,
    /// The part that covers jobs.
    pub reserved: Balance,
    /// The parts that are on their way out, in the order of their times.
    pub unbonding: List<Unbonding, MAX_UNBONDINGS>,
}

/// A part of a bond that is on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Unbonding {
    /// How much.
    pub amount: Balance,
    /// From when on it may be withdrawn.
    pub at: Moment,
}

/// What stands behind one job.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Cover<AccountId> {
    /// Whose bond it is part of.
    pub principal: AccountId,
    /// In whose favour it stands.
    pub obligee: AccountId,
    /// The penal sum: the most that a claim about this job can draw.
    pub amount: Balance,
}

/// [`Cover`] with the runtime's types.
pub type CoverOf<T> = Cover<<T as frame_system::Config>::AccountId>;

/// What has gone in and out of all bonds since genesis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Flows {
    /// Locked by `bond`.
    pub bonded: Balance,
    /// Released by `withdraw`.
    pub withdrawn: Balance,
}

impl Bond {
    /// The sum of all unbonding portions.
    ///
    /// Saturates, so that a corrupt record leaves nothing free; a sound one cannot, its portions being part of `total`.
    pub fn leaving(&self) -> Balance {
        self.unbonding.iter().fold(0, |sum, portion| sum.saturating_add(portion.amount))
    }

    /// What stays bonded: the total without the portions that are unbonding.
    ///
    /// Saturates, so that a corrupt record stands at nothing.
    pub fn standing(&self) -> Balance {
        self.total.saturating_sub(self.leaving())
    }

    /// What neither covers a job nor is unbonding.
    ///
    /// Saturates, so that a corrupt record has nothing free.
    pub fn free(&self) -> Balance {
        self.standing().saturating_sub(self.reserved)
    }
}
