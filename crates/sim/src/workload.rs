//! What people do in a run by chance. A new kind of command needs one line in [`HABITS`] and one arm in
//! [`Chaos::do_it`]; a kind that the checker shall judge is noted by the scribe (`scribe.rs`, `composed`).

use anser_types::{
    Alteration, Clock as _, Command, Content, ConversationId, Message, Seq, SetGroup, Target,
    UnixMs,
};

use crate::chaos::Chaos;
use crate::coverage::Rare;

/// A kind of thing that somebody does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Habit {
    /// Says something to somebody, themselves included, or to the group.
    Say,
    /// Says a lot at once.
    Burst,
    /// Reads a conversation up to a message they hold.
    Read,
    /// Makes the group a channel, in some runs. Who may not is refused.
    MakeChannel,
    /// Leaves the group, removes somebody, or invites somebody. Who may not is refused, which is as good a test.
    ChangeMembers,
    /// Edits what they said, takes it back, reacts to something or pins it. Who may not is refused.
    Alter,
    /// Keeps their lists: contacts, drafts, what stands above.
    KeepLists,
    /// Puts something away for themselves.
    PutAway,
    /// Blocks somebody or hears them again, shows how far they have read or keeps it to themselves.
    KeepApart,
    /// Wants to know from now on who is there.
    Follow,
    /// Sends again what the server lost when it was restored from a backup.
    ResendLost,
}

/// Everything people do, by how often they do it.
const HABITS: &[(u64, Habit)] = &[
    (69, Habit::Say),
    (2, Habit::Burst),
    (24, Habit::Read),
    (1, Habit::MakeChannel),
    (4, Habit::ChangeMembers),
    (8, Habit::Alter),
    (3, Habit::KeepLists),
    (2, Habit::PutAway),
    (2, Habit::KeepApart),
    (1, Habit::Follow),
    (1, Habit::ResendLost),
];

/// What is done to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    Edit,
    TakeBack,
    React,
    Pin,
}

/// All of them, by how often they are done.
const ALTERATIONS: &[(u64, Deed)] =
    &[(40, Deed::Edit), (10, Deed::TakeBack), (35, Deed::React), (15, Deed::Pin)];

/// What people react with.
const EMOJIS: &[&str] = &["👍", "❤", "😂"];

/// How many of the newest messages are altered most.
const NEWEST: usize = 12;

/// Of a hundred messages so many are to be forgotten, and of those to one person so many burn.
const TIMED: u64 = 6;
/// When such messages expire, at the latest.
const EXPIRES_WITHIN_MS: u64 = 60_000;
/// When they burn after they were read, at the latest.
const BURNS_WITHIN_MS: u64 = 20_000;

/// Messages of a burst, at the most.
const BURST: u64 = 40;

