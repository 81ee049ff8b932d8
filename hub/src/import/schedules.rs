//! A row's hours beside the schedule that holds at its site.
//!
//! Called by the import for each row that goes in. What changes is written once the sites are, by the
//! core: documents are its own.

use msap_shared::document::{DocId, DocKind};
use msap_shared::schedule::Schedule;
use rusqlite::Connection;

use super::report::{HoursKept, Place};
use super::{Plan, defect, hours, places};
use crate::almanac;
use crate::site::Site;
use crate::store::StoreError;

impl Plan {
    /// Compares a row's hours with the schedule that holds. A place under a provisional id has none
    /// yet: its id could not be changed any more.
    pub(super) fn hours_of(
        &mut self,
        conn: &Connection,
        place: &Place,
        column: String,
        site: &Site,
    ) -> Result<(), StoreError> {
        if places::is_provisional(site.id.as_str()) {
            return Ok(());
        }
        let held = match DocId::registers(site.id.clone(), DocKind::Schedule) {
            Some(document) => Schedule::read(&almanac::facts(conn, &document)?),
            None => return Ok(()),
        };
        match hours::schedule::facts(&held, self.day, &site.hours_verbatim) {
            Ok(listed) => {
                let kept = listed.kept.into_iter().map(|kept| HoursKept {
                    line: place.line,
                    site: site.id.to_string(),
                    key: kept.key,
                    author: kept.author,
                    stands: kept.stands,
                    listed: kept.listed,
                });
                self.report.hours_kept.extend(kept);
                if !listed.edits.is_empty() {
                    self.report.hours_changed += 1;
                    self.hours.push((site.id.clone(), listed.edits));
                }
            }
            Err(error) => {
                let problem = place.problem(column, &error.why, defect::HOURS);
                self.report.problems.push(problem);
            }
        }
        Ok(())
    }
}
