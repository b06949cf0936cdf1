//! Writes the dictionary of compressed frames: `cargo xtask dictionary`.
#![allow(clippy::print_stdout, reason = "a command-line tool speaks to a terminal")]

#[path = "../dictionary/mod.rs"]
mod dictionary;

fn main() -> std::io::Result<()> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/compression/dictionary.bin");
    let trained = dictionary::training::train()?;
    std::fs::write(path, &trained)?;
    println!("{path}: {} bytes", trained.len());
    Ok(())
}
