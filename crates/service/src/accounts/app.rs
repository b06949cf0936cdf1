//! The app server's door: users, tokens and messages for those it answers for.

use anser_backend::{CreateUser, Origin, Others};
use anser_types::{
    Content, DeviceClass, DeviceNo, Done, ErrorCode, LocalNo, MessageId, Outcome, Refusal,
    SessionEpoch, Target, UserId, UserNo, limits,
};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use subtle::{Choice, ConstantTimeEq};
use tokio::sync::oneshot;

use crate::accounts::tokens::Bearer;
use crate::api::SignedIn;
use crate::directory::View;
use crate::messages::decide::as_append;
use crate::messages::request::{Actor, Work};
use crate::messages::send;
use crate::rules::{No, Plan};
use crate::service::Service;
use crate::verdict::{AGAIN_MAX, as_answer};
use crate::writer::batch::Job;
use crate::writer::publish::Asker;
use crate::writer::queue::Queue;

/// Proof that a request came with an accepted API key: only the service makes one.
#[derive(Clone, Debug)]
pub struct AppCaller(());

impl Service {
    /// Checks an API key, in a time that says nothing about how much of it is right.
    ///
    /// # Errors
    /// `ApiKeyInvalid`.
    pub fn authenticate_app(&self, key: &str) -> Result<AppCaller, Refusal> {
        let hash: [u8; 32] = Sha256::digest(key.as_bytes()).into();
        let known = self
            .settings()
            .api_keys
            .iter()
            .fold(Choice::from(0), |found, known| found | known.ct_eq(&hash));
        if bool::from(known) {
            Ok(AppCaller(()))
        } else {
            Err(Refusal::new(ErrorCode::ApiKeyInvalid))
        }
    }

    /// On a development server everybody has what elsewhere takes an API key, as far as a caller lets them.
    #[must_use]
    pub fn development(&self) -> Option<AppCaller> {
        self.settings().development.then_some(AppCaller(()))
    }

    /// Makes a user without a password.
    ///
    /// # Errors
    /// `UserExists`, or what the store says.
    pub async fn create_user(&self, _app: &AppCaller, user: UserId) -> Result<(), Refusal> {
        let now = self.clock().now();
        let made = self
            .accounts()
            .create_user(user, None, now)
            .await
            .map_err(|error| self.store_refusal(&error))?;
        match made {
            CreateUser::Created(_) => Ok(()),
            CreateUser::Exists(_) => Err(Refusal::new(ErrorCode::UserExists)),
        }
    }

    /// Makes a token for a user's device: a new one, or (by number) one that holds a token, which then ends.
    ///
    /// # Errors
    /// `UserUnknown` (unless `create`), `TooManyDevices`, `InvalidArgument`, or what the store says.
    pub async fn mint_token(
        &self,
        _app: &AppCaller,
        user: UserId,
        device: Option<DeviceNo>,
        class: DeviceClass,
        name: String,
        create: bool,
    ) -> Result<SignedIn, Refusal> {
        let refused = |error| self.store_refusal(&error);
        let user_no = match self.directory().user(&user).await.map_err(refused)? {
            Some(no) => no,
            None if create => {
                let now = self.clock().now();
                match self.accounts().create_user(user.clone(), None, now).await.map_err(refused)? {
                    CreateUser::Created(user) | CreateUser::Exists(user) => user.no,
                }
            }
            None => return Err(Refusal::because(ErrorCode::UserUnknown, user.as_str())),
        };
        let _door = self.doors().enter(user_no).await;
        if let Some(device) = device {
            self.must_hold_a_token(user_no, device).await?;
        }
        let others = Others::End;
        let minted = self.issue(Bearer { user_no, user, device, class, name, others }).await?;
        if device.is_some() {
            self.doors().note_revocation();
        }
        Ok(minted)
    }

    async fn must_hold_a_token(&self, user: UserNo, device: DeviceNo) -> Result<(), Refusal> {
        let devices =
            self.accounts().devices(user).await.map_err(|error| self.store_refusal(&error))?;
        if devices.iter().any(|known| known.device == device) {
            return Ok(());
        }
        let detail = format!("device {device} holds no token; leave it out to get a new device");
        Err(Refusal::because(ErrorCode::InvalidArgument, detail))
    }

    /// Sends a message for a user, once per key: a repetition within `IDEMPOTENCY_KEEP_MS` gets the first answer
    /// (and `true`) and sends nothing. Waits in a queue of its own, so that bulk sends delay nobody.
    ///
    /// # Errors
    /// What the rules of sending say, `Conflict` if the key was used for something else, or retryable conditions of
    /// the server.
    pub async fn send_as(
        &self,
        _app: &AppCaller,
        from: UserId,
        idempotency_key: String,
        hash: [u8; 16],
        to: Target,
        content: Content,
    ) -> Result<(Done, bool), Refusal> {
        if idempotency_key.is_empty() || idempotency_key.len() > limits::IDEMPOTENCY_KEY_MAX_BYTES {
            let most = limits::IDEMPOTENCY_KEY_MAX_BYTES;
            let detail = format!("the Idempotency-Key has 1 to {most} bytes");
            return Err(Refusal::because(ErrorCode::InvalidArgument, detail));
        }
        if self.is_draining() {
            return Err(Refusal::new(ErrorCode::Draining).retry_after(2_000));
        }
        let user =
            self.directory().user(&from).await.map_err(|error| self.store_refusal(&error))?;
        let Some(user) = user else {
            return Err(Refusal::because(ErrorCode::UserUnknown, from.as_str()));
        };
        let sender = Actor { no: user, id: from, device: DeviceNo(0), epoch: SessionEpoch::ZERO };
        let id = MessageId { device: sender.device, local_no: LocalNo(self.next_app_local_no()) };
        let key = Origin::Key { user, key: idempotency_key, hash };
        self.send_once(&sender, key, &to, &Arc::new(content), id).await
    }

    async fn send_once(
        &self,
        sender: &Actor,
        key: Origin,
        to: &Target,
        content: &Arc<Content>,
        id: MessageId,
    ) -> Result<(Done, bool), Refusal> {
        let composed = send::Composed { content, id, sent_at: self.clock().now() };
        let mut view = View::Cached;
        for _ in 0..AGAIN_MAX {
            let planned = self.plan_send(sender, to, &composed, view).await;
            let decided = as_append(self, key.clone(), planned)?;
            let (asker, ending) = oneshot::channel();
            let asker = Asker::waiter(asker);
            let job = Job { append: decided.append, route: decided.route, asker };
            self.writer().submit(job, Queue::Bulk).await;
            let ending = ending.await.map_err(|_| Refusal::new(ErrorCode::Internal))?;
            match as_answer(ending) {
                Ok((answer, duplicate)) => match answer.outcome {
                    Outcome::Done(done) => return Ok((done, duplicate)),
                    Outcome::Refused(refusal) => return Err(refusal),
                },
                Err(refusal) if refusal.code == ErrorCode::Stale => view = View::Fresh,
                Err(refusal) => return Err(refusal),
            }
        }
        Err(Refusal::new(ErrorCode::Stale).retry_after(100))
    }

    async fn plan_send(
        &self,
        sender: &Actor,
        to: &Target,
        composed: &send::Composed<'_>,
        view: View,
    ) -> Result<Plan, No> {
        let (target, content) = (to.clone(), Arc::clone(composed.content));
        self.check_words(&Work::Send { to: target, content })?;
        match send::plan(self, sender, to, composed, view).await {
            Err(No::Final(..)) if view == View::Cached => {
                send::plan(self, sender, to, composed, View::Fresh).await
            }
            outcome => outcome,
        }
    }
}
