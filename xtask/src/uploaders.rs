//! Programs by others that upload by tus 1.0.0, for the tests in `crates/anser/tests/it/uploads`.

use crate::{npm, python};

/// Installs what is missing, into `target/tus-js` and `target/tuspy`, where the tests look for it.
pub fn install() -> anyhow::Result<()> {
    npm::install("tus-js", &["tus-js-client@4.3.1"])?;
    python::tools("tuspy", &["tuspy==1.1.0"]).map(drop)
}
