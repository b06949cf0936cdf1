//! Searching one's own conversations. The index only suggests places: each message is read from the log again as the
//! caller may see it, and is shown only if it still holds what is wanted.

use std::collections::BTreeMap;
use std::sync::Arc;

use anser_backend::Heads;
use anser_backend::search::{Hit, Scope, SearchError, SearchIndex, SearchRequest, Wanted};
use anser_types::{
    Content, ConversationId, ErrorCode, Member, Message, MessageKind, Refusal, Seq, Target, UserId,
    limits,
};

use crate::api::{Caller, FoundMessage, Reply};
use crate::history;
use crate::lists::own::Own;
use crate::service::Service;
use crate::sync::inbox::page_size;
use crate::visible;

/// Conversations listed at a time.
const LISTED: usize = limits::PAGE_MAX;
/// Places looked at for one page: what was altered meanwhile must not make a page cost without end.
const LOOKED_AT_MAX: usize = 2 * limits::PAGE_MAX;

/// What is asked for.
pub(crate) struct Asked {
    pub(crate) text: String,
    /// One conversation, or all of the caller's.
    pub(crate) of: Option<Target>,
    pub(crate) before: Option<Hit>,
    pub(crate) limit: usize,
}

/// A page of what was found, newest first.
pub(crate) async fn page(
    service: &Service,
    caller: &Caller,
    asked: Asked,
) -> Result<Reply, Refusal> {
    let index = service.search().ok_or_else(|| {
        Refusal::because(ErrorCode::Unsupported, "search is switched off on this server")
    })?;
    let wanted = wanted(&asked.text)?;
    let places = match &asked.of {
        Some(of) => one_place(service, caller, of).await?,
        None => all_places(service, caller).await?,
    };
    let own = Own::of(service, caller.user_no, &caller.user).await?;
    let mut search = Search { service, own, index, wanted, places, before: asked.before };
    search.page(page_size(asked.limit)).await
}

fn wanted(text: &str) -> Result<Wanted, Refusal> {
    let invalid = |why: String| Refusal::because(ErrorCode::InvalidArgument, why);
    let most = limits::SEARCH_TEXT_MAX_BYTES;
    if text.len() > most {
        return Err(invalid(format!("text: {} bytes, the limit is {most}", text.len())));
    }
    Wanted::new(text).map_err(|nothing| invalid(format!("text: {nothing}")))
}

/// A conversation that is searched, with what decides what the caller sees of it.
struct Place {
    member: Member,
    heads: Heads,
    peer: Option<UserId>,
}

#[derive(Default)]
struct Places {
    by_id: BTreeMap<ConversationId, Place>,
    /// The caller has more conversations than are searched at once.
    more: bool,
}

impl Places {
    fn scopes(&self) -> Vec<Scope> {
        let scopes = self.by_id.iter().map(|(id, place)| {
            let all = visible::stretches(&place.member, place.heads, Seq::ZERO, Seq::MAX);
            let seen = all.into_iter().filter(|stretch| stretch.visible);
            let spans = seen.map(|stretch| (stretch.after, stretch.up_to)).collect();
            Scope { conversation: *id, spans }
        });
        scopes.filter(|scope| !scope.spans.is_empty()).collect()
    }
}

async fn one_place(service: &Service, caller: &Caller, of: &Target) -> Result<Places, Refusal> {
    let (id, roster) = history::readable(service, caller, of).await?;
    let mut places = Places::default();
    if let Some(roster) = roster
        && let Some(member) = roster.member(caller.user_no).cloned()
    {
        let heads = service.conversations().heads(id).await;
        let heads = heads.map_err(|error| service.store_refusal(&error))?;
        let peer = roster.conversation.peer_of(&caller.user).cloned();
        places.by_id.insert(id, Place { member, heads, peer });
    }
    Ok(places)
}

