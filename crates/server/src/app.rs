//! The composition root: ports → service → gateway, put together here and nowhere else.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anser_gateway::{
    BackupSource, Gateway, GatewayConfig, ListenError, ListenerKind, PublishedList, ResetKey,
    TlsSource,
};
use anser_service::{Ports, Service, Settings};
use anser_types::ErrorCode;
use arc_swap::ArcSwap;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::task::JoinHandle;

use crate::certificate::{self, Identity, Terms};
use crate::config::Config;
use crate::failure::Failure;
use crate::machine::{self, SystemClock, SystemEntropy};
use crate::setup::Setup;
use crate::{api_key, files, first_start, gateways, listeners, moderation, secret_file};

/// How often the metrics' histograms are folded together; between two renders they would grow.
const METRICS_UPKEEP: Duration = Duration::from_secs(5);
const DAY_MS: u64 = 24 * 3600 * 1000;
const MINUTE_MS: u64 = 60 * 1000;

/// A server that runs: listeners, sessions, writer.
pub struct App {
    service: Arc<Service>,
    gateway: Gateway,
    tls: Option<TlsSource>,
    certificate_sha256: Option<[u8; 32]>,
    gateways: PublishedList,
    upkeep: JoinHandle<()>,
}

impl App {
    /// Starts everything on the current runtime; when it returns, all listeners are open.
    ///
    /// # Errors
    /// `CONFIG_INVALID` about secrets and listeners, `LISTEN_FAILED` about addresses.
    pub async fn start(
        setup: &Setup,
        ports: Ports,
        metrics: PrometheusHandle,
        backups: Arc<dyn BackupSource>,
    ) -> Result<Self, Failure> {
        let config = &setup.loaded.config;
        let listeners = listeners::from_config(config)?;
        let settings = service_settings(setup)?;
        let identity = load_identity(setup)?;
        let certificate_sha256 = identity.as_ref().map(|identity| identity.sha256);
        let tls = identity.map(|identity| Arc::new(ArcSwap::new(identity.tls)));

        let mut defaults = gateway_config(config)?;
        let gateways = PublishedList::default();
        gateways.publish(gateways::load(setup, &SystemClock, &SystemEntropy)?);
        defaults.connection.gateways = gateways.clone();
        let gateway_config = GatewayConfig {
            listeners,
            tls: tls.clone(),
            reset_key: reset_key(setup)?,
            metrics: Some(metrics.clone()),
            backups: Some(backups),
            ..defaults
        };

        let service =
            Service::start(ports, Arc::new(SystemClock), Arc::new(SystemEntropy), settings);
        let upkeep = tokio::spawn(keep_up(metrics));
        match Gateway::start(gateway_config, Arc::clone(&service)) {
            Ok(gateway) => Ok(Self { service, gateway, tls, certificate_sha256, gateways, upkeep }),
            Err(error) => {
                upkeep.abort();
                service.stop().await;
                Err(cannot_listen(&error))
            }
        }
    }

    /// Where it listens, with the ports really taken.
    #[must_use]
    pub fn addresses(&self) -> Vec<(ListenerKind, SocketAddr)> {
        self.gateway.addresses()
    }

    /// SHA-256 of the certificate shown at the start.
    #[must_use]
    pub const fn certificate_sha256(&self) -> Option<&[u8; 32]> {
        self.certificate_sha256.as_ref()
    }

    /// Where handshakes take the certificate from, if a listener needs one.
    #[must_use]
    pub const fn tls(&self) -> Option<&TlsSource> {
        self.tls.as_ref()
    }

    /// The service, for looking at it.
    #[must_use]
    pub const fn service(&self) -> &Arc<Service> {
        &self.service
    }

    /// Takes certificate and key from their files again; new handshakes use them. Returns the new fingerprint, or
    /// `None` when no listener needs a certificate. On an error the old one stays in use.
    ///
    /// # Errors
    /// `CONFIG_INVALID` names the file that is wrong.
    pub fn reload_certificate(&mut self, setup: &Setup) -> Result<Option<[u8; 32]>, Failure> {
        let (Some(tls), Some(identity)) = (&self.tls, load_identity(setup)?) else {
            return Ok(None);
        };
        tls.store(identity.tls);
        self.certificate_sha256 = Some(identity.sha256);
        Ok(self.certificate_sha256)
    }

    /// Takes the list of servers from its file again. Returns how many it names, or `None` if there is to be none. On an
    /// error the old one stays in use.
    ///
    /// # Errors
    /// `CONFIG_INVALID` names the file and what is wrong with it.
    pub fn reload_gateways(&self, setup: &Setup) -> Result<Option<usize>, Failure> {
        let list = gateways::load(setup, &SystemClock, &SystemEntropy)?;
        let count = list.as_ref().map(|list| list.gateways().len());
        self.gateways.publish(list);
        Ok(count)
    }

    /// Signs the list of servers again if half of its time is over.
    ///
    /// # Errors
    /// The key cannot be read, or the list not be written.
    pub fn renew_gateways(&self, setup: &Setup) -> Result<(), Failure> {
        if let Some(list) = self.gateways.now() {
            let renewed = gateways::renew(setup, &list, &SystemClock, &SystemEntropy)?;
            self.gateways.publish(Some(renewed));
        }
        Ok(())
    }

