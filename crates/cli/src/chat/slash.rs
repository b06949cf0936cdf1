//! `/commands`: what they mean, and how Tab completes them.

mod group;
mod people;
mod report;

use std::path::PathBuf;
use std::time::Duration;

use anser_types::report::ReportReason;
use anser_types::{ContactAct, ConversationId, Notify, Role, SetGroup, SetSettings, UserId};

use super::texts::{Text, Texts};
use crate::files;
use crate::identity::variable;

/// What a line that begins with `/` asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Slash {
    /// Open the conversation with this user.
    To(UserId),
    /// Make a group.
    GroupCreate {
        /// Its name.
        title: String,
        /// Who else is in it.
        members: Vec<UserId>,
    },
    /// Bring users into the open group.
    GroupInvite(Vec<UserId>),
    /// Remove users from the open group.
    GroupKick(Vec<UserId>),
    /// Leave the open group.
    GroupLeave,
    /// Show who is in the open group.
    GroupMembers,
    /// Change what the open group is.
    GroupChange(SetGroup),
    /// Give a member of the open group a role; the owner's is handed over.
    GroupRole(UserId, Role),
    /// Forbid a member to speak.
    GroupMute {
        /// Whom.
        who: UserId,
        /// For how long; `None`: until somebody ends it.
        long: Option<Duration>,
    },
    /// Let a member speak again.
    GroupUnmute(UserId),
    /// Name a member within the open group.
    GroupAlias {
        /// Whom; `None`: oneself.
        of: Option<UserId>,
        /// The name.
        alias: String,
    },
    /// Dissolve the open group.
    GroupDismiss,
    /// Come into a group, or ask to.
    GroupJoin {
        /// Which.
        group: ConversationId,
        /// What to say with it.
        greeting: String,
    },
    /// Show who asks to come into the open group.
    GroupRequests,
    /// Let somebody into the open group who asked, or refuse.
    GroupAnswer {
        /// Who asked.
        who: UserId,
        /// Let in.
        accept: bool,
    },
    /// Do something about another user.
    Contact(UserId, ContactAct),
    /// Show everybody one has something to do with.
    Contacts,
    /// Show what one lets others do and see.
    Settings,
    /// Change what one lets others do and see.
    SetSettings(SetSettings),
    /// Say for which messages the open conversation makes itself heard.
    Notify(Notify),
    /// Let the open conversation stand above the others, or not.
    PinChat(bool),
    /// Leave the open conversation out of the list until its next message.
    Hide,
    /// Clear the open conversation for oneself.
    Clear,
    /// Remove the last message for oneself.
    Forget,
    /// Show who has read one's own last message.
    Readers,
    /// Replace one's own last message in the open conversation.
    Edit(String),
    /// Take one's own last message back.
    Revoke,
    /// React to the last message, or take the reaction away.
    React {
        /// With what.
        emoji: String,
        /// Added, or taken away.
        on: bool,
    },
    /// Pin the last message, or unpin it.
    Pin(bool),
    /// Pass the last message on: to a user, or a group by its name or id.
    Forward(String),
    /// Send a file.
    Attach {
        /// Where it lies.
        path: PathBuf,
        /// What to say with it.
        caption: String,
    },
    /// Fetch the file of the last message that has one, and open it.
    Open,
    /// Fetch the file of the last message that has one, to here.
    Save(PathBuf),
    /// Tell the operators about the last message of somebody else: why, and in one's own words.
    ReportMessage(ReportReason, String),
    /// Tell the operators about a user.
    ReportUser(UserId, ReportReason, String),
    /// Tell the operators about the open group.
    ReportGroup(ReportReason, String),
    /// Load earlier messages.
    History,
    /// Send again what failed in the open conversation.
    Retry,
    /// Remove what failed in the open conversation.
    Delete,
    /// Show the help.
    Help,
    /// End.
    Quit,
}

/// Why a command cannot be understood; a sentence in one of the languages comes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misunderstood {
    text: Text,
    values: Vec<String>,
}

impl Misunderstood {
    fn new(text: Text, values: &[&str]) -> Self {
        Self { text, values: values.iter().map(|value| (*value).to_owned()).collect() }
    }

