//! Every text of a command that others will see, whatever content it stands in.

use std::borrow::Cow;

use anser_types::body::Body;
use anser_types::{Alteration, ContactAct, Content, MemberAct, MessageKind};
use bytes::Bytes;

use crate::messages::request::{GroupWork, Work};

/// Reads what a content of this kind holds, with merged messages no deeper within one another than
/// `limits::MERGED_DEPTH_MAX`. `None`: it does not hold what its kind says, and no client shows a text of it.
///
/// The port through which rules look into contents without knowing how they are written.
pub type ReadBody = fn(MessageKind, &Bytes) -> Option<Body>;

/// A text, with what it is.
pub(crate) type Named<'a> = (&'static str, Cow<'a, str>);

/// Every such text of a command.
pub(crate) fn of_work(work: &Work, read: ReadBody) -> Vec<Named<'_>> {
    match work {
        Work::Send { content, .. } => of_content(content, read),
        Work::Alter { alteration: Alteration::Edit(content), .. } => of_content(content, read),
        Work::Alter { alteration: Alteration::React { emoji, on: true }, .. } => {
            vec![named("reaction", emoji)]
        }
        Work::CreateGroup { title, .. } => vec![named("title", title)],
        Work::Group { work, .. } => match work {
            GroupWork::Update(set) => {
                let title = set.title.iter().map(|text| named("title", text));
                let announcement = set.announcement.iter().map(|text| named("announcement", text));
                title.chain(announcement).collect()
            }
            GroupWork::AlterMember { act: MemberAct::Alias(alias), .. } => {
                vec![named("alias", alias)]
            }
            GroupWork::Join { greeting } => vec![named("greeting", greeting)],
            _ => Vec::new(),
        },
        Work::Contact { act: ContactAct::Apply { greeting }, .. } => {
            vec![named("greeting", greeting)]
        }
        Work::Contact { act: ContactAct::Remark(remark), .. } => vec![named("remark", remark)],
        _ => Vec::new(),
    }
}

fn named<'a>(what: &'static str, text: &'a str) -> Named<'a> {
    (what, Cow::Borrowed(text))
}

fn of_content(content: &Content, read: ReadBody) -> Vec<Named<'static>> {
    let mut texts = Vec::new();
    if let Some(body) = read(content.kind, &content.body) {
        of_body(body, read, &mut texts);
    }
    texts
}

/// The fields are called as in the messages of the kinds.
fn of_body(body: Body, read: ReadBody, texts: &mut Vec<Named<'static>>) {
    let mut found = |what, text: String| texts.push((what, Cow::Owned(text)));
    match body {
        Body::Text(text) | Body::System(text) => found("text", text),
        Body::Image(picture) | Body::Video(picture, _) => {
            found("caption", picture.caption);
            found("name", picture.file.name);
        }
        Body::Voice(voice) => found("name", voice.file.name),
        Body::File(file, caption) => {
            found("caption", caption);
            // A file without a name is shown by where it is.
            found("name", if file.name.is_empty() { file.file } else { file.name });
        }
        Body::Location(place) => {
            found("name", place.name);
            found("address", place.address);
        }
        Body::Card(_, name) => found("name", name),
        // Its data is the app's.
        Body::Custom(custom) => found("summary", custom.summary),
        Body::Merged(title, entries) => {
            found("title", title);
            for within in entries.iter().filter_map(|entry| read(entry.kind, &entry.body)) {
                of_body(within, read, texts);
            }
        }
        Body::Unknown(..) => {}
    }
}
