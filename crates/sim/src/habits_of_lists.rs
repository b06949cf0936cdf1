//! What people do about their own lists: contacts, names for them, drafts, what stands above in the list. Nothing that
//! would put messages away or stop them: what those do is judged by the service's own tests.

use anser_types::{Audience, Command, ContactAct, Notify, SetOptions, SetSettings, Target};

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
}
