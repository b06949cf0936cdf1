//! The S3-like store against which `crates/files` is tested.

use crate::packages;

const PACKAGES: &[&str] = &["moto[server,s3]==5.2.5"];

/// Installs what is missing, into `target/bucket`, where the tests look for it.
pub fn install() -> anyhow::Result<()> {
    packages::pypi("bucket", PACKAGES).map(drop)
}
