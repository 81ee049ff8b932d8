//! What a site's days depend on, and on which of them it opens.
//!
//! Made by [`Pages`], for one answer.

use std::sync::MutexGuard;

use msap_shared::schedule::{NetworkClosure, OpenDays, Surroundings};
use msap_shared::time::Month;

use super::{Book, Pages, Place, Worked};

/// What a site's days depend on besides its documents, for one answer.
#[derive(Debug)]
pub struct Around<'a> {
    pub(super) pages: &'a Pages,
    pub(super) place: Place,
    pub(super) closures: Vec<NetworkClosure>,
}

/// One site's days; nobody else works any out of it meanwhile.
#[derive(Debug)]
pub struct Opening<'a> {
    pub(super) pages: &'a Pages,
    pub(super) place: &'a Place,
    pub(super) book: Option<(&'a Book, MutexGuard<'a, Worked>)>,
}

impl Opening<'_> {
    /// On which days of a month it opens.
    pub fn days(&mut self, month: Month) -> OpenDays {
        let Some((book, worked)) = &mut self.book else { return OpenDays::UNKNOWN };
        if let Some(known) = worked.days.known(month) {
            return known;
        }
        let around = self.pages.around(self.place.clone());
        worked.days.month(&book.schedule, month, &around.surroundings())
    }
}

impl Around<'_> {
    /// As the model wants it.
    pub fn surroundings(&self) -> Surroundings<'_> {
        Surroundings {
            calendar: &self.pages.calendar,
            holiday_zone: &self.place.holiday_zone,
            school_zone: &self.place.school_zone,
            closures: &self.closures,
        }
    }
}
