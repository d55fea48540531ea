//! The chain as the place where rounds go, and as the register of sources.
//!
//! A round is sent with an account that pays the fee; the aggregator's own key signs rounds and needs no money. A round is there once its block is final. Not here:
//! registering the aggregator or a job (`blockcloud`'s business), aggregators below this one (they stand in the sources file).

use crate::{
    FileSources, Part, Registry, Source, Sources, Statement,
    sources::SourcesError,
    upstream::{Upstream, UpstreamError},
};
use anyhow::{Context as _, ensure};
use blockcloud_client::{At, Chain, Error, Signer, calls};
use blockcloud_primitives::{AggregatorId, Digest, Moment, PublicKey, Round, Signature};
use futures::{StreamExt as _, TryStreamExt as _, future::BoxFuture, stream};
use std::time::{Duration, Instant};
use tokio::sync::OnceCell;

/// Sources of one question.
const PAGE: u32 = 256;
/// Questions about sources at a time.
const AT_ONCE: usize = 16;
/// Pause between two looks at the register: a source waits for its slot for about as long.
const PAUSE: Duration = Duration::from_secs(5);

/// A node, connected to when it is first needed, and again whenever it was lost.
#[derive(Debug)]
struct Node {
    url: String,
    genesis: Digest,
    chain: OnceCell<Chain>,
}

impl Node {
    fn new(url: &str, genesis: Digest) -> Self {
        Self { url: url.to_owned(), genesis, chain: OnceCell::new() }
    }

    async fn chain(&self) -> anyhow::Result<&Chain> {
        let chain = self.chain.get_or_try_init(|| Chain::connect(&self.url)).await?;
        ensure!(chain.genesis() == self.genesis, "the node at {} follows the chain {}, not {}", self.url, chain.genesis(), self.genesis);
        Ok(chain)
    }
}

/// The chain, which takes rounds.
#[derive(Debug)]
pub struct ChainUpstream {
    node: Node,
    aggregator: AggregatorId,
    /// Signs rounds.
    key: Signer,
    /// Pays.
    account: Signer,
}

impl ChainUpstream {
    /// The chain that the node at this URL follows.
    pub fn new(url: &str, genesis: Digest, aggregator: AggregatorId, key: Signer, account: Signer) -> Self {
        Self { node: Node::new(url, genesis), aggregator, key, account }
    }

