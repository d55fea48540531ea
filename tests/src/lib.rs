//! What the stories share: the real programs on free loopback ports, watched by what they print, ended when they go out of scope.
//!
//! The stories themselves are in `tests/tests/`. Not here: anything that a story asserts.

pub mod market;
pub mod node;
pub mod process;
pub mod provider;
pub mod rpc;
