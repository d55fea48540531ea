//! TDX: what is believed and what is refused.

mod acceptance;
mod genuine;
mod maker;
mod measurement;
mod mutation;
mod refusals;
mod vectors;
