//! Replies on standard output: tables for people, JSON for programs.

use std::io;

use data_encoding::BASE64;
use serde_json::Value;

use super::args::Format;
use super::table::{list, object};
use super::{bundle, catalogue, conflicts, fleet, imported, table};
use crate::admin::{AuthoritiesObject, DeviceObject, HeldObject, Reply};
use crate::config::Shown;
use crate::doctor::Finding;
use crate::exit::{Exit, Failure};
use crate::harm;
use crate::lang::{Lang, counted};
use crate::out::{self, Grid};
use crate::sheet::SheetFormat;
use crate::words::{self, nouns};

/// A reply that is an answer and yet ends the command with a failure.
pub(crate) fn failed(reply: &Reply, lang: Lang) -> Option<Failure> {
    match reply {
        Reply::Checked(check) if !check.problems.is_empty() => {
            let text = lang.of("la base du hub est endommagée", "the hub's database is damaged");
            Some(Failure::new(Exit::Damaged, format!("{text} : {}", harm::restore(lang))))
        }
        Reply::Checked(check) if !check.registry.is_empty() => {
            let text = lang.of("le registre n’est plus ce qui y a été écrit", "the registry is not what was written");
            Some(Failure::new(Exit::Damaged, format!("{text} : {}", harm::registry(lang))))
        }
        Reply::Checked(check) if !check.differences.is_empty() && !check.rebuilt => {
            let text = lang.of(
                "les vues diffèrent des changements : msap-hub check --rebuild",
                "the views differ from the changes: msap-hub check --rebuild",
            );
            Some(Failure::new(Exit::ConditionFailed, text))
        }
        _ => None,
    }
}

