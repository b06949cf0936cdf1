//! Who is connected: user → sessions.
//!
//! A session is registered *before* its inbox head is read, so that no entry falls between the two, and taken out the
//! moment it ends, so that nothing newer reaches it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use anser_backend::{DeviceKey, Ledger, SoftPosition};
use anser_types::{Clock, DeviceClass, DeviceNo, ErrorCode, UserNo, limits};
use parking_lot::RwLock;

use crate::api::{Arrival, Ended};
use crate::fanout::mailbox::Slot;
use crate::metrics;
use crate::presence::board::Board;

const SHARDS: usize = 16;

/// One session's place in the registry.
#[derive(Debug)]
struct Place {
    id: u64,
    device: DeviceNo,
    class: DeviceClass,
    slot: Arc<Slot>,
}

/// The sessions of this process.
pub(crate) struct Registry {
    // Ordered maps: ending everybody happens in the same order in every run of the simulator.
    shards: Vec<RwLock<BTreeMap<UserNo, Vec<Place>>>>,
    next_id: AtomicU64,
    sessions: AtomicUsize,
    /// Hears who comes and goes, in the order in which it happens: told under the shard's lock.
    board: Arc<Board>,
    ledger: Arc<dyn Ledger>,
    clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registry").field("sessions", &self.sessions).finish_non_exhaustive()
    }
}

impl Registry {
    pub(crate) fn new(board: Arc<Board>, ledger: Arc<dyn Ledger>, clock: Arc<dyn Clock>) -> Self {
        Self {
            board,
            ledger,
            clock,
            shards: (0..SHARDS).map(|_| RwLock::default()).collect(),
            next_id: AtomicU64::new(1),
            sessions: AtomicUsize::new(0),
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "the remainder is below 16")]
    fn shard(&self, user: UserNo) -> &RwLock<BTreeMap<UserNo, Vec<Place>>> {
        &self.shards[(user.0 % SHARDS as u64) as usize]
    }

    /// A connection came: every session taken in from here on is opened after it.
    pub(crate) fn arrival(&self) -> Arrival {
        Arrival(self.next_id.load(Ordering::Relaxed))
    }

    /// Takes a session in and returns its id for [`Registry::unregister`].
    pub(crate) fn register(
        &self,
        user: UserNo,
        device: DeviceNo,
        class: DeviceClass,
        slot: Arc<Slot>,
    ) -> u64 {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        {
            let mut shard = self.shard(user).write();
            let places = shard.entry(user).or_default();
            places.push(Place { id, device, class, slot });
            if places.len() == 1 {
                self.board.came(user);
            }
        }
        metrics::sessions(self.sessions.fetch_add(1, Ordering::Relaxed) + 1);
        id
    }

    /// Takes a session out; without effect if it has been ended already.
    pub(crate) fn unregister(&self, user: UserNo, id: u64) {
        drop(self.take_out(user, |place| place.id == id));
        // It may have been ended before, and have said whom it follows since.
        self.board.ended(id);
    }

    /// The policy for duplicate sign-ins: a device has one session, and of a class as many as may be, the newest.
    ///
    /// Whom another device replaced stays away. Whom its own device replaced, or a Hello whose connection came before it,
    /// may be the living one: a Hello that was on its way when its process died, its device was lost, or it was given
    /// up, can arrive last. It comes back after a pause.
    pub(crate) fn supersede(
        &self,
        user: UserNo,
        newest: u64,
        device: DeviceNo,
        (class, most): (DeviceClass, Option<usize>),
        arrived: Arrival,
    ) {
        let ended = Ended::because(ErrorCode::Replaced, "this device has opened a newer session");
        for place in self.take_out(user, |place| place.id != newest && place.device == device) {
            let retry_after_ms = Some(limits::REPLACED_PAUSE_MS);
            place.slot.end(Ended { retry_after_ms, ..ended.clone() });
        }
        let Some(most) = most else { return };
        let others = |place: &Place| place.id != newest && place.class == class;
        // Places stand in the order in which they were taken.
        let mut too_many = {
            let shard = self.shard(user).read();
            let places = shard.get(&user).map_or(&[][..], Vec::as_slice);
            (places.iter().filter(|place| others(place)).count() + 1).saturating_sub(most)
        };
        let replaced = self.take_out(user, |place| {
            let goes = too_many > 0 && others(place);
            too_many -= usize::from(goes);
            goes
        });
        let name = class.name();
        let detail = match most {
            1 => format!("a newer {name} of yours is connected, and one at a time is allowed"),
            most => {
                format!("a newer {name} of yours is connected, and {most} at a time are allowed")
            }
        };
        for place in replaced {
            let retry_after_ms = (place.id >= arrived.0).then_some(limits::REPLACED_PAUSE_MS);
            let ended = Ended::because(ErrorCode::Replaced, detail.clone());
            place.slot.end(Ended { retry_after_ms, ..ended });
        }
    }

