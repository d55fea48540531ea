//! SEV-SNP: what is believed and what is refused.

mod evidence;
mod explanation;
mod genuine;
mod image;
mod kept;
mod launch_digest;
mod mutation;
mod refusals;
