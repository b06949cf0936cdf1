//! Sequence numbers and counters, one newtype each, with no conversion between them.
//!
//! All start at 1; 0 means "none yet". They are assigned in exactly one place each (see ARCHITECTURE.md).

macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u64);

        impl $name {
            /// The value before the first number.
            pub const ZERO: Self = Self(0);
            /// The largest value; as an upper bound it means "to the end".
            pub const MAX: Self = Self(u64::MAX);

            /// The number that follows. Saturates at the maximum, which no counter reaches.
            #[must_use]
            pub const fn next(self) -> Self {
                Self(self.0.saturating_add(1))
            }

            /// The number before, or zero.
            #[must_use]
            pub const fn previous(self) -> Self {
                Self(self.0.saturating_sub(1))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number! {
    /// Position of a message in its conversation: 1, 2, 3… without holes, assigned by the ledger (guarantee G5).
    Seq
}
number! {
    /// Position of a change (edit, membership, settings…) in its conversation, assigned by the ledger.
    ChangeNo
}
number! {
    /// Position of an entry in one user's inbox, dense per user, assigned by the ledger.
    InboxSeq
}
number! {
    /// Number of a command on the wire, dense per device, given by the client when it is first transmitted.
    CommandNo
}
number! {
    /// Compose counter of a device: grows by one per command composed and never changes afterwards.
    LocalNo
}
number! {
    /// Dense number of a durable batch of one store.
    CommitNo
}
number! {
    /// Raised by every Hello of a device; an append with a lower one is refused ("fencing").
    SessionEpoch
}
number! {
    /// Raised when the log may have gone back (restore, promotion of a lagging standby).
    LogEpoch
}
number! {
    /// Raised by every change of a conversation's membership, roles or mode; rules read it, appends carry it.
    Version
}
