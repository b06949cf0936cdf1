//! Being asked to end: Ctrl+C, SIGTERM (a service manager), SIGHUP (the terminal is gone).

use tokio::signal::unix::{SignalKind, signal};

/// Waits until somebody asks this process to end.
pub async fn asked_to_end() {
    let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
    let mut waiting = Vec::new();
    for kind in kinds {
        match signal(kind) {
            Ok(mut stream) => waiting.push(Box::pin(async move { stream.recv().await })),
            // Without a handler the signal ends the process at once, as it would without this function.
            Err(error) => tracing::warn!(%error, "a signal cannot be waited for"),
        }
    }
    if waiting.is_empty() {
        std::future::pending::<()>().await;
    }
    futures::future::select_all(waiting).await;
}
