//! `GET /v1/journal`: who changed what, for administrators of the whole network.

use serde_json::json;

use super::Views;
use super::asking::{Asking, Sight};
use super::describe::{Answer, Operation};
use super::list::{List, Listed};
use super::openapi::answers;
use super::problem::Problem;
use super::scope::Role;
use crate::admin::JournalObject;
use crate::ask::page::Page;
use crate::ask::parameter::{ACTION, CURSOR, FORMAT, FROM, LIMIT, Parameter, TO, WHO};
use crate::ask::{self, AskError, Given};
use crate::lang::Phrase;
use crate::store::journal::{self, JournalFilter, KINDS, first_second};
use crate::who::Who;

const PARAMETERS: &[Parameter] = &[FROM, TO, WHO, ACTION, FORMAT, LIMIT, CURSOR];

/// Who changed what.
pub(super) const JOURNAL: Operation = Operation {
    role: Some(Role::Admin),
    parameters: PARAMETERS,
    ..Operation::read(
        "Qui a fait quoi, du plus ancien au plus récent",
        "Who did what, oldest first",
        Answer::Table(answers::journal),
    )
};

const LIST: List =
    List { rows: "journal", file: "journal", columns: &["n", "at", "who", "action", "subject", "detail"] };

/// Lists lines, oldest first, one page at a time. Their numbers follow the commits: whoever goes on
/// from a page neither misses nor repeats one, whatever is written meanwhile.
pub(super) async fn list<V: Views>(asking: Asking<V>) -> Result<Listed, Problem> {
    asking.caller().administers()?;
    let answer = |sight: &Sight<'_>| {
        let given = Given::check(sight.pairs, PARAMETERS)?;
        let (filter, page) = (filter(&given)?, Page::read(&given, LIST.rows)?);
        let after = page.after.as_deref().map_or(Ok(0), |text| text.parse().map_err(|_| AskError::Cursor))?;
        let mut found = journal::search(sight.conn, &filter, after, page.wanted())?;
        let next = page.cut(&mut found, |line| line.n.to_string());
        let lines: Vec<JournalObject> = found.into_iter().map(Into::into).collect();
        sight.page(&LIST, &given, json!({ "journal": lines }), next)
    };
    asking.read(answer).await
}

/// The filter that these names and values ask for.
pub fn journal_filter(pairs: &[(String, String)]) -> Result<JournalFilter, AskError> {
    filter(&Given::check(pairs, PARAMETERS)?)
}

fn filter(given: &Given) -> Result<JournalFilter, AskError> {
    let (from_s, before_s) = match (given.one("from"), given.one("to")) {
        (None, None) => (None, None),
        (Some(_), None) => return Err(AskError::HalfPeriod("to")),
        (None, Some(_)) => return Err(AskError::HalfPeriod("from")),
        (Some(from), Some(to)) => {
            let (from, to) = (ask::day("from", from)?, ask::day("to", to)?);
            if from > to {
                let expected = Phrase::new("au plus tôt le jour de from", "on or after the day of from");
                return Err(ask::wrong("to", &to.to_string(), expected));
            }
            // The calendar ends in 2099.
            let next = Some(to.plus_days(1)).filter(|next| *next > to);
            (Some(first_second(from)), next.map(first_second))
        }
    };
    let who = Phrase::new("hub, operator, user:LOGIN ou token:ID", "hub, operator, user:LOGIN or token:ID");
    let kind = Phrase::new(
        "le premier mot d’une action, comme site, token, user ou session",
        "the first word of an action such as site, token, user or session",
    );
    Ok(JournalFilter {
        from_s,
        before_s,
        who: given.list("who", who, |text| Ok(text.parse::<Who>().ok()))?,
        kinds: given.list("kind", kind, |text| Ok(KINDS.into_iter().find(|known| *known == text)))?,
    })
}
