//! Journals as text, one line per entry, so that processes which are killed can write them and people can read them.
//!
//! ```text
//! journal alice 3 caught-up
//! 1200 invoke 7 <conversation> <body>
//! 1900 ok 7 7 41
//! ```
//! A last line without its line feed was cut by a kill and is dropped.

use std::fmt::{self, Write as _};
use std::str::{FromStr, SplitWhitespace};

use anser_types::{
    ChangeNo, CommandNo, DeviceNo, LocalNo, LogEpoch, MessageId, Seq, UnixMs, UserId,
};

use super::altering::{How, Shape};
use super::evidence::BodyHash;
use super::journal::{Entry, Journal, MessageKey, What};

/// A line that is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    /// Which, from 1.
    pub number: usize,
    /// Its text.
    pub text: String,
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} of the journal cannot be read: {}", self.number, self.text)
    }
}

impl std::error::Error for BadLine {}

impl Journal {
    /// The journal's first line.
    #[must_use]
    pub fn head_line(&self) -> String {
        let end = if self.caught_up { "caught-up" } else { "away" };
        format!("journal {} {} {end}", self.user, self.device)
    }

    /// The whole journal as text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = self.head_line();
        for entry in &self.entries {
            text.push('\n');
            text.push_str(&entry.to_string());
        }
        text.push('\n');
        text
    }

    /// Reads a journal back.
    ///
    /// # Errors
    /// [`BadLine`] names the first line that cannot be read.
    pub fn from_text(text: &str) -> Result<Self, BadLine> {
        // What follows the last line feed was being written when the process was killed.
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        let mut lines = whole.split('\n').enumerate();
        let bad = |number: usize, text: &str| BadLine { number: number + 1, text: text.to_owned() };
        let head = lines.next().map_or("", |(_, line)| line);
        let mut journal = parse_head(head).ok_or_else(|| bad(0, head))?;
        for (number, line) in lines {
            journal.entries.push(parse_entry(line).ok_or_else(|| bad(number, line))?);
        }
        Ok(journal)
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.at_ns, self.what)
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invoke { local_no, conversation, body } => {
                write!(f, "invoke {local_no} {conversation} {body}")
            }
            Self::Timed { local_no, expires_at } => {
                write!(f, "timed {local_no} {}", expires_at.unwrap_or_default().0)
            }
            Self::Ok { local_no, command_no, seq } => write!(f, "ok {local_no} {command_no} {seq}"),
            Self::Fail { local_no, code } => write!(f, "fail {local_no} {code}"),
            Self::Unknown { local_no } => write!(f, "unknown {local_no}"),
            Self::Received { conversation, seq, key, body, live } => {
                let MessageKey { sender, id } = key;
                let (device, local_no) = (id.device, id.local_no);
                let way = if *live { "received" } else { "loaded" };
                write!(f, "{way} {conversation} {seq} {sender} {device} {local_no} {body}")
            }
            Self::Skipped { conversation, from, to } => {
                write!(f, "skipped {conversation} {from} {to}")
            }
            Self::NotOnServer { conversation, above } => {
                write!(f, "not-on-server {conversation} {above}")
            }
            Self::OtherLog { epoch } => write!(f, "other-log {epoch}"),
            Self::TookOver => f.write_str("took-over"),
            Self::Alter { local_no, conversation, seq, key, how } => {
                let MessageKey { sender, id } = key;
                let (device, counter) = (id.device, id.local_no);
                write!(f, "alter {local_no} {conversation} {seq} {sender} {device} {counter} {how}")
            }
            Self::AlterDone { local_no, conversation, seq, change_no, how } => {
                write!(f, "altered {local_no} {conversation} {seq} {change_no} {how}")
            }
            Self::Shows {
                conversation,
                seq,
                doubted,
                shape: Shape { by, body, rest, over_at },
            } => {
                let way = if *doubted { "doubts" } else { "shows" };
                write!(f, "{way} {conversation} {seq} {by} {rest}")?;
                body.map_or(Ok(()), |body| write!(f, " {body}"))?;
                over_at.map_or(Ok(()), |at| write!(f, " {}", at.0))
            }
            Self::ForgotAlone { conversation, seq } => {
                write!(f, "forgot-alone {conversation} {seq}")
            }
            Self::ShownAgain { conversation, seq } => write!(f, "shown-again {conversation} {seq}"),
            Self::MarkRead { conversation, up_to } => write!(f, "mark-read {conversation} {up_to}"),
            Self::SawDelivered { conversation, who, up_to } => {
                write!(f, "saw-delivered {conversation} {who} {up_to}")
            }
            Self::SawRead { conversation, who, up_to } => {
                write!(f, "saw-read {conversation} {who} {up_to}")
            }
        }
    }
}

impl fmt::Display for BodyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('#')?;
        write!(f, "{:016x}", self.0)
    }
}

/// The words of a line, read one after another.
struct Words<'a>(SplitWhitespace<'a>);

