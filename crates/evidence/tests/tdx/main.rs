//! TDX: what is believed and what is refused.

mod acceptance;
mod genuine;
mod maker;
mod measurement;
mod mutation;
mod parts;
mod refusals;
mod vectors;
