//! The one gate: which frame is legal in which phase. Both halves ask it before they believe a frame and before they
//! write one, each with its own phase.

use anser_types::limits::{FRAME_MAX_BYTES, HELLO_MAX_BYTES};

/// Where a session stands, seen from one side. It only moves forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Not signed in: the client says Hello, the server answers Welcome or Close.
    Greeting {
        /// Hello was said.
        hello: bool,
    },
    /// Everything but Hello and Welcome.
    Active,
    /// One side is leaving: what was begun is answered, nothing new begins.
    Draining,
    /// Over: nothing is read or written any more.
    Closed,
}

impl Phase {
    /// The largest frame that may arrive in this phase.
    #[must_use]
    pub const fn frame_limit(self) -> usize {
        match self {
            Self::Greeting { .. } => HELLO_MAX_BYTES,
            Self::Active | Self::Draining | Self::Closed => FRAME_MAX_BYTES,
        }
    }
}

/// What becomes of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Handle it.
    Pass,
    /// Skip it: it comes too late or from a newer version.
    Drop,
    /// `WRONG_PHASE`: the other side does not follow the protocol.
    Refuse,
}

macro_rules! frames {
    ($(#[$doc:meta])* $name:ident { $($case:ident = $number:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[expect(missing_docs, reason = "each case is the message of the same name")]
        pub enum $name { $($case,)* }

        impl $name {
            /// Every case, by number.
            pub const ALL: &'static [Self] = &[$(Self::$case,)*];

            /// The case's field number.
            #[must_use]
            pub const fn number(self) -> u32 { match self { $(Self::$case => $number,)* } }

            /// The case with this field number, if this version knows it.
            #[must_use]
            pub const fn from_number(number: u32) -> Option<Self> {
                match number { $($number => Some(Self::$case),)* _ => None }
            }
        }
    };
}

frames! {
    /// The cases of `ClientFrame`.
    ClientCase {
        Command = 1, Ack = 2, Ping = 3, Query = 4, Signal = 5, Hello = 6, Foreground = 7, ClientClose = 8,
        Follow = 9, Compressed = 15,
    }
}

frames! {
    /// The cases of `ServerFrame`.
    ServerCase {
        CommandAck = 1, EventBatch = 2, AckOk = 3, Pong = 4, Signal = 5, Reply = 6, Welcome = 7, Close = 8,
        SyncReset = 9, ChannelBatch = 10, ChannelHeads = 11, EndpointList = 12, Compressed = 15,
    }
}

/// Whether a client may say this in this phase.
#[must_use]
pub const fn from_client(phase: Phase, case: ClientCase) -> Verdict {
    use ClientCase as C;
    match (phase, case) {
        (Phase::Closed, _) => Verdict::Drop,
        (_, C::ClientClose) | (Phase::Greeting { hello: false }, C::Hello) => Verdict::Pass,
        (Phase::Greeting { .. }, _) | (_, C::Hello) => Verdict::Refuse,
        // The client cannot know yet that the server drains. It gets no answer and asks again in its next session.
        (Phase::Draining, C::Command | C::Query) => Verdict::Drop,
        (Phase::Active | Phase::Draining, _) => Verdict::Pass,
    }
}

/// Whether a server may say this in this phase.
#[must_use]
pub const fn from_server(phase: Phase, case: ServerCase) -> Verdict {
    use ServerCase as S;
    match (phase, case) {
        (Phase::Closed, _) => Verdict::Drop,
        (_, S::Close) | (Phase::Greeting { hello: true }, S::Welcome) => Verdict::Pass,
        (Phase::Greeting { .. }, _) | (_, S::Welcome) => Verdict::Refuse,
        (Phase::Active | Phase::Draining, _) => Verdict::Pass,
    }
}
