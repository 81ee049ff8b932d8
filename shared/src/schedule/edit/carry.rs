//! What the new hours of a day take over from those that it had: the agents at work.
//!
//! Whoever changes hours writes hours; that the house has two agents at that time is as true as it
//! was. Where it is not plain which agents are meant, or an appointment is gone, it is told.

use crate::document::schedule::{Access, DayHours, Slot};

/// The new hours with the agents of the slots that they stand in for: of each new slot of which
/// none are said, those that all held slots that it overlaps have alike.
#[must_use]
pub fn carried(held: &DayHours, hours: &DayHours) -> DayHours {
    let slots = hours.slots().iter().map(|new| {
        let mut agents = overlapped(held, new).map(|slot| slot.agents);
        let first = agents.next().flatten();
        let alike = first.filter(|_| agents.all(|other| other == first));
        Slot { agents: new.agents.or(alike), ..*new }
    });
    // As many slots in the same order, with no more agents than before.
    DayHours::new(slots.collect()).unwrap_or_else(|_| hours.clone())
}

/// The held slots of which the new hours do not say the agents or the access any more, though they
/// are open.
pub fn dropped(held: &DayHours, hours: &DayHours) -> Vec<Slot> {
    let is_dropped = |old: &&Slot| {
        let mut over = overlapped(hours, old).peekable();
        let unsaid = |new: &Slot| new.agents.is_none();
        let agents = old.agents.is_some()
            && match over.peek() {
                Some(_) => overlapped(hours, old).any(unsaid),
                None => hours.slots().iter().any(unsaid),
            };
        agents || old.access != Access::Free && over.any(|new| new.access == Access::Free)
    };
    held.slots().iter().filter(is_dropped).copied().collect()
}

fn overlapped<'h>(hours: &'h DayHours, of: &Slot) -> impl Iterator<Item = &'h Slot> {
    let interval = of.interval;
    hours.slots().iter().filter(move |slot| slot.interval.common(interval).is_some())
}
