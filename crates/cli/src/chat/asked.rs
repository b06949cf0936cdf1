//! What the user asks the server for about people, groups and lists, and the pages that show them.

use anser_sdk::{Client, Error};
use anser_types::report::Reported;
use anser_types::{
    Contact, ContactAct, ConversationId, JoinRequest, MemberAct, Refusal, Seq, SetGroup,
    SetOptions, SetSettings, Settings, Target, UserId,
};

use super::reporting::Report;
use super::step::Input;
use super::texts::Text;
use crate::readers::{self, Readers};

/// Something the server is asked to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// About another user.
    Contact(UserId, ContactAct),
    /// What a group is.
    Group(ConversationId, SetGroup),
    /// What a member of a group may, or is called.
    Member(ConversationId, UserId, MemberAct),
    /// That a group ends.
    Dismiss(ConversationId),
    /// To come into a group, with what is said to it.
    Join(ConversationId, String),
    /// To let somebody in who asked (`true`), or not.
    Answer(ConversationId, UserId, bool),
    /// How a conversation is shown.
    Options(Target, SetOptions),
    /// To leave a conversation out of the list until its next message.
    Hide(Target),
    /// To clear a conversation for oneself.
    Clear(Target),
    /// To remove messages for oneself.
    Forget(Target, Vec<Seq>),
    /// What one lets others do and see.
    Settings(SetSettings),
    /// The operators to look at something.
    Report(Report),
}

impl Asked {
    /// The command that asks for it.
    #[must_use]
    pub const fn command(&self) -> &'static str {
        match self {
            Self::Contact(_, act) => match act {
                ContactAct::Apply { .. } => "/contact apply",
                ContactAct::Accept => "/contact accept",
                ContactAct::Refuse => "/contact refuse",
                ContactAct::Remark(_) => "/contact remark",
                ContactAct::Remove => "/contact remove",
                ContactAct::Block => "/contact block",
                ContactAct::Unblock => "/contact unblock",
            },
            Self::Group(..) | Self::Member(..) => "/group",
            Self::Dismiss(_) => "/group dismiss",
            Self::Join(..) => "/group join",
            Self::Answer(_, _, true) => "/group accept",
            Self::Answer(_, _, false) => "/group refuse",
            Self::Options(_, set) if set.pinned.is_some() => "/pin-chat",
            Self::Options(..) => "/mute",
            Self::Hide(_) => "/hide",
            Self::Clear(_) => "/clear",
            Self::Forget(..) => "/forget",
            Self::Settings(_) => "/settings",
            Self::Report(_) => "/report",
        }
    }

    /// What is said when it was done, with whom it is about.
    fn done(&self) -> Input {
        match self {
            Self::Contact(user, act) => {
                let text = match act {
                    ContactAct::Apply { .. } => Text::DoneApply,
                    ContactAct::Accept => Text::DoneAccept,
                    ContactAct::Block => Text::DoneBlock,
                    ContactAct::Unblock => Text::DoneUnblock,
                    ContactAct::Remove => Text::DoneRemove,
                    ContactAct::Refuse | ContactAct::Remark(_) => Text::Done,
                };
                Input::Done(text, vec![user.clone()])
            }
            Self::Join(..) => Input::Done(Text::DoneJoin, Vec::new()),
            Self::Report(report) => {
                let text = match report.about {
                    Reported::Message { .. } => Text::DoneReportMessage,
                    Reported::User(_) => Text::DoneReportUser,
                    Reported::Conversation(_) => Text::DoneReport,
                };
                Input::Done(text, report.whom.iter().cloned().collect())
            }
            _ => Input::Done(Text::Done, Vec::new()),
        }
    }

    /// Asks the server, waits, and says how it ended.
    pub async fn carry_out(self, client: &Client) -> Input {
        let (command, done) = (self.command(), self.done());
        match self.execute(client).await {
            Ok(()) => done,
            Err(error) => Input::Refused(command, error.into()),
        }
    }

    async fn execute(self, client: &Client) -> Result<(), Error> {
        match self {
            Self::Contact(user, act) => client.act_on_contact(user, act).await,
            Self::Group(group, set) => client.update_group(group, set).await,
            Self::Member(group, user, act) => client.alter_member(group, user, act).await,
            Self::Dismiss(group) => client.dismiss_group(group).await,
            Self::Join(group, greeting) => client.join_group(group, greeting).await,
            Self::Answer(group, user, accept) => {
                client.answer_join_request(group, user, accept).await
            }
            Self::Options(at, set) => client.set_conversation_options(at, set).await,
            Self::Hide(at) => client.hide_conversation(at).await,
            Self::Clear(at) => client.clear_history(at).await,
            Self::Forget(at, seqs) => client.delete_messages_for_me(at, seqs).await,
            Self::Settings(set) => client.set_settings(set).await,
            Self::Report(Report { about, reason, text, .. }) => match about {
                Reported::Message { at, seq } => client.report_message(at, seq, reason, text).await,
                Reported::User(user) => client.report_user(user, reason, text).await,
                Reported::Conversation(of) => client.report_conversation(of, reason, text).await,
            },
        }
        .map(drop)
    }
}

/// Something to be looked up and shown on a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// Everybody one has something to do with.
    Contacts,
    /// Who asks to come into a group.
    Requests(ConversationId),
    /// Who has read a message.
    Readers(Target, Seq),
    /// What one lets others do and see.
    Settings,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listing {
    /// Everybody one has something to do with.
    Contacts(Vec<Contact>),
    /// Who asks to come into a group.
    Requests(Vec<JoinRequest>),
    /// Who has read a message, and who has not.
    Readers(Readers),
    /// What one lets others do and see.
    Settings(Settings),
}

impl Look {
    /// Looks it up.
    pub async fn carry_out(self, client: &Client) -> Input {
        let command = match &self {
            Self::Contacts => "/contact list",
            Self::Requests(_) => "/group requests",
            Self::Readers(..) => "/readers",
            Self::Settings => "/settings",
        };
        match self.find(client).await {
            Ok(listing) => Input::Listed(listing),
            Err(error) => Input::Refused(command, Refusal::from(error)),
        }
    }

    async fn find(self, client: &Client) -> Result<Listing, Error> {
        Ok(match self {
            Self::Contacts => Listing::Contacts(client.contacts().await?),
            Self::Requests(group) => Listing::Requests(client.join_requests(group).await?),
            Self::Readers(at, seq) => Listing::Readers(readers::readers(client, &at, seq).await?),
            Self::Settings => Listing::Settings(client.settings().await?),
        })
    }
}
