//! Transactions: signed once, watched to finality, sent again with the same nonce until they are final or can no longer be included.
//!
//! A transaction that a pool accepted can still vanish from it. So nothing here believes a pool: what counts is the blocks. The pool's own
//! notifications only make it faster. Sending identical bytes again is harmless, because a nonce is used once.

use crate::{At, BlockId, Call, Chain, Error, Outcome, Result, Signer, chain::to_hex, runtime::Runtime};
use blockcloud_primitives::{AccountId, Digest};
use serde::{Deserialize, de::IgnoredAny};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};
use subxt::{
    config::{DefaultExtrinsicParamsBuilder, substrate::SubstrateConfig},
    ext::scale_encode::{EncodeAsFields, Error as EncodeError, FieldIter, TypeResolver},
    rpcs::rpc_params,
    tx::Payload,
    utils::H256,
};

/// Number of blocks after its signing in which a transaction can be included.
const MORTALITY: u32 = 64;
/// How long the pool may say nothing about a transaction before the blocks are asked.
const SILENCE: Duration = Duration::from_secs(6);
/// How often a call is signed again when another program of the account takes the nonce.
const ATTEMPTS: u32 = 4;
/// Pause before a transaction is sent again.
const PAUSE: Duration = Duration::from_millis(500);
/// How long to wait for finality altogether, however slow the chain is.
pub const PATIENCE: Duration = Duration::from_secs(300);

/// How sure of a transaction's inclusion the caller wants to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// In a block of the best chain, which may still be replaced.
    Best,
    /// In a final block.
    Final,
}

/// Nonces that transactions of this process have in flight, by account.
#[derive(Default)]
pub(crate) struct Nonces(Arc<Mutex<BTreeMap<AccountId, BTreeSet<u64>>>>);

impl Nonces {
    /// Takes the smallest nonce from `next` on that no transaction in flight has.
    fn take(&self, account: AccountId, next: u64) -> Nonce {
        let mut all = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let taken = all.entry(account).or_default();
        let mut value = next;
        while taken.contains(&value) {
            value += 1;
        }
        taken.insert(value);
        Nonce { account, value, all: self.0.clone() }
    }
}

/// A nonce in flight; free again when this is dropped.
struct Nonce {
    account: AccountId,
    value: u64,
    all: Arc<Mutex<BTreeMap<AccountId, BTreeSet<u64>>>>,
}

impl Drop for Nonce {
    fn drop(&mut self) {
        let mut all = self.all.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(taken) = all.get_mut(&self.account) {
            taken.remove(&self.value);
            if taken.is_empty() {
                all.remove(&self.account);
            }
        }
    }
}

/// A call whose arguments are SCALE already.
struct Encoded<'a> {
    call: &'a Call,
    arguments: Arguments,
}

struct Arguments(Vec<u8>);

impl EncodeAsFields for Arguments {
    fn encode_as_fields_to<R: TypeResolver>(
        &self,
        _: &mut dyn FieldIter<'_, R::TypeId>,
        _: &R,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        out.extend_from_slice(&self.0);
        Ok(())
    }
}

impl Payload for Encoded<'_> {
    type CallData = Arguments;

    fn pallet_name(&self) -> &str {
        self.call.pallet()
    }

    fn call_name(&self) -> &str {
        self.call.name()
    }

    fn call_data(&self) -> &Arguments {
        &self.arguments
    }
}

/// Signs a call into the bytes of a transaction.
fn sign(runtime: &Runtime, call: &Call, signer: &Signer, nonce: u64, birth: BlockId) -> Result<Vec<u8>> {
    // The metadata judges the whole call before it is signed.
    call.encode(runtime)?;
    let payload = Encoded { call, arguments: Arguments(call.arguments(runtime)?) };
    let params = DefaultExtrinsicParamsBuilder::<SubstrateConfig>::new()
        .nonce(nonce)
        .mortal_from_unchecked(MORTALITY.into(), birth.number.into(), H256(birth.hash.0))
        .build();
    let failed =
        |error: subxt::error::ExtrinsicError| runtime.incompatible(format!("transaction {}::{}", call.pallet(), call.name()), error);
    let transactions = runtime.offline().tx();
    let mut signable = transactions.create_v4_signable_offline(&payload, params).map_err(failed)?;
    Ok(signable.sign(signer).map_err(failed)?.into_encoded())
}

/// What a node's pool says about a transaction. Of most of it only the kind matters: the blocks themselves are asked.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum Status {
    Future,
    Ready,
    Broadcast(IgnoredAny),
    InBlock(Digest),
    Retracted(IgnoredAny),
    FinalityTimeout(IgnoredAny),
    Finalized(Digest),
    Usurped(IgnoredAny),
    Dropped,
    Invalid,
}

/// Why the pool did not take a transaction.
enum Refusal {
    /// It has it already, or has another with this nonce, or keeps it away for a while, or is full: look at the blocks, then send again.
    Wait,
    /// Not valid in the present state.
    Invalid(String),
}

