//! Log lines and metrics: set up once per process, before anything else runs.

use std::io::IsTerminal as _;

use anser_types::ErrorCode;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

use crate::config::{Log, LogFormat};
use crate::failure::Failure;

/// Histogram bounds for times, in seconds: an fsync takes from 0.1 ms on a good disk to seconds on a sick one.
const SECONDS: [f64; 15] = [
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    10.0,
];

/// Parts that tell much about themselves and little about the server; the configured level may ask for more.
const QUIET: &str = "fjall=warn,lsm_tree=warn";

/// Histogram bounds for the size of a group commit.
const COMMANDS: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

/// Log lines go to standard error from now on.
///
/// # Errors
/// `CONFIG_INVALID` when the level cannot be read.
pub fn start_logging(log: &Log) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(format!("{QUIET},{}", log.level)).map_err(|error| {
        Failure::new(ErrorCode::ConfigInvalid, format!("log.level = {:?}: {error}", log.level))
            .next("Write error, warn, info, debug or trace, or parts such as \"info,anser_gateway=debug\".")
    })?;
    let terminal = std::io::stderr().is_terminal();
    let json = match log.format {
        LogFormat::Auto => !terminal,
        LogFormat::Human => false,
        LogFormat::Json => true,
    };
    let colours = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // A line that cannot be written (the log on a full disk, a closed pipe) is lost. Telling that on the same
        // standard error would panic in whatever task wanted to log, and end the server for the sake of a line.
        .log_internal_errors(false);
    let started = if json {
        builder.json().flatten_event(true).with_current_span(false).try_init()
    } else {
        builder.with_ansi(colours).try_init()
    };
    started.map_err(|error| Failure::new(ErrorCode::Internal, format!("logging: {error}")))
}

/// Metrics are counted from now on; the handle renders them for `/metrics`. Its `run_upkeep` must be called now and
/// then, see [`crate::app`].
///
/// # Errors
/// `INTERNAL` when metrics were started before in this process.
pub fn start_metrics() -> Result<PrometheusHandle, Failure> {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &SECONDS)
        .and_then(|builder| {
            let batch = Matcher::Full(anser_service::metric_names::BATCH_APPENDS.into());
            builder.set_buckets_for_metric(batch, &COMMANDS)
        })
        .and_then(PrometheusBuilder::install_recorder)
        .map_err(|error| Failure::new(ErrorCode::Internal, format!("metrics: {error}")))
}
