//! The raw store: everything there is, without rules.

use std::ops::ControlFlow;

use anser_backend::{Boxed, Inspect, StoreError};
use anser_types::{ConversationId, UserNo};

use crate::codec::Malformed;
use crate::core::number_of;
use crate::keys::{self, Table};
use crate::pending::Scope;
use crate::store::EmbeddedStore;

impl Inspect for EmbeddedStore {
    fn conversation_ids(
        &self,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Boxed<'_, Result<Vec<ConversationId>, StoreError>> {
        Box::pin(async move {
            let from = keys::conversation(after.unwrap_or(ConversationId([0; 16])));
            let range = from..=keys::conversation(ConversationId([255; 16]));
            let read = move |core: &crate::core::Core| {
                let mut ids = Vec::new();
                core.tables.scan(Table::State, range, false, |key, _| {
                    if ids.len() >= limit {
                        return Ok(ControlFlow::Break(()));
                    }
                    let id = keys::last_conversation(key).ok_or(Malformed("a key is too short"))?;
                    if Some(id) != after {
                        ids.push(id);
                    }
                    Ok(ControlFlow::Continue(()))
                })?;
                Ok(ids)
            };
            self.scan(Scope::Everything, read).await
        })
    }

    fn user_nos(&self, after: UserNo, limit: usize) -> Boxed<'_, Result<Vec<UserNo>, StoreError>> {
        Box::pin(async move {
            let Some(first) = after.0.checked_add(1) else { return Ok(Vec::new()) };
            let range = keys::user(UserNo(first))..=keys::user(UserNo(u64::MAX));
            let read = move |core: &crate::core::Core| {
                let mut users = Vec::new();
                core.tables.scan(Table::State, range, false, |key, _| {
                    if users.len() >= limit {
                        return Ok(ControlFlow::Break(()));
                    }
                    users.push(UserNo(number_of(key)?));
                    Ok(ControlFlow::Continue(()))
                })?;
                Ok(users)
            };
            self.scan(Scope::Everything, read).await
        })
    }
}
