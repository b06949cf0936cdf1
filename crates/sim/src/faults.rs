//! What goes wrong in a run by chance. A new kind of fault needs one line in [`FAULTS`] and one arm in
//! [`Chaos::fail`]; what must end later is an [`End`].

use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Result;

use crate::chaos::Chaos;
use crate::coverage::Rare;
use crate::disk::Mishap;

/// Half an hour: how wrong a clock may be (requirement B5).
const SKEW_MS: u64 = 30 * 60 * 1000;
/// How long a device takes to connect and say something, mostly.
const GREETING_MS: u64 = 1_500;
/// The longest a slow commit takes.
const SLOW_MS: u64 = 20_000;

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    KillServer,
    DieInCommit,
    DiskError,
    SlowCommit,
    DiskFull,
    DeviceDiskFull,
    KillDevice,
    Unplug,
    UnplugUser,
    GoAway,
    ServerClock,
    DeviceClock,
    CopyDevice,
    RestoreDevice,
    ReplaceDevice,
    SwitchOn,
    BackUp,
    RestoreServer,
}

/// All of them, by how often they happen.
const FAULTS: &[(u64, Fault)] = &[
    (10, Fault::KillServer),
    (4, Fault::DieInCommit),
    (4, Fault::DiskError),
    (2, Fault::SlowCommit),
    (5, Fault::DiskFull),
    (5, Fault::DeviceDiskFull),
    (15, Fault::KillDevice),
    (8, Fault::Unplug),
    (2, Fault::UnplugUser),
    (10, Fault::GoAway),
    (5, Fault::ServerClock),
    (5, Fault::DeviceClock),
    (10, Fault::CopyDevice),
    (5, Fault::RestoreDevice),
    (3, Fault::ReplaceDevice),
    (7, Fault::SwitchOn),
];

/// What is added where the server may be restored from a backup: also under devices that it does not know.
const RESTORES: &[(u64, Fault)] = &[
    (3, Fault::BackUp),
    (4, Fault::RestoreServer),
    (2, Fault::CopyDevice),
    (2, Fault::RestoreDevice),
];

/// A fault that lasts ends later.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    DiskFull,
    DeviceDiskFull(usize),
    Unplugged(usize),
    Away(usize),
    /// Somebody notices that the server's process died, or should have ended.
    ServerDown,
}