    /// The sentence.
    #[must_use]
    pub fn say(&self, texts: Texts) -> String {
        let values: Vec<&str> = self.values.iter().map(String::as_str).collect();
        texts.with(self.text, &values)
    }
}

/// Every command.
const COMMANDS: [&str; 30] = [
    "/to",
    "/contact",
    "/group",
    "/settings",
    "/history",
    "/edit",
    "/revoke",
    "/react",
    "/unreact",
    "/pin",
    "/unpin",
    "/forward",
    "/attach",
    "/open",
    "/save",
    "/report",
    "/forget",
    "/readers",
    "/retry",
    "/delete",
    "/members",
    "/pin-chat",
    "/unpin-chat",
    "/mute",
    "/unmute",
    "/hide",
    "/clear",
    "/help",
    "/quit",
    "/mentions",
];

/// Whether a text to be sent is a command. `//` at the start stands for a message that begins with `/`.
#[must_use]
pub fn is_command(text: &str) -> bool {
    text.starts_with('/') && !text.starts_with("//")
}

/// What is sent of a text that is no command: `//x` says `/x`.
#[must_use]
pub fn message_of(text: &str) -> &str {
    if text.starts_with("//") { &text[1..] } else { text }
}

/// Reads a command.
///
/// # Errors
/// [`Misunderstood`] says what is missing or wrong.
pub fn parse(line: &str) -> Result<Slash, Misunderstood> {
    // What is to be said from now on is taken as it stands, quotes and all.
    if let Some(text) =
        line.strip_prefix("/edit").filter(|rest| rest.starts_with(char::is_whitespace))
    {
        return match text.trim() {
            "" => Err(Misunderstood::new(Text::WantsText, &["/edit"])),
            text => Ok(Slash::Edit(text.to_owned())),
        };
    }
    let words = split(line)?;
    let mut words = words.iter().map(String::as_str);
    let name = words.next().unwrap_or_default();
    let rest: Vec<&str> = words.collect();
    let plain = |slash| {
        if rest.is_empty() {
            Ok(slash)
        } else {
            Err(Misunderstood::new(Text::NoArguments, &[name]))
        }
    };
    match name {
        "/to" => match rest.as_slice() {
            [one] => Ok(Slash::To(user(one)?)),
            _ => Err(Misunderstood::new(Text::WantsUser, &[name])),
        },
        "/group" => group::parse(&rest),
        "/contact" => people::contact(&rest),
        "/settings" => people::settings(&rest),
        "/pin-chat" => plain(Slash::PinChat(true)),
        "/unpin-chat" => plain(Slash::PinChat(false)),
        "/mute" => plain(Slash::Notify(Notify::Nothing)),
        "/mentions" => plain(Slash::Notify(Notify::Mentions)),
        "/unmute" => plain(Slash::Notify(Notify::All)),
        "/hide" => plain(Slash::Hide),
        "/clear" => plain(Slash::Clear),
        "/forget" => plain(Slash::Forget),
        "/readers" => plain(Slash::Readers),
        "/edit" => Err(Misunderstood::new(Text::WantsText, &[name])),
        "/revoke" => plain(Slash::Revoke),
        "/react" | "/unreact" => match rest.as_slice() {
            [emoji] => Ok(Slash::React { emoji: (*emoji).to_owned(), on: name == "/react" }),
            _ => Err(Misunderstood::new(Text::WantsEmoji, &[name])),
        },
        "/pin" => plain(Slash::Pin(true)),
        "/unpin" => plain(Slash::Pin(false)),
        "/forward" if rest.is_empty() => Err(Misunderstood::new(Text::WantsWhom, &[name])),
        "/forward" => Ok(Slash::Forward(rest.join(" "))),
        "/attach" => match rest.as_slice() {
            [] => Err(Misunderstood::new(Text::WantsPath, &[name])),
            [path, caption @ ..] => {
                Ok(Slash::Attach { path: typed(path), caption: caption.join(" ") })
            }
        },
        "/open" => plain(Slash::Open),
        "/save" => match rest.as_slice() {
            [path] => Ok(Slash::Save(typed(path))),
            _ => Err(Misunderstood::new(Text::WantsPath, &[name])),
        },
        "/report" => report::parse(&rest),
        "/members" => plain(Slash::GroupMembers),
        "/history" => plain(Slash::History),
        "/retry" => plain(Slash::Retry),
        "/delete" => plain(Slash::Delete),
        "/help" => plain(Slash::Help),
        "/quit" => plain(Slash::Quit),
        other => Err(Misunderstood::new(Text::UnknownCommand, &[other])),
    }
}

