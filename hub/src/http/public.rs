//! `GET /v1/public` and `GET /v1/public/{table}`: what anybody may read, without a token, and every
//! answer on figures that was released.
//!
//! What is read here was released before: no question can have anything summed.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use msap_shared::time::Day;
use msap_shared::wording::calendar_day;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::Views;
use super::describe::{Answer, Operation};
use super::openapi::answers;
use super::problem::Problem;
use super::query::{Name, Pairs};
use super::{list, tagged};
use crate::ask::parameter::{FORMAT, PERIOD, Parameter, TABLE_NAME};
use crate::ask::{self, Form, Given};
use crate::lane::Lane;
use crate::lang::{Lang, Phrase};
use crate::privacy::table::{self, TABLES, Table, Tells, Told};
use crate::privacy::{Period, VISITS};
use crate::release::{self, ReleaseRules, Waiting};
use crate::store::releases;

/// An hour: what is released does not change, and what is new is not urgent.
const KEPT: &str = "public, max-age=3600";

/// The list of what anybody may read.
pub(super) const LIST: Operation = Operation {
    role: None,
    ..Operation::read(
        "Les tableaux publics, et leurs périodes",
        "Public tables, and their periods",
        Answer::Json(answers::public),
    )
};

/// What anybody may read.
pub(super) const TABLE: Operation = Operation {
    more: "Un mois, trimestre ou an terminé, publié une fois et figé ; les petits chiffres, et ceux qui les trahiraient, \
           sont masqués.",
    role: None,
    names: &[TABLE_NAME],
    parameters: PARAMETERS,
    ..Operation::read("Un tableau public", "A public table", Answer::Table(answers::released))
};

const PARAMETERS: &[Parameter] = &[PERIOD, FORMAT];

/// The list of tables, and the periods that they can be read for.
pub(super) async fn list<V: Views>(State(views): State<V>, Pairs(pairs): Pairs) -> Result<Response, Problem> {
    Given::check(&pairs, LIST.parameters)?;
    let periods = views.read(Lane::Anybody, |conn| releases::periods(conn, VISITS)).await?;
    let period = |(period, day): &(Period, Day)| json!({ "period": period.to_string(), "as_of": day.to_string() });
    let table = |table: &Table| {
        let tells = match table.tells {
            Tells::Visits => json!(["visits"]),
            Tells::Requests => json!(["requests"]),
            Tells::Both => json!(["visits", "requests"]),
        };
        json!({ "table": table.name, "by": table.by.iter().map(|key| key.name()).collect::<Vec<_>>(), "tells": tells })
    };
    let list = json!({
        "layout": table::LAYOUT,
        "tables": TABLES.iter().map(table).collect::<Vec<_>>(),
        "periods": periods.iter().map(period).collect::<Vec<Value>>(),
    });
    Ok(Json(list).into_response())
}

/// One table of one period.
pub(super) async fn read<V: Views>(
    State(views): State<V>,
    Name(name): Name,
    headers: HeaderMap,
    Pairs(pairs): Pairs,
) -> Result<Response, Problem> {
    let given = Given::check(&pairs, PARAMETERS)?;
    let table =
        Table::find(&name).ok_or_else(|| Problem::not_found("aucun tableau de ce nom : GET /v1/public les donne"))?;
    let example =
        Phrase::new("une période telle que 2026-10, 2026-Q4 ou 2026", "a period such as 2026-10, 2026-Q4 or 2026");
    let text = given.one("period").unwrap_or_default();
    let period: Period = text.parse().map_err(|_| ask::wrong("period", text, example))?;
    let form = ask::form(&given)?.unwrap_or_else(|| list::accepted(&headers, TABLE.answer.types(), Form::Json));
    let (today, rules) = (ask::today(Timestamp::now()), views.almanac().rules().release);
    let found = views.read(Lane::Anybody, move |conn| Ok(released(conn, table, period, rules, today)));
    Ok(tagged::released(&found.await??, form, &headers, KEPT).into_response())
}

/// A public table, or why it cannot be read.
pub(super) fn released(
    conn: &Connection,
    table: &'static Table,
    period: Period,
    rules: ReleaseRules,
    today: Day,
) -> Result<Told, Problem> {
    or_waiting(table::public(conn, table, period)?, conn, period, rules, today)
}

/// What was released, or why nothing was.
pub(super) fn or_waiting(
    found: Option<Told>,
    conn: &Connection,
    period: Period,
    rules: ReleaseRules,
    today: Day,
) -> Result<Told, Problem> {
    match found {
        Some(told) => Ok(told),
        None => Err(match release::waiting(conn, period, rules, today)? {
            Waiting::Until(day) => {
                Problem::not_released(format!("{period} se lira à partir du {}", calendar_day(day, Lang::Fr)))
            }
            Waiting::Soon => Problem::not_released(format!("{period} va être publié : redemandez dans une heure")),
            Waiting::Lost => Problem::not_released(format!(
                "{period} ne sera pas publié : cette base ne publie que les périodes terminées depuis qu’elle existe, car une base \
                 précédente les a peut-être publiées avec d’autres chiffres"
            )),
        }),
    }
}
