//! The kernel for every machine: one message after another, by the `sha2` crate. The others are measured and checked against it.

use super::Batch;
use crate::hash::Hash;
use sha2::{Digest, Sha256};

pub(super) fn hash(batch: Batch<'_>, hashes: &mut [Hash]) {
    for (number, hash) in hashes.iter_mut().enumerate() {
        let entry = &batch.bytes[number * batch.length..][..batch.length];
        *hash = Sha256::new().chain_update([batch.prefix]).chain_update(entry).finalize().into();
    }
}
