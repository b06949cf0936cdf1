//! The channels of one session: what it asks to follow, and what comes of them.
//!
//! Nothing here is numbered by the session: each channel has its own log, and a client notices by arithmetic what it
//! missed. So whatever does not fit is not sent, and where the log ends is said instead.

use std::{
    collections::VecDeque,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use anser_proto::close::CloseReason;
use anser_proto::v1;
use anser_service::{ChannelPosition, Followed};
use anser_types::limits::{CHANNELS_PER_SESSION, FOLLOW_PER_FRAME, PAGE_MAX_BYTES};
use anser_types::{ErrorCode, Refusal};
use bytes::Bytes;

use super::actor::Stop;
use super::pushing::Ways;
use crate::translate::{channels, events};

type Asked = Pin<Box<dyn Future<Output = Result<Followed, Refusal>> + Send>>;

/// What a session asks to follow: one question to the service at a time, the others wait.
#[derive(Default)]
pub(super) struct Following {
    waiting: VecDeque<ChannelPosition>,
    asked: Option<Asked>,
}

impl Following {
    /// Takes what a client asks to follow.
    ///
    /// # Errors
    /// It names more at once than it may, or something that is no conversation.
    pub(super) fn add(&mut self, channels: &[v1::ChannelPosition]) -> Result<(), CloseReason> {
        let waiting = self.waiting.len() + channels.len();
        if channels.len() > FOLLOW_PER_FRAME || waiting > CHANNELS_PER_SESSION {
            let detail = format!(
                "{} channels in one frame, {waiting} not answered yet; the limits are \
                 {FOLLOW_PER_FRAME} and {CHANNELS_PER_SESSION}",
                channels.len()
            );
            return Err(CloseReason::because(ErrorCode::RateLimited, detail));
        }
        for channel in channels {
            self.waiting.push_back(channels::position(channel)?);
        }
        Ok(())
    }

    /// One step: true if something moved.
    ///
    /// # Errors
    /// The store does not say what is in the channels: the session cannot go on as if it had.
    pub(super) fn drive(
        &mut self,
        cx: &mut Context<'_>,
        deadline: Duration,
        ways: &mut Ways<'_>,
    ) -> Result<bool, Stop> {
        if self.asked.is_none() && !self.waiting.is_empty() && ways.outbound.has_room() {
            let count = self.waiting.len().min(FOLLOW_PER_FRAME);
            let channels: Vec<_> = self.waiting.drain(..count).collect();
            let reader = ways.reader.clone();
            self.asked = Some(Box::pin(async move {
                let asked = tokio::time::timeout(deadline, reader.follow(&channels)).await;
                asked.unwrap_or_else(|_| Err(Refusal::new(ErrorCode::TimedOut)))
            }));
        }
        let Some(asked) = &mut self.asked else { return Ok(false) };
        let Poll::Ready(followed) = asked.as_mut().poll(cx) else { return Ok(false) };
        self.asked = None;
        let followed = followed.map_err(CloseReason::from)?;
        if followed != Followed::default() {
            ways.wire.channel_heads(&channels::followed(&followed), &mut ways.outbound.frames);
        }
        Ok(true)
    }
}

/// Passes on what came in followed channels, as far as there is room. What waits longer than the mailbox holds is dropped
/// there, and said to be missing here.
pub(super) fn push_channels(ways: &mut Ways<'_>) -> bool {
    if !ways.mailbox.has_channel_news() {
        return false;
    }
    let mut moved = false;
    while ways.outbound.has_room() {
        let (mut batch, mut bytes): (Vec<Bytes>, usize) = (Vec::new(), 0);
        while bytes < PAGE_MAX_BYTES / 2
            && let Some(delivery) = ways.mailbox.take_channel()
        {
            let encoded = events::encoded_in_channel(&delivery);
            bytes += encoded.len();
            batch.push(encoded);
        }
        if batch.is_empty() {
            break;
        }
        ways.wire.channel_batch(batch.iter(), &mut ways.outbound.frames);
        moved = true;
    }
    if ways.outbound.has_room() {
        let (behind, gone) = ways.mailbox.take_channel_heads();
        if !behind.is_empty() || !gone.is_empty() {
            ways.wire.channel_heads(&channels::heads(behind, gone), &mut ways.outbound.frames);
            moved = true;
        }
    }
    moved
}
