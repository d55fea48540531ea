//! Builds the runtime's Wasm, unless `SKIP_WASM_BUILD` is set.

fn main() {
    #[cfg(feature = "std")]
    substrate_wasm_builder::WasmBuilder::init_with_defaults()
        // Wasm has no multiplication of 64 bits by 64 to 128: with limbs of 32 bits evidence is verified in three quarters of the time.
        .append_to_rust_flags("--cfg cpubits=\"32\"")
        // A crate in one piece lets more be inlined: a signature by P-384 is verified in four fifths of the time.
        .append_to_rust_flags("-C codegen-units=1")
        .build();
}
