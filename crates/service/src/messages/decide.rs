//! From a command to an append: runs the rules, and never lets a "no" rest on memory.

use anser_backend::{Append, Origin};
use anser_types::{ErrorCode, Refusal};

use crate::directory::View;
use crate::fanout::route::Route;
use crate::groups;
use crate::lists;
use crate::messages::request::{Actor, Request, Work};
use crate::messages::{alter, read, send};
use crate::pace::Paces;
use crate::reports;
use crate::rules::{No, Plan};
use crate::service::Service;

/// What goes to the writer.
pub(crate) struct Decided {
    pub(crate) append: Append,
    pub(crate) route: Route,
    /// The append keeps a refusal.
    pub(crate) refused: bool,
}

/// Runs the rules of a session's command. A "no" from memory is checked against the store.
///
/// # Errors
/// A condition of the whole server; the number stays free.
pub(crate) async fn decide(
    service: &Service,
    actor: &Actor,
    request: &Request,
    view: View,
) -> Result<Decided, Refusal> {
    let origin = Origin::Device {
        device: actor.key(),
        epoch: actor.epoch,
        command_no: request.command_no,
        answered_up_to: request.answered_up_to,
        hash: request.hash,
    };
    decide_as(service, actor, request, origin, view).await
}

/// The same for whatever a repetition is recognised by.
///
/// # Errors
/// A condition of the whole server, or of who has a key and comes too fast: nothing is kept, the same may come again.
pub(crate) async fn decide_as(
    service: &Service,
    actor: &Actor,
    request: &Request,
    origin: Origin,
    view: View,
) -> Result<Decided, Refusal> {
    let admitted = match view {
        // Counted once, and looked up nowhere else: this "no" rests on no store.
        View::Cached => Paces::admit(service, actor, &request.work).await,
        View::Fresh => Ok(()),
    };
    let outcome = match admitted {
        Ok(()) => ruled(service, actor, request, view).await,
        Err(no) => Err(no),
    };
    match outcome {
        // A number is used up, and its device takes the next one. A key stands for one request until that is carried out.
        Err(No::Final(refusal, _)) if is_keyed(&origin) && is_too_fast(refusal.code) => {
            crate::metrics::refused(refusal.code);
            Err(refusal)
        }
        outcome => as_append(service, origin, outcome),
    }
}

const fn is_keyed(origin: &Origin) -> bool {
    matches!(origin, Origin::Key { .. })
}

const fn is_too_fast(code: ErrorCode) -> bool {
    use ErrorCode as E;
    matches!(code, E::GroupFlooded | E::TooManyStrangers | E::TooManyReports)
}

async fn ruled(
    service: &Service,
    actor: &Actor,
    request: &Request,
    view: View,
) -> Result<Plan, No> {
    let outcome = plan(service, actor, request, view).await;
    if view == View::Cached && matches!(outcome, Err(No::Final(..))) {
        return plan(service, actor, request, View::Fresh).await;
    }
    outcome
}

/// The append for what the rules said: an effect, or a refusal that is kept as the answer.
fn as_append(
    service: &Service,
    origin: Origin,
    outcome: Result<Plan, No>,
) -> Result<Decided, Refusal> {
    let at = service.clock().now();
    match outcome {
        Ok(Plan { expects, records, inbox, route }) => {
            let append = Append { origin, at, expects, refused: None, records, inbox };
            Ok(Decided { append, route, refused: false })
        }
        Err(No::Final(refusal, expects)) => {
            crate::metrics::refused(refusal.code);
            let append = Append {
                origin,
                at,
                expects,
                refused: Some(refusal),
                records: Vec::new(),
                inbox: Vec::new(),
            };
            Ok(Decided { append, route: Route::Nobody, refused: true })
        }
        Err(No::Passing(refusal)) => Err(refusal),
    }
}

async fn plan(service: &Service, actor: &Actor, request: &Request, view: View) -> Result<Plan, No> {
    service.check_words(&request.work)?;
    match &request.work {
        Work::Send { to, content } => {
            let composed =
                send::Composed { content, id: request.message_id(), sent_at: request.sent_at };
            send::plan(service, actor, to, &composed, view).await
        }
        Work::MarkRead { at, up_to } => read::plan(service, actor, at, *up_to, view).await,
        Work::CreateGroup { title, members, history_for_new_members } => {
            groups::create::plan(service, actor, title, members, *history_for_new_members).await
        }
        Work::Group { conversation, work } => {
            groups::plan(service, actor, *conversation, work, view).await
        }
        Work::Alter { at, which, alteration } => {
            alter::plan(service, actor, at, *which, alteration, view).await
        }
        Work::Contact { user, act } => lists::contacts::plan(service, actor, user, act).await,
        Work::SetOptions { at, set } => lists::options::plan(service, actor, at, set).await,
        Work::SetSettings(set) => lists::settings::plan(service, actor, *set).await,
        Work::Hide { at, seqs } => lists::hide::plan(service, actor, at, seqs).await,
        Work::Report { about, reason, text } => {
            let (reason, local_no) = (*reason, request.local_no);
            let said = reports::Said { about, reason, text, local_no };
            reports::plan(service, actor, &said).await
        }
        Work::Invalid(refusal) => Err(No::Final(refusal.clone(), Vec::new())),
        Work::Unknown => Err(No::plain(ErrorCode::Unsupported)),
    }
}