    /// Takes no newcomers, tells every session to come back later, and waits until they are gone or their time is
    /// over. Whatever was accepted before is finished.
    pub async fn drain(&self) {
        self.gateway.drain().await;
    }

    /// Ends what is left and returns when everything accepted is on the disk.
    pub async fn stop(self) {
        self.upkeep.abort();
        drop(self.gateway);
        self.service.stop().await;
    }
}

async fn keep_up(metrics: PrometheusHandle) {
    let mut ticks = tokio::time::interval(METRICS_UPKEEP);
    loop {
        ticks.tick().await;
        metrics.run_upkeep();
    }
}

fn load_identity(setup: &Setup) -> Result<Option<Identity>, Failure> {
    let config = &setup.loaded.config;
    if !first_start::needs_certificate(config) {
        return Ok(None);
    }
    certificate::load(&Terms::of(config, &setup.data_dir)).map(Some)
}

fn reset_key(setup: &Setup) -> Result<Option<ResetKey>, Failure> {
    if setup.loaded.config.listen.quic.address().is_none() {
        return Ok(None);
    }
    secret_file::read(&setup.data_dir.quic_key(), first_start::QUIC_KEY_LOST)
        .map(|secret| Some(ResetKey::new(&secret)))
}

fn service_settings(setup: &Setup) -> Result<Settings, Failure> {
    let config = &setup.loaded.config;
    let defaults = Settings::default();
    Ok(Settings {
        registration: config.accounts.registration,
        development: config.accounts.development,
        api_keys: api_key::read_hashes(&setup.data_dir.resolve(&config.app.key_file))?,
        hashing: anser_service::Hashing {
            at_once: config.accounts.password_checks.as_usize(),
            place: anser_service::HashPlace::OwnThread(machine::give_way),
            ..defaults.hashing
        },
        token_life_ms: config.accounts.token_life_days.get() * DAY_MS,
        sessions: config.limits.connections.as_usize(),
        sessions_per_second: config.limits.sessions_per_second.as_u32(),
        devices_per_user: config.accounts.devices_per_user.as_usize(),
        sessions_per_class: anser_service::SessionsPerClass {
            phone: config.sessions.phone.as_usize(),
            pad: config.sessions.pad.as_usize(),
            desktop: config.sessions.desktop.as_usize(),
            web: config.sessions.web.as_usize(),
            cli: config.sessions.cli.as_usize(),
            bot: config.sessions.bot.as_usize(),
        },
        group_members: config.limits.group_members.as_usize(),
        channel_members: config.limits.channel_members.as_usize(),
        commands_per_second: config.limits.commands_per_second.as_u32(),
        commands_burst: config.limits.commands_burst.as_u32(),
        group_messages_per_second: config.limits.group_messages_per_second.as_u32(),
        group_messages_burst: config.limits.group_messages_burst.as_u32(),
        strangers_per_hour: config.limits.strangers_per_hour.as_u32(),
        strangers_per_day: config.limits.strangers_per_day.as_u32(),
        reports_per_day: config.limits.reports_per_day.as_u32(),
        inbox_keep: config.inbox.keep_entries.get(),
        inbox_keep_ms: config.inbox.keep_days.get() * DAY_MS,
        relations_by_app: config.contacts.by_app,
        words: moderation::load(setup)?,
        edit_within_ms: config.messages.edit_within_minutes.get() * MINUTE_MS,
        files: files::settings(config),
        revoke_within_ms: config.messages.revoke_within_minutes.get() * MINUTE_MS,
        ..defaults
    })
}

fn gateway_config(config: &Config) -> Result<GatewayConfig, Failure> {
    let defaults = GatewayConfig::default();
    let proxies = config.listen.trusted_proxies.speaking_in(config.listen.proxy_header);
    Ok(GatewayConfig {
        proxies: proxies
            .map_err(|error| Failure::new(ErrorCode::ConfigInvalid, error.to_string()))?,
        origins: config.listen.origins.get().clone(),
        connections: config.limits.connections.as_usize(),
        connections_per_address: config.limits.connections_per_address.as_usize(),
        sign_ins_per_minute: config.limits.sign_ins_per_minute.as_u32(),
        registrations_per_hour: config.limits.registrations_per_hour.as_u32(),
        connections_per_minute: config.limits.connections_per_minute.as_u32(),
        connection: anser_gateway::Settings {
            drain: Duration::from_secs(config.process.drain_seconds.get()),
            alternatives: config.listen.alternatives.addresses().into(),
            compression: config.listen.compression,
            ..defaults.connection.clone()
        },
        ..defaults
    })
}

fn cannot_listen(error: &ListenError) -> Failure {
    Failure::new(ErrorCode::ListenFailed, error.to_string()).next(
        "Stop the program that uses the address ('ss -ltnp' shows it), or set another one, \
         such as --tcp 127.0.0.1:0 for a free port.",
    )
}
