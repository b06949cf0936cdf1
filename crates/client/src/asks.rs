//! Questions on their way: the host's queries, each with a deadline, and the core's own, which are asked until they are
//! answered or the session ends.

use std::collections::BTreeMap;
use std::time::Duration;

use anser_proto::v1;
use anser_types::limits::REQUEST_DEADLINE_MS;
use anser_types::{ChangeNo, ConversationId, ErrorCode, Refusal, Seq};

use crate::channel_reading::Reading;
use crate::core::Core;
use crate::io::{Now, Output, QueryNo};
use crate::queries::{Query, Reply};
use crate::receipts::ReceiptsPage;
use crate::restored::Search;
use crate::translate;

/// Queries of the host at a time; more are refused at once.
const QUERIES_MAX: usize = 64;
const WITHIN: Duration = Duration::from_millis(REQUEST_DEADLINE_MS);
/// Pause before the core repeats a question of its own that was refused.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Whose question it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The host's.
    Host,
    /// The next page of a rebuild.
    SyncPage,
    /// The next page of the lists, at the end of a rebuild.
    SyncItems,
    /// Receipts missed while there was no session.
    Receipts(ReceiptsPage),
    /// What an earlier device has done in a conversation.
    FindOwn(Search),
    /// What was missed of a channel.
    Channel(Reading),
}

#[derive(Debug)]
struct Ask {
    purpose: Purpose,
    query: v1::query::Query,
    deadline: Duration,
    /// When to send it; `None` once it is on its way.
    send_at: Option<Duration>,
}

/// Everything asked and not answered.
#[derive(Debug, Default)]
pub(crate) struct Asks {
    open: BTreeMap<QueryNo, Ask>,
    last_no: u64,
}

impl Asks {
    /// Asks this as soon as there is a session.
    pub(crate) fn add(
        &mut self,
        purpose: Purpose,
        query: v1::query::Query,
        now: Duration,
    ) -> QueryNo {
        let query_no = self.next_no();
        let ask = Ask { purpose, query, deadline: now + WITHIN, send_at: Some(now) };
        self.open.insert(query_no, ask);
        query_no
    }

    fn next_no(&mut self) -> QueryNo {
        self.last_no += 1;
        QueryNo(self.last_no)
    }

    /// Whether such a question is open.
    pub(crate) fn has(&self, purpose: &Purpose) -> bool {
        self.open.values().any(|ask| ask.purpose == *purpose)
    }

    /// Whether something of a channel is being read.
    pub(crate) fn reads_channel(&self) -> bool {
        self.open.values().any(|ask| matches!(ask.purpose, Purpose::Channel(_)))
    }

    /// There is no session any more: the host's questions wait for the next one, the core's own begin anew with it.
    pub(crate) fn link_lost(&mut self) {
        self.open.retain(|_, ask| ask.purpose == Purpose::Host);
        self.open.values_mut().for_each(|ask| ask.send_at = Some(Duration::ZERO));
    }

    /// When something is due.
    pub(crate) fn next_timer(&self, up: bool) -> Option<Duration> {
        let due =
            |ask: &Ask| ask.send_at.filter(|_| up).map_or(ask.deadline, |at| at.min(ask.deadline));
        self.open.values().map(due).min()
    }
}

impl Core {
    /// Asks the server. It ends by [`Output::QueryDone`] within 10 s, also without a connection.
    pub fn query(&mut self, query: Query, now: Now) -> QueryNo {
        let hosts = self.asks.open.values().filter(|ask| ask.purpose == Purpose::Host).count();
        if hosts >= QUERIES_MAX {
            let query_no = self.asks.next_no();
            let result = Err(Refusal::because(ErrorCode::Overloaded, "too many queries at a time"));
            self.outputs.push_back(Output::QueryDone { query_no, result });
            return query_no;
        }
        let query_no = self.asks.add(Purpose::Host, translate::query(query), now.mono);
        self.settle_down(now);
        query_no
    }

    /// Sends what was not sent in this session.
    pub(crate) fn ask_unsent(&mut self, now: Now) {
        if self.asks.open.is_empty() || !self.link.is_up() {
            return;
        }
        let due: Vec<_> = self
            .asks
            .open
            .iter_mut()
            .filter_map(|(no, ask)| ask.send_at.take_if(|at| *at <= now.mono).map(|_| *no))
            .collect();
        for query_no in due {
            let Some(ask) = self.asks.open.get(&query_no) else { continue };
            let query = v1::Query { query_no: query_no.0, query: Some(ask.query.clone()) };
            self.say(now, |session, out| session.query(&query, out));
        }
    }

