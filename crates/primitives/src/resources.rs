//! Amounts of capacity and their price.

use crate::{Balance, amount};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// An amount of capacity.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Serialize, Deserialize,
)]
pub struct Resources {
    /// Virtual processors.
    pub vcpus: u32,
    /// Memory in GiB.
    pub memory_gib: u32,
    /// Storage in GiB.
    pub storage_gib: u32,
    /// Whole GPUs.
    pub gpus: u32,
}

impl Resources {
    /// Whether no capacity at all is named.
    pub fn is_zero(&self) -> bool {
        *self == Self::default()
    }

    /// The sum, or nothing if any part overflows.
    pub fn checked_add(&self, other: &Self) -> Option<Self> {
        self.zip(other, u32::checked_add)
    }

    /// What is left after `other` is taken, or nothing if any part is short.
    pub fn checked_sub(&self, other: &Self) -> Option<Self> {
        self.zip(other, u32::checked_sub)
    }

    /// Whether every part of `other` fits.
    pub fn fits(&self, other: &Self) -> bool {
        self.checked_sub(other).is_some()
    }

    fn zip(&self, other: &Self, op: impl Fn(u32, u32) -> Option<u32>) -> Option<Self> {
        Some(Self {
            vcpus: op(self.vcpus, other.vcpus)?,
            memory_gib: op(self.memory_gib, other.memory_gib)?,
            storage_gib: op(self.storage_gib, other.storage_gib)?,
            gpus: op(self.gpus, other.gpus)?,
        })
    }
}

/// A price per second for one unit of each kind of capacity, in smallest units of the currency.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Serialize, Deserialize,
)]
pub struct Price {
    /// Per virtual processor and second.
    #[serde(with = "amount")]
    pub vcpu: Balance,
    /// Per GiB of memory and second.
    #[serde(with = "amount")]
    pub memory_gib: Balance,
    /// Per GiB of storage and second.
    #[serde(with = "amount")]
    pub storage_gib: Balance,
    /// Per GPU and second.
    #[serde(with = "amount")]
    pub gpu: Balance,
}

impl Price {
    /// What these resources cost per second, or nothing on overflow.
    pub fn rate(&self, resources: &Resources) -> Option<Balance> {
        [
            (self.vcpu, resources.vcpus),
            (self.memory_gib, resources.memory_gib),
            (self.storage_gib, resources.storage_gib),
            (self.gpu, resources.gpus),
        ]
        .into_iter()
        .try_fold(0, |sum: Balance, (price, units)| sum.checked_add(price.checked_mul(Balance::from(units))?))
    }
}