    /// The devices of a user that have a session.
    pub(crate) fn devices(&self, user: UserNo) -> Vec<DeviceNo> {
        let shard = self.shard(user).read();
        let places = shard.get(&user).map_or(&[][..], Vec::as_slice);
        places.iter().map(|place| place.device).collect()
    }

    /// Ends the sessions of one device, or of all of a user's.
    pub(crate) fn end(&self, user: UserNo, device: Option<DeviceNo>, ended: &Ended) {
        let gone = self.take_out(user, |place| device.is_none_or(|device| place.device == device));
        end_each(&gone, ended);
    }

    /// Ends every session.
    pub(crate) fn end_all(&self, ended: &Ended) {
        for shard in &self.shards {
            let users = {
                let mut shard = shard.write();
                shard.keys().for_each(|user| self.board.went(*user));
                std::mem::take(&mut *shard)
            };
            for (user, places) in users {
                self.sessions.fetch_sub(places.len(), Ordering::Relaxed);
                self.note_gone(user, &places);
                end_each(&places, ended);
            }
        }
        metrics::sessions(self.sessions());
    }

    /// Shows every session of a user to `see`.
    pub(crate) fn each(&self, user: UserNo, mut see: impl FnMut(&Arc<Slot>)) {
        if let Some(places) = self.shard(user).read().get(&user) {
            places.iter().for_each(|place| see(&place.slot));
        }
    }

    /// Who follows whom.
    pub(crate) const fn board(&self) -> &Arc<Board> {
        &self.board
    }

    pub(crate) fn sessions(&self) -> usize {
        self.sessions.load(Ordering::Relaxed)
    }

    pub(crate) fn users(&self) -> usize {
        self.shards.iter().map(|shard| shard.read().len()).sum()
    }

    fn take_out(&self, user: UserNo, mut gone: impl FnMut(&Place) -> bool) -> Vec<Place> {
        let mut shard = self.shard(user).write();
        let Some(places) = shard.get_mut(&user) else {
            return Vec::new();
        };
        let taken: Vec<Place> = places.extract_if(.., |place| gone(place)).collect();
        if places.is_empty() {
            shard.remove(&user);
            self.board.went(user);
        }
        drop(shard);
        self.note_gone(user, &taken);
        let before = self.sessions.fetch_sub(taken.len(), Ordering::Relaxed);
        metrics::sessions(before - taken.len());
        taken
    }

    /// These sessions are over: they follow nobody, and their devices were connected until now.
    fn note_gone(&self, user: UserNo, places: &[Place]) {
        let at = self.clock.now();
        let seen = places.iter().map(|place| {
            self.board.ended(place.id);
            SoftPosition::Seen { device: DeviceKey { user, device: place.device }, at }
        });
        let seen: Vec<SoftPosition> = seen.collect();
        if !seen.is_empty() {
            self.ledger.note_positions(&seen);
        }
    }
}

fn end_each(places: &[Place], ended: &Ended) {
    places.iter().for_each(|place| place.slot.end(ended.clone()));
}
