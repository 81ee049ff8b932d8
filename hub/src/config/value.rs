//! Values of settings as they are written: times, addresses, names of hosts.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::drift::Nightly;
use crate::http::{PublicUrl, PublicUrlError};

/// Longest listening.
const LISTEN_MAX: Duration = Duration::from_secs(24 * 3_600);
/// Devices bear with no longer wait.
const RETURN_OVER_MAX: Duration = Duration::from_secs(15 * 60);

/// A time over which sites may be asked to return: at most what they bear with.
pub(super) fn return_over(text: &str) -> Option<Duration> {
    let signed: jiff::SignedDuration = text.parse().ok()?;
    Duration::try_from(signed).ok().filter(|over| *over <= RETURN_OVER_MAX)
}

/// How long machines are listened to before anything is released: at most a day.
pub(super) fn listen(text: &str) -> Option<Duration> {
    let signed: jiff::SignedDuration = text.parse().ok()?;
    Duration::try_from(signed).ok().filter(|listen| *listen <= LISTEN_MAX)
}

/// `192.0.2.1, 2001:db8::1`; none are none.
pub(super) fn addresses(text: &str) -> Option<Vec<IpAddr>> {
    let named = text.split(',').map(str::trim).filter(|_| !text.trim().is_empty());
    named.map(|address| address.parse::<IpAddr>().ok().map(|address| address.to_canonical())).collect()
}

/// An address of a web server; none is none.
pub(super) fn public_url(text: &str) -> Result<Option<PublicUrl>, PublicUrlError> {
    if text.is_empty() { Ok(None) } else { text.parse().map(Some) }
}

/// An hour at which to check every night; none: never by itself.
pub(super) fn hour(text: &str) -> Option<Option<Nightly>> {
    if text.is_empty() { Some(None) } else { text.parse().ok().and_then(Nightly::at).map(Some) }
}

/// Days, from one to ten years.
pub(super) fn stale_after(text: &str) -> Option<u16> {
    text.strip_suffix('d')?.parse().ok().filter(|days| (1..=3_650).contains(days))
}

/// `30s`, `15m`, `24h` or `7d`, up to ten years.
pub(super) fn period(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1))?;
    let unit_s: u64 = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    let period = Duration::from_secs(number.parse::<u64>().ok()?.checked_mul(unit_s)?);
    (Duration::from_secs(1)..=Duration::from_secs(3_650 * 86_400)).contains(&period).then_some(period)
}

/// Whether a text reads as `host:port`, `192.0.2.1:port` or `[v6]:port`.
pub(super) fn is_host_port(text: &str) -> bool {
    if text.parse::<SocketAddr>().is_ok_and(|address| address.port() != 0) {
        return true;
    }
    let Some((host, port)) = text.rsplit_once(':') else { return false };
    let label = |label: &str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let numeric = host.rsplit('.').next().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()));
    host.len() <= 253 && !numeric && host.split('.').all(label) && port.parse::<u16>().is_ok_and(|port| port != 0)
}
