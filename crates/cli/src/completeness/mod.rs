//! Whether a record is complete: five questions, each with an answer of its own. There is no sixth that sums them up.
//!
//! | question | what is needed | what it does not say |
//! | --- | --- | --- |
//! | [`sequence`]: is every position of the log there? | the receipts and a signed checkpoint, or the chain's head | that the guest wrote a receipt for everything it did: evidence says which guest that was |
//! | [`coverage`]: does every round have the log's checkpoint? | the chain's rounds, the aggregator | anything about rounds that the chain no longer keeps |
//! | [`counts`]: do a round's counts add up? | what all slots of two rounds hold | that the logs are true |
//! | [`access`]: was nothing else done with this object? | heartbeats, and two entries of the index that each names | anything about other jobs' logs, or copies outside of a guest |
//! | [`observers`]: do sender and receiver say the same? | the customer's own copies and object key | that nobody in between kept a copy of the ciphertext |
//!
//! Not here: where the records come from (`commands::complete`), whether a bundle is genuine (`bundle`).

pub mod access;
pub mod counts;
pub mod coverage;
pub mod observers;
pub mod sequence;
