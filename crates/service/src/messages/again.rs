//! The rules of commands that the store sent back as `Stale` (or out of order behind such a one), in their order.

use std::sync::Arc;

use crate::directory::View;
use crate::lane::{Lane, Next, Turn};
use crate::messages::decide::decide;
use crate::service::Service;
use crate::writer::batch::Job;
use crate::writer::publish::Asker;
use crate::writer::queue::Queue;

/// Runs until no command of the lane waits for its rules.
pub(crate) async fn run(service: Arc<Service>, lane: Arc<Lane>) {
    while let Some(Next { ticket, request }) = lane.next_again() {
        let decided = decide(&service, &lane.actor, &request, View::Fresh).await;
        if decided.as_ref().is_ok_and(|decided| decided.refused) {
            match lane.turn(ticket) {
                Turn::Now => {}
                Turn::AfterEarlier => continue,
                Turn::Later => return,
            }
        }
        lane.fly_again(ticket);
        let asker = Asker::lane(Arc::clone(&lane), ticket);
        match decided {
            Ok(decided) => {
                let job = Job { append: decided.append, route: decided.route, asker };
                service.writer().submit(job, Queue::Sessions).await;
            }
            Err(refusal) => asker.refuse(refusal),
        }
    }
}
