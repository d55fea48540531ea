//! A chain as seen through one node: its blocks, its state, its runtime.
//!
//! Every request has a deadline, and a lost connection is made again. Not here: the market's own questions (`market`) and transactions
//! (`submit`).

use crate::{Error, Result, events, rpc::Rpc, runtime::Runtime, submit::Nonces};
use blockcloud_primitives::{AccountId, Balance, Digest, Moment};
use codec::{Decode, Encode};
use serde::{Deserialize, Deserializer, de::Error as _};
use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};
use subxt::rpcs::{client::RpcSubscription, rpc_params};
use tokio::sync::Mutex;

/// How long a request may take unless told otherwise.
pub const DEADLINE: Duration = Duration::from_secs(15);
/// How long a node that was reached before is looked for again by whoever waits for the chain.
pub const LOST: Duration = Duration::from_secs(60);
/// Pause before a lost node is looked for again.
const PAUSE: Duration = Duration::from_secs(1);
/// How long a subscription to heads may be silent before the node itself is asked.
const SILENCE: Duration = Duration::from_secs(20);
/// How long a chain may stand still before waiting for its next block is given up.
const STANDSTILL: Duration = Duration::from_secs(300);

/// As of which block a question is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// The last final block.
    Finalised,
    /// The best block, which may still be replaced.
    Best,
    /// This block.
    Block(Digest),
}

/// A block by number and hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockId {
    /// Its number.
    pub number: u32,
    /// Its hash.
    pub hash: Digest,
}

/// The parts of a block's header that matter outside.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Header {
    /// Its number.
    #[serde(deserialize_with = "hex_number")]
    pub number: u32,
    /// Hash of the block before.
    pub parent_hash: Digest,
    /// Root of the state after it.
    pub state_root: Digest,
    /// Root of its transactions.
    pub extrinsics_root: Digest,
}

/// A storage proof: the trie nodes that lead to some keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadProof {
    /// The block whose state root the nodes lead to.
    pub block: Digest,
    /// The nodes.
    pub nodes: Vec<Vec<u8>>,
}

/// An account's money.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Funds {
    /// What it can spend, apart from what is frozen.
    pub free: Balance,
    /// What is held.
    pub held: Balance,
    /// What of it cannot be spent.
    pub frozen: Balance,
}

pub(crate) struct Inner {
    pub(crate) rpc: Rpc,
    pub(crate) genesis: Digest,
    runtime: Mutex<Option<Arc<Runtime>>>,
    pub(crate) nonces: Nonces,
    pub(crate) patience: Patience,
}

/// How long is waited for what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    lost: Duration,
    pause: Duration,
    silence: Duration,
    standstill: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { lost: LOST, pause: PAUSE, silence: SILENCE, standstill: STANDSTILL }
    }
}

/// A connection to a chain. Cloning shares it.
#[derive(Clone)]
pub struct Chain {
    pub(crate) inner: Arc<Inner>,
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Chain({} {})", self.url(), self.genesis())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    spec_name: String,
    spec_version: u32,
    transaction_version: u32,
}

#[derive(Deserialize)]
pub(crate) struct SignedBlock {
    pub(crate) block: Body,
}

#[derive(Deserialize)]
pub(crate) struct Body {
    pub(crate) extrinsics: Vec<HexBytes>,
}

/// Bytes that JSON-RPC writes as `0x` hex.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct HexBytes(pub(crate) Vec<u8>);

impl<'de> Deserialize<'de> for HexBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        hex::decode(text.strip_prefix("0x").unwrap_or(&text)).map(Self).map_err(D::Error::custom)
    }
}

/// Bytes as JSON-RPC reads them.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

fn hex_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let text = String::deserialize(deserializer)?;
    u32::from_str_radix(text.strip_prefix("0x").unwrap_or(&text), 16).map_err(D::Error::custom)
}

impl Chain {
    /// Connects, and checks that the node follows a BlockCloud chain.
    pub async fn connect(url: &str) -> Result<Self> {
        Self::connect_within(url, DEADLINE).await
    }

    /// Connects, with this deadline for every request.
    pub async fn connect_within(url: &str, deadline: Duration) -> Result<Self> {
        let rpc = Rpc::new(url, deadline);
        let genesis: Option<Digest> = rpc.request("chain_getBlockHash", rpc_params![0u32]).await?;
        let genesis = genesis.ok_or_else(|| Error::NoBlock("0".into()))?;
        let (runtime, nonces, patience) = (Mutex::new(None), Nonces::default(), Patience::default());
        let chain = Self { inner: Arc::new(Inner { rpc, genesis, runtime, nonces, patience }) };
        let runtime = chain.runtime(At::Finalised).await?;
        if !runtime.has_api("MarketApi") {
            return Err(Error::OtherChain { url: chain.url().into(), found: runtime.spec_name.clone() });
        }
        Ok(chain)
    }

