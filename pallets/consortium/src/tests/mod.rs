//! One file for each call, one for sessions, one for the invariants.

mod add_validator;
mod enact;
mod invariants;
mod remove_validator;
mod session;