/// Writes a reply.
pub(crate) fn reply(reply: Reply, format: Option<Format>, json: bool, lang: Lang) -> io::Result<()> {
    let json = json || format == Some(Format::Json);
    match reply {
        Reply::Done => match json {
            true => out::json(&serde_json::json!({ "done": true })),
            false => {
                eprintln!("{}", lang.of("fait", "done"));
                Ok(())
            }
        },
        Reply::Catalogued(report) => catalogue::show(&report, json, lang),
        Reply::Conflicts(found) => conflicts::show(&found, json, lang),
        Reply::Settled(settled) => conflicts::settled(&settled, json, lang),
        Reply::Bundle(bundle) if json => out::json(&bundle),
        Reply::Bundle(found) => bundle::show(&found, lang),
        Reply::BundleMade(made) if json => out::json(&made),
        Reply::BundleMade(made) => bundle::made(&made, lang),
        Reply::Revoked { known } if json => out::json(&serde_json::json!({ "done": true, "known": known })),
        Reply::Revoked { known: true } => {
            eprintln!("{}", lang.of("fait", "done"));
            Ok(())
        }
        Reply::Revoked { known: false } => {
            let text = lang.of(
                "la base ne connaît pas ce poste : il est inscrit sur la liste des révocations, et sera refusé s’il \
                 se présente",
                "the database does not know this device: it is on the list of revocations, and will be turned away if \
                 it comes",
            );
            eprintln!("msap-hub : {text}");
            Ok(())
        }
        Reply::Document(text) => match BASE64.decode(text.as_bytes()) {
            Ok(bytes) => out::bytes(&bytes),
            Err(error) => Err(io::Error::other(error)),
        },
        Reply::Figures(figures) => out::json(&figures),
        Reply::Sheet { sheet, summary } => match format {
            Some(Format::Csv) => out::bytes(&sheet.write(SheetFormat::Csv)),
            Some(Format::CsvFr) => out::bytes(&sheet.write(SheetFormat::CsvFr)),
            Some(Format::Table | Format::Json) | None => {
                eprintln!("{summary}");
                out::grid(&sheet.grid(lang))
            }
        },
        Reply::Text(text) => out::bytes(text.as_bytes()),
        Reply::Returns(files) => out::json(&files),
        Reply::Imported(report) => imported::show(&report, json, lang),
        Reply::Site { site, aliases, devices, history } if json => {
            let mut object = serde_json::to_value(&site).map_err(io::Error::other)?;
            object["aliases"] = serde_json::json!(aliases);
            object["devices"] = serde_json::json!(devices);
            object["history"] = serde_json::json!(history);
            out::json(&object)
        }
        Reply::Site { site, aliases, devices, history } => {
            out::grid(&table::fields(&site, &[("aliases", aliases.join(" "))], lang)?)?;
            if !history.is_empty() {
                out::grid(&history_grid(&history, lang))?;
            }
            if devices.is_empty() { Ok(()) } else { out::grid(&device_grid(&devices, lang)?) }
        }
        Reply::Sites(sites) => list(&sites, &SITE, json, lang),
        Reply::Invitation(invitation) => {
            if !invitation.advertised {
                let address = &invitation.address;
                let text = lang.of(
                    format!(
                        "sync.advertise n’est pas réglé : le code porte {address}, qui vaut pour cette machine et son \
                         réseau ; pour des postes ailleurs, réglez-le d’abord"
                    ),
                    format!(
                        "sync.advertise is not set: the code carries {address}, which is good on this machine and its \
                         network; for machines elsewhere, set it first"
                    ),
                );
                eprintln!("msap-hub : {text}");
            }
            if json { out::json(&invitation) } else { out::line(&invitation.code) }
        }
        Reply::Devices(devices) if json => out::json(&devices),
        Reply::Devices(devices) => out::grid(&device_grid(&devices, lang)?),
        Reply::Device(device) => object(&device, json, lang),
        Reply::Folded(folded) => {
            if folded.revocations_incomplete.is_some() && !folded.devices.is_empty() {
                eprintln!("msap-hub : {}", perhaps_revoked(lang));
            }
            object(&folded, json, lang)
        }
        Reply::TokenMade { token, secret } if json => {
            let mut made = serde_json::to_value(&token).map_err(io::Error::other)?;
            made["secret"] = Value::String(secret);
            out::json(&made)
        }
        Reply::TokenMade { token, secret } => {
            let text = lang.of(
                "gardez ce secret, il ne sera plus affiché ; jeton",
                "keep this secret, it is not shown again; token",
            );
            eprintln!("{text} {} ({}, {})", token.id, token.scope, token.role);
            out::line(&secret)
        }
        Reply::Checked(check) if json => out::json(&check),
        Reply::Checked(check) => {
            let documents = counted(check.documents, lang, ["document", "documents"], ["document", "documents"]);
            eprintln!("{documents}, {}", nouns::changes(check.changes, lang));
            let told = check.problems.iter().chain(&check.registry).chain(&check.differences).chain(&check.negative);
            told.into_iter().try_for_each(|line| out::line(line))
        }
        Reply::Authorities(found) if json => out::json(&found),
        Reply::Authorities(found) => authorities(&found, lang),
        Reply::Revocations(found) if json => out::json(&found),
        Reply::Revocations(found) => {
            if let Some(why) = &found.incomplete {
                eprintln!("msap-hub : {why} ; {}", harm::list_again(lang));
            }
            list(&found.revocations, &["device", "date", "reason"], false, lang)
        }
        Reply::Tokens(rows) => {
            list(&rows, &["id", "label", "scope", "role", "expires", "last_used", "revoked"], json, lang)
        }
        Reply::User(user) => object(&user, json, lang),
        Reply::Users(rows) => list(&rows, &["login", "scope", "role", "disabled"], json, lang),
        Reply::Refused(rows) => {
            list(&rows, &["id", "site", "document", "device", "writer", "seq", "reason", "day"], json, lang)
        }
        Reply::RefusedOne(row) => object(&row, json, lang),
        Reply::Flagged(rows) => list(&rows, &["id", "site", "date", "reason", "value"], json, lang),
        Reply::FlaggedOne(row) => object(&row, json, lang),
        Reply::Fleet(found) => fleet::show(&found, format, json, lang),
        Reply::Journal(rows) => list(&rows, &["n", "at", "who", "action", "subject", "detail"], json, lang),
        Reply::Documents(rows) => list(&rows, &["id", "changes"], json, lang),
    }
}

