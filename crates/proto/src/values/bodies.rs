//! What contents hold, by their kinds: as the messages of `content.proto`. Both ways keep to the same limits.

use anser_types::body::{Body, Custom, FileRef, Location, MergedEntry, Picture, Voice};
use anser_types::limits::{
    CAPTION_MAX_BYTES, CONTENT_MAX_BYTES, FILE_LINK_MAX_BYTES, FILES_PER_MESSAGE, MERGED_DEPTH_MAX,
    MERGED_MAX, THUMBNAIL_MAX_BYTES, TITLE_MAX_BYTES, WAVEFORM_MAX_BYTES,
};
use anser_types::{FileId, MessageKind, UserId};
use bytes::Bytes;
use prost::Message as _;

use super::{Unreadable, user};
use crate::{time, v1};

/// The content of a message with this body.
///
/// # Errors
/// What in it is beyond a limit or makes no sense.
pub fn write(body: &Body) -> Result<Bytes, Unreadable> {
    let bytes = encode(body);
    if bytes.len() > CONTENT_MAX_BYTES {
        let rule = format!("at most {CONTENT_MAX_BYTES} bytes, not {}", bytes.len());
        return Err(Unreadable::new("content", rule));
    }
    // What nobody could read is not sent.
    read(body.kind(), &bytes)?;
    Ok(bytes)
}

fn encode(body: &Body) -> Bytes {
    let bytes = match body {
        Body::Text(text) | Body::System(text) => return Bytes::from(text.clone()),
        Body::Unknown(_, raw) => return raw.clone(),
        Body::Image(picture) => image(picture).encode_to_vec(),
        Body::Voice(voice) => v1::VoiceContent {
            file: Some(file(&voice.file)),
            duration_ms: voice.duration_ms,
            waveform: voice.waveform.clone(),
        }
        .encode_to_vec(),
        Body::Video(picture, duration_ms) => {
            let v1::ImageContent { file, width, height, thumbnail, caption } = image(picture);
            let duration_ms = *duration_ms;
            v1::VideoContent { file, width, height, thumbnail, caption, duration_ms }
                .encode_to_vec()
        }
        Body::File(of, caption) => {
            v1::FileContent { file: Some(file(of)), caption: caption.clone() }.encode_to_vec()
        }
        Body::Location(place) => v1::LocationContent {
            latitude_e7: place.latitude_e7,
            longitude_e7: place.longitude_e7,
            name: place.name.clone(),
            address: place.address.clone(),
        }
        .encode_to_vec(),
        Body::Card(who, name) => {
            v1::CardContent { user: who.to_string(), name: name.clone() }.encode_to_vec()
        }
        Body::Custom(custom) => v1::CustomContent {
            r#type: custom.kind.clone(),
            data: custom.data.clone(),
            summary: custom.summary.clone(),
        }
        .encode_to_vec(),
        Body::Merged(title, entries) => {
            let entries = entries.iter().map(|entry| v1::MergedEntry {
                sender: entry.sender.to_string(),
                said_at_ms: time::to_wire(entry.said_at),
                kind: entry.kind.code(),
                content: entry.body.clone(),
            });
            v1::MergedContent { title: title.clone(), entries: entries.collect() }.encode_to_vec()
        }
    };
    Bytes::from(bytes)
}

fn file(of: &FileRef) -> v1::FileRef {
    v1::FileRef {
        file: of.file.clone(),
        name: of.name.clone(),
        media_type: of.media_type.clone(),
        bytes: of.bytes,
        sha256: of.sha256.map(|hash| Bytes::copy_from_slice(&hash)).unwrap_or_default(),
    }
}

fn image(picture: &Picture) -> v1::ImageContent {
    v1::ImageContent {
        file: Some(file(&picture.file)),
        width: picture.width,
        height: picture.height,
        thumbnail: picture.thumbnail.clone(),
        caption: picture.caption.clone(),
    }
}

