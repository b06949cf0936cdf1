//! Version 1 of the wire messages, generated from `proto/anser/v1` by `cargo xtask generate`. By hand only what must
//! not be generated: how Hello is shown.
#![allow(missing_docs, unused_qualifications, clippy::all, clippy::pedantic, rustdoc::all)]

include!("generated/anser.v1.rs");

impl ::core::fmt::Debug for Hello {
    /// Everything but the token, which is a secret.
    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
        f.debug_struct("Hello")
            .field("versions", &(self.version_min..=self.version_max))
            .field("device_no", &self.device_no)
            .field("device_class", &self.device_class)
            .field("log_epoch", &self.log_epoch)
            .field("inbox_cursor", &self.inbox_cursor)
            .field("background", &self.background)
            .field("network", &self.network)
            .field("capabilities", &self.capabilities)
            .field("client", &self.client)
            .field("want", &self.want)
            .finish_non_exhaustive()
    }
}