/// What an approval cannot know once the list of revocations is not whole.
fn perhaps_revoked(lang: Lang) -> &'static str {
    lang.of(
        "la liste des révocations n’est pas entière : un poste exclu autrefois a pu être rétabli. Comparez les libellés \
         et les lieux de « msap-hub device list » avec vos postes, et excluez par « msap-hub device revoke POSTE \
         --reason TEXTE » ceux qui ne doivent pas en être",
        "the list of revocations is not whole: a device that was revoked may have been let in again. Compare labels and \
         sites of «msap-hub device list» with your machines, and «msap-hub device revoke DEVICE --reason TEXT» those \
         that should not be among them",
    )
}

/// Writes the settings.
pub(crate) fn settings(shown: &[Shown], json: bool, lang: Lang) -> io::Result<()> {
    list(shown, &["key", "value", "origin"], json, lang)
}

/// Writes one object, a line per field.
pub(crate) fn one(value: &Value, lang: Lang) -> io::Result<()> {
    object(value, false, lang)
}

/// Writes what the doctor found.
pub(crate) fn health(found: &[Finding], json: bool, lang: Lang) -> io::Result<()> {
    list(found, &["check", "state", "detail", "next"], json, lang)
}

const DEVICE: [&str; 7] = ["id", "site", "label", "standing", "enrolled", "last_contact", "version"];
const SITE: [&str; 9] = ["id", "kind", "life", "parent", "department", "commune", "name", "state", "last_contact"];

/// Devices; whether one exists twice is part of its standing.
fn device_grid(devices: &[DeviceObject], lang: Lang) -> io::Result<Grid> {
    let mut devices = devices.to_vec();
    for device in devices.iter_mut().filter(|device| device.forked) {
        device.standing.push_str(", forked");
    }
    table::grid(&devices, &DEVICE, lang)
}

/// What held of a site since when: each line is of another field.
fn history_grid(history: &[HeldObject], lang: Lang) -> Grid {
    let mut grid = table::headed(&["field", "from", "value"], lang);
    for HeldObject { field, from, value } in history {
        let from = table::cell("from", &serde_json::json!(from), lang);
        grid.push([words::heading(field, lang), from, table::cell(field, &serde_json::json!(value), lang)]);
    }
    grid
}

fn authorities(found: &AuthoritiesObject, lang: Lang) -> io::Result<()> {
    list(&found.authorities, &["fingerprint", "certifies"], false, lang)?;
    if found.others_unknown {
        let text = lang.of(
            "la base a été perdue : les postes qui ne sont pas encore revenus n’y figurent pas, et une rotation \
             terminée avant leur retour les laisse dehors, à inviter à nouveau. Attendez chacun de vos lieux avant \
             --finish (msap-hub site list)",
            "the database was lost: machines that have not come back yet are not in it, and a rotation that is \
             finished before they do leaves them outside, to be invited again. Wait for each of your sites before \
             --finish (msap-hub site list)",
        );
        eprintln!("msap-hub : {text}");
    }
    if !found.rotating {
        return Ok(());
    }
    let saved = lang.of(
        "rotation en cours : sauvegardez le dossier des clés maintenant",
        "a rotation is under way: back up the keys directory now",
    );
    let left = match found.behind.len() {
        0 => lang
            .of(
                "tous les postes ont la nouvelle autorité : msap-hub ca rotate --finish",
                "every device has the new authority: msap-hub ca rotate --finish",
            )
            .to_owned(),
        n => counted(
            n,
            lang,
            ["poste ne l’a pas encore reçue :", "postes ne l’ont pas encore reçue :"],
            ["device has not taken it up yet:", "devices have not taken it up yet:"],
        ),
    };
    eprintln!("{saved}\n{left}");
    if found.behind.is_empty() { Ok(()) } else { out::grid(&device_grid(&found.behind, lang)?) }
}
