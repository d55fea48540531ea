//! Evidence judged inside the runtime's Wasm, by the executor and with the settings that the node has: every verdict is the one that the same code gives
//! natively. A verdict is consensus, so it must not depend on who computes it.
//!
//! Without the Wasm (`SKIP_WASM_BUILD`) nothing can be compared: the tests say so and pass.

mod genuine;
mod judge;
mod mutation;
