//! `market_prepare` and `market_submit`: a transaction without a SCALE library on the client's side.
//!
//! Nothing is kept between the two: `prepared` carries everything, and `submit` refuses it unless the signature verifies for exactly the payload
//! that it was prepared with.

use super::{call::MarketCall, error::Error};
use blockcloud_runtime::{
    AccountId, Balance, Hash, Nonce, RuntimeCall, Signature, SignedPayload, TxExtension, UncheckedExtrinsic, VERSION, opaque::Block,
};
use codec::{Decode, DecodeLimit as _, Encode};
use frame_system::{
    AuthorizeCall, CheckGenesis, CheckMortality, CheckNonZeroSender, CheckNonce, CheckSpecVersion, CheckTxVersion, CheckWeight,
    WeightReclaim,
};
use frame_system_rpc_runtime_api::AccountNonceApi;
use pallet_transaction_payment::ChargeTransactionPayment;
use pallet_transaction_payment_rpc_runtime_api::TransactionPaymentApi;
use sc_transaction_pool_api::{InPoolTransaction, TransactionPool, TransactionSource};
use serde::{Deserialize, Serialize};
use sp_api::{Core, ProvideRuntimeApi};
use sp_blockchain::HeaderBackend;
use sp_core::{crypto::Ss58Codec, ed25519, sr25519};
use sp_runtime::{MultiSignature, generic::Era, traits::Verify};

/// How deeply a prepared call may be nested. No call of the market is deeper than 8; without a limit, calls within calls would overflow the stack.
const DEPTH: u32 = 16;
/// Longest prepared call in bytes; the longest call of the market has less than a tenth of it.
const LONGEST: usize = 256 * 1024;
/// Number of blocks for which a prepared transaction may be included.
const MORTALITY: u64 = 256;

/// The runtime APIs that preparing needs.
pub trait Apis: Core<Block> + AccountNonceApi<Block, AccountId, Nonce> + TransactionPaymentApi<Block, Balance> {}
impl<T: Core<Block> + AccountNonceApi<Block, AccountId, Nonce> + TransactionPaymentApi<Block, Balance>> Apis for T {}

/// A call that waits for its signature.
#[derive(Clone, Debug, Serialize)]
pub struct Prepared {
    /// What signing would do, in words.
    pub summary: String,
    /// The bytes to sign, as 0x hex.
    pub payload: String,
    /// Pass this on to `market_submit` unchanged.
    pub prepared: String,
    /// The account that must sign.
    pub account: String,
    /// The fee in smallest units, as a decimal string.
    pub fee: String,
    /// The transaction can be included up to this block.
    pub valid_until_block: u64,
}

/// A prepared call with its signature.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Submission {
    /// What `market_prepare` returned as `prepared`.
    pub prepared: String,
    /// The signature over the bytes of `payload`: 64 bytes as 0x hex.
    pub signature: String,
    /// `sr25519` or `ed25519`.
    pub scheme: String,
}

/// What a transaction consists of before it is signed. `prepared` is its SCALE encoding in hex.
#[derive(Encode, Decode)]
struct Draft {
    account: AccountId,
    call: RuntimeCall,
    nonce: Nonce,
    /// Block at which the mortality begins, and its hash.
    birth: (u32, Hash),
}

impl Draft {
    /// Reads what [`prepare`] wrote. It comes from outside.
    fn from_hex(text: &str) -> Result<Self, Error> {
        let digits = text.trim_start_matches("0x");
        if digits.len() > 2 * LONGEST {
            return Err(Error::Prepared);
        }
        let bytes = hex::decode(digits).map_err(|_| Error::Prepared)?;
        Self::decode_all_with_depth_limit(DEPTH, &mut &bytes[..]).map_err(|_| Error::Prepared)
    }

    fn era(&self) -> Era {
        Era::mortal(MORTALITY, self.birth.0.into())
    }

    fn extension(&self) -> TxExtension {
        (
            AuthorizeCall::new(),
            CheckNonZeroSender::new(),
            CheckSpecVersion::new(),
            CheckTxVersion::new(),
            CheckGenesis::new(),
            CheckMortality::from(self.era()),
            CheckNonce::from(self.nonce),
            CheckWeight::new(),
            ChargeTransactionPayment::from(0),
            WeightReclaim::new(),
        )
    }

    fn payload(&self, genesis: Hash) -> Vec<u8> {
        let implicit = ((), (), VERSION.spec_version, VERSION.transaction_version, genesis, self.birth.1, (), (), (), ());
        SignedPayload::from_raw(self.call.clone(), self.extension(), implicit).using_encoded(<[u8]>::to_vec)
    }

