//! Copies a file and prints it: whatever it reads is in everything it leaves (`echo-file INPUT OUTPUT`).

use std::{env, error::Error, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = env::args().skip(1);
    let (Some(input), Some(output)) = (args.next(), args.next()) else {
        return Err("usage: echo-file INPUT OUTPUT".into());
    };
    let text = fs::read_to_string(&input)?;
    fs::write(&output, &text)?;
    print!("{text}");
    Ok(())
}
