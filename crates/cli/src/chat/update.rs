//! One step: something happened, the model changes, and what must be done comes out. Nothing here waits or draws.

use std::path::Path;

use anser_sdk::Event;
use anser_sdk::store::HistoryPage;
use anser_types::{ConversationId, Refusal, Target};

use super::carrying::Shown;
use super::keys;
use super::looking;
use super::model::{Model, Overlay, Sync};
use super::moving::{self, MovingNo};
use super::opening;
use super::step::{Effect, Input, Link, Now};
use super::tellings;
use super::texts::Text;
use super::timeline::{Beside, Window};

/// Takes one step.
pub fn update(model: &mut Model, input: Input, now: Now) -> Vec<Effect> {
    model.now = now;
    model.expire();
    let mut effects = Vec::new();
    match input {
        Input::Key(key) => keys::press(model, key, &mut effects),
        Input::Paste(text) => keys::paste(model, &text, &mut effects),
        Input::Resized(columns, rows) => model.size = (columns, rows),
        Input::Focused(focused) => model.focused = focused,
        Input::Tick => {}
        Input::Link(link) => {
            if link == Link::Connected {
                model.count_reload.wanted = true;
            } else {
                model.sync = None;
            }
            model.link = link;
        }
        Input::Event(event) => told(model, *event),
        other => result(model, other, &mut effects),
    }
    looking::mark_seen(model, &mut effects);
    reload(model, &mut effects);
    effects
}

/// The result of an effect.
fn result(model: &mut Model, input: Input, effects: &mut Vec<Effect>) {
    let texts = model.setting.texts;
    match input {
        Input::Conversations(rows) => {
            model.list_reload.running = false;
            model.take_list(rows);
        }
        Input::ListFailed(refusal) => {
            model.list_reload.running = false;
            model.say(texts.reason(&refusal), true);
        }
        Input::Stale => stale(model),
        Input::Timeline { of, window, page, beside } => timeline(model, of, window, page, beside),
        Input::TimelineFailed(of, refusal) => {
            if is_open(model, of) {
                model.timeline_reload.running = false;
            }
            model.say(texts.reason(&refusal), true);
        }
        Input::Older(of, page) => {
            if let Some(open) = model.open.as_mut().filter(|open| open.id == of) {
                open.timeline.take_older(page);
            }
        }
        Input::Members(of, members) => model.show(Overlay::Members(of, members)),
        Input::Listed(listing) => model.show(Overlay::Page(listing)),
        Input::Counted(of, count) => {
            model.count_reload.running = false;
            model.member_counts.extend(count.map(|count| (of, count)));
        }
        Input::GroupMade(id, title) => {
            model.list_reload.wanted = true;
            opening::open(model, Target::Conversation(id), effects);
            model.say(texts.with(Text::Created, &[&title]), false);
        }
        Input::Done(text, users) => model.say(texts.with(text, &[&texts.list(users)]), false),
        Input::Refused(what, refusal) => refused(model, what, &refusal),
        Input::Queued(conversation) => changed(model, conversation),
        Input::NotQueued(target, text, refusal) => {
            give_back(model, &target, text);
            model.say(texts.reason(&refusal), true);
        }
        Input::Moving(no, stage) => moving::got_on(model, no, stage),
        Input::Attached(no, to) => {
            // One that was cancelled too late is shown as well: it is in the outbox.
            moving::ended(model, no);
            let conversation = opening::conversation_of(model, &to);
            changed(model, conversation);
        }
        Input::Fetched(no, path, shown) => fetched(model, no, &path, shown),
        Input::NotMoved(no, what, refusal) => {
            // Of what was cancelled nobody wants to hear that it failed.
            if moving::ended(model, no).is_some() {
                moving::failed(model, what, &refusal);
            }
        }
        // These are no results.
        Input::Key(_)
        | Input::Paste(_)
        | Input::Resized(..)
        | Input::Focused(_)
        | Input::Tick
        | Input::Link(_)
        | Input::Event(_) => {}
    }
}

/// Says where a file lies, and whether it was opened: also of one that was cancelled too late, since it is there.
fn fetched(model: &mut Model, no: MovingNo, path: &Path, shown: Shown) {
    moving::ended(model, no);
    let text = match shown {
        Shown::Opened => Text::FileOpened,
        Shown::Saved => Text::FileSaved,
        Shown::NotGiven => Text::FileNotOpened,
        Shown::NoDesktop => Text::FileNoDesktop,
    };
    model.say(model.setting.texts.with(text, &[&path.display().to_string()]), false);
}

fn refused(model: &mut Model, what: &str, refusal: &Refusal) {
    let texts = model.setting.texts;
    model.say(texts.with(Text::Refused, &[what, &texts.reason(refusal)]), true);
}

