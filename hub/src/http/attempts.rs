//! How often somebody may try to sign in: per login from one address, per address, and per login.
//!
//! The first is the narrow one: a stranger who knows a login must not be able to keep out whoever it
//! belongs to. That of a login from everywhere is wide, and ends only a search from many addresses
//! at once. Each key has so many attempts, and gets one back every so often; a success gives its own back.
//! Kept in memory only, of a bounded number of keys. Invariant: an attempt is taken before the
//! password is looked at, so that attempts at the same time cannot be more than are left.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::login::Login;
use crate::tally::network;

/// Attempts for one login from one address, and the time after which one comes back.
pub(super) const OF_PAIR: Allowance = Allowance { most: 10, every: Duration::from_secs(60) };
/// Attempts of one address: a whole house may stand behind it.
pub(super) const OF_ADDRESS: Allowance = Allowance { most: 30, every: Duration::from_secs(10) };
/// Attempts for one login from everywhere: a password of twelve characters outlasts them by far.
pub(super) const OF_LOGIN: Allowance = Allowance { most: 300, every: Duration::from_secs(5) };
/// Lines of the journal on failed attempts, in all: a flood must not fill the disk.
pub(super) const OF_JOURNAL: Allowance = Allowance { most: 200, every: Duration::from_secs(10) };

/// Keys that are remembered of each sort.
const KEYS_MAX: usize = 10_000;

/// How many there are, and how soon one comes back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowance {
    pub(super) most: u32,
    pub(super) every: Duration,
}

/// What each key has left: the instant at which it will have all of them again.
#[derive(Debug)]
struct Left<K>(BTreeMap<K, Instant>);

impl<K: Ord + Clone> Left<K> {
    /// Takes one, or says how long to wait for it.
    fn take(&mut self, key: &K, allowance: Allowance, now: Instant) -> Result<(), Duration> {
        let whole = self.0.get(key).copied().unwrap_or(now).max(now);
        let most = allowance.every * allowance.most;
        let spent = whole + allowance.every;
        if let Some(wait) = spent.duration_since(now).checked_sub(most).filter(|wait| !wait.is_zero()) {
            return Err(wait);
        }
        self.0.insert(key.clone(), spent);
        self.forget(now);
        Ok(())
    }

    /// Gives one back.
    fn give_back(&mut self, key: &K, allowance: Allowance) {
        if let Some(whole) = self.0.get_mut(key) {
            *whole = whole.checked_sub(allowance.every).unwrap_or(*whole);
        }
    }

    /// Keys that have all of theirs need not be remembered; beyond the bound, nor does the one that
    /// has spent least.
    fn forget(&mut self, now: Instant) {
        if self.0.len() <= KEYS_MAX {
            return;
        }
        self.0.retain(|_, whole| *whole > now);
        if self.0.len() > KEYS_MAX
            && let Some(least) = self.0.iter().min_by_key(|(_, whole)| **whole).map(|(key, _)| key.clone())
        {
            self.0.remove(&least);
        }
    }
}

impl<K> Default for Left<K> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

/// Everybody's attempts.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    /// Texts that are no login share one place.
    pairs: Left<(Option<Login>, IpAddr)>,
    logins: Left<Option<Login>>,
    addresses: Left<IpAddr>,
    journal: Left<()>,
    /// Failures since the last line of the journal that had no place there.
    untold: u64,
}

impl Attempts {
    /// Takes an attempt, or says how long to wait. Which of the three is used up is not told.
    pub(super) fn take(&mut self, login: Option<&Login>, address: IpAddr, now: Instant) -> Result<(), Duration> {
        let address = network(address);
        self.addresses.take(&address, OF_ADDRESS, now)?;
        self.pairs.take(&(login.cloned(), address), OF_PAIR, now)?;
        self.logins.take(&login.cloned(), OF_LOGIN, now)
    }

    /// The attempt was a success: it does not count.
    pub(super) fn succeeded(&mut self, login: &Login, address: IpAddr) {
        let address = network(address);
        self.addresses.give_back(&address, OF_ADDRESS);
        self.pairs.give_back(&(Some(login.clone()), address), OF_PAIR);
        self.logins.give_back(&Some(login.clone()), OF_LOGIN);
    }

