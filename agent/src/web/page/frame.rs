//! What the pages «Horaires» and «Partenaires» have around them: who and when, what a form was
//! answered, and what has to be settled.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use tracing::error;

use crate::command::house::{Decided, Decision, Disputed, House, Look, PartnersView, RemarkKind, ScheduleView, Seen};
use crate::command::{Command, Reply, Status};
use crate::out::Lang;
use crate::web::api::mismatch;
use crate::web::fields::Fields;
use crate::web::{Ask, Problem, Web, json};
use crate::wording;

/// Around a page.
pub(super) struct Frame {
    pub(super) current: &'static str,
    pub(super) action: &'static str,
    pub(super) site: String,
    pub(super) site_name: String,
    pub(super) label: String,
    pub(super) long_day: String,
    pub(super) clock: String,
    pub(super) today: String,
    /// What a form that was sent before has done.
    pub(super) done: Option<String>,
    pub(super) entered: Entered,
}

/// What was entered in a form that was not carried out.
#[derive(Default)]
pub(super) struct Entered {
    action: String,
    fields: BTreeMap<String, String>,
    field: Option<String>,
    /// Why not, in words: said atop the page and beside the field.
    pub(super) problem: Option<String>,
}

/// A contradiction, with a button for each version.
pub(super) struct Dispute {
    pub(super) id: String,
    pub(super) subject: String,
    pub(super) versions: Vec<DisputeVersion>,
}

/// One version.
pub(super) struct DisputeVersion {
    pub(super) number: usize,
    pub(super) words: String,
    pub(super) by: String,
}

/// A choice of a list.
pub(super) struct Choice {
    pub(super) code: String,
    pub(super) label: String,
}

impl Choice {
    pub(super) fn new(code: impl Into<String>, label: impl Into<String>) -> Self {
        Self { code: code.into(), label: label.into() }
    }
}

impl Entered {
    /// What was entered in a field, if in this form; templates ask for it.
    pub(super) fn value(&self, action: &str, name: &str) -> &str {
        if self.action == action { self.fields.get(name).map_or("", String::as_str) } else { "" }
    }

    /// The same, or what stands.
    pub(super) fn value_or<'a>(&'a self, action: &str, name: &str, stands: &'a str) -> &'a str {
        if self.action == action { self.fields.get(name).map_or("", String::as_str) } else { stands }
    }

    /// Whether a field is what is wrong.
    pub(super) fn is_wrong(&self, action: &str, name: &str) -> bool {
        self.action == action && self.field.as_deref() == Some(name)
    }

    /// What is wrong with it.
    pub(super) fn wrong(&self, action: &str, name: &str) -> Option<&str> {
        self.problem.as_deref().filter(|_| self.is_wrong(action, name))
    }
}

impl Frame {
    /// Around the page of this name.
    pub(super) async fn of<A: Ask>(
        web: &Web<A>,
        (current, action): (&'static str, &'static str),
        done: Option<&str>,
        entered: Entered,
    ) -> Result<(Self, Status), Problem> {
        let status = match web.desk.ask(Command::Status).await? {
            Reply::Status(status) => *status,
            other => return Err(mismatch(&other)),
        };
        let frame = Self {
            current,
            action,
            site: status.site.clone(),
            site_name: status.site_name.clone(),
            label: status.label.clone(),
            long_day: wording::day(status.today, Lang::Fr),
            clock: json::clock(status.clock),
            today: status.today.to_string(),
            done: done.and_then(in_words),
            entered,
        };
        Ok((frame, status))
    }
}

