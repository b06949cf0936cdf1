//! Contacts: asking, answering, naming, ending, blocking; and what one lets others do and see. The lists are read from
//! the store. What is done waits for the server's answer; offline it waits in the outbox, survives a restart, and is
//! executed exactly once, also when the wait was given up.

use anser_types::{Command, Contact, ContactAct, Done, SetSettings, Settings, UserId};

use super::handle::Client;
use crate::error::Error;

impl Client {
    /// Everybody one has something to do with: contacts, applications both ways, who is named or blocked; by user id.
    ///
    /// # Errors
    /// The store failed.
    pub async fn contacts(&self) -> Result<Vec<Contact>, Error> {
        Ok(self.inner.store.contacts().await?)
    }

    /// What another user is to one: a stranger, if nothing was ever said about them.
    ///
    /// # Errors
    /// The store failed.
    pub async fn contact(&self, user: &UserId) -> Result<Contact, Error> {
        let contact = self.inner.store.contact(user.clone()).await?;
        Ok(contact.unwrap_or_else(|| Contact::stranger(user.clone())))
    }

    /// Who has asked to be one's contact and waits for an answer, the latest first.
    ///
    /// # Errors
    /// The store failed.
    pub async fn contact_applications(&self) -> Result<Vec<Contact>, Error> {
        Ok(self.inner.store.contact_applications().await?)
    }

    /// Asks a user to be one's contact. If they have asked already, both are contacts. They hear
    /// [`Event::ContactApplied`](crate::Event::ContactApplied), one's own devices
    /// [`Event::ContactChanged`](crate::Event::ContactChanged).
    ///
    /// # Errors
    /// `USER_UNKNOWN`, `SENDER_REFUSED`, `NOT_ALLOWED`, `LIMIT_REACHED`, `INVALID_ARGUMENT`, `OVERLOADED`, or the client
    /// is closed.
    pub async fn apply_contact(
        &self,
        user: UserId,
        greeting: impl Into<String>,
    ) -> Result<Done, Error> {
        self.act_on_contact(user, ContactAct::Apply { greeting: greeting.into() }).await
    }

    /// Says yes to an application.
    ///
    /// # Errors
    /// `TARGET_MISSING` when none waits, else as [`Self::apply_contact`].
    pub async fn accept_contact(&self, user: UserId) -> Result<Done, Error> {
        self.act_on_contact(user, ContactAct::Accept).await
    }

    /// Says no to an application.
    ///
    /// # Errors
    /// As [`Self::accept_contact`].
    pub async fn refuse_contact(&self, user: UserId) -> Result<Done, Error> {
        self.act_on_contact(user, ContactAct::Refuse).await
    }

    /// Gives a user a name of one's own, which they do not see; an empty one takes it away.
    ///
    /// # Errors
    /// As [`Self::apply_contact`].
    pub async fn set_remark(&self, user: UserId, remark: impl Into<String>) -> Result<Done, Error> {
        self.act_on_contact(user, ContactAct::Remark(remark.into())).await
    }

    /// Ends it for both, or takes an application back.
    ///
    /// # Errors
    /// As [`Self::apply_contact`].
    pub async fn remove_contact(&self, user: UserId) -> Result<Done, Error> {
        self.act_on_contact(user, ContactAct::Remove).await
    }

    /// Wants to hear nothing more from a user. They are not told.
    ///
    /// # Errors
    /// As [`Self::apply_contact`].
    pub async fn block(&self, user: UserId) -> Result<Done, Error> {
        self.act_on_contact(user, ContactAct::Block).await
    }

    /// Would hear from a user again.
    ///
    /// # Errors
    /// As [`Self::apply_contact`].
    pub async fn unblock(&self, user: UserId) -> Result<Done, Error> {
        self.act_on_contact(user, ContactAct::Unblock).await
    }

    /// Any of the acts above.
    ///
    /// # Errors
    /// As [`Self::apply_contact`].
    pub async fn act_on_contact(&self, user: UserId, act: ContactAct) -> Result<Done, Error> {
        self.execute(Command::Contact { user, act }).await
    }

    /// What one lets others do and see, as it is known here.
    ///
    /// # Errors
    /// The store failed.
    pub async fn settings(&self) -> Result<Settings, Error> {
        Ok(self.inner.store.settings().await?)
    }

    /// Changes what one lets others do and see; what is `None` stays. One's own devices hear
    /// [`Event::SettingsChanged`](crate::Event::SettingsChanged).
    ///
    /// # Errors
    /// `OVERLOADED`, or the client is closed.
    pub async fn set_settings(&self, set: SetSettings) -> Result<Done, Error> {
        self.execute(Command::SetSettings(set)).await
    }
}