/// What a content of this kind holds.
///
/// # Errors
/// What of it cannot be read, or is beyond a limit. A kind this version does not know always reads, as such.
pub fn read(kind: MessageKind, content: &Bytes) -> Result<Body, Unreadable> {
    let body = parse(kind, content)?;
    if let Body::Merged(_, entries) = &body {
        check_depth(entries, 1)?;
    }
    Ok(body)
}

/// The files at the server that a content of this kind names, in order, each once: what its message must hold for its
/// readers to have them. What cannot be read names none.
#[must_use]
pub fn files_in(kind: MessageKind, content: &Bytes) -> Vec<FileId> {
    let mut found = Vec::new();
    if let Ok(body) = read(kind, content) {
        gather_files(&body, &mut found);
    }
    found
}

fn gather_files(body: &Body, found: &mut Vec<FileId>) {
    let file = match body {
        Body::Image(Picture { file, .. })
        | Body::Video(Picture { file, .. }, _)
        | Body::Voice(Voice { file, .. })
        | Body::File(file, _) => file,
        Body::Merged(_, entries) => {
            for entry in entries {
                if let Ok(body) = parse(entry.kind, &entry.body) {
                    gather_files(&body, found);
                }
            }
            return;
        }
        _ => return,
    };
    if let Ok(id) = file.file.parse()
        && !found.contains(&id)
        && found.len() < FILES_PER_MESSAGE
    {
        found.push(id);
    }
}

fn parse(kind: MessageKind, content: &Bytes) -> Result<Body, Unreadable> {
    Ok(match kind {
        MessageKind::Text => Body::Text(text(content)?),
        MessageKind::System => Body::System(text(content)?),
        MessageKind::Image => Body::Image(read_picture(decode(content)?)?),
        MessageKind::Voice => Body::Voice(read_voice(decode(content)?)?),
        MessageKind::Video => {
            let video: v1::VideoContent = decode(content)?;
            let v1::VideoContent { file, width, height, thumbnail, caption, duration_ms } = video;
            let image = v1::ImageContent { file, width, height, thumbnail, caption };
            Body::Video(read_picture(image)?, duration_ms)
        }
        MessageKind::File => {
            let found: v1::FileContent = decode(content)?;
            Body::File(read_file(found.file)?, line("caption", found.caption, CAPTION_MAX_BYTES)?)
        }
        MessageKind::Location => Body::Location(read_location(decode(content)?)?),
        MessageKind::Card => {
            let card: v1::CardContent = decode(content)?;
            Body::Card(user("user", &card.user)?, line("name", card.name, TITLE_MAX_BYTES)?)
        }
        MessageKind::Custom => Body::Custom(read_custom(decode(content)?)?),
        MessageKind::Merged => read_merged(decode(content)?)?,
        MessageKind::Unknown(code) => Body::Unknown(code, content.clone()),
    })
}

fn decode<T: prost::Message + Default>(content: &Bytes) -> Result<T, Unreadable> {
    T::decode(content.clone()).map_err(|error| Unreadable::new("content", error.to_string()))
}

fn text(content: &Bytes) -> Result<String, Unreadable> {
    let text = std::str::from_utf8(content);
    text.map(str::to_owned).map_err(|_| Unreadable::new("content", "UTF-8 text"))
}

fn line(field: &'static str, text: String, most: usize) -> Result<String, Unreadable> {
    if text.len() > most {
        return Err(Unreadable::new(field, format!("at most {most} bytes, not {}", text.len())));
    }
    Ok(text)
}

fn at_most(field: &'static str, bytes: Bytes, most: usize) -> Result<Bytes, Unreadable> {
    if bytes.len() > most {
        return Err(Unreadable::new(field, format!("at most {most} bytes, not {}", bytes.len())));
    }
    Ok(bytes)
}