    /// Whether there is room for one more failure in the journal; how many had none before it.
    pub(super) fn tell(&mut self, now: Instant) -> Option<u64> {
        match self.journal.take(&(), OF_JOURNAL, now) {
            Ok(()) => Some(std::mem::take(&mut self.untold)),
            Err(_) => {
                self.untold += 1;
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn login(text: &str) -> Login {
        text.parse().unwrap()
    }

    /// How many of so many attempts pass.
    fn passed(attempts: &mut Attempts, name: &str, addresses: impl Iterator<Item = String>, now: Instant) -> usize {
        let name = name.parse().ok();
        addresses.filter(|address| attempts.take(name.as_ref(), ip(address), now).is_ok()).count()
    }

    #[test]
    fn a_login_has_so_many_attempts_from_one_address_and_gets_one_back_in_time() {
        let (mut attempts, now) = (Attempts::default(), Instant::now());
        let here = |times: usize| (0..times).map(|_| "192.0.2.1".to_owned());
        assert_eq!(passed(&mut attempts, "agent", here(15), now), 10);
        assert_eq!(attempts.take(Some(&login("agent")), ip("192.0.2.1"), now).unwrap_err(), OF_PAIR.every);
        // Whoever spent them keeps nobody else out.
        assert_eq!(passed(&mut attempts, "agent", std::iter::once("198.51.100.1".to_owned()), now), 1);
        let later = now + OF_PAIR.every;
        assert_eq!(passed(&mut attempts, "agent", here(5), later), 1);
        assert_eq!(passed(&mut attempts, "agent", here(15), later + OF_PAIR.every * 100), 10);
        // What is no login has one place together.
        let there = |times: usize| (0..times).map(|_| "192.0.2.2".to_owned());
        assert_eq!(passed(&mut attempts, "", there(8), now) + passed(&mut attempts, "É", there(8), now), 10);
    }

    #[test]
    fn a_search_from_everywhere_for_one_login_ends() {
        let (mut attempts, now) = (Attempts::default(), Instant::now());
        let everywhere = || (0..1_000).map(|n| format!("192.0.{}.{}", n / 250, n % 250));
        assert_eq!(passed(&mut attempts, "agent", everywhere(), now), 300);
        assert_eq!(attempts.take(Some(&login("agent")), ip("198.51.100.1"), now).unwrap_err(), OF_LOGIN.every);
        assert_eq!(passed(&mut attempts, "other", everywhere(), now), 300);
    }

    #[test]
    fn an_address_has_so_many_attempts_for_all_logins_and_a_subscriber_is_one() {
        let (mut attempts, now) = (Attempts::default(), Instant::now());
        let mut tried = |address: &str| {
            (0..100)
                .filter(|n| {
                    attempts.take(Some(&login(&format!("u{n}{address}").replace(':', "-"))), ip(address), now).is_ok()
                })
                .count()
        };
        assert_eq!((tried("192.0.2.1"), tried("192.0.2.2")), (30, 30));
        assert_eq!((tried("2001:db8::1"), tried("2001:db8::2"), tried("2001:db8:0:1::1")), (30, 0, 30));
    }

    #[test]
    fn a_success_does_not_count() {
        let (mut attempts, now) = (Attempts::default(), Instant::now());
        let (agent, here) = (login("agent"), ip("192.0.2.1"));
        for _ in 0..1_000 {
            attempts.take(Some(&agent), here, now).unwrap();
            attempts.succeeded(&agent, here);
        }
        assert_eq!((0..20).filter(|_| attempts.take(Some(&agent), here, now).is_ok()).count(), 10);
    }

    #[test]
    fn only_so_many_keys_are_remembered_and_those_that_spent_most_stay() {
        let (mut attempts, now) = (Attempts::default(), Instant::now());
        let worst = login("agent");
        for _ in 0..10 {
            attempts.take(Some(&worst), ip("192.0.2.1"), now).unwrap();
        }
        for n in 0..KEYS_MAX + 10 {
            let address = IpAddr::V4(std::net::Ipv4Addr::from_bits(u32::try_from(n).unwrap()));
            attempts.take(Some(&login(&format!("u{n}"))), address, now).unwrap();
        }
        let Attempts { pairs, logins, addresses, .. } = &attempts;
        assert_eq!([pairs.0.len(), logins.0.len(), addresses.0.len()], [KEYS_MAX; 3]);
        assert!(attempts.take(Some(&worst), ip("192.0.2.1"), now).is_err());
    }

    #[test]
    fn a_flood_leaves_a_bounded_number_of_lines_and_its_size() {
        let (mut attempts, now) = (Attempts::default(), Instant::now());
        let told = (0..1_000).filter(|_| attempts.tell(now).is_some()).count();
        assert_eq!(told, 200);
        assert_eq!(attempts.tell(now + OF_JOURNAL.every), Some(800));
        assert_eq!(attempts.tell(now + OF_JOURNAL.every * 2), Some(0));
    }
}
