//! The aggregator as others meet it: over HTTP, in tiers, and killed.
//!
//! One program for all of these, because linking it takes longer than running it. It also stands in for the aggregator that is killed at a step: it
//! starts itself again with an order in its environment (`crash`).

mod crash;
mod kill;
mod local;
#[cfg(feature = "nats")]
mod nats;
mod requests;
mod soak;
#[cfg(feature = "nats")]
mod stream;
mod support;
mod tiers;
mod upstream;
