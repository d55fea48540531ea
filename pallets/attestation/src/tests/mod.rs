//! One file per subject, one test per behaviour.

mod chips;
mod collateral;
mod council;
mod fixture;
mod genesis;
mod invariants;
mod judge;
mod known_key;
mod open;
mod publishers;
mod renew;
mod tdx;
