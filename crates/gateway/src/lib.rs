//! Listeners, the connection actor and the HTTP doors.
