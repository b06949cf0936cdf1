//! Telling the operators of the server about something.

use anser_types::report::{ReportReason, Reported};
use anser_types::{Command, Done, Seq, Target, UserId};

use super::handle::Client;
use crate::error::Error;

impl Client {
    /// Reports a message to the operators, with a copy of it as it is seen now. Nobody else hears of it. Waits for the
    /// server's answer; giving up the wait gives up nothing: the command is in the outbox, also after a restart.
    ///
    /// # Errors
    /// `TARGET_MISSING` when it is gone or one may not see it, `INVALID_ARGUMENT` for one's own, `TOO_MANY_REPORTS` with
    /// the time after which one may report again, `OVERLOADED`, or the client is closed.
    pub async fn report_message(
        &self,
        at: impl Into<Target>,
        seq: Seq,
        reason: ReportReason,
        text: impl Into<String>,
    ) -> Result<Done, Error> {
        let about = Reported::Message { at: at.into(), seq };
        self.execute(Command::Report { about, reason, text: text.into() }).await
    }

    /// Reports a user, as [`Self::report_message`].
    ///
    /// # Errors
    /// `USER_UNKNOWN`; see [`Self::report_message`].
    pub async fn report_user(
        &self,
        user: UserId,
        reason: ReportReason,
        text: impl Into<String>,
    ) -> Result<Done, Error> {
        let about = Reported::User(user);
        self.execute(Command::Report { about, reason, text: text.into() }).await
    }

    /// Reports a group one is or was in, as [`Self::report_message`].
    ///
    /// # Errors
    /// `CONVERSATION_UNKNOWN`; see [`Self::report_message`].
    pub async fn report_conversation(
        &self,
        of: impl Into<Target>,
        reason: ReportReason,
        text: impl Into<String>,
    ) -> Result<Done, Error> {
        let about = match of.into() {
            // Between two people there is nothing to report but the other one.
            Target::User(user) => Reported::User(user),
            of @ Target::Conversation(_) => Reported::Conversation(of),
        };
        self.execute(Command::Report { about, reason, text: text.into() }).await
    }
}
