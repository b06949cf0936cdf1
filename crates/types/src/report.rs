//! Reports: what users tell the operators of a server about messages, users and conversations.

use crate::command::Target;
use crate::id::{ConversationId, UserId, UserNo};
use crate::message::Content;
use crate::number::{LocalNo, Seq};
use crate::time::UnixMs;

coded! {
    /// Why somebody reports something.
    ReportReason {
        /// What the text says.
        #[default]
        Other = 0,
        /// Unasked advertising, fraud.
        Spam = 1,
        /// Insults, threats, bullying.
        Abuse = 2,
        /// Sexual content.
        Sexual = 3,
        /// Violence.
        Violence = 4,
        /// Something against the law.
        Illegal = 5,
        /// Somebody who is not who they say.
        Impersonation = 6,
    }
}

impl ReportReason {
    /// Its name in JSON and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Other => "other",
            Self::Spam => "spam",
            Self::Abuse => "abuse",
            Self::Sexual => "sexual",
            Self::Violence => "violence",
            Self::Illegal => "illegal",
            Self::Impersonation => "impersonation",
        }
    }
}

/// What is reported, as the reporter names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reported {
    /// A user.
    User(UserId),
    /// A conversation the reporter is or was in.
    Conversation(Target),
    /// A message the reporter can see.
    Message {
        /// Where it was said.
        at: Target,
        /// Which.
        seq: Seq,
    },
}

/// What was reported, as it was then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// A user.
    User(UserId),
    /// A conversation.
    Conversation(ConversationId),
    /// A message, with a copy of what the reporter saw.
    Message {
        /// Where it was said.
        conversation: ConversationId,
        /// Which.
        seq: Seq,
        /// Who said it.
        sender: UserId,
        /// When.
        said_at: UnixMs,
        /// What it said.
        content: Content,
    },
}

/// Names a report for ever; ordered by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReportId {
    /// When it was made.
    pub at: UnixMs,
    /// Who made it.
    pub by: UserNo,
    /// The compose counter of the command that made it.
    pub local_no: LocalNo,
}

impl std::fmt::Display for ReportId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}-{}", self.at.0, self.by.0, self.local_no.0)
    }
}

impl std::str::FromStr for ReportId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers: Result<Vec<u64>, _> = text.split('-').map(str::parse).collect();
        match numbers.as_deref() {
            Ok([at, by, local_no]) => {
                Ok(Self { at: UnixMs(*at), by: UserNo(*by), local_no: LocalNo(*local_no) })
            }
            _ => {
                Err("a report is named by three numbers, as 'anser reports' shows them".to_owned())
            }
        }
    }
}

/// A report. Only operators see it; what was reported may be changed or gone since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Its name.
    pub id: ReportId,
    /// Who made it.
    pub by: UserId,
    /// About what.
    pub about: About,
    /// Why.
    pub reason: ReportReason,
    /// In their words.
    pub text: String,
    /// When an operator has dealt with it; `None` while it is open.
    pub closed_at: Option<UnixMs>,
    /// What the operator noted.
    pub note: String,
}

impl ConversationId {
    /// The conversation of the server's own that holds all reports; nobody is in it.
    pub const REPORTS: Self = Self(*b"anser reports \0\x01");
}
