//! What every command of the operator begins with: which data directory, which settings.

use std::path::PathBuf;

use clap::Args;

use crate::config::{self, Layers, Loaded};
use crate::data_dir::DataDir;
use crate::failure::{Failure, of_problems};

/// Flags that say where the server lives and what it is told.
#[derive(Args, Clone, Debug, Default)]
pub struct Place {
    /// Directory with configuration, secrets and store [default: $ANSER_DATA_DIR, else
    /// $XDG_DATA_HOME/anser/server, else ~/.local/share/anser/server]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Configuration file [default: anser.toml in the data directory]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Set any key, such as --set accounts.registration=false; may be repeated
    #[arg(long, value_name = "SECTION.KEY=VALUE", value_parser = key_and_value)]
    pub set: Vec<(String, String)>,
}

/// Flags for the keys people change most.
#[derive(Args, Clone, Debug, Default)]
pub struct Shortcuts {
    /// Where the protocol listens over plain TCP, or "off" (listen.tcp)
    #[arg(long, value_name = "ADDRESS")]
    pub tcp: Option<String>,
    /// Where the protocol listens over TLS, or "off" (listen.tls)
    #[arg(long, value_name = "ADDRESS")]
    pub tls: Option<String>,
    /// Where the protocol listens over QUIC (UDP), or "off" (listen.quic)
    #[arg(long, value_name = "ADDRESS")]
    pub quic: Option<String>,
    /// Where plain HTTP and WebSocket listen, or "off" (listen.http)
    #[arg(long, value_name = "ADDRESS")]
    pub http: Option<String>,
    /// Where HTTP and WebSocket listen over TLS, or "off" (listen.https)
    #[arg(long, value_name = "ADDRESS")]
    pub https: Option<String>,
    /// A server to develop against: tokens for any user, for this machine alone (accounts.development)
    #[arg(long)]
    pub development: bool,
    /// What is logged: error, warn, info, debug or trace (log.level)
    #[arg(long, value_name = "LEVEL")]
    pub log_level: Option<String>,
}

impl Shortcuts {
    fn as_flags(&self) -> impl Iterator<Item = (String, String)> + '_ {
        [
            ("listen.tcp", &self.tcp),
            ("listen.tls", &self.tls),
            ("listen.quic", &self.quic),
            ("listen.http", &self.http),
            ("listen.https", &self.https),
            ("log.level", &self.log_level),
        ]
        .into_iter()
        .filter_map(|(path, value)| Some((path.to_owned(), value.clone()?)))
        .chain(self.development.then(|| ("accounts.development".to_owned(), "true".to_owned())))
    }
}

/// Where and how: everything read, checked and merged.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The data directory.
    pub data_dir: DataDir,
    /// The settings and where they come from.
    pub loaded: Loaded,
}

impl Setup {
    /// Reads all layers.
    ///
    /// # Errors
    /// `CONFIG_INVALID` with everything that is wrong.
    pub fn read(
        place: &Place,
        shortcuts: &Shortcuts,
        environment: &[(String, String)],
    ) -> Result<Self, Failure> {
        let variable = |name: &str| {
            environment.iter().find(|(set, _)| set == name).map(|(_, value)| value.clone())
        };
        let data_dir = DataDir::find(place.data_dir.clone(), variable)?;
        if let Some(file) = place.config.as_ref().filter(|file| !file.exists()) {
            return Err(Failure::new(
                anser_types::ErrorCode::ConfigInvalid,
                format!("there is no file {}", file.display()),
            )
            .next("Correct --config, or make one: anser config reference --example > FILE"));
        }
        let layers = Layers {
            file: Some(place.config.clone().unwrap_or_else(|| data_dir.config_file())),
            environment: environment.to_vec(),
            flags: place.set.iter().cloned().chain(shortcuts.as_flags()).collect(),
        };
        Ok(Self {
            data_dir,
            loaded: config::load(&layers).map_err(|problems| of_problems(&problems))?,
        })
    }
}

/// The process's environment, as far as it is text.
#[must_use]
pub fn environment() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

fn key_and_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) => Ok((key.trim().to_owned(), value.trim().to_owned())),
        None => Err("write section.key=value".into()),
    }
}