fn read_file(file: Option<v1::FileRef>) -> Result<FileRef, Unreadable> {
    let file = file.filter(|file| !file.file.is_empty());
    let file = file.ok_or_else(|| Unreadable::new("file", "it is missing"))?;
    let sha256 = match file.sha256.len() {
        0 => None,
        length => Some(
            <[u8; 32]>::try_from(&file.sha256[..])
                .map_err(|_| Unreadable::new("sha256", format!("32 bytes, not {length}")))?,
        ),
    };
    Ok(FileRef {
        file: line("file", file.file, FILE_LINK_MAX_BYTES)?,
        name: line("name", file.name, TITLE_MAX_BYTES)?,
        media_type: line("media_type", file.media_type, TITLE_MAX_BYTES)?,
        bytes: file.bytes,
        sha256,
    })
}

fn read_picture(image: v1::ImageContent) -> Result<Picture, Unreadable> {
    Ok(Picture {
        file: read_file(image.file)?,
        width: image.width,
        height: image.height,
        thumbnail: at_most("thumbnail", image.thumbnail, THUMBNAIL_MAX_BYTES)?,
        caption: line("caption", image.caption, CAPTION_MAX_BYTES)?,
    })
}

fn read_voice(voice: v1::VoiceContent) -> Result<Voice, Unreadable> {
    Ok(Voice {
        file: read_file(voice.file)?,
        duration_ms: voice.duration_ms,
        waveform: at_most("waveform", voice.waveform, WAVEFORM_MAX_BYTES)?,
    })
}

fn read_location(place: v1::LocationContent) -> Result<Location, Unreadable> {
    let within = |field, value: i32, degrees: i32| {
        if value.unsigned_abs() <= degrees.unsigned_abs() * 10_000_000 {
            return Ok(value);
        }
        Err(Unreadable::new(field, format!("within {degrees} degrees")))
    };
    Ok(Location {
        latitude_e7: within("latitude_e7", place.latitude_e7, 90)?,
        longitude_e7: within("longitude_e7", place.longitude_e7, 180)?,
        name: line("name", place.name, TITLE_MAX_BYTES)?,
        address: line("address", place.address, CAPTION_MAX_BYTES)?,
    })
}

fn read_custom(custom: v1::CustomContent) -> Result<Custom, Unreadable> {
    if custom.r#type.is_empty() {
        return Err(Unreadable::new("type", "it is missing"));
    }
    Ok(Custom {
        kind: line("type", custom.r#type, TITLE_MAX_BYTES)?,
        data: custom.data,
        summary: line("summary", custom.summary, CAPTION_MAX_BYTES)?,
    })
}

fn read_merged(merged: v1::MergedContent) -> Result<Body, Unreadable> {
    let count = merged.entries.len();
    if count == 0 || count > MERGED_MAX {
        return Err(Unreadable::new("entries", format!("1 to {MERGED_MAX}, not {count}")));
    }
    let entry = |wire: v1::MergedEntry| -> Result<MergedEntry, Unreadable> {
        let sender: UserId = user("sender", &wire.sender)?;
        Ok(MergedEntry {
            sender,
            said_at: time::from_wire(wire.said_at_ms),
            kind: MessageKind::from_code(wire.kind),
            body: wire.content,
        })
    };
    let entries = merged.entries.into_iter().map(entry).collect::<Result<_, _>>()?;
    Ok(Body::Merged(line("title", merged.title, TITLE_MAX_BYTES)?, entries))
}

/// Refuses merged messages that hold merged ones too deep. What of an entry cannot be read holds nothing.
fn check_depth(entries: &[MergedEntry], depth: usize) -> Result<(), Unreadable> {
    if depth > MERGED_DEPTH_MAX {
        let rule = format!("forwarded within forwarded at most {MERGED_DEPTH_MAX} deep");
        return Err(Unreadable::new("entries", rule));
    }
    for entry in entries.iter().filter(|entry| entry.kind == MessageKind::Merged) {
        if let Ok(Body::Merged(_, within)) = parse(entry.kind, &entry.body) {
            check_depth(&within, depth + 1)?;
        }
    }
    Ok(())
}
