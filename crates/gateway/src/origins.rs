//! Origins (RFC 6454): which web pages may use the doors of HTTP.
//!
//! A browser tells with each WebSocket, and with each request to another site, whose page asks. Programs that are no
//! browser say nothing of the kind and are not concerned: what they may is decided by their token.

use std::str::FromStr;

use axum::http::Uri;

/// Pages that may use the doors beside those of this server itself. By default none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins {
    all: bool,
    named: Vec<Origin>,
}

/// Scheme, host and port of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Origin {
    scheme: String,
    host: String,
    port: u16,
}

/// A text that names no origin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no origin: write scheme and host, with a port if it is not the usual one, and no path"
)]
pub struct NoOrigin(String);

impl Origins {
    /// The origins of a list with commas between, such as `https://chat.example, http://localhost:5173`; or `*` for
    /// every page.
    ///
    /// # Errors
    /// Which part is no origin.
    pub fn new(list: &str) -> Result<Self, NoOrigin> {
        let mut origins = Self::default();
        for part in list.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            match part {
                "*" => origins.all = true,
                origin => origins.named.push(origin.parse()?),
            }
        }
        Ok(origins)
    }

    /// Whether no page of another server may.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.all && self.named.is_empty()
    }

    /// Whether the list names this page (the value of `Origin`).
    #[must_use]
    pub fn name(&self, page: &str) -> bool {
        self.all || page.parse().is_ok_and(|page| self.named.contains(&page))
    }

    /// Whether a page may open a session: the list names it, or it came from one of these hosts, as which this server
    /// was asked (the values of `Host` and the like).
    #[must_use]
    pub fn admit<'a>(&self, page: &str, mut asked: impl Iterator<Item = &'a str>) -> bool {
        if self.name(page) {
            return true;
        }
        let Ok(page) = page.parse::<Origin>() else { return false };
        // The scheme is not known behind a proxy; what a page of the same host and port is shown comes from there.
        asked.any(|host| format!("{}://{host}", page.scheme).parse() == Ok(page.clone()))
    }
}

impl FromStr for Origin {
    type Err = NoOrigin;

    fn from_str(text: &str) -> Result<Self, NoOrigin> {
        let wrong = || NoOrigin(text.to_owned());
        let uri: Uri = text.parse().map_err(|_| wrong())?;
        let (scheme, authority) = uri.scheme_str().zip(uri.authority()).ok_or_else(wrong)?;
        let usual = match scheme {
            "https" => 443,
            "http" => 80,
            _ => return Err(wrong()),
        };
        let bare = text.len() == scheme.len() + "://".len() + authority.as_str().len();
        // No browser sends a star in a host: it is refused lest somebody rely on it.
        if !bare || authority.as_str().contains(['@', '*']) || authority.host().is_empty() {
            return Err(wrong());
        }
        let port = match authority.as_str()[authority.host().len()..].strip_prefix(':') {
            Some(port) => port.parse().map_err(|_| wrong())?,
            None => usual,
        };
        let host = authority.host().to_ascii_lowercase();
        Ok(Self { scheme: scheme.to_owned(), host, port })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_admitted_by_name_or_if_it_is_of_this_server() {
        let origins = Origins::new("https://app.example, http://localhost:5173").unwrap();
        for (page, host, admitted) in [
            ("https://app.example", "chat.example", true),
            ("https://APP.example:443", "chat.example", true),
            ("http://localhost:5173", "chat.example", true),
            ("https://chat.example", "chat.example", true),
            ("https://chat.example", "chat.example:443", true),
            ("https://chat.example:7443", "chat.example:7443", true),
            ("https://[::1]:7443", "[::1]:7443", true),
            ("http://app.example", "chat.example", false),
            ("https://app.example.evil.example", "chat.example", false),
            ("https://evil.example", "chat.example", false),
            ("https://chat.example", "chat.example:7443", false),
            ("https://chat.example:8443", "chat.example:7443", false),
            ("null", "null", false),
            ("", "", false),
            ("file://", "chat.example", false),
        ] {
            assert_eq!(origins.admit(page, std::iter::once(host)), admitted, "{page} at {host}");
        }
        assert!(Origins::new("*").unwrap().admit("null", std::iter::empty()));
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for wrong in [
            "app.example",
            "https://app.example/",
            "https://app.example/path",
            "https://*.example",
            "ftp://app.example",
            "https://me@app.example",
            "https://app.example:99999",
            "null",
        ] {
            assert!(Origins::new(wrong).is_err(), "{wrong}");
        }
        assert!(Origins::new(" ").unwrap().is_empty());
    }
}
