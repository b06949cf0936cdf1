//! Commands and queries of those who come without a session: each request by itself, of a device by its token or in the
//! name of a user by the API key. The rules, the writer and the reads are those of sessions.
//!
//! Such a command has no number. Its answer is kept under its user and its key, in the commit of its effect, for
//! `IDEMPOTENCY_KEEP_MS`.

use anser_backend::Origin;
use anser_types::{
    Command, CommandNo, Content, DeviceClass, DeviceNo, Done, ErrorCode, LocalNo, Outcome, Refusal,
    SessionEpoch, Target, UserId, limits,
};
use tokio::sync::oneshot;

use crate::accounts::app::AppCaller;
use crate::api::{Caller, Query, Reply};
use crate::directory::View;
use crate::messages::decide::decide_as;
use crate::messages::request::{Actor, Request};
use crate::pace::as_ms;
use crate::service::Service;
use crate::verdict::{AGAIN_MAX, as_answer};
use crate::writer::batch::Job;
use crate::writer::publish::Asker;
use crate::writer::queue::Queue;
use crate::{history, lists, presence, readers, receipts, search, sync};

/// The device of what comes through the app server's door, and of every message that is composed without a session: a
/// device of its own, so that its compose counter meets nobody's.
pub(crate) const NO_DEVICE: DeviceNo = DeviceNo(0);

/// A command that is repeated by its key, not by a number.
#[derive(Clone, Debug)]
pub struct KeyedCommand {
    /// The key, 1 to `IDEMPOTENCY_KEY_MAX_BYTES` bytes. Keys of different users never meet.
    pub key: String,
    /// Hash of the request, which tells a repetition from another request under the same key.
    pub hash: [u8; 16],
    /// What is asked.
    pub command: Command,
}

/// What came of a command with a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Executed {
    /// What it caused.
    pub done: Done,
    /// It had been executed before; this is the first answer.
    pub duplicate: bool,
    /// No device of any receiver was connected (requirement A6).
    pub stored_offline: bool,
}

/// How much a user may still ask without a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Requests at once.
    pub burst: u32,
    /// Seconds in which that many are granted again.
    pub window_s: u32,
    /// Requests left now.
    pub left: u32,
    /// Seconds until there are more; zero if there is no need to wait.
    pub wait_s: u32,
}

impl Service {
    /// The device whose token this is.
    ///
    /// # Errors
    /// `TokenInvalid`, `TokenExpired`, or what the store says.
    pub async fn authenticate(&self, token: &str) -> Result<Caller, Refusal> {
        let token = self.valid_token(token).await?;
        Ok(Caller {
            user_no: token.device.user,
            user: token.user_id,
            device: token.device.device,
            class: token.class,
            epoch: SessionEpoch::ZERO,
        })
    }

    /// The app server in the name of a user.
    ///
    /// # Errors
    /// `UserUnknown`, or what the store says.
    pub async fn act_for(&self, _app: &AppCaller, user: UserId) -> Result<Caller, Refusal> {
        Ok(Caller {
            user_no: self.known_user(&user).await?,
            user,
            device: NO_DEVICE,
            class: DeviceClass::Bot,
            epoch: SessionEpoch::ZERO,
        })
    }

    /// Counts a request of a device: a user may ask without a session as often as one session may command. `None` for the
    /// app server, which answers for itself.
    ///
    /// # Errors
    /// `RateLimited` with the time after which the user may ask again, and the allowance to be told with it.
    pub fn count_request(
        &self,
        caller: &Caller,
    ) -> Result<Option<Allowance>, (Refusal, Option<Allowance>)> {
        if caller.device == NO_DEVICE {
            return Ok(None);
        }
        let (penalties, device) = (&self.paces().penalties, Actor::of(caller).key());
        let limited = |ms| Refusal::new(ErrorCode::RateLimited).retry_after(ms);
        penalties.admits(device).map_err(|ms| (limited(ms), None))?;
        let (allowance, taken) = self.paces().request(caller.user_no);
        match taken {
            Ok(()) => Ok(Some(allowance)),
            Err(wait) => {
                let told = limited(penalties.refused(device, wait));
                Err((told, Some(Allowance { wait_s: as_ms(wait).div_ceil(1_000), ..allowance })))
            }
        }
    }

