//! `anser doctor --verify` and `--salvage`: every byte of a stopped server's store is read, and of the files it knows of;
//! damages are told with what they touch, and what is intact in the store can be written out as JSON lines.

use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anser_backend::archive::{Entry, Subject};
use anser_backend::codec::{
    Malformed, Reader, read_change, read_conversation, read_member, read_message, read_user,
};
use anser_backend::{Heads, Roster};
use anser_embedded::{Damage, Examination, Found, OpenError, examine};
use anser_types::{ChangeNo, ErrorCode, Seq, UserNo};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::finding::{Damages, Finding};
use super::kept_files::{self, Known};
use crate::dump::lines;
use crate::failure::Failure;
use crate::setup::Setup;

const CHECK: &str = "store";
const FIX: &str = "Stop, copy the data directory, then restore a backup; 'anser doctor --salvage --to FILE' writes out \
                   what is intact.";

/// Reads everything and tells every damage.
///
/// # Errors
/// `STORE_IN_USE` while a server runs.
pub fn verify(setup: &Setup) -> Result<Vec<Finding>, Failure> {
    let mut known = Known::default();
    let mut findings = read_store(&setup.data_dir.store(), None, &mut |entry| known.add(entry))?;
    findings.extend(kept_files::verify(setup, &known));
    Ok(findings)
}

/// Reads the store, tells every damage, and writes what is intact to a new file.
///
/// # Errors
/// As [`verify`]; `NOT_EMPTY` if the file is there; what could not be written.
pub fn salvage(setup: &Setup, to: &Path) -> Result<Vec<Finding>, Failure> {
    read_store(&setup.data_dir.store(), Some(to), &mut |_| Ok(()))
}

/// `intact` hears every record that is.
fn read_store(
    store: &Path,
    salvage_to: Option<&Path>,
    intact: &mut dyn FnMut(&Entry<'_>) -> Result<(), Malformed>,
) -> Result<Vec<Finding>, Failure> {
    if !store.is_dir() {
        let text = format!("there is no store in {}", store.display());
        return Err(Failure::new(ErrorCode::ConfigInvalid, text)
            .next("Name the server's data directory with --data-dir."));
    }
    let mut out = salvage_to.map(begin).transpose()?;
    let mut damages = Vec::new();
    let examined = examine(store, &mut |found| {
        if let Some(out) = &mut out {
            writeln!(out, "{}", line(&found))?;
        }
        match found {
            Found::Damage(damage) => damages.push(damage),
            // It was read a moment ago: this cannot fail.
            Found::Intact(entry) => intact(&entry).map_err(io::Error::other)?,
        }
        Ok(())
    });
    let examination = examined.map_err(|error| cannot(&error))?;
    if let Some(out) = &mut out {
        out.flush().and_then(|()| out.get_ref().sync_all()).map_err(|error| {
            Failure::new(ErrorCode::StoreFailed, format!("the salvage file: {error}"))
        })?;
    }
    Ok(findings(&examination, &damages, salvage_to))
}

fn begin(to: &Path) -> Result<BufWriter<std::fs::File>, Failure> {
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to);
    made.map(BufWriter::new).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            Failure::new(ErrorCode::NotEmpty, format!("{} exists already", to.display()))
        }
        _ => Failure::new(ErrorCode::StoreFailed, format!("{}: {error}", to.display())),
    })
}

fn cannot(error: &OpenError) -> Failure {
    let failure = Failure::new(error.code(), error.to_string());
    match error {
        OpenError::InUse(_) => failure.next("Stop the server first: every byte is read."),
        _ => failure,
    }
}

fn findings(
    examination: &Examination,
    damages: &[Damage],
    salvaged: Option<&Path>,
) -> Vec<Finding> {
    let read = format!(
        "{} commits of the log and {} records read",
        examination.commits,
        examination.counts.total()
    );
    let mut told = Damages::new(CHECK, FIX);
    for Damage { place, touches } in damages {
        told.add(format!("{place}; touches {touches}"));
    }
    let place = salvaged.map_or_else(String::new, |to| format!(", written to {}", to.display()));
    let sound = format!("{read}: everything is intact");
    told.counted(sound, &format!("{read} and intact{place}"), "damages")
}

/// One line of a salvage: a record, or what is lost.
fn line(found: &Found<'_>) -> Value {
    match found {
        Found::Damage(Damage { place, touches }) => {
            json!({"kind": "damage", "place": place, "touches": touches})
        }
        Found::Intact(entry) => readable(entry).unwrap_or_else(|_| raw(entry)),
    }
}

fn readable(entry: &Entry<'_>) -> Result<Value, Malformed> {
    let mut key = Reader::new(entry.key);
    Ok(match entry.subject {
        Subject::User => {
            let user = read_user(UserNo(key.u64()?), entry.value)?;
            without(lines::user(&user, &[]), &["devices"])
        }
        Subject::Conversation => {
            let conversation = read_conversation(key.conversation()?, entry.value)?;
            let members = Vec::new();
            let line = lines::conversation(&Roster { conversation, members }, Heads::default());
            without(line, &["members", "head", "change_head"])
        }
        Subject::Member => {
            let id = key.conversation()?;
            let member = read_member(UserNo(key.u64()?), entry.value)?;
            let mut line = lines::member(&member);
            line["kind"] = "member".into();
            line["conversation"] = id.to_string().into();
            line
        }
        Subject::Message => {
            lines::message(&read_message(key.conversation()?, Seq(key.u64()?), entry.value)?)
        }
        Subject::Change => {
            lines::change(&read_change(key.conversation()?, ChangeNo(key.u64()?), entry.value)?)
        }
        _ => raw(entry),
    })
}

/// Without what stands in records of its own.
fn without(mut line: Value, names: &[&str]) -> Value {
    if let Value::Object(fields) = &mut line {
        fields.retain(|name, _| !names.contains(&name.as_str()));
    }
    line
}

/// A record that is of use to the server alone.
fn raw(entry: &Entry<'_>) -> Value {
    json!({
        "kind": entry.subject.name(),
        "key": hex::encode(entry.key),
        "row_base64": STANDARD.encode(entry.value),
    })
}
