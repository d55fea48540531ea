//! One file per call or function, one test per behaviour.

mod checkpoint;
mod invariants;
mod log;
mod random;
