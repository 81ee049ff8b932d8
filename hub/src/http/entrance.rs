//! The door of the hub: under which address people know it, who stands before it, and whether a
//! request comes from one of its own pages.
//!
//! Held by the router and asked by the sign-in and by the layer that finds out who asks. A proxy
//! on this machine, or one that is named in the settings, is believed about who stands behind it;
//! nobody else is.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, header};
use tokio::sync::Semaphore;

use super::attempts::Attempts;

/// Passwords that are checked at once: each takes 19 MiB.
pub(super) const CHECKED_AT_ONCE: usize = 2;
/// The longest that somebody waits until his password is checked.
const PATIENCE: Duration = Duration::from_secs(10);
/// Addresses of a chain of proxies that are looked at.
const CHAIN_MAX: usize = 16;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The address at the other end of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) IpAddr);

/// The address under which people open the hub, such as `https://hub.example.org`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    secure: bool,
    authority: String,
}

/// A text that is no such address.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[error("expected an address without a path such as https://hub.example.org")]
pub struct PublicUrlError;

impl FromStr for PublicUrl {
    type Err = PublicUrlError;

    fn from_str(text: &str) -> Result<Self, PublicUrlError> {
        let text = text.strip_suffix('/').unwrap_or(text).to_ascii_lowercase();
        let (secure, rest, port) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
            (Some(rest), _) => (true, rest, ":443"),
            (_, Some(rest)) => (false, rest, ":80"),
            _ => return Err(PublicUrlError),
        };
        // Browsers leave out the port that goes without saying.
        let authority = rest.strip_suffix(port).unwrap_or(rest);
        let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
        let begins = authority.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[');
        match begins && authority.chars().all(known) {
            true => Ok(Self { secure, authority: authority.to_owned() }),
            false => Err(PublicUrlError),
        }
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.secure { "https" } else { "http" }, self.authority)
    }
}

/// What the door knows.
#[derive(Debug)]
pub struct Entrance {
    public_url: Option<PublicUrl>,
    proxies: Vec<IpAddr>,
    attempts: Mutex<Attempts>,
    /// Places for passwords that are being checked.
    pub(super) checks: Arc<Semaphore>,
    /// The longest that somebody waits for one of them.
    pub(super) patience: Duration,
}

/// Where a request says that it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// One of the hub's own pages.
    Own,
    /// Another page.
    Foreign,
    /// It does not say: a program, not a page.
    Silent,
}

impl Entrance {
    /// A door at this address, behind these proxies.
    pub fn new(public_url: Option<PublicUrl>, proxies: Vec<IpAddr>) -> Self {
        let (attempts, checks) = (Mutex::default(), Arc::new(Semaphore::new(CHECKED_AT_ONCE)));
        Self { public_url, proxies, attempts, checks, patience: PATIENCE }
    }

    /// What is left of everybody's attempts to sign in.
    pub(super) fn attempts(&self) -> MutexGuard<'_, Attempts> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether people reach the hub by TLS only.
    pub(super) fn is_secure(&self) -> bool {
        self.public_url.as_ref().is_some_and(|url| url.secure)
    }

    /// How people open the hub, for whoever came another way.
    pub(super) fn named(&self) -> String {
        self.public_url.as_ref().map_or_else(|| "ce hub".to_owned(), PublicUrl::to_string)
    }

    /// Who asks: whoever is connected, or whoever a proxy that is believed speaks for.
    pub(super) fn client(&self, peer: Option<Peer>, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |Peer(address)| address.to_canonical());
        let believed = |address: &IpAddr| address.is_loopback() || self.proxies.contains(address);
        let lines = headers.get_all(FORWARDED_FOR).iter().filter_map(|line| line.to_str().ok());
        let chain: Vec<&str> = lines.flat_map(|line| line.split(',')).collect();
        // Each proxy appends whom it heard; what stands before that may be invented.
        for link in chain.iter().rev().take(CHAIN_MAX) {
            if !believed(&client) {
                break;
            }
            let Ok(before) = link.trim().parse::<IpAddr>() else { break };
            client = before.to_canonical();
        }
        client
    }

    /// Whether a request comes from one of the hub's own pages, as browsers tell it.
    pub(super) fn origin(&self, headers: &HeaderMap) -> Origin {
        let (origin, site) = (sole(headers, &header::ORIGIN), sole(headers, &SEC_FETCH_SITE));
        match (origin, site) {
            (Ok(None), Ok(None | Some("none"))) => Origin::Silent,
            (Ok(origin), Ok(None | Some("same-origin")))
                if origin.is_none_or(|origin| self.is_own(origin, headers)) =>
            {
                Origin::Own
            }
            _ => Origin::Foreign,
        }
    }

    fn is_own(&self, origin: &str, headers: &HeaderMap) -> bool {
        let Ok(origin) = origin.parse::<PublicUrl>() else { return false };
        match &self.public_url {
            Some(url) => origin == *url,
            // A name of somebody else that leads here has no cookie of ours.
            None => {
                let host = sole(headers, &header::HOST).ok().flatten();
                host.is_some_and(|host| host.eq_ignore_ascii_case(&origin.authority))
            }
        }
    }
}

/// A header that stands there more than once, or is no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ambiguous;

/// The value of a header that may stand there once.
pub(super) fn sole<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Ambiguous> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| Ambiguous),
        (Some(_), Some(_)) => Err(Ambiguous),
    }
}

#[cfg(test)]
mod tests;