    /// Executes a command once per key. A repetition within `IDEMPOTENCY_KEEP_MS` gets the first answer, be it a refusal,
    /// and has no effect. What is refused because it came too fast (`RateLimited`, `GroupFlooded`, `TooManyStrangers`,
    /// `TooManyReports`) or by a condition of the server is not kept: the same request may come again.
    ///
    /// Commands of the app server wait in a queue of their own, so that bulk sends delay nobody.
    ///
    /// # Errors
    /// What the rules say, `Conflict` if the key was used for something else, or retryable conditions of the server.
    pub async fn execute(&self, caller: &Caller, asked: KeyedCommand) -> Result<Executed, Refusal> {
        let KeyedCommand { key, hash, command } = asked;
        if key.is_empty() || key.len() > limits::IDEMPOTENCY_KEY_MAX_BYTES {
            let most = limits::IDEMPOTENCY_KEY_MAX_BYTES;
            let detail = format!("the Idempotency-Key has 1 to {most} bytes");
            return Err(Refusal::because(ErrorCode::InvalidArgument, detail));
        }
        if self.is_draining() {
            return Err(Refusal::new(ErrorCode::Draining).retry_after(2_000));
        }
        let actor = Actor::of(caller);
        let request = Request {
            command_no: CommandNo::ZERO,
            answered_up_to: CommandNo::ZERO,
            device: NO_DEVICE,
            local_no: LocalNo(self.next_app_local_no()),
            sent_at: self.clock().now(),
            hash,
            work: command.into(),
        };
        let origin = Origin::Key { user: actor.no, key, hash };
        let queue = if caller.device == NO_DEVICE { Queue::Bulk } else { Queue::Sessions };
        self.write_once(&actor, &request, &origin, queue).await
    }

    async fn write_once(
        &self,
        actor: &Actor,
        request: &Request,
        origin: &Origin,
        queue: Queue,
    ) -> Result<Executed, Refusal> {
        let mut view = View::Cached;
        for _ in 0..AGAIN_MAX {
            let decided = decide_as(self, actor, request, origin.clone(), view).await?;
            let (asker, ending) = oneshot::channel();
            let asker = Asker::waiter(asker);
            let job = Job { append: decided.append, route: decided.route, asker };
            self.writer().submit(job, queue).await;
            let ending = ending.await.map_err(|_| Refusal::new(ErrorCode::Internal))?;
            match as_answer(ending) {
                Ok((answer, duplicate, stored_offline)) => {
                    return match answer.outcome {
                        Outcome::Done(done) => Ok(Executed { done, duplicate, stored_offline }),
                        Outcome::Refused(refusal) => Err(refusal),
                    };
                }
                Err(refusal) if refusal.code == ErrorCode::Stale => view = View::Fresh,
                Err(refusal) => return Err(refusal),
            }
        }
        Err(Refusal::new(ErrorCode::Stale).retry_after(100))
    }

    /// Sends a message in the name of a user: [`Service::act_for`], then [`Service::execute`].
    ///
    /// # Errors
    /// Those of the two.
    pub async fn send_as(
        &self,
        app: &AppCaller,
        from: UserId,
        idempotency_key: String,
        hash: [u8; 16],
        to: Target,
        content: Content,
    ) -> Result<Executed, Refusal> {
        let caller = self.act_for(app, from).await?;
        let command = Command::SendMessage { to, content };
        let asked = KeyedCommand { key: idempotency_key, hash, command };
        self.execute(&caller, asked).await
    }

    /// Answers a read from what is durable now, for a session or without one.
    ///
    /// # Errors
    /// `ConversationUnknown`, `UserUnknown`, `InvalidArgument`, or what the store says.
    pub async fn query(&self, caller: &Caller, query: Query) -> Result<Reply, Refusal> {
        let service = self;
        let answered = match query {
            Query::History { of, after, before, limit, oldest_first } => {
                let order = history::order(oldest_first);
                history::page(service, caller, &of, history::Bounds { after, before, limit, order })
                    .await
            }
            Query::Conversations { after, limit } => {
                sync::list::conversations(service, caller, after, limit).await
            }
            Query::Members { conversation, known, after, limit } => {
                let page = sync::members::Wanted { known, after, limit };
                sync::members::page(service, caller, conversation, page).await
            }
            Query::Receipts { of } => receipts::query(service, caller, &of).await,
            Query::SyncPage { at, since, after, limit, heads_only } => {
                sync::list::rebuild(service, caller, (at, since), after, (limit, heads_only)).await
            }
            Query::Editions { of, seq } => history::editions(service, caller, &of, seq).await,
            Query::Items { conversation, prefix, after, limit } => {
                lists::query::items(service, caller, conversation, prefix, after, limit).await
            }
            Query::Changes { conversation, after, limit } => {
                history::changes(service, caller, conversation, after, limit).await
            }
            Query::Readers { conversation, seq, unread, after, limit } => {
                let asked = readers::Asked { conversation, seq, unread, after, limit };
                readers::page(service, caller, asked).await
            }
            Query::Presence { of } => presence::look::query(service, caller, of).await,
            Query::Search { text, of, before, limit } => {
                let asked = search::Asked { text, of, before, limit };
                search::page(service, caller, asked).await
            }
        };
        answered.inspect_err(|refusal| crate::metrics::refused(refusal.code))
    }
}
