//! Reports by users: what may be reported, and what operators see and do.
//!
//! Each is an item of a conversation of the server's own in which nobody is: written in the commit of its command, as
//! durable and as backed up as any change, and read through the operators' door only.

use anser_backend::{Append, Appended, Origin, PageLimit, Record};
use anser_types::report::{About, Report, ReportId, ReportReason, Reported};
use anser_types::{
    ChangeKind, Conversation, ConversationId, ConversationKind, ErrorCode, Group, Item, ItemKey,
    ItemKind, LocalNo, Refusal, Seq, Target, UnixMs, Version, limits,
};
use tokio::sync::oneshot;

use crate::accounts::app::AppCaller;
use crate::directory::View;
use crate::fanout::route::Route;
use crate::history;
use crate::messages::request::Actor;
use crate::rules::{No, Plan, known};
use crate::service::Service;
use crate::visible;
use crate::writer::batch::Job;
use crate::writer::publish::{Asker, Ending};
use crate::writer::queue::Queue;

/// What a report says.
pub(crate) struct Said<'a> {
    pub(crate) about: &'a Reported,
    pub(crate) reason: ReportReason,
    pub(crate) text: &'a str,
    pub(crate) local_no: LocalNo,
}

/// One item, told to nobody.
pub(crate) async fn plan(service: &Service, actor: &Actor, said: &Said<'_>) -> Result<Plan, No> {
    if said.text.len() > limits::REPORT_TEXT_MAX_BYTES {
        let detail = format!("a report has at most {} bytes", limits::REPORT_TEXT_MAX_BYTES);
        return Err(No::because(ErrorCode::InvalidArgument, detail));
    }
    let about = about(service, actor, said.about).await?;
    let id = ReportId { at: service.clock().now(), by: actor.no, local_no: said.local_no };
    let report = Report {
        id,
        by: actor.id.clone(),
        about,
        reason: said.reason,
        text: said.text.to_owned(),
        closed_at: None,
        note: String::new(),
    };
    let conversation = ConversationId::REPORTS;
    let mut records = Vec::with_capacity(2);
    let mut expects = Vec::new();
    if service.directory().roster(conversation, &[], View::Fresh).await?.is_none() {
        expects.push((conversation, Version::ZERO));
        let kind = ConversationKind::Group(Group { title: "reports".into(), ..Group::default() });
        let row = Conversation::first(conversation, kind, service.clock().now());
        records.push(Record::Conversation(row));
    }
    let kind = ChangeKind::Item(Item::Report(Box::new(report)));
    records.push(Record::Change { conversation, actor: actor.id.clone(), kind });
    Ok(Plan { expects, records, inbox: Vec::new(), route: Route::Nobody })
}

/// What is reported, as the reporter sees it now.
async fn about(service: &Service, actor: &Actor, reported: &Reported) -> Result<About, No> {
    match reported {
        Reported::User(user) if *user == actor.id => {
            Err(No::because(ErrorCode::InvalidArgument, "nobody reports themselves"))
        }
        Reported::User(user) => match service.directory().user(user).await? {
            Some(_) => Ok(About::User(user.clone())),
            None => Err(No::because(ErrorCode::UserUnknown, user.as_str())),
        },
        Reported::Conversation(of) => {
            match known(service.directory(), (actor.no, &actor.id), of).await? {
                (id, Some(_)) => Ok(About::Conversation(id)),
                (id, None) => Err(No::Final(
                    Refusal::new(ErrorCode::ConversationUnknown),
                    vec![(id, Version::ZERO)],
                )),
            }
        }
        Reported::Message { at, seq } => message(service, actor, at, *seq).await,
    }
}

async fn message(service: &Service, actor: &Actor, at: &Target, seq: Seq) -> Result<About, No> {
    let (id, roster) = known(service.directory(), (actor.no, &actor.id), at).await?;
    let missing = || {
        let detail = format!("there is no message {seq} here, or nothing is left of it");
        let refusal = Refusal::because(ErrorCode::TargetMissing, detail);
        match &roster {
            Some(roster) => No::here(roster, refusal),
            None => No::Final(refusal, vec![(id, Version::ZERO)]),
        }
    };
    let heads = service.conversations().heads(id).await?;
    let member = roster.as_ref().and_then(|roster| roster.member(actor.no)).ok_or_else(missing)?;
    if !visible::message(member, heads, seq) {
        return Err(missing());
    }
    let seen = history::seen_at(service, member, id, seq).await.map_err(No::Passing)?;
    let message = seen.ok_or_else(missing)?;
    if message.sender == actor.id {
        return Err(No::because(ErrorCode::InvalidArgument, "nobody reports themselves"));
    }
    let content = message.content.clone().ok_or_else(missing)?;
    Ok(About::Message {
        conversation: id,
        seq,
        sender: message.sender.clone(),
        said_at: message.server_time,
        content,
    })
}

