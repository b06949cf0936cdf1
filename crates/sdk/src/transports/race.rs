//! Several ways to one server, begun one after the other: the first that is ready is taken (RFC 8305, "happy eyeballs").

use std::future::{Future, pending};
use std::time::Duration;

use anser_types::{ErrorCode, Refusal};
use futures::stream::{FuturesUnordered, StreamExt};
use tokio::time::sleep;

/// How long a way has for itself before the next one is tried beside it (RFC 8305, section 5).
const HEAD_START: Duration = Duration::from_millis(250);

/// The first that succeeds, and which it was; the others are given up. The next one begins as soon as one has failed, or
/// has taken 250 ms.
///
/// # Errors
/// When all have failed, or there was none: a refused certificate if there was one, else what came of the first.
pub(super) async fn first_of<T, F>(ways: Vec<F>) -> Result<(usize, T), Refusal>
where
    F: Future<Output = Result<T, Refusal>>,
{
    let mut waiting = ways.into_iter().enumerate().peekable();
    let mut running = FuturesUnordered::new();
    let mut failed: Vec<(usize, Refusal)> = Vec::new();
    loop {
        if let Some((which, way)) = waiting.next() {
            running.push(async move { (which, way.await) });
        } else if running.is_empty() {
            return Err(reason(failed));
        }
        let more = waiting.peek().is_some();
        let head_start = async { if more { sleep(HEAD_START).await } else { pending().await } };
        tokio::select! {
            biased;
            Some((which, result)) = running.next() => match result {
                Ok(opened) => return Ok((which, opened)),
                Err(refusal) => failed.push((which, refusal)),
            },
            () = head_start => {}
        }
    }
}

fn reason(mut failed: Vec<(usize, Refusal)>) -> Refusal {
    let about_trust =
        |code| matches!(code, ErrorCode::CertificateRefused | ErrorCode::ClientCertificateRefused);
    failed.sort_by_key(|(which, refusal)| (!about_trust(refusal.code), *which));
    let first = failed.into_iter().next().map(|(_, refusal)| refusal);
    first.unwrap_or_else(|| Refusal::because(ErrorCode::Unreachable, "there is no address"))
}

#[cfg(test)]
mod tests {
    use futures::future::{BoxFuture, FutureExt, ready};
    use tokio::time::Instant;

    use super::*;

    type Way = BoxFuture<'static, Result<&'static str, Refusal>>;

    fn after(ms: u64, result: Result<&'static str, ErrorCode>) -> Way {
        async move {
            sleep(Duration::from_millis(ms)).await;
            result.map_err(Refusal::new)
        }
        .boxed()
    }

    fn never_begun() -> Way {
        async { panic!("begun although the one before was quick") }.boxed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_way_that_is_quick_is_taken_and_nothing_else_is_begun() {
        let won = first_of(vec![after(249, Ok("quic")), never_begun()]).await;
        assert_eq!(won, Ok((0, "quic")));
    }

    #[tokio::test(start_paused = true)]
    async fn the_next_begins_after_a_quarter_of_a_second_or_a_failure() {
        let since = Instant::now();
        let silent: Way = pending().boxed();
        let won = first_of(vec![silent, after(10, Ok("tls")), never_begun()]).await;
        assert_eq!((won, since.elapsed()), (Ok((1, "tls")), Duration::from_millis(260)));
        let since = Instant::now();
        let refused = || ready(Err(Refusal::new(ErrorCode::Unreachable))).boxed();
        let won = first_of(vec![refused(), refused(), after(10, Ok("wss"))]).await;
        assert_eq!((won, since.elapsed()), (Ok((2, "wss")), Duration::from_millis(10)));
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_may_still_win_when_others_have_begun() {
        let won = first_of(vec![after(300, Ok("quic")), after(100, Ok("tls"))]).await;
        assert_eq!(won, Ok((0, "quic")));
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_certificate_is_told_before_anything_else() {
        let all = vec![
            after(1, Err(ErrorCode::Unreachable)),
            after(1, Err(ErrorCode::CertificateRefused)),
            after(1, Err(ErrorCode::Unreachable)),
        ];
        assert_eq!(first_of(all).await.unwrap_err().code, ErrorCode::CertificateRefused);
        let none: Vec<Way> = Vec::new();
        assert_eq!(first_of(none).await.unwrap_err().code, ErrorCode::Unreachable);
    }
}
