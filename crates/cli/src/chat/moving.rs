//! Files on their way in the chat: what is attached, fetched, opened and saved, and the line that shows how far it is.

use std::path::PathBuf;
use std::time::Duration;

use anser_sdk::{Client, FileAt};
use anser_types::{ErrorCode, Refusal, Target};

use super::blocks::Blocks;
use super::commands::needs_conversation;
use super::layout;
use super::looking;
use super::model::Model;
use super::slash::Slash;
use super::step::Effect;
use super::texts::Text;
use super::timeline::{Entry, Scroll};
use crate::kinds::size;
use crate::{files, plain};

/// Files on their way at a time; more would only slow each other down.
const MOVING_MAX: usize = 4;

/// Names a transfer within this run.
pub type MovingNo = u64;

/// How far a transfer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The file is read here.
    Reading,
    /// Bytes go over: so many of so many.
    Going(u64, Option<u64>),
    /// It tries again in so long; why it has to.
    Waiting(Duration, Refusal),
}

/// A file on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moving {
    /// Names it.
    pub no: MovingNo,
    /// What it is called.
    pub name: String,
    /// It goes to the server.
    pub up: bool,
    /// How far it is; a wait ends on [`super::step::Now::mono`].
    pub stage: Stage,
}

/// Something to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// To whom.
    pub to: Target,
    /// Which file.
    pub path: PathBuf,
    /// What is said with it.
    pub caption: String,
}

/// What is done with a file that is fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Use {
    /// It goes where downloads go, and is opened.
    Open,
    /// It goes here.
    Save(PathBuf),
}

/// Something to be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Which file.
    pub file: FileAt,
    /// What it is called on this disk.
    pub name: String,
    /// What is done with it.
    pub then: Use,
}

/// Carries out `/attach`, `/open` and `/save`.
pub fn run(model: &mut Model, command: Slash, effects: &mut Vec<Effect>) {
    let texts = model.setting.texts;
    if !needs_conversation(model) {
        return;
    }
    if model.moving.len() >= MOVING_MAX {
        model.say(texts.with(Text::TooManyMoving, &[&MOVING_MAX.to_string()]), true);
        return;
    }
    match command {
        Slash::Attach { path, caption } => attach(model, path, caption, effects),
        Slash::Open => fetch(model, "/open", Use::Open, effects),
        Slash::Save(path) => fetch(model, "/save", Use::Save(path), effects),
        _ => {}
    }
}

fn attach(model: &mut Model, path: PathBuf, caption: String, effects: &mut Vec<Effect>) {
    if model.open_row().is_some_and(|row| !row.member) {
        model.say(model.setting.texts.get(Text::NotAMember), true);
        return;
    }
    let Some(open) = &model.open else { return };
    let to = open.target.clone();
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let no = begin(model, &name, true);
    effects.push(Effect::Attach(no, Attachment { to, path, caption }));
}

fn fetch(model: &mut Model, command: &'static str, then: Use, effects: &mut Vec<Effect>) {
    match wish(model, then) {
        Ok(wish) => {
            let name = wish.name.clone();
            let no = begin(model, &name, false);
            effects.push(Effect::Fetch(no, wish));
        }
        Err(refusal) if refusal.code == ErrorCode::TargetMissing => {
            model.say(model.setting.texts.get(Text::NoFileHere), true);
        }
        Err(refusal) => failed(model, command, &refusal),
    }
}

fn wish(model: &Model, then: Use) -> Result<Wish, Refusal> {
    let found = looked_at(model).unwrap_or_else(|| Err(Refusal::new(ErrorCode::TargetMissing)));
    let (file, name) = found?;
    Ok(Wish { file, name: files::safe_name(&name, file.file), then })
}

/// The file that is meant: of the last message with one that is on the screen or above it.
fn looked_at(model: &Model) -> Option<Result<(FileAt, String), Refusal>> {
    let timeline = &model.open.as_ref()?.timeline;
    let entries = timeline.entries();
    let lowest = match timeline.scroll {
        Scroll::End => entries.len(),
        Scroll::At { .. } => {
            let width = layout::areas(model)?.timeline.width;
            looking::edge(timeline, &Blocks::new(model, width)?)?.entry + 1
        }
    };
    let seen = entries.into_iter().take(lowest).rev();
    let found = seen.filter_map(|entry| match entry {
        Entry::Message(message) => Some(Client::named_file_at(message)),
        _ => None,
    });
    // One that names a link is meant as well.
    let holds_none = |refusal: &Refusal| refusal.code == ErrorCode::TargetMissing;
    found.into_iter().find(|found| !found.as_ref().is_err_and(holds_none))
}

/// A transfer begins: it is shown from now on.
fn begin(model: &mut Model, name: &str, up: bool) -> MovingNo {
    model.moved += 1;
    let no = model.moved;
    let name = plain::one_line(name);
    model.moving.push(Moving { no, name, up, stage: Stage::Reading });
    model.notice = None;
    no
}

/// A transfer got on.
pub fn got_on(model: &mut Model, no: MovingNo, stage: Stage) {
    let now = model.now.mono;
    if let Some(moving) = model.moving.iter_mut().find(|moving| moving.no == no) {
        moving.stage = match stage {
            Stage::Waiting(pause, why) => Stage::Waiting(now + pause, why),
            other => other,
        };
    }
}

/// A transfer has ended; gives what it was, unless it was not wanted any more.
pub fn ended(model: &mut Model, no: MovingNo) -> Option<Moving> {
    let at = model.moving.iter().position(|moving| moving.no == no)?;
    Some(model.moving.remove(at))
}

/// Ends the transfer that was begun last, if there is one.
pub fn cancel(model: &mut Model, effects: &mut Vec<Effect>) {
    let Some(moving) = model.moving.pop() else { return };
    effects.push(Effect::StopMoving(moving.no));
    model.say(model.setting.texts.with(Text::MovingCancelled, &[&moving.name]), false);
}

/// Says what went wrong, with its code and what to do.
pub fn failed(model: &mut Model, what: &str, refusal: &Refusal) {
    let texts = model.setting.texts;
    let values = [what, &texts.reason(refusal), refusal.code.name(), texts.next_step(refusal)];
    model.say(texts.with(Text::RefusedWithNext, &values), true);
}

/// The line that shows the transfer begun last, and that there are others.
#[must_use]
pub fn line(model: &Model) -> Option<String> {
    let texts = model.setting.texts;
    let moving = model.moving.last()?;
    let name = moving.name.as_str();
    let line = match &moving.stage {
        Stage::Reading => texts.with(Text::MovingReads, &[name]),
        Stage::Going(moved, total) => {
            let far = match total {
                Some(total) if *total > 0 => {
                    let percent = moved.saturating_mul(100) / total;
                    format!("{} / {} ({percent} %)", size(*moved), size(*total))
                }
                _ => size(*moved),
            };
            let text = if moving.up { Text::MovingUp } else { Text::MovingDown };
            texts.with(text, &[name, &far])
        }
        Stage::Waiting(until, why) => {
            let left = until.saturating_sub(model.now.mono).as_millis().div_ceil(1_000).to_string();
            texts.with(Text::MovingWaits, &[name, &texts.reason(why), &left])
        }
    };
    let others = model.moving.len() - 1;
    Some(if others == 0 { line } else { format!("{line} (+{others})") })
}
