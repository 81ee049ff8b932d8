//! What stands apart of a partner's month, and so is in none of its figures.
//!
//! Told by the return itself: whoever is handed a figure must see what it is without. Why something
//! stands apart, what was refused and what waits for an approval is known of now only: a return as of a
//! past day leaves that out, since the same data and day give the same bytes.

use std::collections::BTreeMap;

use msap_shared::code::OperatorCode;
use msap_shared::time::Day;
use rusqlite::Connection;
use serde_json::{Map, Value, json};

use super::Question;
use crate::lang::{Lang, counted};
use crate::ledger::Flag;
use crate::store::{StoreError, apart};
use crate::words::nouns;

/// What is the same for all partners of a month.
pub(super) struct OfMonth {
    doubts: Option<BTreeMap<(String, Flag), i64>>,
    refused: Option<i64>,
    pending: Option<i64>,
}

/// What stands apart of one partner.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Apart {
    /// Requests that wait for a person's decision.
    pub(super) requests: i64,
    /// Why, and how many of them; one with two reasons is under both. `None`: not known of that day.
    pub(super) reasons: Option<Vec<(Flag, i64)>>,
    /// Changes of the month, of whichever partner, that were refused; `None`: not known of that day.
    pub(super) refused: Option<i64>,
    /// Those that wait for their machine to be approved; `None`: not known of that day.
    pub(super) pending: Option<i64>,
}

impl OfMonth {
    /// What a month has, as of the day that is asked for.
    pub(super) fn read(conn: &Connection, question: Question, today: Day) -> Result<Self, StoreError> {
        let Question { month, as_of, .. } = question;
        let is_now = as_of.is_none_or(|as_of| as_of >= today);
        Ok(Self {
            doubts: is_now.then(|| apart::doubts(conn, month)).transpose()?,
            refused: is_now.then(|| apart::refused(conn, month)).transpose()?,
            pending: is_now.then(|| apart::pending(conn, month)).transpose()?,
        })
    }

    /// What of it concerns a partner, of whose requests so many stand apart.
    pub(super) fn of(&self, operator: &OperatorCode, requests: i64) -> Apart {
        let reasons = self.doubts.as_ref().map(|doubts| {
            let own = doubts.iter().filter(|((of, _), _)| of == operator.as_str());
            own.map(|((_, flag), requests)| (*flag, *requests)).collect()
        });
        Apart { requests, reasons, refused: self.refused, pending: self.pending }
    }
}

impl Apart {
    /// As JSON.
    pub(super) fn object(&self) -> Value {
        let reasons = self.reasons.as_ref().map(|reasons| {
            reasons.iter().map(|(flag, requests)| (flag.as_str().to_owned(), json!(requests))).collect::<Map<_, _>>()
        });
        json!({
            "requests": self.requests, "reasons": reasons,
            "refused_changes": self.refused, "pending_changes": self.pending,
        })
    }

    /// In a line, for people; nothing where nothing stands apart.
    pub(super) fn said(&self, lang: Lang) -> Option<String> {
        let refused = |n| counted(n, lang, ["changement refusé", "changements refusés"], REFUSED);
        let pending =
            |n| counted(n, lang, ["changement d’un poste à approuver", "changements de postes à approuver"], PENDING);
        let parts = [
            (self.requests != 0).then(|| nouns::requests(self.requests, lang)),
            self.refused.filter(|n| *n != 0).map(refused),
            self.pending.filter(|n| *n != 0).map(pending),
        ];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        let said = parts.join(", ");
        (!parts.is_empty()).then(|| lang.of(format!("à part : {said}"), format!("apart: {said}")))
    }
}

const REFUSED: [&str; 2] = ["refused change", "refused changes"];
const PENDING: [&str; 2] = ["change of a machine to be approved", "changes of machines to be approved"];