/// Reads the codes of `author_submitExtrinsic`.
fn judge_refusal(error: Error) -> Result<Refusal> {
    match error {
        Error::Refused { code: 1010, message, .. } => Ok(Refusal::Invalid(message)),
        Error::Refused { code: 1011..=1014 | 1016, .. } => Ok(Refusal::Wait),
        error if error.is_unreachable() => Ok(Refusal::Wait),
        error => Err(error),
    }
}

/// A signed transaction on its way.
pub struct Submission {
    chain: Chain,
    bytes: Vec<u8>,
    nonce: Nonce,
    birth: BlockId,
    /// Final blocks up to this one do not hold it.
    searched: u32,
    summary: String,
}

impl Chain {
    /// Signs and submits a call, and waits until it is final. An error of the chain's logic is [`Error::Dispatch`].
    pub async fn submit_and_finalise(&self, call: &Call, signer: &Signer) -> Result<Outcome> {
        self.submit(call, signer, Until::Final).await
    }

    /// Signs and submits a call, and waits until it is included as surely as asked for.
    ///
    /// Where another program of the same account is faster, the call is signed again with the next nonce: only once the other transaction is
    /// final, so that nothing is done twice.
    pub async fn submit(&self, call: &Call, signer: &Signer, until: Until) -> Result<Outcome> {
        for _ in 1..ATTEMPTS {
            match self.prepare(call, signer).await?.run(until).await {
                Err(Error::Usurped { nonce }) => {
                    tracing::info!(target: "blockcloud::client", nonce, "another program of this account was faster, signing again: {call}");
                }
                outcome => return outcome,
            }
        }
        self.prepare(call, signer).await?.run(until).await
    }

    /// Signs a call; nothing is sent yet.
    pub async fn prepare(&self, call: &Call, signer: &Signer) -> Result<Submission> {
        let birth = self.finalised().await?;
        let runtime = self.runtime(At::Best).await?;
        let next = self.nonce(signer.account(), At::Best).await?;
        let nonce = self.inner.nonces.take(signer.account(), next);
        let bytes = sign(&runtime, call, signer, nonce.value, birth)?;
        let summary = call.summary().to_owned();
        Ok(Submission { chain: self.clone(), bytes, nonce, birth, searched: birth.number, summary })
    }
}

impl Submission {
    /// The transaction's bytes: SCALE with their length before them.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Its nonce.
    pub fn nonce(&self) -> u64 {
        self.nonce.value
    }

    /// The last block that can include it.
    pub fn last_block(&self) -> u32 {
        self.birth.number.saturating_add(MORTALITY)
    }

