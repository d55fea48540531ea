//! TDX: what is believed and what is refused.

mod acceptance;
mod event_log;
mod explanation;
mod genuine;
mod maker;
mod measurement;
mod mutation;
mod refusals;
mod vectors;
