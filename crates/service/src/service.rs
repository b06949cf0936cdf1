//! The service.
#![allow(missing_docs, unused, clippy::todo, clippy::missing_errors_doc)]
use crate::*;
use anser_backend::{Accounts, Conversations, Ledger, LedgerStatus};
use anser_types::*;
use secrecy::SecretString;
use std::sync::Arc;
#[derive(Clone)]
pub struct Ports {
    pub ledger: Arc<dyn Ledger>,
    pub conversations: Arc<dyn Conversations>,
    pub accounts: Arc<dyn Accounts>,
}
pub struct Service {}
#[derive(Clone, Debug)]
pub struct Status {
    pub sessions: usize,
    pub users_online: usize,
    pub queue_depth: usize,
    pub bulk_depth: usize,
    pub draining: bool,
    pub ledger: LedgerStatus,
}
impl Service {
    pub fn start(
        ports: Ports,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        settings: Settings,
    ) -> Arc<Self> {
        todo!()
    }
    pub async fn open_session(
        self: &Arc<Self>,
        hello: Hello,
    ) -> Result<(Session, Mailbox), Refusal> {
        todo!()
    }
    pub async fn register(
        &self,
        user: UserId,
        password: SecretString,
        class: DeviceClass,
        device_name: String,
    ) -> Result<SignedIn, Refusal> {
        todo!()
    }
    pub async fn sign_in(
        &self,
        user: UserId,
        password: SecretString,
        class: DeviceClass,
        device_name: String,
    ) -> Result<SignedIn, Refusal> {
        todo!()
    }
    pub async fn renew(&self, token: &str) -> Result<SignedIn, Refusal> {
        todo!()
    }
    pub async fn sign_out(&self, token: &str) -> Result<(), Refusal> {
        todo!()
    }
    pub fn authenticate_app(&self, key: &str) -> Result<AppCaller, Refusal> {
        todo!()
    }
    pub async fn create_user(&self, app: &AppCaller, user: UserId) -> Result<(), Refusal> {
        todo!()
    }
    pub async fn mint_token(
        &self,
        app: &AppCaller,
        user: UserId,
        device: Option<DeviceNo>,
        class: DeviceClass,
        name: String,
        create: bool,
    ) -> Result<SignedIn, Refusal> {
        todo!()
    }
    pub async fn send_as(
        &self,
        app: &AppCaller,
        from: UserId,
        idempotency_key: String,
        hash: [u8; 16],
        to: Target,
        content: Content,
    ) -> Result<(Done, bool), Refusal> {
        todo!()
    }
    pub fn status(&self) -> Status {
        todo!()
    }
    pub async fn drain(&self) {
        todo!()
    }
    pub async fn stop(&self) {
        todo!()
    }
}