    /// Sends the transaction until it is included as surely as asked for, or never will be.
    pub async fn run(mut self, until: Until) -> Result<Outcome> {
        match tokio::time::timeout(PATIENCE, self.drive(until)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Error::Pending { nonce: self.nonce.value, last: self.last_block(), waited: PATIENCE }),
        }
    }

    async fn drive(&mut self, until: Until) -> Result<Outcome> {
        let mut sent = 0u32;
        loop {
            if sent > 0 {
                tokio::time::sleep(PAUSE).await;
                tracing::debug!(target: "blockcloud::client", nonce = self.nonce.value, sent, "sending again: {}", self.summary);
            }
            sent = sent.saturating_add(1);
            let refusal = match self.send(until).await {
                Ok(Some((block, finalised))) => match self.outcome(block, finalised).await {
                    // A block that was replaced between notice and question.
                    Err(Error::NoBlock(_)) => Refusal::Wait,
                    outcome => return outcome,
                },
                Ok(None) => Refusal::Wait,
                Err(error) => judge_refusal(error)?,
            };
            match self.look(until).await {
                Ok(Some(outcome)) => return Ok(outcome),
                Ok(None) => {}
                Err(error) if error.is_unreachable() => continue,
                Err(error) => return Err(error),
            }
            match refusal {
                Refusal::Wait => {}
                Refusal::Invalid(reason) => {
                    // A nonce that is used up looks invalid as well: the transaction may sit in a block that is not final yet.
                    let used = self.chain.nonce(self.nonce.account, At::Best).await? > self.nonce.value;
                    if !used {
                        return Err(Error::Invalid { reason });
                    }
                }
            }
        }
    }

    /// Sends it once and follows what the pool says. Nothing when the pool has nothing more to say.
    async fn send(&self, until: Until) -> Result<Option<(Digest, bool)>> {
        let rpc = &self.chain.inner.rpc;
        let params = rpc_params![to_hex(&self.bytes)];
        let mut statuses = rpc.subscribe::<Status>("author_submitAndWatchExtrinsic", params, "author_unwatchExtrinsic").await?;
        while let Ok(Some(Ok(status))) = tokio::time::timeout(SILENCE, statuses.next()).await {
            match status {
                Status::InBlock(block) if until == Until::Best => return Ok(Some((block, false))),
                Status::Finalized(block) => return Ok(Some((block, true))),
                Status::InBlock(_) | Status::Retracted(_) | Status::Ready | Status::Broadcast(_) | Status::Future => {}
                Status::FinalityTimeout(_) | Status::Usurped(_) | Status::Dropped | Status::Invalid => break,
            }
        }
        Ok(None)
    }

    /// Looks for the transaction in the blocks themselves.
    async fn look(&mut self, until: Until) -> Result<Option<Outcome>> {
        let last = self.last_block();
        let finalised = self.chain.finalised().await?;
        while self.searched < finalised.number && self.searched < last {
            let number = self.searched + 1;
            let block = self.chain.block_hash(number).await?.ok_or_else(|| Error::NoBlock(number.to_string()))?;
            if self.position(block).await?.is_some() {
                return self.outcome(block, true).await.map(Some);
            }
            self.searched = number;
        }
        if finalised.number >= last {
            return Err(Error::Expired { nonce: self.nonce.value, last });
        }
        if self.chain.nonce(self.nonce.account, At::Block(finalised.hash)).await? > self.nonce.value {
            return Err(Error::Usurped { nonce: self.nonce.value });
        }
        if until == Until::Best {
            let best = self.chain.best().await?;
            for number in finalised.number.saturating_add(1)..=best.number {
                if let Some(block) = self.chain.block_hash(number).await?
                    && self.position(block).await?.is_some()
                {
                    return self.outcome(block, false).await.map(Some);
                }
            }
        }
        Ok(None)
    }

    /// Where in a block it stands.
    async fn position(&self, block: Digest) -> Result<Option<u32>> {
        let transactions = self.chain.transactions(block).await?;
        Ok(transactions.iter().position(|bytes| *bytes == self.bytes).and_then(|index| u32::try_from(index).ok()))
    }

    async fn outcome(&self, block: Digest, finalised: bool) -> Result<Outcome> {
        let index = self.position(block).await?.ok_or_else(|| Error::NoBlock(format!("{block} with the transaction in it")))?;
        let number = self.chain.header(block).await?.number;
        let runtime = self.chain.runtime(At::Block(block)).await?;
        let events = self.chain.events(block).await?;
        Outcome::new(&runtime, block, number, index, finalised, events)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: AccountId = AccountId([1; 32]);

    #[test]
    fn nonces_in_flight_are_skipped_and_gaps_are_filled() {
        let nonces = Nonces::default();
        let five = nonces.take(ACCOUNT, 5);
        let six = nonces.take(ACCOUNT, 5);
        assert_eq!((five.value, six.value), (5, 6));
        assert_eq!(nonces.take(AccountId([2; 32]), 5).value, 5);
        drop(five);
        assert_eq!(nonces.take(ACCOUNT, 5).value, 5);
        drop(six);
        assert!(nonces.0.lock().unwrap().is_empty());
    }

    #[test]
    fn statuses_are_read_as_the_node_writes_them() {
        let hash = format!("0x{}", "33".repeat(32));
        let read = |json: &str| serde_json::from_str::<Status>(json).unwrap();
        assert!(matches!(read("\"ready\""), Status::Ready));
        assert!(matches!(read("\"future\""), Status::Future));
        assert!(matches!(read("\"dropped\""), Status::Dropped));
        assert!(matches!(read("\"invalid\""), Status::Invalid));
        assert!(matches!(read("{\"broadcast\":[\"peer\"]}"), Status::Broadcast(_)));
        assert!(matches!(read(&format!("{{\"inBlock\":\"{hash}\"}}")), Status::InBlock(Digest([0x33, ..]))));
        assert!(matches!(read(&format!("{{\"finalized\":\"{hash}\"}}")), Status::Finalized(_)));
        assert!(matches!(read(&format!("{{\"retracted\":\"{hash}\"}}")), Status::Retracted(_)));
        assert!(matches!(read(&format!("{{\"usurped\":\"{hash}\"}}")), Status::Usurped(_)));
        assert!(matches!(read(&format!("{{\"finalityTimeout\":\"{hash}\"}}")), Status::FinalityTimeout(_)));
    }

    #[test]
    fn refusals_of_the_pool_are_told_apart() {
        let refused = |code| Error::Refused { method: "author_submitExtrinsic".into(), code, message: "no".into() };
        assert!(matches!(judge_refusal(refused(1010)), Ok(Refusal::Invalid(_))));
        assert!(matches!(judge_refusal(refused(1012)), Ok(Refusal::Wait)));
        assert!(matches!(judge_refusal(refused(1013)), Ok(Refusal::Wait)));
        assert!(matches!(judge_refusal(refused(1014)), Ok(Refusal::Wait)));
        assert!(matches!(judge_refusal(refused(1016)), Ok(Refusal::Wait)));
        assert!(matches!(judge_refusal(refused(-32602)), Err(Error::Refused { .. })));
        let away = Error::Unreachable { url: "ws://h".into(), reason: "gone".into() };
        assert!(matches!(judge_refusal(away), Ok(Refusal::Wait)));
    }
}
