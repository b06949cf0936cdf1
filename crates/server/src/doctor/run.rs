//! All checks, in the order in which a server meets them.

use anser_types::Clock;

use super::finding::Finding;
use super::{disk, files, kept_files, machine, ports};
use crate::setup::Setup;
use crate::{gateways, moderation, search, store};

/// Looks at everything; opens the store if no server uses it.
#[must_use]
pub fn examine(setup: &Setup, wall: &dyn Clock) -> Vec<Finding> {
    let config = &setup.loaded.config;
    let directory = files::directory(&setup.data_dir);
    let there = setup.data_dir.root().is_dir();
    let mut findings = vec![
        Finding::ok("configuration", "valid"),
        directory,
        machine::clock(wall, &setup.data_dir),
        machine::open_files(config.limits.connections.get()),
    ];
    let mut running = false;
    if there {
        findings.push(files::api_keys(&setup.data_dir, config));
        findings.extend(files::quic_key(&setup.data_dir));
        findings.push(files::certificate(&setup.data_dir, config, wall));
        findings.push(disk::fsync_latency(setup.data_dir.root()));
        findings.push(disk::free_space(setup.data_dir.root(), store::min_free_bytes(config)));
        let (finding, in_use) = store::examine(&setup.data_dir.store(), config);
        findings.push(finding);
        findings.push(kept_files::examine(setup));
        findings.push(search::examine(setup));
        findings.push(moderation::examine(setup));
        findings.push(gateways::examine(setup));
        running = in_use;
    }
    findings.extend(ports::ports(&setup.data_dir, config, running));
    findings
}