/// Carries out a form: back to the page, which says what was done, or the problem with what was
/// entered.
pub(super) async fn submitted<A: Ask>(
    web: &Web<A>,
    page: &str,
    body: &Bytes,
    read: fn(&str, Fields) -> Result<Decision, Problem>,
) -> Result<Response, (Problem, Entered)> {
    let mut entered = Entered::default();
    let carried_out = async {
        let mut fields = Fields::form(body)?;
        entered.action = fields.word("action")?.unwrap_or_default();
        entered.fields = fields.words();
        let decision = Command::House(Box::new(House::Decide(read(&entered.action, fields)?)));
        match web.desk.ask(decision).await? {
            Reply::House(seen) => match *seen {
                Seen::Decided(decided) => Ok(decided),
                other => Err(mismatch(&Reply::House(Box::new(other)))),
            },
            other => Err(mismatch(&other)),
        }
    }
    .await;
    match carried_out {
        Ok(decided) => {
            let done = done(&decided);
            Ok(Redirect::to(&format!("{page}?done={done}")).into_response())
        }
        Err(problem) => {
            entered.field = problem.field().map(str::to_owned);
            entered.problem = Some(problem.in_words().to_owned());
            Err((problem, entered))
        }
    }
}

/// What a form has done, as the address of the page after it carries it: codes alone, since whoever
/// makes a link may write an address.
fn done(decided: &Decided) -> String {
    let mut codes = vec![if decided.facts.is_empty() { "same" } else { "changed" }];
    codes.extend(decided.remarks.iter().map(|remark| remark.kind.as_str()));
    codes.dedup();
    codes.join(".")
}

/// The same in words; `None` where it is no such code.
fn in_words(codes: &str) -> Option<String> {
    let mut codes = codes.split('.');
    let mut words = match codes.next() {
        Some("changed") => "Enregistré sur ce poste.".to_owned(),
        Some("same") => "C’était déjà ainsi : rien à changer.".to_owned(),
        _ => return None,
    };
    for kind in codes.filter_map(RemarkKind::known).take(RemarkKind::ALL.len()) {
        words.push_str(&format!(" À savoir : {}.", kind.label_fr()));
    }
    Some(words)
}

/// A page, or that it does not render.
pub(super) fn rendered(page: &impl askama::Template, status: StatusCode) -> Result<Response, Problem> {
    match page.render() {
        Ok(html) => Ok((status, Html(html)).into_response()),
        Err(error) => {
            error!(%error, "a page does not render");
            Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "la page ne s’affiche pas"))
        }
    }
}

/// What has to be settled, in words; `here` is this machine's id.
pub(super) fn disputes(all: &[Disputed], here: &str) -> Vec<Dispute> {
    let dispute = |disputed: &Disputed| {
        let key = &disputed.conflict.key;
        let versions = disputed.conflict.versions.iter().enumerate().map(|(at, (stamp, body))| DisputeVersion {
            number: at + 1,
            words: wording::said(key, body, Lang::Fr),
            by: format!("{}, le {}", wording::author(&stamp.author, here, Lang::Fr), wording::day(stamp.day, Lang::Fr)),
        });
        Dispute { id: disputed.id(), subject: wording::subject(key, Lang::Fr), versions: versions.collect() }
    };
    all.iter().map(dispute).collect()
}

/// Plans of some days.
pub(super) async fn schedule<A: Ask>(web: &Web<A>, look: Look) -> Result<ScheduleView, Problem> {
    match seen(web, look).await? {
        Seen::Schedule(view) => Ok(*view),
        other => Err(mismatch(&Reply::House(Box::new(other)))),
    }
}

/// The partners today.
pub(super) async fn partners<A: Ask>(web: &Web<A>) -> Result<PartnersView, Problem> {
    match seen(web, Look::Partners(None)).await? {
        Seen::Partners(view) => Ok(view),
        other => Err(mismatch(&Reply::House(Box::new(other)))),
    }
}

async fn seen<A: Ask>(web: &Web<A>, look: Look) -> Result<Seen, Problem> {
    match web.desk.ask(Command::House(Box::new(House::Look(look)))).await? {
        Reply::House(seen) => Ok(*seen),
        other => Err(mismatch(&other)),
    }
}
