//! Rules of the repository that no compiler knows. Each rule is a function that returns what it found wrong.

mod catalogue;
mod docs;
mod edges;
mod lengths;
mod requirements;
mod sources;

use crate::{codegen, files};

/// Runs every rule and lists everything that is wrong.
pub fn run(shrink: bool) -> anyhow::Result<()> {
    let tracked = files::tracked()?;
    let mut wrong = Vec::new();
    wrong.extend(edges::check()?);
    wrong.extend(sources::check(&tracked)?);
    wrong.extend(lengths::check(&tracked, shrink)?);
    wrong.extend(docs::check(&tracked)?);
    wrong.extend(catalogue::check(&tracked)?);
    wrong.extend(requirements::check(&tracked)?);
    if let Err(error) = codegen::check() {
        wrong.push(format!("generated code: {error:#}"));
    }
    for line in &wrong {
        println!("tidy: {line}");
    }
    anyhow::ensure!(wrong.is_empty(), "{} untidy place(s)", wrong.len());
    println!("tidy: {} files, nothing wrong", tracked.len());
    Ok(())
}
