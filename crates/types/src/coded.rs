//! Enums whose cases have stable numbers.

/// An enum whose cases have stable numbers on the wire and in stores.
macro_rules! coded {
    ($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $case:ident = $code:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$of])* $case,)* }

        impl $name {
            /// Stable number on the wire and in stores.
            #[must_use]
            pub const fn code(self) -> u8 { match self { $(Self::$case => $code,)* } }

            /// The case with this number, if this version knows it.
            #[must_use]
            pub const fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some(Self::$case),)* _ => None }
            }
        }
    };
}
