//! x
use crate::api::Answered;
use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};
/// The answer to one command, to come.
#[must_use]
#[derive(Debug)]
pub struct Pending {
    pub(crate) ready: Option<Answered>,
}
impl Future for Pending {
    type Output = Answered;
    fn poll(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Answered> {
        self.ready.take().map_or(Poll::Pending, Poll::Ready)
    }
}