impl<'a> Words<'a> {
    fn word(&mut self) -> Option<&'a str> {
        self.0.next()
    }

    fn value<T: FromStr>(&mut self) -> Option<T> {
        self.word()?.parse().ok()
    }

    fn seq(&mut self) -> Option<Seq> {
        self.value().map(Seq)
    }

    fn local_no(&mut self) -> Option<LocalNo> {
        self.value().map(LocalNo)
    }

    fn body(&mut self) -> Option<BodyHash> {
        u64::from_str_radix(self.word()?.strip_prefix('#')?, 16).ok().map(BodyHash)
    }

    fn key(&mut self) -> Option<MessageKey> {
        let sender: UserId = self.value()?;
        let id = MessageId { device: DeviceNo(self.value()?), local_no: self.local_no()? };
        Some(MessageKey { sender, id })
    }

    fn switch(&mut self) -> Option<bool> {
        match self.word()? {
            "on" => Some(true),
            "off" => Some(false),
            _ => None,
        }
    }

    fn how(&mut self) -> Option<How> {
        Some(match self.word()? {
            "edit" => How::Edit(self.body()?),
            "revoke" => How::Revoke,
            "react" => How::React { emoji: self.word()?.to_owned(), on: self.switch()? },
            "pin" => How::Pin { on: self.switch()? },
            "gone" => How::Gone,
            "burn" => How::Burn(UnixMs(self.value()?)),
            "expire" => How::Expire,
            _ => return None,
        })
    }

    fn shape(&mut self) -> Option<Shape> {
        let (by, rest) = (ChangeNo(self.value()?), self.body()?);
        // A tombstone has no body, and most have all the time.
        let body = self.body();
        Some(Shape { by, rest, body, over_at: self.value().map(UnixMs) })
    }

    fn end<T>(mut self, value: T) -> Option<T> {
        self.word().is_none().then_some(value)
    }
}

fn parse_head(line: &str) -> Option<Journal> {
    let mut words = Words(line.split_whitespace());
    if words.word()? != "journal" {
        return None;
    }
    let mut journal = Journal::new(words.value()?, DeviceNo(words.value()?));
    journal.caught_up = match words.word()? {
        "caught-up" => true,
        "away" => false,
        _ => return None,
    };
    words.end(journal)
}

fn parse_entry(line: &str) -> Option<Entry> {
    let mut words = Words(line.split_whitespace());
    let at_ns = words.value()?;
    let what = match words.word()? {
        "invoke" => What::Invoke {
            local_no: words.local_no()?,
            conversation: words.value()?,
            body: words.body()?,
        },
        "timed" => {
            let (local_no, at) = (words.local_no()?, words.value()?);
            What::Timed { local_no, expires_at: (at > 0).then_some(UnixMs(at)) }
        }
        "ok" => What::Ok {
            local_no: words.local_no()?,
            command_no: CommandNo(words.value()?),
            seq: words.seq()?,
        },
        "fail" => What::Fail { local_no: words.local_no()?, code: words.word()?.to_owned() },
        "unknown" => What::Unknown { local_no: words.local_no()? },
        way @ ("received" | "loaded") => What::Received {
            conversation: words.value()?,
            seq: words.seq()?,
            key: words.key()?,
            body: words.body()?,
            live: way == "received",
        },
        "skipped" => {
            What::Skipped { conversation: words.value()?, from: words.seq()?, to: words.seq()? }
        }
        "not-on-server" => What::NotOnServer { conversation: words.value()?, above: words.seq()? },
        "other-log" => What::OtherLog { epoch: LogEpoch(words.value()?) },
        "took-over" => What::TookOver,
        "alter" => What::Alter {
            local_no: words.local_no()?,
            conversation: words.value()?,
            seq: words.seq()?,
            key: words.key()?,
            how: words.how()?,
        },
        "altered" => What::AlterDone {
            local_no: words.local_no()?,
            conversation: words.value()?,
            seq: words.seq()?,
            change_no: ChangeNo(words.value()?),
            how: words.how()?,
        },
        way @ ("doubts" | "shows") => What::Shows {
            conversation: words.value()?,
            seq: words.seq()?,
            doubted: way == "doubts",
            shape: words.shape()?,
        },
        "forgot-alone" => What::ForgotAlone { conversation: words.value()?, seq: words.seq()? },
        "shown-again" => What::ShownAgain { conversation: words.value()?, seq: words.seq()? },
        "mark-read" => What::MarkRead { conversation: words.value()?, up_to: words.seq()? },
        "saw-delivered" => What::SawDelivered {
            conversation: words.value()?,
            who: words.value()?,
            up_to: words.seq()?,
        },
        "saw-read" => {
            What::SawRead { conversation: words.value()?, who: words.value()?, up_to: words.seq()? }
        }
        _ => return None,
    };
    words.end(Entry { at_ns, what })
}
