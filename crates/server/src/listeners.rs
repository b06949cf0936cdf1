//! Which listeners are asked for, and the rule that nothing leaves the machine without TLS.

use std::net::SocketAddr;

use anser_gateway::{ListenerConfig, ListenerKind};
use anser_types::ErrorCode;

use crate::config::Config;
use crate::failure::Failure;

/// The setting's name, its kind and where it listens, in the order they are told.
fn asked(config: &Config) -> Vec<(&'static str, ListenerKind, SocketAddr)> {
    let listen = &config.listen;
    [
        ("tcp", ListenerKind::Tcp, listen.tcp),
        ("tls", ListenerKind::Tls, listen.tls),
        ("quic", ListenerKind::Quic, listen.quic),
        ("http", ListenerKind::Http, listen.http),
        ("https", ListenerKind::Https, listen.https),
    ]
    .into_iter()
    .filter_map(|(name, kind, address)| Some((name, kind, address.address()?)))
    .collect()
}

/// The listeners to open.
///
/// # Errors
/// `CONFIG_INVALID` when a plain one would be reachable from other machines, or when there is none at all.
pub fn from_config(config: &Config) -> Result<Vec<ListenerConfig>, Failure> {
    let asked = asked(config);
    if asked.is_empty() {
        return Err(Failure::new(ErrorCode::ConfigInvalid, "every listener is off").next(
            "Set at least one of listen.tcp, listen.tls, listen.quic, listen.http, listen.https.",
        ));
    }
    for (name, kind, address) in &asked {
        let (plain, with_tls) = match kind {
            ListenerKind::Tcp => (true, "tls"),
            ListenerKind::Http => (true, "https"),
            ListenerKind::Tls | ListenerKind::Quic | ListenerKind::Https => (false, ""),
        };
        if plain && !address.ip().is_loopback() {
            return Err(Failure::new(
                ErrorCode::ConfigInvalid,
                format!(
                    "listen.{name} = \"{address}\" would send passwords and messages in clear over the network"
                ),
            )
            .next(format!(
                "Set listen.{with_tls} = \"{address}\" instead (it uses TLS), and listen.{name} to a \
                 loopback address or \"off\"."
            )));
        }
    }
    if !config.tls.acme_domains.names().is_empty() && config.listen.https.address().is_none() {
        let what = "tls.acme_domains is set, and listen.https is off";
        return Err(Failure::new(ErrorCode::ConfigInvalid, what)
            .next("Set listen.https: the authority looks there whether the names are yours."));
    }
    if config.accounts.development {
        alone(config, &asked)?;
    }
    Ok(asked.into_iter().map(|(_, kind, address)| ListenerConfig { address, kind }).collect())
}

/// A development server gives everything to whoever reaches it: nobody else may.
fn alone(
    config: &Config,
    asked: &[(&'static str, ListenerKind, SocketAddr)],
) -> Result<(), Failure> {
    let next = "Set accounts.development = false, or keep the server to this machine.";
    let wrong = |what: String| Failure::new(ErrorCode::ConfigInvalid, what).next(next);
    if let Some((name, _, address)) = asked.iter().find(|(_, _, at)| !at.ip().is_loopback()) {
        let what = "accounts.development lets everybody be anybody, and listen";
        return Err(wrong(format!("{what}.{name} = \"{address}\" lets other machines in")));
    }
    if !config.listen.trusted_proxies.is_empty() {
        let what = "accounts.development lets everybody be anybody, and listen.trusted_proxies";
        return Err(wrong(format!("{what} names proxies that let other machines in")));
    }
    Ok(())
}

/// Whether anything can be reached from other machines.
#[must_use]
pub fn beyond_this_machine(config: &Config) -> bool {
    asked(config).iter().any(|(_, _, address)| !address.ip().is_loopback())
}
