//! One question: who asks for what, and how it is answered.
//!
//! Every handler that reads takes an [`Asking`]. It finds the readers that the question is for, has the
//! answer worked out from one moment of the database, and sends it: a view with its tag and in the form
//! that is asked for, or a page of a list. An answer that may single out a person leaves once the journal
//! says to whom.

use std::sync::Arc;

use axum::Extension;
use axum::extract::FromRequestParts;
use axum::extract::rejection::ExtensionRejection;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use msap_shared::time::Day;
use rusqlite::Connection;
use serde_json::Value;

use super::auth::Caller;
use super::describe::Operation;
use super::list::{self, List, Listed};
use super::problem::Problem;
use super::query::Pairs;
use super::tagged::{self, PRIVATE, Tagged, View};
use super::{Views, scope, small};
use crate::almanac::{Almanac, Pages};
use crate::ask::parameter::Parameter;
use crate::ask::{self, Form, Given};
use crate::lane::Lane;
use crate::privacy::table::Told;
use crate::query::{Antennas, Filters, Query};
use crate::release::ReleaseRules;
use crate::sheet::Table;
use crate::store::StoreError;
use crate::store::small_reads::SmallRead;

/// A question, and who asks it.
pub(super) struct Asking<V> {
    views: V,
    lane: Lane,
    asker: Asker,
}

/// Who asks, for what, and when.
struct Asker {
    caller: Caller,
    operation: &'static Operation,
    headers: HeaderMap,
    pairs: Vec<(String, String)>,
    now: Timestamp,
}

/// A question on the reader's thread: all that is read there is of one moment.
pub(super) struct Sight<'a> {
    /// The database at that moment.
    pub(super) conn: &'a Connection,
    /// Who asks.
    pub(super) caller: &'a Caller,
    /// The names and values of the address.
    pub(super) pairs: &'a [(String, String)],
    /// When it is asked.
    pub(super) now: Timestamp,
    /// The hub's own day then.
    pub(super) today: Day,
    asker: &'a Asker,
    almanac: &'a Almanac,
}

/// An answer, and what the journal is to say of it before it leaves.
pub(super) struct Answered {
    tagged: Tagged,
    small: Option<SmallRead>,
}

/// What was worked out, and under which name the journal tells that a small figure of it was read; no
/// name: it has none.
pub(super) struct Made<T> {
    table: T,
    small: Option<String>,
}

impl<T> From<T> for Made<T> {
    fn from(table: T) -> Self {
        Self { table, small: None }
    }
}

impl<T> Made<T> {
    /// The journal is to tell under this name who read it, if it `may_tell_a_person`.
    pub(super) fn noted(table: T, may_tell_a_person: bool, name: impl Into<String>) -> Self {
        Self { table, small: may_tell_a_person.then(|| name.into()) }
    }
}

impl<V: Views> FromRequestParts<V> for Asking<V> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, views: &V) -> Result<Self, Problem> {
        let Pairs(pairs) = Pairs::from_request_parts(parts, views).await?;
        // Put there by `auth` and by the door, for every address under `/v1`.
        let missing = |error: ExtensionRejection| Problem::internal(&error);
        let Extension(caller) = Extension::<Caller>::from_request_parts(parts, views).await.map_err(missing)?;
        let operation = Extension::<&'static Operation>::from_request_parts(parts, views).await.map_err(missing)?.0;
        let asker = Asker { caller, operation, headers: parts.headers.clone(), pairs, now: Timestamp::now() };
        Ok(Self { views: views.clone(), lane: operation.spans.lane(&asker.pairs), asker })
    }
}

impl<V: Views> Asking<V> {
    /// Who asks.
    pub(super) fn caller(&self) -> &Caller {
        &self.asker.caller
    }

