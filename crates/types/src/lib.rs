//! Domain values every Anser crate shares: ids, sequence numbers, time, limits, the error catalogue,
//! messages, conversations, commands and events.
//!
//! This crate knows no socket, no store, no wire format and no async runtime. Everything else may use it.

#[macro_use]
mod coded;

pub mod alteration;
pub mod body;
pub mod command;
pub mod conversation;
pub mod error;
pub mod event;
pub mod exit;
pub mod failure;
pub mod file;
pub mod gateway;
pub mod group;
pub mod id;
pub mod limits;
pub mod list;
pub mod message;
pub mod number;
pub mod presence;
pub mod report;
pub mod time;

pub use alteration::{Alteration, Altered, Edition, Reaction};
pub use command::{Answer, Command, Done, Outcome, Target};
pub use conversation::{Conversation, ConversationKind, Cut, Member, Period, Role};
pub use error::{Blame, ErrorCode, Refusal};
pub use event::{Change, ChangeKind, Event, Unavailable};
pub use failure::Failure;
pub use file::{FileId, Look, Sha256, StoredFile, ThumbnailSize, may_be_shown};
pub use gateway::Gateway;
pub use group::{Channel, Group, JoinMode, MemberAct, SetGroup, Staff};
pub use id::{ConversationId, DeviceClass, DeviceNo, InvalidId, MessageId, UserId, UserNo};
pub use list::{
    Audience, Contact, ContactAct, Item, ItemKey, ItemKind, JoinRequest, JoinState, Notify,
    Options, Relation, SetOptions, SetSettings, Settings,
};
pub use message::{Content, Message, MessageKind};
pub use number::{
    ChangeNo, CommandNo, CommitNo, InboxSeq, LocalNo, LogEpoch, Seq, SessionEpoch, Version,
};
pub use presence::{Presence, UserPresence};
pub use time::{Clock, UnixMs};
