//! Erases messages whose time is over, some at a time, until stopped. Nobody is shown them by then, and every client has
//! forgotten its copy by itself: so each is a change of its conversation that no inbox hears of.

use std::sync::Arc;
use std::time::Duration;

use anser_backend::{Append, Appended, Conversations, Origin, Record, StoreError};
use anser_types::{Alteration, ChangeKind, Clock, ConversationId, Message, UnixMs, limits};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::fanout::route::{Route, Told};
use crate::history::message_at;
use crate::metrics;
use crate::trim::{ClockWatch, ticked, ticks};
use crate::writer::batch::Job;
use crate::writer::publish::{Asker, Ending};
use crate::writer::queue::{Queue, WriterHandle};

/// What the work needs.
pub(crate) struct Eraser {
    pub(crate) conversations: Arc<dyn Conversations>,
    pub(crate) writer: WriterHandle,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) every: Duration,
}

impl Eraser {
    /// Looks again and again. While the clock is not believed nothing is erased.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut ticks = ticks(self.every);
        let mut watch = ClockWatch::new(self.clock.now());
        while ticked(&mut ticks, &stop).await {
            let Some(now) = watch.if_believed(self.clock.now()) else { continue };
            match self.step(now).await {
                Ok(erased) => metrics::messages_expired(erased),
                Err(error) => tracing::warn!(%error, "messages whose time is over were not erased"),
            }
        }
    }

    async fn step(&self, now: UnixMs) -> Result<u64, StoreError> {
        let over = self.conversations.expiring(now, limits::EXPIRE_PER_STEP).await?;
        let mut endings = Vec::with_capacity(over.len());
        for (conversation, seq) in over {
            if let Some(message) = message_at(&*self.conversations, conversation, seq).await?
                && message.is_over(now)
            {
                let (asker, ending) = oneshot::channel();
                let in_channel = self.is_channel(conversation).await?;
                self.writer.submit(job(&message, in_channel, now, asker), Queue::Bulk).await;
                endings.push(ending);
            }
        }
        let mut erased = 0;
        for ending in endings {
            let committed = |ending| matches!(ending, Ending::Ledger(Appended::Committed(_), _));
            erased += u64::from(ending.await.is_ok_and(committed));
        }
        Ok(erased)
    }

    async fn is_channel(&self, id: ConversationId) -> Result<bool, StoreError> {
        let roster = self.conversations.roster(id).await?;
        Ok(roster.is_some_and(|roster| roster.conversation.channel().is_some()))
    }
}

fn job(message: &Message, in_channel: bool, at: UnixMs, asker: oneshot::Sender<Ending>) -> Job {
    let (conversation, actor) = (message.conversation, message.sender.clone());
    let kind = ChangeKind::MessageAltered { seq: message.seq, alteration: Alteration::Expire };
    let record = Record::Change { conversation, actor: actor.clone(), kind: kind.clone() };
    let append = Append {
        origin: Origin::Internal,
        at,
        expects: Vec::new(),
        refused: None,
        records: vec![record],
        inbox: Vec::new(),
    };
    // The search index hears that the conversation has grown, and who follows a channel hears every change of its log.
    let told = vec![Told { conversation, kind, audience: Vec::new(), in_channel }];
    let route = Route::Changes { actor, rows: Vec::new(), told };
    Job { append, route, asker: Asker::waiter(asker) }
}
