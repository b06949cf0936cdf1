//! The evidence of a run: what every device saw, what history says, and what the store holds.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use anser_backend::{Lists, PageLimit};
use anser_client::io::Identity;
use anser_client::queries::{Query, Reply};
use anser_client::records::{RowUpdate, StoredMessage};
use anser_types::Clock as _;
use anser_types::event::UnavailableReason;
use anser_types::{
    Audience, Change, ChangeKind, Contact, ConversationId, Item, ItemKey, Message, Relation, Seq,
    Settings, Target, Unavailable, UserId,
};
use anyhow::{Context, Result, bail};
use tokio::time::sleep;

use crate::checker::{
    Evidence, History, ListReading, PresenceReading, Stored, UnreadReading, Written, dump_store,
};
use crate::host::Device;
use crate::world::World;

impl World {
    /// Reads everything, by all three ways. Users without a device that is on are not asked.
    ///
    /// # Errors
    /// A question was not answered within a minute.
    pub async fn evidence(&self) -> Result<Evidence> {
        for device in self.devices.iter().filter(|device| device.is_on()) {
            read_doubted(device).await?;
        }
        let backend = self.server.backend();
        let on: Vec<Identity> =
            self.devices.iter().filter(|device| device.is_on()).map(Device::identity).collect();
        let now = self.server.clock.now();
        let mut evidence = Evidence {
            journals: self.scribe.journals(&on),
            presences: self.presences().await?,
            commits: self.audit.commits(),
            now,
            store: dump_store(&backend, &backend).await?,
            restores: self.restores.clone(),
            ..Evidence::default()
        };
        for device in self.devices.iter().filter(|device| device.is_on()) {
            evidence.lists.push(lists_of(device, &backend).await?);
        }
        for user in &self.users {
            let own = |device: &&Device| device.is_on() && device.identity().user == *user;
            if let Some(device) = self.devices.iter().find(own) {
                read_everything(device, &mut evidence).await?;
            }
        }
        evidence.latest = self.server.clock.latest();
        Ok(evidence)
    }

    /// What followers know of those whom they may see.
    async fn presences(&self) -> Result<Vec<PresenceReading>> {
        let online: BTreeSet<UserId> = self.on().map(|device| device.identity().user).collect();
        let mut readings = Vec::new();
        for device in self.on() {
            let Identity { user, device: no, .. } = device.identity();
            for (of, told) in device.told() {
                if self.may_see(&user, &of).await? {
                    let online = online.contains(&of);
                    readings.push(PresenceReading {
                        user: user.clone(),
                        device: no,
                        of,
                        online,
                        told,
                    });
                }
            }
        }
        Ok(readings)
    }

    /// Whether one of these lets the other see how they are, and the server was told so: where hints are lost, it knows of
    /// changes of lists only what it read when the session began.
    async fn may_see(&self, user: &UserId, of: &UserId) -> Result<bool> {
        if user == of {
            return Ok(true);
        }
        let concerns = |what: &Written| match what {
            Written::ShowRead { user, .. } => user == of,
            Written::Blocked { by, whom, .. } => [(user, of), (of, user)].contains(&(by, whom)),
            _ => false,
        };
        let changed = self
            .audit
            .commits()
            .iter()
            .any(|commit| commit.from_ns >= self.healed_ns && concerns(&commit.what));
        if changed && self.server.hints.are_lost() {
            return Ok(false);
        }
        let backend = self.server.backend();
        let item = |owner: &UserId, key: ItemKey| backend.item(ConversationId::own(owner), key);
        let settings = item(of, ItemKey::settings()).await?;
        let settings = match settings.as_ref().and_then(|change| change.item()) {
            Some(Item::Settings(settings)) => *settings,
            _ => Settings::default(),
        };
        let theirs = contact(item(of, ItemKey::contact(user)).await?.as_ref());
        let mine = contact(item(user, ItemKey::contact(of)).await?.as_ref());
        let blocked = [&theirs, &mine].into_iter().flatten().any(|contact| contact.blocked);
        Ok(!blocked
            && match settings.last_seen {
                Audience::Everybody => true,
                Audience::Contacts => {
                    theirs.is_some_and(|contact| contact.relation == Relation::Contact)
                }
                Audience::Nobody => false,
            })
    }

    fn on(&self) -> impl Iterator<Item = &Device> {
        self.devices.iter().filter(|device| device.is_on())
    }
}

fn contact(change: Option<&Arc<Change>>) -> Option<Contact> {
    match change.and_then(|change| change.item()) {
        Some(Item::Contact(contact)) => Some(contact.clone()),
        _ => None,
    }
}

