//! The app server's door.
/// Proof that a request came with an accepted API key: only the service makes one.
#[derive(Clone, Debug)]
pub struct AppCaller(pub(crate) ());
