//! One's own lists and the requests to join a group.

use anser_types::limits::{ALIAS_MAX_BYTES, DRAFT_MAX_BYTES, GREETING_MAX_BYTES};
use anser_types::{
    Audience, Contact, ContactAct, Item, JoinRequest, JoinState, Notify, Options, Refusal,
    Relation, Seq, SetOptions, SetSettings, Settings,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::scalars::{ConversationText, Number, UserName, given, named, text};

named! {
    /// What two users are to each other, seen by one of them.
    RelationName of Relation {
        /// Nothing.
        None,
        /// One has applied and waits for the other's answer.
        Applied,
        /// The other one has applied and waits for one's answer.
        Asked,
        /// Contacts: both agreed.
        Contact,
        /// One had applied and was refused.
        Refused,
    }
}

named! {
    /// For which messages a device should make itself heard.
    NotifyName of Notify {
        /// All.
        All,
        /// Those that call the reader.
        Mentions,
        /// None.
        Nothing,
    }
}

named! {
    /// Whom something is open to.
    AudienceName of Audience {
        /// Everybody who has an account here.
        Everybody,
        /// One's contacts.
        Contacts,
        /// Nobody.
        Nobody,
    }
}

named! {
    /// What became of a request to join.
    JoinStateName of JoinState {
        /// It waits for an answer.
        Waiting,
        /// Its author was let in.
        Accepted,
        /// It was refused.
        Refused,
    }
}

/// What one is to another user. Who was one once stays with `none`.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Contact)]
pub(crate) struct ContactJson {
    user: UserName,
    relation: RelationName,
    /// One's own name for them; they do not see it.
    remark: String,
    /// One does not want to hear from them; they are not told.
    blocked: bool,
    /// What was said with the last application.
    greeting: String,
}

impl From<&Contact> for ContactJson {
    fn from(contact: &Contact) -> Self {
        Self {
            user: (&contact.user).into(),
            relation: contact.relation.into(),
            remark: contact.remark.clone(),
            blocked: contact.blocked,
            greeting: contact.greeting.clone(),
        }
    }
}

/// What one does about another user.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(tag = "act", rename_all = "snake_case")]
#[schema(as = ContactAct, example = json!({"act": "apply", "greeting": "hi"}))]
pub(crate) enum ContactActJson {
    /// Asks to be contacts. If the other one has asked already, both are.
    Apply {
        #[serde(default)]
        #[schema(schema_with = text::<GREETING_MAX_BYTES>)]
        greeting: String,
    },
    /// Says yes to an application.
    Accept,
    /// Says no to an application.
    Refuse,
    /// Gives them a name of one's own; an empty one takes it away.
    Remark {
        #[schema(schema_with = text::<ALIAS_MAX_BYTES>)]
        remark: String,
    },
    /// Ends it for both, or takes an application back.
    Remove,
    /// Wants to hear nothing more from them.
    Block,
    /// Would hear from them again.
    Unblock,
}

impl From<ContactActJson> for ContactAct {
    fn from(act: ContactActJson) -> Self {
        match act {
            ContactActJson::Apply { greeting } => Self::Apply { greeting },
            ContactActJson::Accept => Self::Accept,
            ContactActJson::Refuse => Self::Refuse,
            ContactActJson::Remark { remark } => Self::Remark(remark),
            ContactActJson::Remove => Self::Remove,
            ContactActJson::Block => Self::Block,
            ContactActJson::Unblock => Self::Unblock,
        }
    }
}

/// How one wants a conversation shown, on all one's devices.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Options)]
pub(crate) struct OptionsJson {
    conversation: ConversationText,
    /// It stands above the others.
    pinned: bool,
    notify: NotifyName,
    /// It is left out of the list until a message above this one comes; 0: it is not.
    hidden_up_to: Number,
    /// Everything up to here was cleared away for oneself.
    cleared_up_to: Number,
    /// What was begun and not yet sent.
    draft: String,
}

impl From<&Options> for OptionsJson {
    fn from(options: &Options) -> Self {
        Self {
            conversation: options.conversation.into(),
            pinned: options.pinned,
            notify: options.notify.into(),
            hidden_up_to: options.hidden_up_to.0.into(),
            cleared_up_to: options.cleared_up_to.0.into(),
            draft: options.draft.clone(),
        }
    }
}

/// Which options to change; what is absent stays.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[schema(as = SetOptions, example = json!({"pinned": true, "notify": "mentions"}))]
pub(crate) struct SetOptionsJson {
    pinned: Option<bool>,
    notify: Option<NotifyName>,
    /// 0 shows it again.
    hidden_up_to: Option<Number>,
    /// Moves forward only.
    cleared_up_to: Option<Number>,
    #[schema(schema_with = text::<DRAFT_MAX_BYTES>)]
    draft: Option<String>,
}

impl SetOptionsJson {
    pub(crate) fn read(self) -> Result<SetOptions, Refusal> {
        Ok(SetOptions {
            pinned: self.pinned,
            notify: self.notify.map(Into::into),
            hidden_up_to: given("hidden_up_to", self.hidden_up_to.as_ref())?.map(Seq),
            cleared_up_to: given("cleared_up_to", self.cleared_up_to.as_ref())?.map(Seq),
            draft: self.draft,
        })
    }
}

/// What one lets others do and see.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Settings)]
pub(crate) struct SettingsJson {
    /// Who may begin a direct conversation with one.
    write_first: AudienceName,
    /// Who sees whether one is online, and when one was last.
    last_seen: AudienceName,
    /// Whether others are told how far one has read.
    show_read: bool,
}

impl From<Settings> for SettingsJson {
    fn from(settings: Settings) -> Self {
        Self {
            write_first: settings.write_first.into(),
            last_seen: settings.last_seen.into(),
            show_read: settings.show_read,
        }
    }
}

/// Which settings to change; what is absent stays.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[schema(as = SetSettings, example = json!({"write_first": "contacts"}))]
pub(crate) struct SetSettingsJson {
    write_first: Option<AudienceName>,
    last_seen: Option<AudienceName>,
    show_read: Option<bool>,
}

impl From<SetSettingsJson> for SetSettings {
    fn from(set: SetSettingsJson) -> Self {
        Self {
            write_first: set.write_first.map(Into::into),
            last_seen: set.last_seen.map(Into::into),
            show_read: set.show_read,
        }
    }
}

/// Somebody asks to come into a group.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = JoinRequest)]
pub(crate) struct JoinRequestJson {
    user: UserName,
    greeting: String,
    state: JoinStateName,
}

impl From<&JoinRequest> for JoinRequestJson {
    fn from(request: &JoinRequest) -> Self {
        Self {
            user: (&request.user).into(),
            greeting: request.greeting.clone(),
            state: request.state.into(),
        }
    }
}

/// A message one has removed for oneself.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Hidden)]
pub(crate) struct HiddenJson {
    conversation: ConversationText,
    seq: Number,
}

/// An item of a list, as a change carries it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(tag = "item", rename_all = "snake_case")]
#[schema(as = Item)]
pub(crate) enum ItemJson {
    Contact(ContactJson),
    Options(OptionsJson),
    Settings(SettingsJson),
    Hidden(HiddenJson),
    JoinRequest(JoinRequestJson),
}

impl ItemJson {
    /// Reports are told to nobody but operators.
    pub(crate) fn of(item: &Item) -> Option<Self> {
        Some(match item {
            Item::Contact(contact) => Self::Contact(contact.into()),
            Item::Options(options) => Self::Options(options.into()),
            Item::Settings(settings) => Self::Settings((*settings).into()),
            Item::Hidden { conversation, seq } => {
                Self::Hidden(HiddenJson { conversation: (*conversation).into(), seq: seq.0.into() })
            }
            Item::JoinRequest(request) => Self::JoinRequest(request.into()),
            Item::Report(_) => return None,
        })
    }
}
