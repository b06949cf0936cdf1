//! The reference of search: reads every message there is. For tests, and for comparing an index with.

use std::str;

use anser_types::{ConversationId, MessageKind};

use super::backend::MemoryBackend;
use crate::Boxed;
use crate::search::{Hit, Hits, SearchError, SearchIndex, SearchRequest};

impl SearchIndex for MemoryBackend {
    fn search(&self, request: SearchRequest) -> Boxed<'_, Result<Hits, SearchError>> {
        Box::pin(async move {
            let mut hits = self
                .read(|machine| {
                    let logs = &machine.durable.conversations;
                    let logs = request.scopes.iter().filter_map(|scope| {
                        logs.get(&scope.conversation).map(|log| (scope, &log.messages))
                    });
                    let messages = logs.flat_map(|(scope, messages)| {
                        let said = messages.iter().flatten();
                        said.filter(|message| scope.holds(message.seq))
                    });
                    messages
                        .filter(|message| {
                            let content = message.content.as_ref();
                            let text = content.filter(|content| content.kind == MessageKind::Text);
                            let text = text.and_then(|text| str::from_utf8(&text.body).ok());
                            text.is_some_and(|text| request.wanted.is_in(text))
                        })
                        .map(|message| Hit {
                            at: message.server_time,
                            conversation: message.conversation,
                            seq: message.seq,
                        })
                        .filter(|hit| request.before.is_none_or(|before| *hit < before))
                        .collect::<Vec<Hit>>()
                })
                .map_err(|error| SearchError::Failed(error.to_string()))?;
            hits.sort_unstable_by(|one, other| other.cmp(one));
            hits.truncate(request.limit);
            Ok(Hits { hits, complete: true })
        })
    }

    fn committed(&self, _conversations: &[ConversationId]) {}
}
