//! What people do about their own lists: contacts, names for them, drafts, what stands above in the list; what they put
//! away for themselves; whom they do not want to hear, and what they do not want to show.

use anser_types::{
    Audience, Command, ContactAct, Item, Notify, Seq, SetOptions, SetSettings, Target,
};

use crate::chaos::Chaos;

impl Chaos<'_> {
    /// One such thing; who may not is refused.
    pub(crate) fn list_keeping(&mut self) -> Option<Command> {
        let user = self.world.random.pick(&self.world.users).cloned()?;
        self.said += 1;
        let text = format!("of note {}", self.said);
        let draft = |draft| SetOptions { draft: Some(draft), ..SetOptions::default() };
        Some(match self.below(10) {
            0 | 1 => Command::Contact { user, act: ContactAct::Apply { greeting: text } },
            2 | 3 => Command::Contact { user, act: ContactAct::Accept },
            4 => Command::Contact { user, act: ContactAct::Remove },
            5 => Command::Contact { user, act: ContactAct::Refuse },
            6 => Command::Contact { user, act: ContactAct::Remark(text) },
            7 => Command::SetOptions { at: Target::User(user), set: draft(text) },
            8 => Command::SetOptions {
                at: Target::Conversation(self.world.group),
                set: SetOptions {
                    pinned: Some(self.chance(50)),
                    notify: Some(Notify::Mentions).filter(|_| self.chance(50)),
                    ..SetOptions::default()
                },
            },
            _ => Command::SetSettings(SetSettings {
                last_seen: self
                    .world
                    .random
                    .pick(&[Audience::Everybody, Audience::Nobody])
                    .copied(),
                ..SetSettings::default()
            }),
        })
    }

    /// Something of what the device holds is removed, cleared away with all before it, or left out of the list.
    pub(crate) fn putting_away(&mut self, device: usize) -> Option<Command> {
        let (conversation, seq) = {
            let store = self.world.devices[device].store.lock();
            let nth = usize::try_from(self.below(store.messages.len() as u64)).ok()?;
            *store.messages.keys().nth(nth)?
        };
        let at = Target::Conversation(conversation);
        let options = |set| Command::SetOptions { at: at.clone(), set };
        Some(match self.below(10) {
            0 | 1 => options(SetOptions { cleared_up_to: Some(seq), ..SetOptions::default() }),
            2 => options(SetOptions { hidden_up_to: Some(seq), ..SetOptions::default() }),
            3 => options(SetOptions { hidden_up_to: Some(Seq::ZERO), ..SetOptions::default() }),
            _ => Command::Hide { at, seqs: vec![seq] },
        })
    }

    /// Somebody is blocked, or heard again: most blocks do not last, so that people go on talking.
    pub(crate) fn keeping_apart(&mut self, device: usize) -> Option<Command> {
        let blocked = {
            let store = self.world.devices[device].store.lock();
            let contacts = store.items.values().filter_map(|change| match change.item() {
                Some(Item::Contact(contact)) if contact.blocked => Some(contact.user.clone()),
                _ => None,
            });
            let contacts: Vec<_> = contacts.collect();
            self.world.random.pick(&contacts).cloned()
        };
        Some(match self.below(10) {
            0..2 => {
                let user = self.world.random.pick(&self.world.users).cloned()?;
                Command::Contact { user, act: ContactAct::Block }
            }
            2..6 => Command::Contact { user: blocked?, act: ContactAct::Unblock },
            _ => {
                let show_read = Some(self.chance(50));
                Command::SetSettings(SetSettings { show_read, ..SetSettings::default() })
            }
        })
    }
}
