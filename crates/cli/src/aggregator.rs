//! An aggregator as auditors see it, over HTTP. What it shows is held against the chain.

use crate::peer::{LARGEST_JSON, Peer, client};
use anyhow::{Context as _, Result, bail};
use blockcloud_client::aggregator_api::{RoundContents, SlotProof};
use reqwest::{Client, StatusCode};
use std::time::Duration;

/// Most bytes of one page of a round.
const LARGEST_PAGE: u64 = 16 << 20;
/// Most slots and parts of a round that are read: a gigabyte of them in memory is enough.
const MOST_ITEMS: usize = 1 << 22;

/// An aggregator.
pub struct Aggregator {
    http: Client,
    base: String,
}

impl Aggregator {
    /// The one at this URL.
    pub fn at(url: &str, timeout: Duration) -> Result<Self> {
        Ok(Self { http: client().connect_timeout(timeout).read_timeout(timeout).build()?, base: url.trim_end_matches('/').to_owned() })
    }

    /// What stands in a slot of a round at the top; where it cannot show that, why.
    pub async fn slot(&self, slot: u32, round: u64) -> Result<Result<SlotProof, String>> {
        let answer = self.ask(&format!("/v1/sources/{slot}/proof?round={round}")).await?;
        let peer = Peer::aggregator(&self.base);
        match answer.status() {
            status if status.is_success() => Ok(Ok(peer.json(answer, LARGEST_JSON).await?)),
            StatusCode::NOT_FOUND | StatusCode::GONE => Ok(Err(peer.refused(answer).await.to_string())),
            _ => Err(peer.refused(answer).await),
        }
    }

    /// All that a round of this aggregator holds.
    pub async fn contents(&self, round: u64) -> Result<RoundContents> {
        let mut all: Option<RoundContents> = None;
        let mut after = String::new();
        loop {
            let answer = self.ask(&format!("/v1/rounds/{round}/contents{after}")).await?;
            let peer = Peer::aggregator(&self.base);
            if !answer.status().is_success() {
                return Err(peer.refused(answer).await);
            }
            let page: RoundContents = peer.json(answer, LARGEST_PAGE).await?;
            let (next, empty) = (page.next, page.items.is_empty());
            let contents = match &mut all {
                None => all.insert(page),
                Some(all) if all.statement == page.statement && all.part == page.part && !empty => {
                    all.items.extend(page.items);
                    all
                }
                Some(_) => bail!("the aggregator at {} shows two things under one number, or an empty page with a next one", self.base),
            };
            if contents.items.len() > MOST_ITEMS {
                bail!("round {round} has more than {MOST_ITEMS} slots and parts: ask the aggregators below for their parts");
            }
            match next {
                Some(next) => after = format!("?after={next}"),
                None => return all.context("no page"),
            }
        }
    }

    async fn ask(&self, path: &str) -> Result<reqwest::Response> {
        let sent = self.http.get(format!("{}{path}", self.base)).send().await;
        sent.with_context(|| format!("the aggregator at {} does not answer", self.base))
    }
}
