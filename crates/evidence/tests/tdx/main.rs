//! TDX: what is believed and what is refused.

mod acceptance;
mod genuine;
mod maker;
mod refusals;
mod vectors;
