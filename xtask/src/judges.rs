//! Judges from outside: programs by others that look at the running server, for the tests in `crates/anser/tests/it/judges`.

use crate::packages;

/// What looks at TLS, and what speaks WebSocket independently of the server's own library.
const PACKAGES: &[&str] = &["sslyze==6.3.1", "wsproto==1.3.2"];

/// Installs what is missing, into `target/judges`, where the tests look for it.
pub fn install() -> anyhow::Result<()> {
    packages::pypi("judges", PACKAGES).map(drop)
}