    /// An answer came.
    pub(crate) fn reply_came(&mut self, reply: v1::Reply, now: Now) {
        let query_no = QueryNo(reply.query_no);
        let Some(ask) = self.asks.open.remove(&query_no) else { return };
        let result = match reply.reply {
            Some(v1::reply::Reply::Error(error)) => Err(translate::refusal(error)),
            Some(reply) => Ok(reply),
            None => Err(Refusal::because(ErrorCode::Unsupported, "the reply is of a newer kind")),
        };
        if ask.purpose == Purpose::Host {
            let result = result.and_then(|reply| self.host_reply(reply));
            self.outputs.push_back(Output::QueryDone { query_no, result });
            return;
        }
        match result {
            Ok(reply) => {
                if self.own_reply(&ask.purpose, reply, now).is_none() {
                    let detail = "a reply of the server cannot be read";
                    self.link_failed(Refusal::because(ErrorCode::BadFrame, detail), now);
                }
            }
            Err(refusal) if !refusal.code.retryable() => match ask.purpose {
                Purpose::Receipts(page) => self.receipts_refused(page, now),
                // Nothing was ever said there, or it is not ours to see.
                Purpose::FindOwn(search) => self.search_done(search),
                Purpose::SyncItems if refusal.code == ErrorCode::Unsupported => {
                    self.sync_items_refused();
                }
                Purpose::Channel(reading) if refusal.code == ErrorCode::ConversationUnknown => {
                    self.channel_refused(reading);
                }
                _ => self.link_failed(refusal, now),
            },
            Err(refusal) => {
                let least = Duration::from_millis(refusal.retry_after_ms.unwrap_or(0).into());
                let again = now.mono + least.max(AGAIN_AFTER);
                let query_no = self.asks.add(ask.purpose, ask.query, again);
                if let Some(ask) = self.asks.open.get_mut(&query_no) {
                    ask.send_at = Some(again);
                }
            }
        }
    }

    fn own_reply(&mut self, purpose: &Purpose, reply: v1::reply::Reply, now: Now) -> Option<()> {
        use v1::reply::Reply as Wire;
        match (purpose, reply) {
            (Purpose::SyncPage, Wire::SyncPage(page)) => self.sync_page_came(page, now),
            (Purpose::SyncItems, Wire::Items(page)) => {
                self.sync_items_came(page, now);
                Some(())
            }
            (Purpose::Receipts(asked), Wire::Receipts(page)) => {
                self.receipts_came(*asked, &page.receipts, now);
                Some(())
            }
            (Purpose::FindOwn(Search::Messages(id)), Wire::History(page)) => {
                self.searched(*id, page, now)
            }
            (Purpose::FindOwn(Search::Changes(id)), Wire::Changes(page)) => {
                self.searched_changes(*id, page, now)
            }
            (Purpose::Channel(reading), reply) => self.channel_read(*reading, reply),
            _ => None,
        }
    }

    fn host_reply(&self, reply: v1::reply::Reply) -> Result<Reply, Refusal> {
        translate::reply(&self.me.user, reply).ok_or_else(|| {
            Refusal::because(ErrorCode::BadFrame, "the server's reply cannot be read")
        })
    }

    /// Time has passed: the host's questions end, the core's own are asked again on a link that is checked.
    pub(crate) fn asks_time_passed(&mut self, now: Now) {
        let overdue: Vec<_> = self
            .asks
            .open
            .iter()
            .filter(|(_, ask)| ask.deadline <= now.mono)
            .map(|(no, ask)| (*no, ask.send_at.is_none(), ask.purpose == Purpose::Host))
            .collect();
        for (query_no, was_sent, hosts) in overdue {
            let Some(ask) = self.asks.open.remove(&query_no) else { continue };
            if hosts {
                let code = if was_sent { ErrorCode::TimedOut } else { ErrorCode::Unreachable };
                let result = Err(Refusal::new(code));
                self.outputs.push_back(Output::QueryDone { query_no, result });
            } else {
                self.asks.add(ask.purpose, ask.query, now.mono);
            }
            if was_sent {
                self.check_link(now);
            }
        }
    }

    /// One page of a conversation's history, for the core itself.
    pub(crate) fn ask_history(&mut self, id: ConversationId, before: Seq, limit: u32, now: Now) {
        let query = translate::query(Query::History {
            of: anser_types::Target::Conversation(id),
            after: Seq::ZERO,
            before,
            limit,
            oldest_first: false,
        });
        self.asks.add(Purpose::FindOwn(Search::Messages(id)), query, now.mono);
    }

    /// One page of a conversation's changes, for the core itself.
    pub(crate) fn ask_changes(
        &mut self,
        conversation: ConversationId,
        after: ChangeNo,
        limit: u32,
        now: Now,
    ) {
        let query = translate::query(Query::Changes { conversation, after, limit });
        self.asks.add(Purpose::FindOwn(Search::Changes(conversation)), query, now.mono);
    }
}