fn typed(path: &str) -> PathBuf {
    files::typed_path(path, &variable)
}

fn user(text: &str) -> Result<UserId, Misunderstood> {
    UserId::new(text)
        .map_err(|error| Misunderstood::new(Text::BadUser, &[text, &error.to_string()]))
}

/// Words at white space; double quotes (straight or curly) hold several together.
fn split(line: &str) -> Result<Vec<String>, Misunderstood> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '"' | '“' | '”' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            c if c.is_whitespace() && !quoted => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    if quoted {
        return Err(Misunderstood::new(Text::UnclosedQuote, &[]));
    }
    words.extend(word);
    Ok(words)
}

/// What Tab makes of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// The line, longer by what is certain.
    pub line: String,
    /// What may follow, when there is more than one way; to be shown.
    pub candidates: Vec<String>,
}

/// Completes the last word of a command line: commands, what follows `/group` and others, user names, and the names of
/// groups, in quotes where they have several words.
#[must_use]
pub fn complete(line: &str, users: &[UserId], groups: &[String]) -> Completion {
    let start = line
        .rfind(char::is_whitespace)
        .map_or(0, |at| at + line[at..].chars().next().map_or(1, char::len_utf8));
    let (before, word) = line.split_at(start);
    let earlier: Vec<&str> = before.split_whitespace().collect();
    let names = || -> Vec<&str> {
        users.iter().map(UserId::as_str).filter(|name| !earlier.contains(name)).collect()
    };
    let titles: Vec<String> = groups.iter().filter_map(|title| quoted(title)).collect();
    let known: Vec<&str> = match earlier.as_slice() {
        [] => COMMANDS.to_vec(),
        ["/group"] => group::VERBS.to_vec(),
        ["/contact"] => people::CONTACT_VERBS.to_vec(),
        ["/settings"] => people::SETTINGS.to_vec(),
        ["/report"] => report::VERBS.to_vec(),
        ["/report", "message" | "group"] | ["/report", "user", _] => report::reasons(),
        ["/forward"] => names().into_iter().chain(titles.iter().map(String::as_str)).collect(),
        ["/group", verb, ..] if group::ABOUT_USERS.contains(verb) => names(),
        ["/to"] | ["/contact", _] | ["/report", "user"] | ["/group", "create", _, ..] => names(),
        _ => Vec::new(),
    };
    let mut candidates: Vec<&str> = known.into_iter().filter(|one| one.starts_with(word)).collect();
    candidates.sort_unstable();
    candidates.dedup();
    match candidates.as_slice() {
        [] => Completion { line: line.to_owned(), candidates: Vec::new() },
        [only] => Completion { line: format!("{before}{only} "), candidates: Vec::new() },
        several => Completion {
            line: format!("{before}{}", common_start(several)),
            candidates: several.iter().map(|one| (*one).to_owned()).collect(),
        },
    }
}

/// A name as one word of a command; `None` where it cannot be one.
fn quoted(name: &str) -> Option<String> {
    if name.is_empty() || name.contains(['"', '“', '”']) {
        return None;
    }
    let several = name.contains(char::is_whitespace);
    Some(if several { format!("\"{name}\"") } else { name.to_owned() })
}

fn common_start<'a>(words: &[&'a str]) -> &'a str {
    let Some((first, rest)) = words.split_first() else { return "" };
    let mut end = first.len();
    for word in rest {
        let same = first
            .char_indices()
            .zip(word.chars())
            .find(|((_, a), b)| a != b)
            .map_or(first.len().min(word.len()), |((at, _), _)| at);
        end = end.min(same);
    }
    &first[..end]
}
