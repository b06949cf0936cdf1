//! Who may come in: passwords, tokens bound to devices, and the app server's door.

pub(crate) mod app;
pub(crate) mod change_password;
pub(crate) mod devices;
pub(crate) mod guesses;
pub(crate) mod password;
pub(crate) mod sign_in;
pub(crate) mod tokens;