    /// Where the node is.
    pub fn url(&self) -> &str {
        self.inner.rpc.url()
    }

    /// How long a request may take.
    pub fn deadline(&self) -> Duration {
        self.inner.rpc.deadline()
    }

    /// Hash of the first block: the chain's identity.
    pub fn genesis(&self) -> Digest {
        self.inner.genesis
    }

    /// The name that the chain's specification gives it.
    pub async fn name(&self) -> Result<String> {
        self.inner.rpc.request("system_chain", rpc_params![]).await
    }

    /// Number of peers of the node, and whether it is still catching up.
    pub async fn health(&self) -> Result<(u64, bool)> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Health {
            peers: u64,
            is_syncing: bool,
        }
        let health: Health = self.inner.rpc.request("system_health", rpc_params![]).await?;
        Ok((health.peers, health.is_syncing))
    }

    /// The block meant by `at`.
    pub async fn block(&self, at: At) -> Result<BlockId> {
        let hash = self.resolve(at).await?;
        Ok(BlockId { number: self.header(hash).await?.number, hash })
    }

    /// The last final block.
    pub async fn finalised(&self) -> Result<BlockId> {
        self.block(At::Finalised).await
    }

    /// The best block.
    pub async fn best(&self) -> Result<BlockId> {
        self.block(At::Best).await
    }

    /// Hash of the block of this number on the best chain; nothing if there is none yet.
    pub async fn block_hash(&self, number: u32) -> Result<Option<Digest>> {
        self.inner.rpc.request("chain_getBlockHash", rpc_params![number]).await
    }

    /// A block's header.
    pub async fn header(&self, hash: Digest) -> Result<Header> {
        let header: Option<Header> = self.inner.rpc.request("chain_getHeader", rpc_params![hash]).await?;
        header.ok_or_else(|| Error::NoBlock(hash.to_string()))
    }

    /// The transactions of a block, as SCALE with their length before them.
    pub async fn transactions(&self, hash: Digest) -> Result<Vec<Vec<u8>>> {
        let block: Option<SignedBlock> = self.inner.rpc.request("chain_getBlock", rpc_params![hash]).await?;
        let block = block.ok_or_else(|| Error::NoBlock(hash.to_string()))?;
        Ok(block.block.extrinsics.into_iter().map(|bytes| bytes.0).collect())
    }

    /// The events of a block.
    pub async fn events(&self, hash: Digest) -> Result<Vec<events::Event>> {
        let runtime = self.runtime(At::Block(hash)).await?;
        let key = runtime.storage_key("System", "Events", &[])?;
        let bytes = self.storage(&key, At::Block(hash)).await?.unwrap_or_default();
        events::decode(&runtime, bytes)
    }

    /// The runtime as of a block. Read once per version; a new version is noticed by its number.
    pub async fn runtime(&self, at: At) -> Result<Arc<Runtime>> {
        let hash = self.resolve(at).await?;
        let version: Version = self.inner.rpc.request("state_getRuntimeVersion", rpc_params![hash]).await?;
        let mut cached = self.inner.runtime.lock().await;
        if let Some(runtime) = &*cached
            && runtime.spec_version == version.spec_version
            && runtime.spec_name == version.spec_name
        {
            return Ok(runtime.clone());
        }
        if let Some(old) = &*cached {
            tracing::info!(target: "blockcloud::client", from = old.spec_version, to = version.spec_version, "the chain's runtime has changed");
        }
        let answer = self.state_call("Metadata_metadata_at_version", &15u32.encode(), At::Block(hash)).await?;
        let metadata = <Option<Vec<u8>>>::decode(&mut &answer[..])
            .map_err(|error| Error::malformed("Metadata_metadata_at_version", error))?
            .ok_or_else(|| Error::malformed("Metadata_metadata_at_version", "the runtime has no metadata of version 15"))?;
        let runtime =
            Arc::new(Runtime::new(version.spec_name, version.spec_version, version.transaction_version, self.genesis(), &metadata)?);
        *cached = Some(runtime.clone());
        Ok(runtime)
    }

    /// Calls a function of the runtime with SCALE arguments and returns its SCALE answer.
    pub async fn state_call(&self, function: &str, arguments: &[u8], at: At) -> Result<Vec<u8>> {
        let hash = self.resolve(at).await?;
        let answer: HexBytes = self.inner.rpc.request("state_call", rpc_params![function, to_hex(arguments), hash]).await?;
        Ok(answer.0)
    }

    /// Calls a function of the runtime and decodes its answer, all of it.
    pub async fn ask<T: Decode>(&self, function: &str, arguments: impl Encode, at: At) -> Result<T> {
        let answer = self.state_call(function, &arguments.encode(), at).await?;
        let mut rest = &answer[..];
        let value = T::decode(&mut rest).map_err(|error| Error::malformed(function, error))?;
        if rest.is_empty() { Ok(value) } else { Err(Error::malformed(function, format!("{} bytes too many", rest.len()))) }
    }

    /// The raw value of a storage item by its full key.
    pub async fn storage(&self, key: &[u8], at: At) -> Result<Option<Vec<u8>>> {
        let hash = self.resolve(at).await?;
        let value: Option<HexBytes> = self.inner.rpc.request("state_getStorage", rpc_params![to_hex(key), hash]).await?;
        Ok(value.map(|bytes| bytes.0))
    }

    /// A storage item by name; `parts` are the SCALE-encoded parts of a map's key.
    pub async fn item<T: Decode>(&self, pallet: &str, item: &str, parts: &[Vec<u8>], at: At) -> Result<Option<T>> {
        let hash = self.resolve(at).await?;
        let key = self.runtime(At::Block(hash)).await?.storage_key(pallet, item, parts)?;
        self.storage(&key, At::Block(hash))
            .await?
            .map(|bytes| T::decode(&mut &bytes[..]).map_err(|error| Error::malformed(format!("{pallet}::{item}"), error)))
            .transpose()
    }

    /// The chain's clock as of a block.
    pub async fn now(&self, at: At) -> Result<Moment> {
        Ok(self.item("Timestamp", "Now", &[], at).await?.unwrap_or_default())
    }

    /// An account's money.
    pub async fn funds(&self, account: AccountId, at: At) -> Result<Funds> {
        // frame_system::AccountInfo: nonce and three reference counts, then pallet_balances::AccountData.
        type Info = (u32, u32, u32, u32, (Balance, Balance, Balance, u128));
        let info: Option<Info> = self.item("System", "Account", &[account.encode()], at).await?;
        Ok(info.map(|(_, _, _, _, (free, held, frozen, _))| Funds { free, held, frozen }).unwrap_or_default())
    }

    /// The nonce that an account's next transaction must have, as of a block (transactions still in the pool are not counted).
    pub async fn nonce(&self, account: AccountId, at: At) -> Result<u64> {
        self.ask::<u32>("AccountNonceApi_account_nonce", account, at).await.map(u64::from)
    }

    /// Proof of what a block's state holds under some keys.
    pub async fn read_proof(&self, keys: &[Vec<u8>], at: At) -> Result<ReadProof> {
        #[derive(Deserialize)]
        struct Answer {
            at: Digest,
            proof: Vec<HexBytes>,
        }
        let hash = self.resolve(at).await?;
        let keys: Vec<String> = keys.iter().map(|key| to_hex(key)).collect();
        let answer: Answer = self.inner.rpc.request("state_getReadProof", rpc_params![keys, hash]).await?;
        Ok(ReadProof { block: answer.at, nodes: answer.proof.into_iter().map(|node| node.0).collect() })
    }

    /// GRANDPA's proof that a block is final (an encoded `FinalityProof`); nothing while it is not.
    pub async fn finality_proof(&self, number: u32) -> Result<Option<Vec<u8>>> {
        let proof: Option<HexBytes> = self.inner.rpc.request("grandpa_proveFinality", rpc_params![number]).await?;
        Ok(proof.map(|bytes| bytes.0))
    }

    /// Follows the final blocks: one item for every new head, not for every block. Nothing is missed by that, because state is what is read.
    pub async fn finalised_heads(&self) -> Result<Heads> {
        Heads::open(self, Kind::Finalised).await
    }

    /// Follows the best blocks.
    pub async fn best_heads(&self) -> Result<Heads> {
        Heads::open(self, Kind::Best).await
    }

    /// Asks, and asks again for up to [`LOST`] while the node cannot be reached: a node that is started anew is worth waiting for.
    pub async fn patiently<T, F: Future<Output = Result<T>>>(&self, mut ask: impl FnMut() -> F) -> Result<T> {
        let patience = self.inner.patience;
        let mut lost: Option<Instant> = None;
        loop {
            match ask().await {
                Err(error) if error.is_unreachable() && lost.is_none_or(|since| since.elapsed() < patience.lost) => {
                    if lost.is_none() {
                        lost = Some(Instant::now());
                        let seconds = patience.lost.as_secs();
                        tracing::warn!(target: "blockcloud::client", "{error}; looking for it for up to {seconds} s");
                    }
                    tokio::time::sleep(patience.pause).await;
                }
                answer => {
                    if lost.is_some() && answer.is_ok() {
                        tracing::warn!(target: "blockcloud::client", "the node at {} is back", self.url());
                    }
                    return answer;
                }
            }
        }
    }

    /// Asks the node by a method that this crate has no name for.
    pub async fn request<T: serde::de::DeserializeOwned>(&self, method: &str, params: &[serde_json::Value]) -> Result<T> {
        let mut built = rpc_params![];
        for param in params {
            built.push(param).map_err(|error| Error::malformed(method, error))?;
        }
        self.inner.rpc.request(method, built).await
    }

    /// The hash meant by `at`.
    pub(crate) async fn resolve(&self, at: At) -> Result<Digest> {
        match at {
            At::Block(hash) => Ok(hash),
            At::Finalised => self.inner.rpc.request("chain_getFinalizedHead", rpc_params![]).await,
            At::Best => self.inner.rpc.request("chain_getBlockHash", rpc_params![]).await,
        }
    }
}

