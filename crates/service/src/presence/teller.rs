//! The task that tells: takes users of whom there is news off the board, looks who may see them, and tells those.

use std::sync::{Arc, Weak};
use std::time::Duration;

use anser_types::UserId;
use tokio_util::sync::CancellationToken;

use crate::api::Presence;
use crate::directory::View;
use crate::lists::own::Own;
use crate::presence::board::{Board, News};
use crate::presence::look;
use crate::rules::No;
use crate::service::Service;

/// How long it waits while commands wait, or newcomers at the door.
const GIVE_WAY: Duration = Duration::from_millis(50);

/// Runs until stopped.
pub(crate) async fn run(service: Weak<Service>, board: Arc<Board>, stop: CancellationToken) {
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = board.changed() => {}
        }
        while let Some(pause) = step(&service, &board).await {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause), if !pause.is_zero() => {}
                () = tokio::task::yield_now(), if pause.is_zero() => {}
            }
        }
    }
}

/// Tells of one user; how long to wait before the next, or nothing if there is no news.
async fn step(service: &Weak<Service>, board: &Board) -> Option<Duration> {
    let service = service.upgrade()?;
    // News replace each other while they wait; commands, and those who come back, need the store and go first.
    if board.has_news() && service.is_busy() {
        return Some(GIVE_WAY);
    }
    let news = board.next()?;
    let user = news.user.clone();
    if let Err(no) = tell(&service, board, news).await {
        tracing::warn!(%user, ?no, "who watches was not told how a user is");
    }
    Some(Duration::ZERO)
}

async fn tell(service: &Service, board: &Board, news: News) -> Result<(), No> {
    let News { user, no, mut here, to_look_at } = news;
    let no = match no {
        Some(no) => Some(no),
        None => service.directory().user(&user).await?,
    };
    let Some(no) = no else {
        // Nobody has this id, which looks like somebody who may not be seen.
        to_look_at.iter().for_each(|at| board.looked(&user, at, false));
        wake(board, &user, Presence::Unknown);
        return Ok(());
    };
    here |= board.resolve(&user, no);
    if !to_look_at.is_empty() {
        let theirs = Own::seen(service, no, &user, View::Cached).await?;
        let audience = theirs.settings().await?.last_seen;
        for at in &to_look_at {
            let sees = look::sees(service, &theirs, audience, &user, &at.who).await?;
            board.looked(&user, at, sees);
        }
    }
    let otherwise = if here { Presence::Online } else { look::gone(service, no).await? };
    wake(board, &user, otherwise);
    Ok(())
}

fn wake(board: &Board, user: &UserId, otherwise: Presence) {
    for slot in board.tell(user, otherwise) {
        slot.wake();
    }
}
