//! Which transport to try next: QUIC first, TCP where QUIC does not pass.
//!
//! Asked by the dial before each attempt and told how it ended; `join` climbs it too. Without
//! clock or socket. Invariants: two failures of QUIC that may be the path's, and nothing else, lead
//! to TCP; what worked is remembered for each network, so that a restart begins with it; QUIC is
//! tried again six hours later, at the next attempt there is anyway; a network where TCP
//! fails too begins anew with QUIC.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;
use std::time::Duration;

use msap_shared::io::link::{CloseCode, CloseReason, Transport};

/// Time for a connection to stand.
pub const CONNECT_MAX: Duration = Duration::from_secs(10);
/// The same where another transport is close at hand: QUIC worked a moment ago and died without a
/// word, or TCP is known to work here.
pub const CONNECT_HASTY: Duration = Duration::from_secs(4);
/// Failures of QUIC after which TCP is tried.
const FAILURES_MAX: u32 = 2;
/// A session that lived this long says that its transport passes.
const STEADY: Duration = Duration::from_secs(30);
/// QUIC is tried again after this many seconds where TCP works.
const QUIC_AGAIN_S: i64 = 6 * 3_600;
/// Networks that are remembered.
const NETWORKS_MAX: usize = 16;

/// What the settings ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preference {
    /// Whatever passes.
    Auto,
    /// This one only.
    Only(Transport),
}

/// The network that a machine is in: the subnet of its own address on the way to the hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Network(IpAddr);

impl Network {
    /// The /24 or /64 of an address.
    pub fn of(address: IpAddr) -> Self {
        Self(match address {
            IpAddr::V4(address) => Ipv4Addr::from_bits(address.to_bits() >> 8 << 8).into(),
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.0, if self.0.is_ipv4() { 24 } else { 64 })
    }
}

/// The networks where TCP worked and QUIC did not, with the second, since 1970, at which QUIC was
/// last tried there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(BTreeMap<Network, i64>);

impl Networks {
    /// When QUIC was last tried in vain, in seconds since 1970.
    pub fn quic_tried(&self) -> Option<i64> {
        self.0.values().copied().max()
    }

    fn note(&mut self, network: Network, quic_tried: i64) {
        self.0.insert(network, quic_tried);
        while self.0.len() > NETWORKS_MAX {
            let oldest = self.0.iter().min_by_key(|(_, tried)| **tried).map(|(network, _)| *network);
            oldest.map(|network| self.0.remove(&network));
        }
    }
}

/// One network a line, as it is kept.
impl fmt::Display for Networks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(network, tried)| writeln!(f, "{network} {tried}"))
    }
}

/// Reads what it can: what is lost is found out again.
impl From<&str> for Networks {
    fn from(text: &str) -> Self {
        let mut networks = Self::default();
        for line in text.lines() {
            let Some((network, tried)) = line.split_once(' ') else { continue };
            let address = network.split_once('/').and_then(|(address, _)| IpAddr::from_str(address).ok());
            if let (Some(address), Ok(tried)) = (address, tried.parse()) {
                networks.note(Network::of(address), tried);
            }
        }
        networks
    }
}

/// The next attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rung {
    /// Over what.
    pub transport: Transport,
    /// Time for the connection to stand.
    pub limit: Duration,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Over what.
    pub transport: Transport,
    /// Why it ended.
    pub why: CloseReason,
    /// How long the hub was heard; `None` when it never was.
    pub heard: Option<Duration>,
}

impl Attempt {
    /// Whether the way to the hub is gone under a session that went well: what to do about it must
    /// not wait.
    pub fn is_sudden_silence(&self) -> bool {
        self.heard.is_some() && self.why == CloseReason::Silent
    }
}

/// Where the agent stands on it.
#[derive(Clone, Debug)]
pub struct Ladder {
    preference: Preference,
    networks: Networks,
    network: Option<Network>,
    /// Of QUIC, one after the other, that may be the path's.
    failures: u32,
    hasty: bool,
}

impl Ladder {
    /// At the bottom, with what is remembered.
    pub fn new(preference: Preference, networks: Networks) -> Self {
        Self { preference, networks, network: None, failures: 0, hasty: false }
    }

    /// What is worth remembering.
    pub fn networks(&self) -> &Networks {
        &self.networks
    }

    /// The attempt to make now, in `network`.
    pub fn next(&mut self, network: Option<Network>, now_s: i64) -> Rung {
        if network != self.network {
            (self.network, self.failures, self.hasty) = (network, 0, false);
        }
        self.rung(now_s)
    }

    /// The same, as long as the network stays.
    pub fn rung(&self, now_s: i64) -> Rung {
        let known = self.network.and_then(|network| self.networks.0.get(&network));
        // A clock that was set back is no reason to stay on TCP for years.
        let is_fresh = |tried: &i64| (0..QUIC_AGAIN_S).contains(&now_s.saturating_sub(*tried));
        let quick = if self.hasty || known.is_some() { CONNECT_HASTY } else { CONNECT_MAX };
        match (self.preference, known) {
            (Preference::Only(transport), _) => Rung { transport, limit: CONNECT_MAX },
            (Preference::Auto, Some(tried)) if is_fresh(tried) => {
                Rung { transport: Transport::Tcp, limit: CONNECT_MAX }
            }
            (Preference::Auto, None) if self.failures >= FAILURES_MAX => {
                Rung { transport: Transport::Tcp, limit: CONNECT_MAX }
            }
            (Preference::Auto, _) => Rung { transport: Transport::Quic, limit: quick },
        }
    }

    /// Takes note of how it ended.
    pub fn ended(&mut self, attempt: &Attempt, now_s: i64) {
        match (attempt.transport, self.preference) {
            (_, Preference::Only(_)) => {}
            (Transport::Quic, Preference::Auto) => self.quic_ended(attempt, now_s),
            (Transport::Tcp, Preference::Auto) => self.tcp_ended(attempt, now_s),
        }
    }

    fn quic_ended(&mut self, attempt: &Attempt, now_s: i64) {
        let was_steady = attempt.heard.is_some_and(|heard| heard >= STEADY);
        if was_steady || attempt.passed() {
            self.forget();
        }
        if !attempt.why.could_be_the_path() {
            return;
        }
        self.hasty = attempt.is_sudden_silence();
        match self.network.filter(|network| self.networks.0.contains_key(network)) {
            Some(network) => self.networks.note(network, now_s),
            None if was_steady => self.failures = 1,
            None => self.failures = self.failures.saturating_add(1),
        }
    }

    fn tcp_ended(&mut self, attempt: &Attempt, now_s: i64) {
        if attempt.heard.is_none() && !attempt.passed() {
            return self.forget();
        }
        if let Some(network) = self.network {
            let tried = self.networks.0.get(&network).copied();
            self.networks.note(network, tried.unwrap_or(now_s));
        }
    }

    fn forget(&mut self) {
        (self.failures, self.hasty) = (0, false);
        self.network.map(|network| self.networks.0.remove(&network));
    }
}

impl Attempt {
    /// Whether what ended it was a word between this machine and the hub.
    fn passed(&self) -> bool {
        match self.why {
            CloseReason::Theirs(_) => true,
            CloseReason::Ours(code) => self.heard.is_some() && code != CloseCode::Timeout,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests;
