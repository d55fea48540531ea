//! What the pallet stores for a log. Checkpoints and heads are `blockcloud-primitives`, trees are `blockcloud-receipt-log`.

use blockcloud_primitives::{Head, Moment};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// A job's log as the chain knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Log {
    /// When it was opened.
    pub opened_at: Moment,
    /// The last accepted checkpoint; none before the first.
    pub head: Option<Head>,
}