    async fn commit(&self, round: &Round, signature: &Signature) -> anyhow::Result<()> {
        let chain = self.node.chain().await?;
        if self.is_there(chain, round).await? {
            return Ok(());
        }
        let committed = chain.submit_and_finalise(&calls::receipts::commit_round(round, signature), &self.account).await;
        match committed {
            Ok(_) => Ok(()),
            Err(error) if error.is_dispatch("Receipts", "WrongNumber") => {
                // Somebody else brought it at the same time: or there is another one.
                ensure!(self.is_there(chain, round).await?, "{error}");
                Ok(())
            }
            // What waited longer than the chain allows gets a new time, and is the same round all the same; and so does what was closed before the one
            // before it got its new time.
            Err(error) if error.is_dispatch("Receipts", "RoundTooOld") || error.is_dispatch("Receipts", "RoundTimeStoodStill") => {
                let last = chain.aggregator(self.aggregator, At::Best).await?.and_then(|view| view.time);
                let round = Round { time: new_time(chain.now(At::Best).await?, last), ..*round };
                let signature = self.sign(&round);
                tracing::warn!(target: "blockcloud::aggregator", round = round.number, "{error}: the round is signed with a new time");
                chain.submit_and_finalise(&calls::receipts::commit_round(&round, &signature), &self.account).await?;
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn sign(&self, round: &Round) -> Signature {
        Signature(self.key.sign(&round.signing_payload(&self.node.genesis)))
    }

    /// Whether the chain has taken this very round, apart from its time.
    async fn is_there(&self, chain: &Chain, round: &Round) -> anyhow::Result<bool> {
        let taken = self.taken(chain).await?;
        if taken <= round.number {
            return Ok(false);
        }
        let kept = chain.rounds(self.aggregator, KEPT, At::Finalised).await?;
        let same = kept.iter().any(|view| Round { time: round.time, ..view.round } == *round);
        if same { Ok(true) } else { Err(Conflict.into()) }
    }

    /// How many rounds the chain has taken.
    async fn taken(&self, chain: &Chain) -> anyhow::Result<u64> {
        let view = chain.aggregator(self.aggregator, At::Finalised).await?;
        let view = view.with_context(|| format!("aggregator {} is not registered; register it first", self.aggregator))?;
        ensure!(
            view.key.0 == self.key.account().0,
            "aggregator {} is registered with the key {}, not with this one's",
            self.aggregator,
            view.key
        );
        ensure!(!view.stopped, "aggregator {} signed two rounds of one number and was stopped: it takes no more rounds", self.aggregator);
        Ok(view.rounds)
    }
}

/// A time that the chain takes: its own, and after that of the last round.
fn new_time(now: Moment, last: Option<Moment>) -> Moment {
    last.map_or(now, |last| now.max(last.saturating_add(1)))
}

/// Rounds that the chain keeps of an aggregator.
const KEPT: u32 = 256;

/// The chain has another round under this number.
#[derive(Debug, thiserror::Error)]
#[error("the chain has another round under this number")]
struct Conflict;

fn upstream_error(error: anyhow::Error, number: u64) -> UpstreamError {
    if error.is::<Conflict>() {
        return UpstreamError::Conflict { number };
    }
    // A lost connection is made again by the client; whatever else it is may change, by whoever reads the log.
    UpstreamError::Unreachable(format!("{error:#}"))
}

impl Upstream for ChainUpstream {
    fn send<'a>(&'a self, statement: &'a Statement) -> BoxFuture<'a, Result<(), UpstreamError>> {
        Box::pin(async move {
            let Statement::Round(signed) = statement else {
                // The configuration is checked: parts have a parent.
                return Err(UpstreamError::Unreachable("the chain takes rounds of whole trees only".into()));
            };
            self.commit(&signed.round, &signed.signature).await.map_err(|error| upstream_error(error, signed.round.number))
        })
    }

    fn newest(&self) -> BoxFuture<'_, Result<Option<u64>, UpstreamError>> {
        Box::pin(async move {
            let taken = async { self.taken(self.node.chain().await?).await };
            Ok(taken.await.map_err(|error| upstream_error(error, 0))?.checked_sub(1))
        })
    }
}

/// Sources as the chain has them registered with this aggregator; aggregators below it as the file names them.
///
/// What is registered counts for this aggregator once it is final. A source needs a session: before its guest is attested it has no key to be verified by.
#[derive(Debug)]
pub struct ChainSources {
    node: Node,
    aggregator: AggregatorId,
    part: Part,
    file: FileSources,
    children: Registry,
    last: Registry,
    looked: Option<Instant>,
}

impl ChainSources {
    /// The sources of the aggregator that collects `part` of the tree of `aggregator`.
    pub fn new(url: &str, genesis: Digest, aggregator: AggregatorId, part: Part, file: FileSources) -> Self {
        let node = Node::new(url, genesis);
        Self { node, aggregator, part, file, children: Registry::default(), last: Registry::default(), looked: None }
    }

    async fn registered(&self) -> anyhow::Result<Vec<Source>> {
        let chain = self.node.chain().await?;
        let block = At::Block(chain.finalised().await?.hash);
        let (mut found, mut after) = (Vec::new(), self.part.base.checked_sub(1));
        loop {
            let page = chain.sources(self.aggregator, after, PAGE, block).await?;
            found.extend(
                page.items.into_iter().filter(|source| self.part.has(source.slot) && self.children.child_of(source.slot).is_none()),
            );
            let Some(next) = page.next.filter(|next| self.part.has(*next)) else { break };
            after = Some(next);
        }
        // A question for each, a few at a time: the key is that of the job's session.
        let keys = stream::iter(found).map(|source| async move {
            let view = chain.job(source.job, block).await?;
            let key: Option<PublicKey> = view.and_then(|view| view.session).map(|session| session.receipt_key);
            Ok::<_, Error>(key.map(|key| Source { slot: source.slot, job: source.job, key }))
        });
        Ok(keys.buffered(AT_ONCE).try_filter_map(|source| async move { Ok(source) }).try_collect().await?)
    }
}

impl Sources for ChainSources {
    fn changed(&mut self) -> BoxFuture<'_, Result<Option<Registry>, SourcesError>> {
        Box::pin(async move {
            let file = self.file.changed().await?;
            let unchanged = file.is_none();
            if let Some(children) = file {
                if children.sources().len() > 0 {
                    return Err(SourcesError::Both);
                }
                self.children = children;
            }
            if unchanged && self.looked.is_some_and(|looked| looked.elapsed() < PAUSE) {
                return Ok(None);
            }
            self.looked = Some(Instant::now());
            let sources = self.registered().await.map_err(|error| SourcesError::Chain(format!("{error:#}")))?;
            let registry = Registry::new(self.part, sources, self.children.children().copied().collect())?;
            if registry == self.last && unchanged {
                return Ok(None);
            }
            self.last = registry.clone();
            Ok(Some(registry))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_time_is_the_chains_and_after_the_last_rounds() {
        assert_eq!(new_time(100, None), 100);
        assert_eq!(new_time(100, Some(99)), 100);
        assert_eq!([new_time(100, Some(100)), new_time(100, Some(130))], [101, 131]);
    }
}
