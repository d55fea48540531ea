//! SEV-SNP: what is believed and what is refused.

mod evidence;
mod explanation;
mod genuine;
mod mutation;
mod refusals;