async fn all_places(service: &Service, caller: &Caller) -> Result<Places, Refusal> {
    let mut places = Places::default();
    let mut after = None;
    loop {
        let listed = service.conversations().listings(caller.user_no, after, LISTED).await;
        let listed = listed.map_err(|error| service.store_refusal(&error))?;
        let Some(last) = listed.last().map(|listing| listing.conversation.id) else {
            return Ok(places);
        };
        if places.by_id.len() + listed.len() > limits::SEARCH_CONVERSATIONS_MAX {
            places.more = true;
            return Ok(places);
        }
        for listing in listed {
            let peer = listing.conversation.peer_of(&caller.user).cloned();
            let place = Place { member: listing.member, heads: listing.heads, peer };
            places.by_id.insert(listing.conversation.id, place);
        }
        after = Some(last);
    }
}

struct Search<'a> {
    service: &'a Service,
    /// The asker's own lists.
    own: Own<'a>,
    index: &'a dyn SearchIndex,
    wanted: Wanted,
    places: Places,
    /// The last place that was looked at.
    before: Option<Hit>,
}

impl Search<'_> {
    async fn page(&mut self, entries: usize) -> Result<Reply, Refusal> {
        let scopes = self.places.scopes();
        let mut found = Vec::new();
        let (mut bytes, mut looked_at) = (0, 0);
        let mut complete = !self.places.more;
        loop {
            let limit = entries - found.len();
            let request = SearchRequest {
                wanted: self.wanted.clone(),
                scopes: scopes.clone(),
                before: self.before,
                limit,
            };
            let suggested = self.index.search(request).await.map_err(|error| refusal(&error))?;
            complete &= suggested.complete;
            let at_the_end = suggested.hits.len() < limit;
            for hit in suggested.hits {
                let shown = self.look_at(hit).await?;
                let size = shown.as_ref().map_or(0, |one| size(&one.message));
                if bytes + size > limits::PAGE_MAX_BYTES && !found.is_empty() {
                    return Ok(Reply::Search { found, next: self.before, complete });
                }
                bytes += size;
                looked_at += 1;
                found.extend(shown);
                self.before = Some(hit);
            }
            if at_the_end {
                return Ok(Reply::Search { found, next: None, complete });
            }
            if found.len() >= entries || looked_at >= LOOKED_AT_MAX {
                return Ok(Reply::Search { found, next: self.before, complete });
            }
        }
    }

    /// The message at a place, if the caller may see it and it holds what is wanted as they see it.
    async fn look_at(&self, hit: Hit) -> Result<Option<FoundMessage>, Refusal> {
        let Some(place) = self.places.by_id.get(&hit.conversation) else { return Ok(None) };
        if !visible::message(&place.member, place.heads, hit.seq) {
            return Ok(None);
        }
        let read = history::seen_at(self.service, &place.member, hit.conversation, hit.seq).await?;
        let holds = |message: &Arc<Message>| {
            let text = message.content.as_ref().and_then(text_of);
            text.is_some_and(|text| self.wanted.is_in(text))
        };
        let Some(message) = read.filter(holds) else { return Ok(None) };
        let away = self.own.put_away(hit.conversation, hit.seq.previous(), hit.seq).await?;
        let message = Some(message).filter(|_| !away.holds(hit.seq));
        Ok(message.map(|message| FoundMessage { message, peer: place.peer.clone() }))
    }
}

fn text_of(content: &Content) -> Option<&str> {
    let is_text = content.kind == MessageKind::Text;
    is_text.then(|| std::str::from_utf8(&content.body).ok()).flatten()
}

fn size(message: &Message) -> usize {
    message.content.as_ref().map_or(0, |content| content.body.len()) + 64
}

fn refusal(error: &SearchError) -> Refusal {
    match error {
        SearchError::Busy => {
            Refusal::because(ErrorCode::Overloaded, error.to_string()).retry_after(1_000)
        }
        SearchError::Failed(_) => {
            tracing::error!(%error, "a search failed");
            Refusal::because(ErrorCode::Internal, "the search index failed").retry_after(5_000)
        }
    }
}