/// A text that could not be queued goes back to where it was written.
fn give_back(model: &mut Model, target: &Target, text: String) {
    let id = opening::conversation_of(model, target);
    if is_open(model, id) && model.composer.is_empty() {
        model.composer.set(&text);
    } else {
        model.drafts.insert(id, text);
    }
}

fn timeline(
    model: &mut Model,
    of: ConversationId,
    window: Window,
    page: HistoryPage,
    beside: Beside,
) {
    let Some(open) = model.open.as_mut().filter(|open| open.id == of) else { return };
    model.timeline_reload.running = false;
    let first = !open.timeline.loaded;
    open.timeline.take(page, window, beside);
    if first {
        looking::first_look(model);
    }
}

fn is_open(model: &Model, id: ConversationId) -> bool {
    model.open.as_ref().is_some_and(|open| open.id == id)
}

/// The client told something: it is in the store, so what shows it is read again.
fn told(model: &mut Model, event: Event) {
    let texts = model.setting.texts;
    match event {
        Event::NewMessage(message) => {
            model.typing.heard(message.conversation, message.sender.clone(), true, model.now.mono);
            changed(model, message.conversation);
        }
        Event::MessageStateChanged { conversation, .. }
        | Event::DeliveryReceipt { conversation, .. }
        | Event::ReadReceipt { conversation, .. }
        | Event::ConversationChanged { conversation }
        | Event::ConversationOptionsChanged { conversation }
        | Event::MessagesHidden { conversation, .. }
        | Event::MessagesExpired { conversation, .. }
        | Event::NotOnServer { conversation, .. } => changed(model, conversation),
        Event::Unavailable(range) => changed(model, range.conversation),
        Event::MessageEdited(message)
        | Event::MessageRevoked(message)
        | Event::ReactionChanged(message) => changed(model, message.conversation),
        Event::MessagePinned { conversation, .. } => changed(model, conversation),
        Event::GroupChanged(change) => {
            changed(model, change.conversation);
            model.count_reload.wanted |= is_open(model, change.conversation);
        }
        Event::ContactApplied(contact) => tellings::applied(model, &contact),
        Event::JoinRequestChanged { group, request } => {
            tellings::join_request(model, group, &request);
        }
        Event::Typing { at, who, stopped } if who != model.setting.me => {
            let at = opening::conversation_of(model, &at);
            model.typing.heard(at, who, stopped, model.now.mono);
        }
        Event::PresenceChanged { user, presence } => {
            if let Some(open) = model.open.as_mut().filter(|open| open.peer() == Some(&user)) {
                open.presence = presence;
            }
        }
        Event::SyncStarted { missing } => model.sync = Some(Sync { done: 0, missing }),
        Event::SyncProgress { done, missing } => model.sync = Some(Sync { done, missing }),
        Event::SyncFinished => {
            model.sync = None;
            stale(model);
        }
        Event::StoreFailing { full, retry_in } => {
            model.store_failing = Some((full, model.now.mono + retry_in));
        }
        Event::StoreWasRestored | Event::DeviceTaken => {
            model.say(texts.get(Text::RestoredStore), false);
        }
        Event::EndpointListRefused { reason } => {
            model.say(texts.with(Text::ListRefused, &[&reason.detail]), false);
        }
        Event::KeyFileMade(path) => {
            model.say(texts.with(Text::KeyFileMade, &[&path.display().to_string()]), false);
        }
        Event::Lagged { .. } => {
            stale(model);
            model.say(texts.get(Text::Lagged), false);
        }
        // The connection's state comes as `Input::Link`; who waits for a command hears of its end.
        _ => {}
    }
}

/// Everything shown is read again.
const fn stale(model: &mut Model) {
    model.list_reload.wanted = true;
    model.timeline_reload.wanted = true;
}

fn changed(model: &mut Model, conversation: ConversationId) {
    model.list_reload.wanted = true;
    if is_open(model, conversation) {
        model.timeline_reload.wanted = true;
    }
}

/// Reads again what changed; each at most once at a time.
fn reload(model: &mut Model, effects: &mut Vec<Effect>) {
    if model.list_reload.begin() {
        effects.push(Effect::LoadConversations);
    }
    if let Some(open) = &model.open
        && model.timeline_reload.begin()
    {
        let (of, id, window) = (open.target.clone(), open.id, open.timeline.window());
        effects.push(Effect::LoadTimeline { of, id, window });
    }
    if let Some(open) = &model.open
        && open.peer().is_none()
        && model.link == Link::Connected
        && model.count_reload.begin()
    {
        effects.push(Effect::CountMembers(open.id));
    }
}
