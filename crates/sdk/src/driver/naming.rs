//! An alteration also names the message it means by its identity: a restored server may hold another one in its place. The
//! store knows it; what the app asks for next waits meanwhile, so that everything is composed in the order it was asked.

use anser_types::{Command, ConversationId, MessageId, Seq, Target, UserId};

use super::requests::Composed;
use super::waits::Work;
use crate::store::{ArrivalNo, Store};

/// An alteration that is not composed yet.
pub(super) struct Naming {
    command: Command,
    confirm: Option<ArrivalNo>,
    reply: Composed,
    pub(super) work: Work<Option<MessageId>>,
}

impl Naming {
    /// The place of the message that has to be looked up, if the command alters one.
    pub(super) fn place(me: &UserId, command: &Command) -> Option<(ConversationId, Seq)> {
        match command {
            Command::Alter { at: Target::User(peer), seq, of: None, .. } => {
                Some((ConversationId::direct(me, peer), *seq))
            }
            Command::Alter { at: Target::Conversation(id), seq, of: None, .. } => Some((*id, *seq)),
            _ => None,
        }
    }

    /// Looks it up.
    pub(super) fn begin(
        store: Store,
        (conversation, seq): (ConversationId, Seq),
        command: Command,
        confirm: Option<ArrivalNo>,
        reply: Composed,
    ) -> Self {
        // A store that fails says so when the command is to be kept; without a name it is the one at this place.
        let work: Work<_> = Box::pin(async move {
            store.message(conversation, seq).await.ok().flatten().map(|message| message.id)
        });
        Self { command, confirm, reply, work }
    }

    /// The command with its message's name.
    pub(super) fn named(self, name: Option<MessageId>) -> (Command, Option<ArrivalNo>, Composed) {
        let mut command = self.command;
        if let Command::Alter { of, .. } = &mut command {
            *of = name;
        }
        (command, self.confirm, self.reply)
    }
}
