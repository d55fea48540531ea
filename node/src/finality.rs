//! How GRANDPA is tuned. The defaults of the library cost seconds; ours finalise a block well under a second after its import.

use clap::{Args, ValueEnum};
use sc_client_api::HeaderBackend;
use sc_consensus_grandpa::{BeforeBestBlockBy, ThreeQuartersOfTheUnfinalizedChain, VotingRule, VotingRulesBuilder};
use sp_runtime::traits::Block as BlockT;
use std::time::Duration;

/// A justification is kept at least every so many blocks, so that a proof of finality never carries more headers than that.
pub const JUSTIFICATION_PERIOD: u32 = 32;

/// Tuning of GRANDPA.
#[derive(Args, Clone, Copy, Debug)]
pub struct FinalityParams {
    /// How long a GRANDPA message is expected to travel to all validators. Each of a round's two votes waits about twice as long, so this sets
    /// the time to finality; raise it where validators are continents apart.
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 100, value_parser = clap::value_parser!(u64).range(10..=10_000))]
    pub grandpa_gossip_ms: u64,

    /// Which block to vote for.
    #[arg(long, value_enum, value_name = "RULE", default_value_t = Lag::Best)]
    pub finality_lag: Lag,
}

/// Which block a validator votes for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Lag {
    /// The best block: fastest. Right for a consortium whose blocks rarely fork.
    Best,
    /// Two blocks behind the best, and at most three quarters of what is not yet final: steadier on networks that fork.
    Cautious,
}

impl FinalityParams {
    /// The gossip duration.
    pub fn gossip_duration(&self) -> Duration {
        Duration::from_millis(self.grandpa_gossip_ms)
    }
}

impl Lag {
    /// The voting rule.
    pub fn rule<Block, Backend>(self) -> impl VotingRule<Block, Backend> + Clone + 'static
    where
        Block: BlockT,
        Backend: HeaderBackend<Block> + 'static,
    {
        let rules = VotingRulesBuilder::new();
        match self {
            Self::Best => rules,
            Self::Cautious => rules.add(BeforeBestBlockBy(2u32.into())).add(ThreeQuartersOfTheUnfinalizedChain),
        }
        .build()
    }
}
