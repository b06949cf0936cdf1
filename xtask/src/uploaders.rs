//! Programs by others that upload by tus 1.0.0, for the tests in `crates/anser/tests/it/uploads`.

use crate::packages;

/// Installs what is missing, into `target/tus-js` and `target/tuspy`, where the tests look for it.
pub fn install() -> anyhow::Result<()> {
    packages::npm("tus-js", &["tus-js-client@4.3.1"])?;
    packages::pypi("tuspy", &["tuspy==1.1.0"]).map(drop)
}
