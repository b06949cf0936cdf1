//! Pages over the timeline: contacts, requests to join, readers of a message, settings.

use anser_types::{Contact, JoinState, Relation};
use ratatui::text::Line;

use super::asked::Listing;
use super::model::Setting;
use super::texts::Text;
use crate::named::{Named, Switch};
use crate::plain;

/// The title of a page.
#[must_use]
pub const fn title(listing: &Listing) -> Text {
    match listing {
        Listing::Contacts(_) => Text::ContactsTitle,
        Listing::Requests(_) => Text::RequestsTitle,
        Listing::Readers(_) => Text::ReadersTitle,
        Listing::Settings(_) => Text::SettingsTitle,
    }
}

/// The lines of a page; one that is empty says so.
#[must_use]
pub fn lines(listing: &Listing, setting: &Setting) -> Vec<Line<'static>> {
    let texts = setting.texts;
    let lines: Vec<String> = match listing {
        Listing::Contacts(contacts) => {
            contacts.iter().filter_map(|one| contact(one, setting)).collect()
        }
        Listing::Requests(requests) => requests
            .iter()
            .filter(|request| request.state == JoinState::Waiting)
            .map(|request| format!("{}  {}", request.user, request.greeting))
            .collect(),
        Listing::Readers(readers) => {
            let line = |user: &anser_types::UserId, text| format!("{user}  {}", texts.get(text));
            let read = readers.read.iter().map(|user| line(user, Text::Read));
            read.chain(readers.unread.iter().map(|user| line(user, Text::NotRead))).collect()
        }
        Listing::Settings(settings) => vec![
            format!("/settings write-first {}", settings.write_first.name()),
            format!("/settings last-seen {}", settings.last_seen.name()),
            format!("/settings show-read {}", Switch(settings.show_read).name()),
        ],
    };
    if lines.is_empty() {
        return vec![Line::styled(texts.get(Text::NobodyHere), setting.palette.quiet())];
    }
    lines.into_iter().map(|line| Line::raw(plain::one_line(&line))).collect()
}

fn contact(contact: &Contact, setting: &Setting) -> Option<String> {
    let texts = setting.texts;
    let relation = match contact.relation {
        Relation::None => None,
        Relation::Applied => Some(Text::RelationApplied),
        Relation::Asked => Some(Text::RelationAsked),
        Relation::Contact => Some(Text::RelationContact),
        Relation::Refused => Some(Text::RelationRefused),
    };
    let blocked = contact.blocked.then_some(Text::Blocked);
    let marks: Vec<&str> =
        [relation, blocked].into_iter().flatten().map(|text| texts.get(text)).collect();
    if marks.is_empty() && contact.remark.is_empty() {
        return None;
    }
    let name = match contact.remark.as_str() {
        "" => contact.user.to_string(),
        remark => format!("{remark} ({})", contact.user),
    };
    Some(format!("{name}  {}  {}", texts.list(marks), contact.greeting))
}
