//! `GET /v1/journal`: who changed what, for administrators of the whole network.

use axum::extract::State;
use axum::{Extension, Json};
use serde_json::{Value, json};

use super::Views;
use super::auth::Caller;
use super::problem::Problem;
use super::query::Pairs;
use super::sites::{PAGE, cursor, page};
use crate::admin::JournalObject;
use crate::ask::{self, AskError, Given};
use crate::lang::Phrase;
use crate::store::journal::{self, JournalFilter, KINDS, first_second};
use crate::who::Who;

/// Lists lines, oldest first, one page at a time. Their numbers follow the commits: whoever goes on
/// from a page neither misses nor repeats one, whatever is written meanwhile.
pub(super) async fn list<V: Views>(
    State(views): State<V>,
    Extension(caller): Extension<Caller>,
    Pairs(pairs): Pairs,
) -> Result<Json<Value>, Problem> {
    caller.administers()?;
    let known = [FILTERS.as_slice(), &[("limit", true), ("cursor", true)]].concat();
    let given = Given::check(&pairs, &known)?;
    let filter = filter(&given)?;
    let (after, limit) = page(&given)?;
    let limit = limit.unwrap_or(PAGE);
    let after = after.map_or(Ok(0), |text| text.parse::<i64>().map_err(|_| ask::not_a_cursor(&text)))?;
    // One more than shown tells whether there is a next page.
    let mut found = views.read(move |conn| journal::search(conn, &filter, after, limit + 1)).await?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next = found.last().filter(|_| more).map(|line| cursor(&line.n.to_string()));
    let lines: Vec<JournalObject> = found.into_iter().map(Into::into).collect();
    Ok(Json(json!({ "journal": lines, "next": next })))
}

const FILTERS: [(&str, bool); 4] = [("from", true), ("to", true), ("who", true), ("kind", true)];

/// The filter that these names and values ask for.
pub fn journal_filter(pairs: &[(String, String)]) -> Result<JournalFilter, AskError> {
    filter(&Given::check(pairs, &FILTERS)?)
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
