//! The records that the pallet stores.

use blockcloud_primitives::Text;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// A company's name.
pub type Name = Text<64>;

/// A company that produces and finalises blocks.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Validator<AccountId> {
    /// Its account, under which it has set session keys.
    pub account: AccountId,
    /// Its name. No two validators share one.
    pub name: Name,
}

/// A [`Validator`] of the runtime `T`.
pub type ValidatorOf<T> = Validator<<T as frame_system::Config>::AccountId>;
