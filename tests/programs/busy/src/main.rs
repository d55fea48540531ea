//! Computes for a while, so that a job can be met while it runs (`busy MILLIONS_OF_STEPS`).

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let millions: u64 = std::env::args().nth(1).ok_or("usage: busy MILLIONS_OF_STEPS")?.parse()?;
    // Marsaglia's xorshift: every step depends on the one before, so none can be left out.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..millions * 1_000_000 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
    }
    println!("{state:016x}");
    Ok(())
}
