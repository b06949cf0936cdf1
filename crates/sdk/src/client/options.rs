//! How one wants conversations shown, on all one's devices: pinned, silent, hidden, cleared, with a draft; and messages
//! removed for oneself. Nobody else hears of it. What is done waits for the server's answer; offline it waits in the
//! outbox, survives a restart, and is executed exactly once, also when the wait was given up.

use anser_types::{Command, Done, ErrorCode, Notify, Refusal, Seq, SetOptions, Target, limits};

use super::handle::Client;
use crate::driver::Request;
use crate::error::Error;
use crate::store::{ConversationOptions, KeptDraft};

impl Client {
    /// How one wants a conversation shown, also one that has not begun yet.
    ///
    /// # Errors
    /// The store failed.
    pub async fn conversation_options(
        &self,
        of: impl Into<Target>,
    ) -> Result<ConversationOptions, Error> {
        let id = self.conversation_of(&of.into());
        Ok(self.inner.store.conversation_options(id).await?)
    }

    /// Changes how one wants a conversation shown; what is `None` stays. One's own devices hear
    /// [`Event::ConversationOptionsChanged`](crate::Event::ConversationOptionsChanged).
    ///
    /// # Errors
    /// `CONVERSATION_UNKNOWN`, `USER_UNKNOWN`, `READ_ABOVE_HEAD`, `CONTENT_TOO_LARGE`, `OVERLOADED`, or the client is
    /// closed.
    pub async fn set_conversation_options(
        &self,
        at: impl Into<Target>,
        set: SetOptions,
    ) -> Result<Done, Error> {
        self.execute(Command::SetOptions { at: at.into(), set }).await
    }

    /// Lets a conversation stand above the others, or not (`on` false).
    ///
    /// # Errors
    /// As [`Self::set_conversation_options`].
    pub async fn pin_conversation(&self, at: impl Into<Target>, on: bool) -> Result<Done, Error> {
        let set = SetOptions { pinned: Some(on), ..SetOptions::default() };
        self.set_conversation_options(at, set).await
    }

    /// Says for which messages of a conversation devices should make themselves heard.
    ///
    /// # Errors
    /// As [`Self::set_conversation_options`].
    pub async fn set_notify(&self, at: impl Into<Target>, notify: Notify) -> Result<Done, Error> {
        let set = SetOptions { notify: Some(notify), ..SetOptions::default() };
        self.set_conversation_options(at, set).await
    }

    /// Silences a conversation, or lets it be heard again (`on` false). What is unread in a silent one is counted apart.
    ///
    /// # Errors
    /// As [`Self::set_conversation_options`].
    pub async fn mute_conversation(&self, at: impl Into<Target>, on: bool) -> Result<Done, Error> {
        self.set_notify(at, if on { Notify::Nothing } else { Notify::All }).await
    }

    /// Leaves a conversation out of the list until its next message.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when there is no message in it yet, else as [`Self::set_conversation_options`].
    pub async fn hide_conversation(&self, at: impl Into<Target>) -> Result<Done, Error> {
        let at = at.into();
        let set = SetOptions { hidden_up_to: Some(self.head(&at).await?), ..SetOptions::default() };
        self.set_conversation_options(at, set).await
    }

    /// Lists a hidden conversation again.
    ///
    /// # Errors
    /// As [`Self::set_conversation_options`].
    pub async fn show_conversation(&self, at: impl Into<Target>) -> Result<Done, Error> {
        let set = SetOptions { hidden_up_to: Some(Seq::ZERO), ..SetOptions::default() };
        self.set_conversation_options(at, set).await
    }

    /// Clears a conversation for oneself, up to the last message known here. Others keep it; it does not come back.
    ///
    /// # Errors
    /// As [`Self::hide_conversation`].
    pub async fn clear_history(&self, at: impl Into<Target>) -> Result<Done, Error> {
        let at = at.into();
        let set =
            SetOptions { cleared_up_to: Some(self.head(&at).await?), ..SetOptions::default() };
        self.set_conversation_options(at, set).await
    }

    /// Removes messages for oneself, on all one's devices; others keep them. At most
    /// [`limits::HIDE_PER_COMMAND`] at once. One's own devices hear
    /// [`Event::MessagesHidden`](crate::Event::MessagesHidden).
    ///
    /// # Errors
    /// `TARGET_MISSING`, `INVALID_ARGUMENT`, `CONVERSATION_UNKNOWN`, `OVERLOADED`, or the client is closed.
    pub async fn delete_messages_for_me(
        &self,
        at: impl Into<Target>,
        seqs: Vec<Seq>,
    ) -> Result<Done, Error> {
        self.execute(Command::Hide { at: at.into(), seqs }).await
    }

    /// Keeps what was begun and not yet sent; an empty text ends it. It is in the store and shown by
    /// [`Self::conversation_options`] when this returns. One's other devices get the newest draft after 10 seconds, or
    /// when [`Self::leave_conversation`] is called: it may be called at every key.
    ///
    /// # Errors
    /// `CONTENT_TOO_LARGE`, the store failed, or the client is closed.
    pub async fn save_draft(
        &self,
        at: impl Into<Target>,
        text: impl Into<String>,
    ) -> Result<(), Error> {
        let (at, text) = (at.into(), text.into());
        if text.len() > limits::DRAFT_MAX_BYTES {
            let detail = format!("a draft has at most {} bytes", limits::DRAFT_MAX_BYTES);
            return Err(Refusal::because(ErrorCode::ContentTooLarge, detail).into());
        }
        let conversation = self.conversation_of(&at);
        self.inner.store.keep_draft(conversation, &at, text.clone()).await?;
        self.request(Request::DraftSaved(KeptDraft { conversation, at, text })).await
    }

    /// The user looks at another conversation: a draft that waits in this one is sent at once.
    ///
    /// # Errors
    /// [`Error::Closed`].
    pub async fn leave_conversation(&self, at: impl Into<Target>) -> Result<(), Error> {
        let conversation = self.conversation_of(&at.into());
        self.ask(|reply| Request::Left { conversation, reply }).await
    }

    /// The last message of a conversation, as far as it is known here.
    async fn head(&self, at: &Target) -> Result<Seq, Error> {
        let id = self.conversation_of(at);
        let head = self.inner.store.conversation(id).await?.map(|conversation| conversation.head);
        head.filter(|head| *head > Seq::ZERO).ok_or_else(|| {
            Refusal::because(ErrorCode::InvalidArgument, "there is no message in it yet").into()
        })
    }
}