/// A page of reports, the oldest first.
#[derive(Clone, Debug)]
pub struct Reports {
    /// The reports.
    pub reports: Vec<Report>,
    /// Where to go on; `None` at the end. A page with one may be short or empty.
    pub next: Option<ReportId>,
}

impl Service {
    /// Reports after one (`None`: from the oldest), for operators; only open ones unless `closed_too`.
    ///
    /// # Errors
    /// What the store says.
    pub async fn reports(
        &self,
        _operator: &AppCaller,
        after: Option<ReportId>,
        closed_too: bool,
    ) -> Result<Reports, Refusal> {
        let prefix = ItemKey::all(ItemKind::Report);
        let from = after.map_or_else(ItemKey::default, ItemKey::report);
        let limit = PageLimit { entries: limits::PAGE_DEFAULT, bytes: limits::PAGE_MAX_BYTES };
        let items = self
            .lists()
            .items(ConversationId::REPORTS, prefix, from, limit)
            .await
            .map_err(|error| self.store_refusal(&error))?;
        let found: Vec<Report> = items
            .iter()
            .filter_map(|change| match change.item() {
                Some(Item::Report(report)) => Some(report.as_ref().clone()),
                _ => None,
            })
            .collect();
        let next = found.last().map(|report| report.id);
        let shown = |report: &Report| closed_too || report.closed_at.is_none();
        Ok(Reports { reports: found.into_iter().filter(shown).collect(), next })
    }

    /// Notes that an operator has dealt with a report. One that is closed already gets the new note.
    ///
    /// # Errors
    /// `TARGET_MISSING`, `INVALID_ARGUMENT`, or what the store says.
    pub async fn close_report(
        &self,
        _operator: &AppCaller,
        id: ReportId,
        note: String,
    ) -> Result<Report, Refusal> {
        if note.len() > limits::REPORT_TEXT_MAX_BYTES {
            let detail = format!("note: at most {} bytes", limits::REPORT_TEXT_MAX_BYTES);
            return Err(Refusal::because(ErrorCode::InvalidArgument, detail));
        }
        let found = self
            .lists()
            .item(ConversationId::REPORTS, ItemKey::report(id))
            .await
            .map_err(|error| self.store_refusal(&error))?;
        let Some(Item::Report(report)) = found.as_ref().and_then(|change| change.item()) else {
            let detail = format!("there is no report {id}");
            return Err(Refusal::because(ErrorCode::TargetMissing, detail));
        };
        let now = self.clock().now();
        let closed = Report {
            closed_at: Some(report.closed_at.unwrap_or(now)),
            note,
            ..report.as_ref().clone()
        };
        self.write_report(closed.clone(), now).await?;
        Ok(closed)
    }

    async fn write_report(&self, report: Report, at: UnixMs) -> Result<(), Refusal> {
        let actor = report.by.clone();
        let kind = ChangeKind::Item(Item::Report(Box::new(report)));
        let conversation = ConversationId::REPORTS;
        let append = Append {
            origin: Origin::Internal,
            at,
            expects: Vec::new(),
            refused: None,
            records: vec![Record::Change { conversation, actor, kind }],
            inbox: Vec::new(),
        };
        let (asker, ending) = oneshot::channel();
        let job = Job { append, route: Route::Nobody, asker: Asker::waiter(asker) };
        self.writer().submit(job, Queue::Bulk).await;
        match ending.await {
            Ok(Ending::Ledger(Appended::Committed(_), _)) => Ok(()),
            Ok(Ending::Refused(refusal)) => Err(refusal),
            Ok(Ending::Ledger(..)) | Err(_) => Err(Refusal::new(ErrorCode::Internal)),
        }
    }
}
