//! What a session says about whom it follows.

use std::sync::atomic::{AtomicU64, Ordering};

use anser_backend::{DeviceKey, SoftPosition};
use anser_types::{Refusal, UserId, limits};

use crate::api::Signal;
use crate::session::Shared;

/// Follows users. What is not possible is said, by a signal that names those left out.
pub(crate) fn watch(session: &Shared, users: Vec<UserId>) {
    let Shared { service, caller, slot, place, .. } = session;
    let who = (caller.user_no, caller.user.clone());
    if let Some((users, refusal)) = service.board().watch(*place, &who, slot, users) {
        refuse(session, users, refusal);
    }
}

/// Follows them no more.
pub(crate) fn unwatch(session: &Shared, users: &[UserId]) {
    session.service.board().unwatch(session.place, users, &session.slot);
}

/// Says that users are not followed, and why.
pub(crate) fn refuse(session: &Shared, users: Vec<UserId>, refusal: Refusal) {
    crate::metrics::refused(refusal.code);
    if session.slot.push_signal(Signal::PresenceRefused { users, refusal }) {
        session.slot.wake();
    }
}

/// Notes now and then that the device is still connected, so that a crash sets back only a little when it was last.
pub(crate) fn note_seen(session: &Shared, noted: &AtomicU64) {
    let now = session.service.clock().now();
    let before = noted.load(Ordering::Relaxed);
    if now.0.saturating_sub(before) < limits::LAST_SEEN_EVERY_MS {
        return;
    }
    noted.store(now.0, Ordering::Relaxed);
    let device = DeviceKey { user: session.caller.user_no, device: session.caller.device };
    session.service.ledger().note_positions(&[SoftPosition::Seen { device, at: now }]);
}
