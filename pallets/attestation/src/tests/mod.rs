//! One file per subject, one test per behaviour.

mod council;
mod fixture;
mod genesis;
mod invariants;
mod judge;
mod open;
