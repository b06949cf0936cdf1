//! Errors that need a store which misbehaves: what a session is told then.

use std::sync::Arc;

use anser_backend::memory::MemoryBackend;
use anser_backend::{
    Append, Appended, Boxed, DeviceKey, ExpiryPolicy, ExpiryReport, Ledger, LedgerStatus, Origin,
    SessionOpened, SoftPosition, StoreError, TrimPolicy, TrimReport,
};
use anser_service::{Ports, Service};
use anser_types::{DeviceClass, ErrorCode, InboxSeq};

use crate::world::{Device, World, not_executed, quick_settings, send, to};

/// How a store answers commands of devices.
#[derive(Clone, Copy, Debug)]
enum Habit {
    /// Every conversation has changed since the rules looked at it.
    NeverHoldsStill,
    /// It loses the results of a batch.
    ForgetsResults,
}

struct Misbehaving {
    store: MemoryBackend,
    habit: Habit,
}

impl Ledger for Misbehaving {
    fn append_batch(&self, batch: Vec<Append>) -> Boxed<'_, Result<Vec<Appended>, StoreError>> {
        Box::pin(async move {
            let is_command = |append: &Append| matches!(append.origin, Origin::Device { .. });
            match self.habit {
                _ if !batch.iter().any(is_command) => self.store.append_batch(batch).await,
                Habit::NeverHoldsStill => Ok(batch.iter().map(|_| Appended::Stale).collect()),
                Habit::ForgetsResults => Ok(Vec::new()),
            }
        })
    }

    fn open_session(&self, device: DeviceKey) -> Boxed<'_, Result<SessionOpened, StoreError>> {
        self.store.open_session(device)
    }

    fn note_positions(&self, positions: &[SoftPosition]) {
        self.store.note_positions(positions);
    }

    fn flush_positions(&self) -> Boxed<'_, Result<(), StoreError>> {
        self.store.flush_positions()
    }

    fn trim(&self, policy: TrimPolicy) -> Boxed<'_, Result<TrimReport, StoreError>> {
        self.store.trim(policy)
    }

    fn expire_keys(&self, policy: ExpiryPolicy) -> Boxed<'_, Result<ExpiryReport, StoreError>> {
        self.store.expire_keys(policy)
    }

    fn status(&self) -> LedgerStatus {
        self.store.status()
    }
}

/// A world whose devices talk to a service on a misbehaving store.
async fn alice_on(world: &World, habit: Habit) -> Device {
    world.user("bob").await;
    let signed_in = world.token("alice", DeviceClass::Cli).await;
    let store = Arc::new(world.store.clone());
    let ports = Ports {
        ledger: Arc::new(Misbehaving { store: world.store.clone(), habit }),
        conversations: Arc::clone(&store) as _,
        lists: Arc::clone(&store) as _,
        accounts: store,
        files: None,
        search: None,
    };
    let entropy = Arc::new(crate::world::Counter::default());
    let service = Service::start(ports, Arc::clone(&world.clock) as _, entropy, quick_settings());
    Device::connect(&service, &signed_in, InboxSeq::ZERO).await
}

#[tokio::test(start_paused = true)]
async fn a_conversation_that_never_holds_still_is_said_to_be_stale_and_may_be_tried_again() {
    let world = World::new();
    let mut alice = alice_on(&world, Habit::NeverHoldsStill).await;
    let refusal = not_executed(alice.run(send(to("bob"), "hello")).await);
    assert_eq!(refusal.code, ErrorCode::Stale);
    assert!(refusal.code.retryable() && refusal.retry_after_ms.is_some());
    assert_eq!(world.direct_head("alice", "bob").await.0, 0, "nothing was written");
}

#[tokio::test(start_paused = true)]
async fn results_that_are_missing_are_an_error_of_the_server_and_never_an_acknowledgement() {
    let world = World::new();
    let mut alice = alice_on(&world, Habit::ForgetsResults).await;
    let refusal = not_executed(alice.run(send(to("bob"), "hello")).await);
    assert_eq!(refusal.code, ErrorCode::Internal);
    assert!(refusal.code.retryable(), "the same number settles it later");
}
