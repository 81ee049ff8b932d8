//! `partner` and `conflict`, from the command line.

use hyper::Method;
use msap_shared::document::partners::availability::Availability;
use serde_json::Value;

use super::decide::{decide, fields, here, list, look, nothing, path, query, signed, text};
use super::house::{ConflictAction, PartnerAction};
use super::{Context, Failure};
use crate::exit::Exit;
use crate::out::{self, Lang};
use crate::wording;

const PARTNERS: &str = "/api/partners";

/// `partner …`.
///
/// # Errors
/// As the agent answers.
pub async fn partner(context: &Context, action: PartnerAction) -> Result<Exit, Failure> {
    let of = |operator: &str, after: &str| path(PARTNERS, "operator", operator, after);
    let (at, body) = match action {
        PartnerAction::List { day } => {
            let query = query([("day", day)])?;
            let Some(partners) = look(context, &format!("{PARTNERS}{query}")).await? else { return Ok(Exit::Ok) };
            show(&partners, context.lang);
            return Ok(Exit::Ok);
        }
        PartnerAction::Remove { operator } => {
            return decide(context, Method::DELETE, &of(&operator, "")?, &nothing()).await;
        }
        PartnerAction::Set { operator, mode, until, contact, checked } => {
            let body = [("mode", Some(mode)), ("until", until), ("contact", contact), ("checked", checked)];
            (of(&operator, "")?, fields(body)?)
        }
        PartnerAction::Confirm { operator } => (of(&operator, "")?, nothing()),
        PartnerAction::Agreement { operator, status, day } => {
            (of(&operator, "/agreement")?, fields([("status", Some(status)), ("day", day)])?)
        }
        PartnerAction::Training { operator, agents, on } => {
            (of(&operator, "/training")?, fields([("agents", Some(agents)), ("trained_on", on)])?)
        }
        PartnerAction::Label { operator, label } => (of(&operator, "/label")?, fields([("label", Some(label))])?),
    };
    decide(context, Method::PUT, &at, &body).await
}

/// `conflict …`.
///
/// # Errors
/// As the agent answers.
pub async fn conflict(context: &Context, action: ConflictAction) -> Result<Exit, Failure> {
    match action {
        ConflictAction::Resolve { id, version } => {
            let at = path("/api/conflicts", "id", &id, "")?;
            decide(context, Method::POST, &at, &fields([("version", Some(version))])?).await
        }
        ConflictAction::List => {
            let Some(conflicts) = look(context, "/api/conflicts").await? else { return Ok(Exit::Ok) };
            let (lang, here) = (context.lang, here(context).await?);
            let mut rows = Vec::new();
            for conflict in conflicts.as_array().into_iter().flatten() {
                let key = text(conflict, "key");
                for version in list(conflict, "versions") {
                    rows.push(vec![
                        text(conflict, "id"),
                        text(version, "version"),
                        wording::subject(&key, lang),
                        wording::said(&key, &text(version, "value"), lang),
                        signed(version, "day", &here, lang),
                    ]);
                }
            }
            let header = [
                lang.pick("Conflit", "Conflict"),
                lang.pick("Version", "Version"),
                lang.pick("Sujet", "About"),
                lang.pick("Dit", "Says"),
                lang.pick("Par", "By"),
            ];
            out::table(&header, rows);
            Ok(Exit::Ok)
        }
    }
}

fn show(partners: &Value, lang: Lang) {
    let row = |partner: &Value| {
        let code = text(partner, "operator");
        let label = partner["label"].as_str();
        let name = code.parse().map_or_else(|_| code.clone(), |of| wording::operator(&of, label));
        let state = text(partner, "availability");
        let known = Availability::ALL.into_iter().find(|known| known.as_str() == state);
        let state = known.map_or(state, |known| lang.pick(known.label_fr(), known.label_en()).to_owned());
        let said: Vec<String> = list(partner, "said").iter().map(|said| presence(said, lang)).collect();
        let next = match &partner["next"] {
            Value::Null => String::new(),
            next => format!("{} {}", text(next, "day"), text(next, "from")),
        };
        vec![code, name, state, said.join(" / "), next]
    };
    let rows = list(partners, "partners").iter().map(row).collect();
    let header = [
        lang.pick("Code", "Code"),
        lang.pick("Partenaire", "Operator"),
        lang.pick("État", "State"),
        lang.pick("Dit", "Said"),
        lang.pick("Prochaine permanence", "Next permanence"),
    ];
    out::table(&header, rows);
}

fn presence(said: &Value, lang: Lang) -> String {
    let body = [text(said, "mode"), text(said, "contact"), text(said, "until"), text(said, "checked_on")].join("|");
    wording::said("presence", &body, lang)
}
