//! Who is online: asked once, or followed. Each user says who may see it; who may not sees `Unknown`, as for a user who
//! does not exist.

use anser_client::queries::{Query, Reply};
use anser_types::limits::PRESENCE_PER_SESSION;
use anser_types::{UserId, UserPresence};

use super::handle::{Client, wrong_answer};
use crate::driver::Request;
use crate::error::Error;

impl Client {
    /// How these users are now, in their order, asked of the server; any number, a page at a time.
    ///
    /// # Errors
    /// `UNREACHABLE` while offline, or the client is closed.
    pub async fn presence(&self, users: &[UserId]) -> Result<Vec<UserPresence>, Error> {
        let mut found = Vec::with_capacity(users.len());
        for page in users.chunks(PRESENCE_PER_SESSION) {
            match self.query(Query::Presence { of: page.to_vec() }).await? {
                Reply::Presence(users) => found.extend(users),
                _ => return Err(wrong_answer()),
            }
        }
        Ok(found)
    }

    /// Follows users from now on, in every session of this client: how each is comes as
    /// [`Event::PresenceChanged`](crate::Event::PresenceChanged), and again whenever it changes. Offline it begins with
    /// the next session. It ends with [`Self::unsubscribe_presence`], or with the client.
    ///
    /// # Errors
    /// `LIMIT_REACHED` when more than [`PRESENCE_PER_SESSION`] would be followed (then nothing changes), or the client is
    /// closed.
    pub async fn subscribe_presence(&self, users: &[UserId]) -> Result<(), Error> {
        let users = users.to_vec();
        Ok(self.ask(|reply| Request::Follow { users, reply }).await??)
    }

    /// Follows these users no more.
    ///
    /// # Errors
    /// The client is closed.
    pub async fn unsubscribe_presence(&self, users: &[UserId]) -> Result<(), Error> {
        self.request(Request::Unfollow { users: users.to_vec() }).await
    }
}
