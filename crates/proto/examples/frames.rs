//! Adds frozen frames for cases that have none yet: `cargo xtask frames`. Those that are there stay as they are.
#![allow(missing_docs, clippy::print_stdout, reason = "a command-line tool speaks to a terminal")]
#![allow(clippy::disallowed_methods, reason = "the wire reads no files, its tools do")]

#[path = "../tests/frames/mod.rs"]
mod frames;

fn main() -> std::io::Result<()> {
    for side in frames::SIDES {
        let path = frames::path(side);
        let mut file = std::fs::read_to_string(&path).unwrap_or_default();
        let frozen: Vec<String> = frames::parse(&file).into_iter().map(|it| it.name).collect();
        for sample in frames::maker::samples(side) {
            if !frozen.contains(&sample.name) {
                println!("{side}: {}", sample.name);
                file.push_str(&frames::block(&sample));
            }
        }
        std::fs::write(path, file)?;
    }
    Ok(())
}