/// Which heads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Finalised,
    Best,
}

/// New heads as they come.
pub struct Heads {
    chain: Chain,
    kind: Kind,
    inner: RpcSubscription<Header>,
    /// The last head, and when it was first seen.
    last: Option<(u32, Instant)>,
}

impl Heads {
    async fn open(chain: &Chain, kind: Kind) -> Result<Self> {
        Ok(Self { chain: chain.clone(), kind, inner: Self::subscribe(chain, kind).await?, last: None })
    }

    async fn subscribe(chain: &Chain, kind: Kind) -> Result<RpcSubscription<Header>> {
        let (subscribe, unsubscribe) = match kind {
            Kind::Finalised => ("chain_subscribeFinalizedHeads", "chain_unsubscribeFinalizedHeads"),
            Kind::Best => ("chain_subscribeNewHeads", "chain_unsubscribeNewHeads"),
        };
        chain.inner.rpc.subscribe(subscribe, rpc_params![], unsubscribe).await
    }

    /// The next head; an error when the subscription has ended (subscribe again). No deadline: set one around it.
    pub async fn next(&mut self) -> Result<Header> {
        match self.inner.next().await {
            Some(Ok(header)) => Ok(header),
            Some(Err(error)) => Err(Error::malformed("a subscription to heads", error)),
            None => Err(Error::Unreachable { url: self.chain.url().into(), reason: "the connection was lost".into() }),
        }
    }