impl Chaos<'_> {
    /// Something goes wrong.
    ///
    /// # Errors
    /// The simulation itself failed.
    pub(crate) async fn fault(&mut self) -> Result<()> {
        let fault =
            if self.restores && self.chance(25) { self.pick(RESTORES) } else { self.pick(FAULTS) };
        let device = self.any_device();
        self.fail(fault, device).await
    }

    /// Commands wait for a slow disk while the process that sent them dies and comes back: what of them is written after
    /// the new session has begun is fenced.
    async fn come_back_before_ones_commands(&mut self, device: usize, pause: Duration) {
        self.switch_on(device);
        self.world.rest(GREETING_MS).await;
        self.world.server.disk.go_wrong_in(1, Mishap::Slow(pause));
        for _ in 0..=self.below(12) {
            self.say(device).await;
        }
        self.world.rest(self.below(GREETING_MS)).await;
        self.world.devices[device].kill().await;
        self.switch_on(device);
    }

    async fn fail(&mut self, fault: Fault, device: usize) -> Result<()> {
        match fault {
            Fault::KillServer => self.kill_server(),
            Fault::DieInCommit => {
                let kept = self.chance(50);
                self.mishap(Mishap::Dies { kept });
            }
            Fault::DiskError => {
                let kept = self.chance(50);
                self.mishap(Mishap::Error { kept });
            }
            Fault::SlowCommit => {
                let pause = Duration::from_millis(self.below(SLOW_MS));
                if self.chance(50) {
                    self.come_back_before_ones_commands(device, pause).await;
                } else {
                    let commits = 1 + self.below(3);
                    self.world.server.disk.go_wrong_in(commits, Mishap::Slow(pause));
                }
            }
            Fault::DiskFull => {
                self.world.server.disk.set_full(true);
                self.later(End::DiskFull);
            }
            Fault::DeviceDiskFull => {
                self.world.devices[device].disk_full.store(true, Ordering::Relaxed);
                self.later(End::DeviceDiskFull(device));
            }
            Fault::KillDevice => self.kill_device(device).await,
            Fault::Unplug => self.unplug(device),
            Fault::UnplugUser => {
                let user = self.world.devices[device].identity().user;
                for index in 0..self.world.devices.len() {
                    if self.world.devices[index].identity().user == user {
                        self.unplug(index);
                    }
                }
            }
            Fault::GoAway => {
                self.world.devices[device].kill().await;
                self.world.away.insert(device);
                let until = self.step + 10 + self.below(60);
                self.ends.entry(until).or_default().push(End::Away(device));
            }
            Fault::ServerClock => {
                self.world.server.clock.set_skew(self.skew());
                self.world.coverage.note(Rare::ServerClockJumped);
            }
            Fault::DeviceClock => {
                self.world.devices[device].clock().set_skew(self.skew());
                self.world.coverage.note(Rare::DeviceClockJumped);
            }
            Fault::CopyDevice => {
                self.copies[device] = Some(self.world.devices[device].copy_store());
            }
            Fault::RestoreDevice => {
                if let Some(copy) = self.copies[device].clone() {
                    self.world.devices[device].restore(copy).await;
                    self.switch_on(device);
                }
            }
            Fault::ReplaceDevice => {
                self.world.replace_device(device).await;
                self.copies[device] = None;
                self.switch_on(device);
            }
            Fault::SwitchOn => self.switch_on(device),
            Fault::BackUp => self.backup = Some(self.world.server.backend().image()),
            Fault::RestoreServer => {
                if let Some(backup) = self.backup.clone() {
                    self.world.restore_server(&backup).await?;
                    // An older copy of a device's store is noticed by its numbers, which the server has lost as well:
                    // both at once are not promised to be survived.
                    self.copies.fill(None);
                }
            }
        }
        Ok(())
    }

    fn unplug(&mut self, device: usize) {
        self.world.devices[device].plug.set_pulled(true);
        self.later(End::Unplugged(device));
    }

    fn later(&mut self, end: End) {
        let until = self.step + 1 + self.below(20);
        self.ends.entry(until).or_default().push(end);
    }

    /// Ends what ends at this step.
    pub(crate) async fn end_faults(&mut self) {
        for end in self.ends.remove(&self.step).unwrap_or_default() {
            match end {
                End::DiskFull => self.world.server.disk.set_full(false),
                End::DeviceDiskFull(device) => {
                    self.world.devices[device].disk_full.store(false, Ordering::Relaxed);
                }
                End::Unplugged(device) => self.world.devices[device].plug.set_pulled(false),
                End::Away(device) => {
                    self.world.away.remove(&device);
                    self.switch_on(device);
                }
                End::ServerDown => {
                    if self.world.server.fails_within(Duration::ZERO).await {
                        self.world.coverage.note(Rare::StoreFailed);
                    }
                    self.world.server.disk.forget_mishap();
                    self.world.server.crash_and_restart();
                }
            }
        }
    }

    fn kill_server(&mut self) {
        self.world.server.crash_and_restart();
        self.world.coverage.note(Rare::ServerDiedBetweenCommits);
    }

    /// One of the next commits is the last one; somebody notices sooner or later and starts the process again.
    fn mishap(&mut self, mishap: Mishap) {
        let commits = 1 + self.below(3);
        self.world.server.disk.go_wrong_in(commits, mishap);
        self.later(End::ServerDown);
    }

    /// Preferably while it stores something.
    async fn kill_device(&mut self, device: usize) {
        for _ in 0..20 {
            if self.world.devices[device].is_storing() {
                break;
            }
            self.world.rest(2).await;
        }
        self.world.devices[device].kill().await;
    }

    /// A device that rebuilds is a rare sight: it loses its connection, its process or the server's.
    pub(crate) async fn disturb_a_rebuild(&mut self) {
        let scribe = &self.world.scribe;
        let rebuilding = |index: &usize| {
            let device = &self.world.devices[*index];
            device.is_on() && scribe.is_rebuilding(&device.identity())
        };
        let Some(device) = (0..self.world.devices.len()).find(rebuilding) else { return };
        match self.below(6) {
            0 => self.unplug(device),
            1 => {
                self.world.devices[device].kill().await;
                self.switch_on(device);
            }
            2 => self.kill_server(),
            _ => {}
        }
    }

    fn skew(&self) -> i64 {
        let far = i64::try_from(self.below(2 * SKEW_MS)).unwrap_or_default();
        far - i64::try_from(SKEW_MS).unwrap_or_default()
    }
}