    fn signed(self, signature: Signature) -> UncheckedExtrinsic {
        let extension = self.extension();
        UncheckedExtrinsic::new_signed(self.call, self.account.into(), signature, extension)
    }
}

/// Reads an account from SS58 or hex.
pub fn account(text: &str) -> Result<AccountId, Error> {
    let from_hex = || {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text.strip_prefix("0x").unwrap_or(text), &mut bytes).ok().map(|()| AccountId::from(bytes))
    };
    AccountId::from_ss58check(text).ok().or_else(from_hex).ok_or_else(|| Error::Account(text.to_owned()))
}

/// Turns a call into bytes to sign.
pub fn prepare<C, P>(client: &C, pool: &P, call: MarketCall, account: AccountId) -> Result<Prepared, Error>
where
    C: ProvideRuntimeApi<Block> + HeaderBackend<Block>,
    C::Api: Apis,
    P: TransactionPool<Block = Block, Hash = Hash>,
{
    let info = client.info();
    let api = client.runtime_api();
    check_version(&*api, info.best_hash)?;

    let summary = call.summary();
    let nonce = next_nonce(pool, &account, api.account_nonce(info.best_hash, account.clone()).map_err(Error::runtime)?);
    let draft = Draft { account: account.clone(), call: call.into_runtime(), nonce, birth: (info.best_number, info.best_hash) };
    let payload = draft.payload(info.genesis_hash);
    let valid_until_block = draft.era().death(info.best_number.into());

    // The fee depends on the length only, so any signature will do to ask for it.
    let prepared = draft.encode();
    let unsigned = draft.signed(MultiSignature::Sr25519(sr25519::Signature::from_raw([0; 64])));
    let length = u32::try_from(unsigned.encoded_size()).map_err(|_| Error::Call("it is too long".into()))?;
    let fee = api.query_info(info.best_hash, unsigned.into(), length).map_err(Error::runtime)?.partial_fee;

    Ok(Prepared {
        summary,
        payload: format!("0x{}", hex::encode(payload)),
        prepared: format!("0x{}", hex::encode(prepared)),
        account: account.to_ss58check(),
        fee: fee.to_string(),
        valid_until_block,
    })
}

/// Checks the signature and puts the transaction into the pool.
pub async fn submit<C, P>(client: &C, pool: &P, submission: Submission) -> Result<Hash, Error>
where
    C: ProvideRuntimeApi<Block> + HeaderBackend<Block>,
    C::Api: Apis,
    P: TransactionPool<Block = Block, Hash = Hash>,
{
    let info = client.info();
    check_version(&*client.runtime_api(), info.best_hash)?;
    let draft = Draft::from_hex(&submission.prepared)?;
    let mut raw = [0; 64];
    hex::decode_to_slice(submission.signature.trim_start_matches("0x"), &mut raw).map_err(|_| Error::SignatureForm)?;
    let signature = match submission.scheme.as_str() {
        "sr25519" => MultiSignature::Sr25519(sr25519::Signature::from_raw(raw)),
        "ed25519" => MultiSignature::Ed25519(ed25519::Signature::from_raw(raw)),
        _ => return Err(Error::SignatureForm),
    };
    if !signature.verify(&draft.payload(info.genesis_hash)[..], &draft.account) {
        return Err(Error::Signature);
    }
    pool.submit_one(info.best_hash, TransactionSource::External, draft.signed(signature).into())
        .await
        .map_err(|error| Error::Pool(error.to_string()))
}

/// Calls are encoded with this node's own runtime, so the chain's must be the same.
fn check_version(api: &impl Apis, at: Hash) -> Result<(), Error> {
    let chain = api.version(at).map_err(Error::runtime)?;
    if chain.spec_version == VERSION.spec_version && chain.transaction_version == VERSION.transaction_version {
        Ok(())
    } else {
        Err(Error::Version { chain: chain.spec_version, node: VERSION.spec_version })
    }
}

/// The account's nonce, past its transactions that wait in the pool.
fn next_nonce<P: TransactionPool<Block = Block, Hash = Hash>>(pool: &P, account: &AccountId, on_chain: Nonce) -> Nonce {
    pool.ready().fold(on_chain, |nonce, transaction| {
        let tag = (account, nonce).encode();
        if transaction.provides().first() == Some(&tag) { nonce.saturating_add(1) } else { nonce }
    })
}
