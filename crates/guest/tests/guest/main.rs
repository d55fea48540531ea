//! The guest as a library: its sandbox under programs and hostile modules, and the story of a job from its side.

mod common;
mod hostile;
mod job;
mod programs;