impl Chaos<'_> {
    /// Somebody does something.
    pub(crate) async fn live(&mut self) {
        let device = self.any_device();
        match self.pick(HABITS) {
            Habit::Burst => {
                for _ in 0..self.below(BURST) {
                    self.do_it(Habit::Say, device).await;
                }
            }
            habit => self.do_it(habit, device).await,
        }
    }

    /// A device says something to somebody or to the group.
    pub(crate) async fn say(&mut self, device: usize) {
        let command = self.words();
        self.compose(device, command).await;
    }

    async fn do_it(&mut self, habit: Habit, device: usize) {
        match habit {
            Habit::Say | Habit::Burst => {
                self.switch_on(device);
                self.say(device).await;
            }
            Habit::Read => {
                if let Some(command) = self.reading(device) {
                    self.compose(device, command).await;
                }
            }
            Habit::MakeChannel => {
                if self.channels {
                    let set = SetGroup { channel: true, ..SetGroup::default() };
                    let conversation = self.world.group;
                    self.compose(device, Command::UpdateGroup { conversation, set }).await;
                }
            }
            Habit::ChangeMembers => {
                if let Some(command) = self.membership() {
                    self.compose(device, command).await;
                }
            }
            Habit::Alter => {
                if let Some(command) = self.alteration(device) {
                    self.compose(device, command).await;
                }
            }
            Habit::KeepLists => {
                if let Some(command) = self.list_keeping() {
                    self.compose(device, command).await;
                }
            }
            Habit::PutAway => {
                if let Some(command) = self.putting_away(device) {
                    self.compose(device, command).await;
                }
            }
            Habit::KeepApart => {
                if let Some(command) = self.keeping_apart(device) {
                    self.compose(device, command).await;
                }
            }
            Habit::Follow => {
                self.world.devices[device].follow(self.world.users.clone()).await;
            }
            Habit::ResendLost => {
                for command in self.world.devices[device].take_lost() {
                    if self.compose(device, command).await {
                        self.world.coverage.note(Rare::LostResent);
                    }
                }
            }
        }
    }

    /// Whether it is refused or lost with its device is for the checker to judge. True if the device took it.
    async fn compose(&mut self, device: usize, command: Command) -> bool {
        let device = &self.world.devices[device];
        if device.is_on() && device.plug.is_pulled() {
            self.world.coverage.note(Rare::ComposedOffline);
            if matches!(command, Command::Alter { alteration: Alteration::Edit(_), .. }) {
                self.world.coverage.note(Rare::EditedOffline);
            }
            let user = device.identity().user;
            let own = || self.world.devices.iter().filter(|device| device.identity().user == user);
            if own().count() > 1 && own().all(|device| device.is_on() && device.plug.is_pulled()) {
                self.world.coverage.note(Rare::BothOffline);
            }
        }
        let taken = matches!(device.compose(command).await, Some(Ok(_)));
        self.commands += u64::from(taken);
        taken
    }

    fn words(&mut self) -> Command {
        let to = match self.world.random.pick(&self.world.users) {
            Some(user) if self.chance(60) => Target::User(user.clone()),
            _ => Target::Conversation(self.world.group),
        };
        // Every text is said once, so that bodies tell messages apart. Some are long, and fill buffers.
        self.said += 1;
        let mut text = format!("message {} of this run", self.said);
        if self.chance(5) {
            text.push_str(&" and so on".repeat(300));
        }
        let mut content = Content::text(text);
        if matches!(to, Target::Conversation(_)) && self.chance(10) {
            content.mentions.extend(self.world.random.pick(&self.world.users).cloned());
        }
        self.give_a_time(&to, &mut content);
        Command::SendMessage { to, content }
    }

    /// Something done to a message that the device holds, rather to one of the last.
    fn alteration(&mut self, device: usize) -> Option<Command> {
        let what = self.pick(ALTERATIONS);
        let (conversation, seq, of, expires_at) = {
            let store = self.world.devices[device].store.lock();
            let me = store.identity().user.clone();
            let own_only = matches!(what, Deed::Edit | Deed::TakeBack) && self.chance(90);
            let held = store.messages.values().map(|stored| &stored.message);
            let held: Vec<_> = held
                .filter(|message| !own_only || message.sender == me)
                .map(|message| (message.conversation, message.server_time, message.seq))
                .collect();
            let (conversation, seq) = self.one_of(held)?;
            // As the SDK does: without its name another message might be hit that a restored server has in its place.
            let meant = store.messages.get(&(conversation, seq)).map(|stored| &stored.message);
            let of = meant.map(|message| message.id);
            (conversation, seq, of, meant.and_then(Message::expires_at))
        };
        let on = self.chance(70);
        let alteration = match what {
            Deed::Edit => {
                // Every edited text is said once as well.
                self.said += 1;
                // No edit alters when a message must be forgotten.
                let content = Content::text(format!("edit {} of this run", self.said));
                Alteration::Edit(Content { expires_at, ..content })
            }
            Deed::TakeBack => Alteration::Revoke,
            Deed::React => {
                let emoji = self.world.random.pick(EMOJIS).copied().unwrap_or_default();
                Alteration::React { emoji: emoji.to_owned(), on }
            }
            Deed::Pin => Alteration::Pin { on },
        };
        Some(Command::Alter { at: Target::Conversation(conversation), seq, of, alteration })
    }

    /// One of these messages: mostly one of the newest, so that several things happen to the same.
    fn one_of(
        &self,
        mut held: Vec<(ConversationId, UnixMs, Seq)>,
    ) -> Option<(ConversationId, Seq)> {
        held.sort_unstable_by_key(|(conversation, at, seq)| (*at, *conversation, *seq));
        let last = if self.chance(70) { NEWEST.min(held.len()) } else { held.len() };
        let nth = usize::try_from(self.below(last as u64)).ok()?;
        let (conversation, _, seq) = held.into_iter().rev().nth(nth)?;
        Some((conversation, seq))
    }

    /// Some messages are to be forgotten, some time after they were said or after they were read.
    fn give_a_time(&self, to: &Target, content: &mut Content) {
        if self.chance(TIMED) {
            let at = self.world.server.clock.now().0 + 1_000 + self.below(EXPIRES_WITHIN_MS);
            content.expires_at = Some(UnixMs(at));
        }
        if matches!(to, Target::User(_)) && self.chance(TIMED) {
            content.burn_after_ms = u32::try_from(1_000 + self.below(BURNS_WITHIN_MS)).ok();
        }
    }

    fn membership(&self) -> Option<Command> {
        let user = self.world.random.pick(&self.world.users).cloned()?;
        let conversation = self.world.group;
        Some(match self.below(10) {
            0 => Command::Leave { conversation },
            1 => Command::Kick { conversation, users: vec![user] },
            _ => Command::Invite { conversation, users: vec![user] },
        })
    }

    fn reading(&self, device: usize) -> Option<Command> {
        let store = self.world.devices[device].store.lock();
        let nth = usize::try_from(self.below(store.messages.len() as u64)).ok()?;
        let &(conversation, up_to): &(ConversationId, Seq) = store.messages.keys().nth(nth)?;
        Some(Command::MarkRead { at: Target::Conversation(conversation), up_to })
    }
}
