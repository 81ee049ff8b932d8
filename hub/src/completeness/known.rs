//! Who is to report and what was reported, kept between questions: a national year is walked in memory.
//!
//! Part of the almanac's pages, asked by `completeness`. The database counts the changes of both; each
//! question looks which there are since, and reads those alone. Invariant: what is answered is what the
//! tables say at the moment of the asker's connection; whoever looks at an earlier moment than what is
//! kept reads for himself. What is kept is bounded by the tables: some forty bytes for a site's month.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;

use crate::store::StoreError;
use crate::store::reported::{self, BySite};
use crate::store::reporters::{self, Reporter};

/// What is kept.
#[derive(Debug, Default)]
pub(crate) struct Known(Mutex<Option<Moment>>);

/// Both, of one moment.
#[derive(Clone, Debug)]
pub(crate) struct Moment {
    /// How often each had changed by then.
    touched: (i64, i64),
    pub(crate) reporters: Arc<Vec<Reporter>>,
    pub(crate) reported: Arc<BySite>,
}

impl Known {
    /// Both, of the moment of this connection.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) fn at(&self, conn: &Connection) -> Result<Moment, StoreError> {
        let touched = (reporters::touched(conn)?, reported::touched(conn)?);
        // A panic elsewhere leaves what was kept whole: it is replaced only after it was read.
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let moment = match &*kept {
            Some(kept) if kept.touched == touched => return Ok(kept.clone()),
            Some(kept) if touched.0 < kept.touched.0 || touched.1 < kept.touched.1 => {
                return Moment::read(conn, touched);
            }
            Some(kept) => kept.brought_up(conn, touched)?,
            None => Moment::read(conn, touched)?,
        };
        Ok(kept.insert(moment).clone())
    }
}

impl Moment {
    fn read(conn: &Connection, touched: (i64, i64)) -> Result<Self, StoreError> {
        let (reporters, reported) = (Arc::new(reporters::all(conn)?), Arc::new(reported::all(conn)?));
        Ok(Self { touched, reporters, reported })
    }

    fn brought_up(&self, conn: &Connection, touched: (i64, i64)) -> Result<Self, StoreError> {
        let mut moment = Self { touched, ..self.clone() };
        if touched.0 != self.touched.0 {
            moment.reporters = Arc::new(reporters::all(conn)?);
        }
        if touched.1 != self.touched.1 {
            reported::bring_up(conn, Arc::make_mut(&mut moment.reported), self.touched.1)?;
        }
        Ok(moment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{FILE_NAME, Store, reader};

    #[test]
    fn whoever_looks_at_an_earlier_moment_is_told_of_that_one() {
        let dir = tempfile::tempdir().unwrap();
        let writes = Store::open(dir.path(), None, Box::new(|| [7; 16])).unwrap().into_connection();
        let put = |sql: &str| writes.execute_batch(sql).unwrap();
        put("INSERT INTO site (id, name, kind, timezone) VALUES ('275', 'Chemillé', 'house', 'Europe/Paris');
             INSERT INTO site_month VALUES ('275', 24310, 1, zeroblob(31))");
        let early = reader(&dir.path().join(FILE_NAME)).unwrap();
        let moment = early.unchecked_transaction().unwrap();
        let known = Known::default();
        let told = |conn: &Connection| {
            let Moment { reporters, reported, .. } = known.at(conn).unwrap();
            let visited = reported.get("275").map(|months| months.iter().map(|(_, said)| said.visited()).collect());
            (reporters[0].name.clone(), visited.unwrap_or_else(Vec::new))
        };
        assert_eq!(told(&moment), ("Chemillé".to_owned(), vec![1]));
        put("UPDATE site_month SET visited = 3; INSERT INTO site_month VALUES ('275', 24311, 4, zeroblob(31))");
        assert_eq!(told(&writes), ("Chemillé".to_owned(), vec![3, 4]));
        put("UPDATE site SET name = 'Chemillé-en-Anjou'; DELETE FROM site_month WHERE month = 24310");
        assert_eq!(told(&writes), ("Chemillé-en-Anjou".to_owned(), vec![4]));
        assert_eq!(told(&moment), ("Chemillé".to_owned(), vec![1]));
        assert_eq!(told(&writes), ("Chemillé-en-Anjou".to_owned(), vec![4]));
    }
}
