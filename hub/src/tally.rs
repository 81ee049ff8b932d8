//! How many of one kind are under way, by whom.
//!
//! Called by both accept loops: a device, or a network address, has only so many places, and gives
//! each back when it is dropped.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// Places taken, by key.
#[derive(Debug)]
pub(crate) struct Tally<K: Ord + Copy>(Mutex<BTreeMap<K, usize>>);

/// One place, until dropped.
#[derive(Debug)]
pub(crate) struct Place<K: Ord + Copy> {
    tally: Arc<Tally<K>>,
    key: K,
}

impl<K: Ord + Copy> Tally<K> {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::default()))
    }

    /// Places that this key has taken.
    pub(crate) fn count(&self, key: &K) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key).copied().unwrap_or_default()
    }

    /// One more place, if this key has fewer than `max`.
    pub(crate) fn take(self: &Arc<Self>, key: K, max: usize) -> Option<Place<K>> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = counts.get(&key).copied().unwrap_or_default();
        if taken >= max {
            return None;
        }
        counts.insert(key, taken + 1);
        Some(Place { tally: self.clone(), key })
    }
}

impl<K: Ord + Copy> Drop for Place<K> {
    fn drop(&mut self) {
        let mut counts = self.tally.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.key);
            }
        }
    }
}

/// The network that an address belongs to, as one subscriber has it: the address itself, or the
/// /64 of an IPv6 address.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_has_its_own_places_and_gets_them_back() {
        let tally = Tally::new();
        let first = tally.take(1, 2).unwrap();
        let _second = tally.take(1, 2).unwrap();
        assert!(tally.take(1, 2).is_none() && tally.take(2, 2).is_some());
        drop(first);
        assert_eq!((tally.count(&1), tally.count(&2)), (1, 0));
        assert!(tally.take(1, 2).is_some());
        assert_eq!(tally.0.lock().unwrap().len(), 1);
    }

    #[test]
    fn one_subscriber_is_one_network() {
        let of = |text: &str| network(text.parse().unwrap()).to_string();
        assert_eq!(of("192.0.2.7"), "192.0.2.7");
        assert_eq!(of("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_ne!(of("2001:db8:1:3::1"), of("2001:db8:1:2::1"));
    }
}
