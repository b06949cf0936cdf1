//! What the scribe writes down of what passes: messages that have a time, and what users put away for themselves.

use anser_client::io::Identity;
use anser_client::records::Record;
use anser_types::{ChangeKind, Content, Item, ItemKey, MessageId, UserId};

use super::Scribe;
use crate::checker::What;
use crate::coverage::Rare;
use crate::store::DeviceStore;

impl Scribe {
    /// A message was composed: whether it must be forgotten.
    pub(super) fn note_times(&self, user: &UserId, id: MessageId, content: &Content) {
        let (local_no, expires_at) = (id.local_no, content.expires_at);
        if expires_at.is_some() || content.burn_after_ms.is_some() {
            self.note_of(user, id.device, What::Timed { local_no, expires_at });
        }
    }

    /// Somebody reads.
    pub(super) fn reads_unseen(&self, store: &DeviceStore) {
        let settings = store.items.get(&ItemKey::settings()).and_then(|change| change.item());
        if matches!(settings, Some(Item::Settings(settings)) if !settings.show_read) {
            self.coverage.note(Rare::ReadUnseen);
        }
    }

    /// A device goes on with this store.
    pub(super) fn begins_with(&self, device: &Identity, store: &DeviceStore) {
        let mut state = self.state.lock();
        let pen = state.pen(&device.user, device.device);
        state.put_away.insert(pen, store.put_away().clone());
    }

    /// After a transaction: whether the store shows again what it did not show before.
    pub(super) fn puts_away(&self, device: &Identity, records: &[Record], store: &DeviceStore) {
        let concerns = |record: &Record| match record {
            Record::ItemsForgotten | Record::ItemStored(_) | Record::NotOnServer { .. } => true,
            Record::ChangeStored { change, .. } => matches!(change.kind, ChangeKind::Item(_)),
            _ => false,
        };
        if !records.iter().any(concerns) {
            return;
        }
        let now = store.put_away();
        let mut before = {
            let mut state = self.state.lock();
            let pen = state.pen(&device.user, device.device);
            state.put_away.insert(pen, now.clone()).unwrap_or_default()
        };
        for record in records {
            match record {
                Record::NotOnServer { conversation, above } => before.lose(*conversation, *above),
                Record::ItemsForgotten if !before.is_empty() => {
                    self.coverage.note(Rare::PutAwayRebuilt);
                }
                _ => {}
            }
        }
        for (conversation, seq) in before.not_in(now) {
            self.note(device, What::ShownAgain { conversation, seq });
        }
    }
}