    /// Reads, all of one moment.
    pub(super) async fn read<T, F>(self, f: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce(&Sight<'_>) -> Result<T, Problem> + Send + 'static,
    {
        let Self { views, lane, asker } = self;
        read(&views, lane, asker, f).await
    }

    /// Answers with a view.
    pub(super) async fn answer<F>(self, f: F) -> Result<Response, Problem>
    where
        F: FnOnce(&Sight<'_>) -> Result<Answered, Problem> + Send + 'static,
    {
        let Self { views, lane, asker } = self;
        let (who, today) = (asker.caller.who.clone(), ask::today(asker.now));
        let Answered { tagged, small } = read(&views, lane, asker, f).await?;
        small::noted(&views, who, small, today).await?;
        Ok(tagged.into_response())
    }
}

async fn read<V, T, F>(views: &V, lane: Lane, asker: Asker, f: F) -> Result<T, Problem>
where
    V: Views,
    T: Send + 'static,
    F: FnOnce(&Sight<'_>) -> Result<T, Problem> + Send + 'static,
{
    let almanac = views.almanac().clone();
    let found = views.read(lane, move |conn| {
        // Of one moment: a tag must be that of what is summed, and sums must agree.
        let moment = conn.unchecked_transaction().map_err(StoreError::sqlite("beginning a read"))?;
        let Asker { caller, pairs, now, .. } = &asker;
        let today = ask::today(*now);
        // The store's own errors and the asker's mistakes travel apart.
        Ok(f(&Sight { conn: &moment, caller, pairs, now: *now, today, asker: &asker, almanac: &almanac }))
    });
    found.await?
}

impl Sight<'_> {
    /// What every site's schedule and partners amount to.
    pub(super) fn pages(&self) -> Result<Arc<Pages>, StoreError> {
        self.almanac.open(self.conn)
    }

    /// By what is released.
    pub(super) fn release_rules(&self) -> ReleaseRules {
        self.almanac.rules().release
    }

    /// The parameters of the address.
    pub(super) fn takes(&self) -> &'static [Parameter] {
        self.asker.operation.parameters
    }

    /// Refuses what these filters let through in a period where it lies beyond what the caller sees.
    pub(super) fn within(&self, filters: &Filters, antennas: Antennas, period: (Day, Day)) -> Result<(), Problem> {
        match self.caller.scope.covers(self.conn, filters, antennas, period)? {
            true => Ok(()),
            false => Err(Problem::outside_scope(&self.caller.scope, scope::asked(filters), self.takes())),
        }
    }

    /// Refuses a question on figures that is beyond what the caller sees.
    pub(super) fn may_ask(&self, query: &Query) -> Result<(), Problem> {
        match self.caller.scope.beyond(self.conn, query, self.today)? {
            None => Ok(()),
            Some(beyond) => Err(Problem::beyond(&self.caller.scope, beyond, &query.filters, self.takes())),
        }
    }

    /// The form of an answer: the one that is named, else the one that whoever asks would like best, else
    /// this one.
    pub(super) fn form(&self, named: Option<Form>, default: Form) -> Form {
        named.unwrap_or_else(|| list::accepted(&self.asker.headers, self.asker.operation.answer.types(), default))
    }

    /// A view, worked out unless whoever asks has it.
    pub(super) fn view<T, M>(&self, view: View, make: M) -> Result<Answered, Problem>
    where
        T: Table,
        M: FnOnce(&Pages) -> Result<Made<T>, Problem>,
    {
        let (pages, mut small) = (self.pages()?, None);
        let form = self.form(view.form, view.default);
        let tag = tagged::tag(self.conn, &format!("{} {:?} {form:?}", view.question, pages.rules()), self.now)?;
        let tagged = Tagged::unless_known(&self.asker.headers, tag, view.file, PRIVATE, || {
            let made = make(&pages)?;
            small = made.small.map(|name| small::read(&name, self.caller, self.pairs));
            let next = made.table.next().map(|next| list::link(self.pairs, next));
            Ok((tagged::body(&made.table, form), next))
        })?;
        Ok(Answered { tagged, small })
    }

    /// What was released.
    pub(super) fn released(&self, told: &Told, named: Option<Form>) -> Answered {
        let tagged = tagged::released(told, self.form(named, Form::Json), &self.asker.headers, PRIVATE);
        Answered { tagged, small: None }
    }

    /// A page of a list: an object that has the rows, and the cursor of the next one.
    pub(super) fn page(
        &self,
        list: &List,
        given: &Given,
        object: Value,
        next: Option<String>,
    ) -> Result<Listed, Problem> {
        Ok(list.page(self.form(ask::form(given)?, Form::Json), self.pairs, object, next))
    }
}
