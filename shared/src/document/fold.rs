//! From facts to what they amount to, in any order and with any repetition.
//!
//! One tap counts as its highest revision says. The order on what is said of a tap is total —
//! revision, then day, then value — so that every program that has seen the same facts, in
//! whatever order, holds the same [`Standing`].

use std::cmp::Ordering;

/// What currently counts for one tap, or for the closing of one day.
///
/// `V` is the value as it stands in the document: a text, compared as bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing<V> {
    /// Highest revision seen.
    pub rev: u8,
    /// Day of the month that this revision names.
    pub day: u8,
    /// Its value.
    pub value: V,
    /// Whether another value was seen for the same revision: two clones corrected it
    /// differently. A person is told; the greater counts meanwhile.
    pub contested: bool,
}

/// What one more fact does to a standing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing: seen already, or older.
    Nothing,
    /// The fact now counts, in place of what stood before.
    Counts,
    /// What counted still does, but it is now contested.
    Contested,
}

impl<V: Ord> Standing<V> {
    /// The standing of a tap of which one fact is known.
    pub fn new(rev: u8, day: u8, value: V) -> Self {
        Self { rev, day, value, contested: false }
    }

    /// Takes in one more fact of the same tap.
    pub fn take(&mut self, rev: u8, day: u8, value: V) -> Change {
        match rev.cmp(&self.rev) {
            Ordering::Less => Change::Nothing,
            Ordering::Greater => {
                *self = Self::new(rev, day, value);
                Change::Counts
            }
            Ordering::Equal => match (day, &value).cmp(&(self.day, &self.value)) {
                Ordering::Equal => Change::Nothing,
                Ordering::Greater => {
                    *self = Self { rev, day, value, contested: true };
                    Change::Counts
                }
                Ordering::Less if self.contested => Change::Nothing,
                Ordering::Less => {
                    self.contested = true;
                    Change::Contested
                }
            },
        }
    }
}

/// Whether a day is closed, by the highest revision seen; reopened wins a tie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closing {
    /// Highest revision seen.
    pub rev: u8,
    /// Whether the day is closed.
    pub closed: bool,
}

impl Closing {
    /// Takes in one more close or reopening of the same day. Whether anything changed.
    pub fn take(&mut self, rev: u8, closed: bool) -> bool {
        let wins = rev > self.rev || (rev == self.rev && self.closed && !closed);
        if wins {
            *self = Self { rev, closed };
        }
        wins
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn folded(facts: &[(u8, u8, u8)]) -> Option<Standing<u8>> {
        let (&(rev, day, value), rest) = facts.split_first()?;
        let mut standing = Standing::new(rev, day, value);
        for &(rev, day, value) in rest {
            standing.take(rev, day, value);
        }
        Some(standing)
    }

    proptest! {
        #[test]
        fn any_order_with_any_repetition_gives_one_standing(
            facts in prop::collection::vec((0u8..3, 1u8..3, 0u8..4), 1..12),
            shuffle in prop::collection::vec(any::<prop::sample::Index>(), 0..30),
        ) {
            let mut again = facts.clone();
            again.extend(shuffle.iter().map(|index| *index.get(&facts)));
            again.reverse();
            prop_assert_eq!(folded(&facts), folded(&again));
        }

        #[test]
        fn any_order_of_closings_gives_one(facts in prop::collection::vec((0u8..4, any::<bool>()), 1..12)) {
            let fold = |facts: &mut dyn Iterator<Item = &(u8, bool)>| {
                let &(rev, closed) = facts.next().unwrap();
                let mut closing = Closing { rev, closed };
                for &(rev, closed) in facts {
                    closing.take(rev, closed);
                }
                closing
            };
            prop_assert_eq!(fold(&mut facts.iter()), fold(&mut facts.iter().rev()));
        }
    }

    #[test]
    fn a_contest_ends_with_the_next_revision() {
        let mut standing = Standing::new(1, 17, "a");
        assert_eq!(standing.take(1, 17, "b"), Change::Counts);
        assert!(standing.contested && standing.value == "b");
        assert_eq!(standing.take(2, 17, "a"), Change::Counts);
        assert!(!standing.contested);
        assert_eq!(standing.take(1, 17, "c"), Change::Nothing);
    }
}