    /// The next head, for whoever reads the state again at each.
    ///
    /// A lost connection is made again for up to [`LOST`]. Where the subscription is silent the node is asked for its head, which may be
    /// the same as before.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and [`Error::Deadline`] when the node stays away, [`Error::Standstill`] when its chain stands still.
    pub async fn next_patiently(&mut self) -> Result<Header> {
        let patience = self.chain.inner.patience;
        let header = match tokio::time::timeout(patience.silence, self.next()).await {
            Ok(Ok(header)) => header,
            Ok(Err(error)) if !error.is_unreachable() => return Err(error),
            _ => {
                let (chain, kind) = (self.chain.clone(), self.kind);
                let at = if kind == Kind::Finalised { At::Finalised } else { At::Best };
                let renew = async || Ok((Self::subscribe(&chain, kind).await?, chain.header(chain.resolve(at).await?).await?));
                let (inner, header) = chain.patiently(renew).await?;
                self.inner = inner;
                header
            }
        };
        match self.last {
            Some((number, since)) if number == header.number => {
                let waited = since.elapsed();
                if waited >= patience.standstill {
                    return Err(Error::Standstill { url: self.chain.url().into(), number, waited });
                }
            }
            _ => self.last = Some((header.number, Instant::now())),
        }
        Ok(header)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_from_the_nodes_json() {
        let json = format!(
            r#"{{"parentHash":"0x{0}","number":"0x1f","stateRoot":"0x{1}","extrinsicsRoot":"0x{0}","digest":{{"logs":[]}}}}"#,
            "11".repeat(32),
            "22".repeat(32)
        );
        let header: Header = serde_json::from_str(&json).unwrap();
        let (one, two) = (Digest([0x11; 32]), Digest([0x22; 32]));
        assert_eq!(header, Header { number: 31, parent_hash: one, state_root: two, extrinsics_root: one });
    }

    #[test]
    fn bytes_are_read_with_and_without_prefix_and_only_as_hex() {
        assert!(serde_json::from_str::<HexBytes>("\"0x0102\"").is_ok_and(|bytes| bytes.0 == [1, 2]));
        assert!(serde_json::from_str::<HexBytes>("\"0102\"").is_ok_and(|bytes| bytes.0 == [1, 2]));
        assert!(serde_json::from_str::<HexBytes>("\"0x1\"").is_err());
    }

    mod a_lost_node {
        use super::*;
        use jsonrpsee::{
            SubscriptionMessage,
            server::{RpcModule, Server, ServerHandle},
        };
        use serde_json::{Value, json};

        const QUICK: Patience = Patience {
            lost: Duration::from_secs(5),
            pause: Duration::from_millis(20),
            silence: Duration::from_millis(100),
            standstill: Duration::from_millis(400),
        };

        fn header(number: u32) -> Value {
            let zero = Digest::ZERO;
            json!({"number": format!("{number:#x}"), "parentHash": zero, "stateRoot": zero, "extrinsicsRoot": zero})
        }

        /// A node whose head is always this block; it tells of it once, to each subscriber.
        async fn node(address: &str, number: u32) -> (String, ServerHandle) {
            let mut module = RpcModule::new(());
            module.register_method("chain_getFinalizedHead", |_, (), _| json!(Digest::ZERO)).unwrap();
            module.register_method("chain_getHeader", move |_, (), _| header(number)).unwrap();
            module
                .register_subscription(
                    "chain_subscribeFinalizedHeads",
                    "chain_finalizedHead",
                    "chain_unsubscribeFinalizedHeads",
                    move |_, pending, _, _| async move {
                        let sink = pending.accept().await?;
                        sink.send(SubscriptionMessage::from_json(&header(number))?).await?;
                        sink.closed().await;
                        Ok(())
                    },
                )
                .unwrap();
            // The port of a node that was just stopped may take a moment to be free.
            let server = loop {
                match Server::builder().build(address).await {
                    Ok(server) => break server,
                    Err(_) => tokio::time::sleep(QUICK.pause).await,
                }
            };
            (server.local_addr().unwrap().to_string(), server.start(module))
        }

        fn chain(address: &str) -> Chain {
            let (rpc, nonces) = (Rpc::new(address, Duration::from_secs(2)), Nonces::default());
            Chain { inner: Arc::new(Inner { rpc, genesis: Digest::ZERO, runtime: Mutex::new(None), nonces, patience: QUICK }) }
        }

        #[tokio::test(flavor = "multi_thread")]
        async fn that_is_started_again_is_found_again() {
            let (address, first) = node("127.0.0.1:0", 7).await;
            let mut heads = chain(&address).finalised_heads().await.unwrap();
            assert_eq!(heads.next_patiently().await.unwrap().number, 7);
            first.stop().unwrap();
            first.stopped().await;
            let again = tokio::spawn(async move { node(&address, 8).await });
            assert_eq!(heads.next_patiently().await.unwrap().number, 8);
            drop(again.await.unwrap());
        }

        #[tokio::test(flavor = "multi_thread")]
        async fn that_stays_away_is_given_up() {
            let (address, node) = node("127.0.0.1:0", 7).await;
            let chain = chain(&address);
            let mut heads = chain.finalised_heads().await.unwrap();
            assert_eq!(heads.next_patiently().await.unwrap().number, 7);
            node.stop().unwrap();
            node.stopped().await;
            let begun = Instant::now();
            let given_up = heads.next_patiently().await;
            assert!(given_up.as_ref().is_err_and(Error::is_unreachable), "{given_up:?}");
            assert!(begun.elapsed() >= QUICK.lost);
        }

        #[tokio::test(flavor = "multi_thread")]
        async fn a_chain_that_stands_still_is_said_to_do_so() {
            let (address, _node) = node("127.0.0.1:0", 7).await;
            let mut heads = chain(&address).finalised_heads().await.unwrap();
            let standstill = loop {
                match heads.next_patiently().await {
                    Ok(header) => assert_eq!(header.number, 7),
                    Err(error) => break error,
                }
            };
            assert!(matches!(standstill, Error::Standstill { number: 7, .. }), "{standstill:?}");
        }
    }
}
