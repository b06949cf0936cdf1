//! What the settings say about ACME.

use std::path::PathBuf;

use crate::config::Config;
use crate::data_dir::DataDir;

/// What is asked for, of whom, and where it is kept.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The names of the certificate.
    pub domains: Vec<String>,
    /// Where the authority may write to, such as `mailto:me@example`.
    pub contact: Option<String>,
    /// The authority's directory.
    pub directory: String,
    /// The certificate that vouches for the directory, where the system's authorities do not.
    pub authority: Option<PathBuf>,
    /// Where certificate and key are kept, in one file: they are replaced together or not at all.
    pub certificate: PathBuf,
    /// Where the account's key is kept.
    pub account: PathBuf,
}

impl Terms {
    /// What the settings say; `None` if no certificate is to be asked for.
    #[must_use]
    pub fn of(config: &Config, data_dir: &DataDir) -> Option<Self> {
        let tls = &config.tls;
        let domains = tls.acme_domains.names().to_vec();
        let said = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        (!domains.is_empty()).then(|| Self {
            domains,
            contact: said(&tls.acme_contact).map(|address| format!("mailto:{address}")),
            directory: tls.acme_directory.clone(),
            authority: said(&tls.acme_authority).map(|file| data_dir.resolve(&file)),
            certificate: data_dir.resolve("acme.pem"),
            account: data_dir.resolve("acme-account.json"),
        })
    }
}