/// What a device holds of its user's lists, and what the store does.
async fn lists_of(device: &Device, store: &dyn Lists) -> Result<ListReading> {
    let Identity { user, device: no, .. } = device.identity();
    let (all, nothing) = (PageLimit { entries: usize::MAX, bytes: usize::MAX }, ItemKey::default());
    let own = ConversationId::own(&user);
    let found = store.items(own, nothing.clone(), nothing, all).await?;
    let stored = found.iter().filter_map(|change| match &change.kind {
        ChangeKind::Item(item) => Some((item.key(), change.as_ref().clone())),
        _ => None,
    });
    let stored = stored.collect();
    let (shown, put_away) = {
        let held = device.store.lock();
        (held.items.clone(), held.put_away().clone())
    };
    Ok(ListReading { user, device: no, shown, stored, put_away })
}

/// Somebody opens every conversation of which their device may have missed changes: what it doubts is read again, and
/// kept, as the SDK does before it calls a page complete.
async fn read_doubted(device: &Device) -> Result<()> {
    let conversations = device.store.lock().doubted_conversations();
    for conversation in conversations {
        let mut after = Seq::ZERO;
        loop {
            let (messages, unavailable, more) = history_page(device, conversation, after).await?;
            let Some(last) = last_of(&messages, &unavailable) else { break };
            let doubted = {
                let store = device.store.lock();
                let held = messages.into_iter().filter_map(|message| {
                    let held = store.messages.get(&(conversation, message.seq))?;
                    let peer = held.peer.clone();
                    let doubted = store.is_doubted(conversation, message.seq);
                    doubted.then_some(StoredMessage {
                        message,
                        peer,
                        inbox_seq: None,
                        by_channel: false,
                        own: None,
                    })
                });
                held.collect()
            };
            device.keep(doubted);
            if !more {
                break;
            }
            after = last;
        }
    }
    Ok(())
}

/// A page of a conversation's history after a message: what it gives, what it cannot give, whether more follows.
async fn history_page(
    device: &Device,
    conversation: ConversationId,
    after: Seq,
) -> Result<(Vec<Message>, Vec<Unavailable>, bool)> {
    let of = Target::Conversation(conversation);
    let query = Query::History { of, after, before: Seq::ZERO, limit: 100, oldest_first: true };
    let Reply::History { messages, unavailable, more, .. } = ask(device, query).await? else {
        bail!("history was answered by something else")
    };
    Ok((messages, unavailable, more))
}

/// How far a page reaches: what its reader has put away is only named.
fn last_of(messages: &[Message], unavailable: &[Unavailable]) -> Option<Seq> {
    let named = unavailable.iter().map(|range| range.to);
    messages.iter().map(|message| message.seq).chain(named).max()
}

async fn read_everything(device: &Device, evidence: &mut Evidence) -> Result<()> {
    let me = device.identity();
    let query = Query::Conversations { after: None, limit: 500 };
    let Reply::Conversations { page, .. } = ask(device, query).await? else {
        bail!("the list of conversations was answered by something else")
    };
    for row in page {
        if let RowUpdate::Full(state) = &row.update {
            let (user, count) = (me.user.clone(), u64::from(state.unread));
            evidence.unread.push(UnreadReading { user, conversation: row.conversation, count });
        }
        evidence.histories.push(read_history(device, &me, row.conversation).await?);
    }
    Ok(())
}

/// Asks as a patient app does: what can be tried again is, for a minute.
async fn ask(device: &Device, query: Query) -> Result<Reply> {
    for _ in 0..60 {
        match device.ask(query.clone()).await.context("the device is off")? {
            Err(refusal) if refusal.code.retryable() => sleep(Duration::from_secs(1)).await,
            other => return Ok(other?),
        }
    }
    bail!("no answer within a minute")
}

async fn read_history(
    device: &Device,
    me: &Identity,
    conversation: ConversationId,
) -> Result<History> {
    let mut history = History {
        reader: me.user.clone(),
        conversation,
        messages: Vec::new(),
        unavailable: Vec::new(),
        put_away: Vec::new(),
    };
    let mut after = Seq::ZERO;
    loop {
        let (messages, unavailable, more) = history_page(device, conversation, after).await?;
        history.messages.extend(messages.iter().map(Stored::from));
        for range in &unavailable {
            history.unavailable.push((range.from, range.to));
            if range.reason == UnavailableReason::PutAway {
                history.put_away.push((range.from, range.to));
            }
        }
        match last_of(&messages, &unavailable) {
            Some(last) if more => after = last,
            _ => return Ok(history),
        }
    }
}
