//! The guest's signature over its last word, found in the chain's blocks: the state keeps the completion and not the signature.

use crate::{Chain, Error, Result, Scheme};
use blockcloud_primitives::{AccountId, Completion, Digest, Head, Moment, PublicKey, Signature};
use codec::{Compact, Decode as _, Encode as _};

impl Chain {
    /// The signature with which a completion came on chain. The completion follows the checkpoint that became the log's last head, so the blocks from that on
    /// are looked through, up to block number `last`. Nothing if none of them has it.
    ///
    /// # Errors
    /// [`Error::NoBlock`] where the node has thrown blocks away; what the node answers.
    pub async fn completion_signature(
        &self,
        completion: &Completion,
        head: &Head,
        key: &PublicKey,
        last: u32,
    ) -> Result<Option<Signature>> {
        let (said, payload) = (completion.encode(), completion.signing_payload(&self.genesis()));
        let is_genuine = |signature: &[u8; 64]| Scheme::Ed25519.verify(&AccountId(key.0), &payload, signature);
        for number in self.first_block_from(head.accepted_at, last).await?..=last {
            for transaction in self.body(number).await? {
                // Who brought it, and in what wrapping, does not matter: the signature stands behind the completion and verifies or does not.
                let places = transaction.windows(said.len()).enumerate().filter(|(_, window)| *window == said);
                let behind = places.filter_map(|(place, _)| transaction.get(place..)?.get(said.len()..)?.first_chunk());
                if let Some(signature) = behind.into_iter().find(|signature| is_genuine(signature)) {
                    return Ok(Some(Signature(*signature)));
                }
            }
        }
        Ok(None)
    }

    /// Number of the first block, of those up to `last`, whose time is not before this.
    async fn first_block_from(&self, time: Moment, last: u32) -> Result<u32> {
        // The first block has no time.
        let (mut low, mut high) = (1, last);
        while low < high {
            let middle = low + (high - low) / 2;
            let set = self.body(middle).await?.first().and_then(|inherent| time_of(inherent));
            let set = set.ok_or_else(|| Error::malformed("chain_getBlock", "the block does not begin with its time"))?;
            if set < time { low = middle + 1 } else { high = middle }
        }
        Ok(low)
    }

    async fn body(&self, number: u32) -> Result<Vec<Vec<u8>>> {
        let hash: Digest = self.block_hash(number).await?.ok_or_else(|| Error::NoBlock(number.to_string()))?;
        self.transactions(hash).await
    }
}

/// The time that a block's first transaction sets: its length, its kind (one byte), the call (two), the time.
fn time_of(mut inherent: &[u8]) -> Option<Moment> {
    let input = &mut inherent;
    Compact::<u32>::decode(input).ok()?;
    <[u8; 3]>::decode(input).ok()?;
    let Compact(time) = Compact::<Moment>::decode(input).ok()?;
    input.is_empty().then_some(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_block_is_read_from_its_inherent() {
        let inherent = (4_u8, [2_u8, 0], Compact(1_800_000_000_123_u64)).encode();
        let whole = [Compact(u32::try_from(inherent.len()).unwrap()).encode(), inherent].concat();
        assert_eq!(time_of(&whole), Some(1_800_000_000_123));
        assert_eq!(time_of(&whole[..whole.len() - 1]), None);
        assert_eq!(time_of(&[&whole[..], &[0]].concat()), None);
        assert_eq!(time_of(&[]), None);
    }
}
