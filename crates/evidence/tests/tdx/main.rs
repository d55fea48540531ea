//! TDX: what is believed and what is refused.

mod acceptance;
mod explanation;
mod genuine;
mod maker;
mod mutation;
mod parts;
mod refusals;
mod vectors;
