//! Replies on standard output: tables for people, JSON for programs.

use std::io;

use data_encoding::BASE64;
use serde_json::Value;

use super::args::Format;
use super::{bundle, imported};
use crate::admin::{AuthoritiesObject, DeviceObject, Reply};
use crate::config::Shown;
use crate::doctor::Finding;
use crate::exit::{Exit, Failure};
use crate::harm;
use crate::lang::Lang;
use crate::out::{self, Grid};
use crate::sheet::SheetFormat;
use crate::site::SiteObject;

/// A reply that is an answer and yet ends the command with a failure.
pub(crate) fn failed(reply: &Reply, lang: Lang) -> Option<Failure> {
    match reply {
        Reply::Checked(check) if !check.problems.is_empty() => {
            let text = lang.of("la base du hub est endommagée", "the hub's database is damaged");
            Some(Failure::new(Exit::Damaged, format!("{text} : {}", harm::restore(lang))))
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
        Reply::Imported(report) => imported::show(&report, json, lang),
        Reply::Site { site, aliases, devices, history } if json => {
            let mut object = serde_json::to_value(&site).map_err(io::Error::other)?;
            object["aliases"] = serde_json::json!(aliases);
            object["devices"] = serde_json::json!(devices);
            object["history"] = serde_json::json!(history);
            out::json(&object)
        }
        Reply::Site { site, aliases, devices, history } => {
            out::grid(&fields(&site, &[("aliases", aliases.join(" "))])?)?;
            if !history.is_empty() {
                list(&history, &["field", "from", "value"], false)?;
            }
            if devices.is_empty() { Ok(()) } else { out::grid(&device_grid(&devices)) }
        }
        Reply::Sites(sites) if json => out::json(&sites),
        Reply::Sites(sites) => out::grid(&site_grid(&sites)),
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
        Reply::Devices(devices) => out::grid(&device_grid(&devices)),
        Reply::Device(device) => object(&device, json),
        Reply::Folded(folded) => {
            if folded.revocations_incomplete.is_some() && !folded.devices.is_empty() {
                eprintln!("msap-hub : {}", perhaps_revoked(lang));
            }
            object(&folded, json)
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
            eprintln!("{} documents, {} {}", check.documents, check.changes, lang.of("changements", "changes"));
            let told = check.problems.iter().chain(&check.differences).chain(&check.negative);
            told.into_iter().try_for_each(|line| out::line(line))
        }
        Reply::Authorities(found) if json => out::json(&found),
        Reply::Authorities(found) => authorities(&found, lang),
        Reply::Tokens(rows) => list(&rows, &["id", "label", "scope", "role", "expires", "revoked"], json),
        Reply::Refused(rows) => {
            list(&rows, &["id", "site", "document", "device", "writer", "seq", "reason", "day"], json)
        }
        Reply::RefusedOne(row) => object(&row, json),
        Reply::Flagged(rows) => list(&rows, &["id", "site", "date", "reason", "value"], json),
        Reply::FlaggedOne(row) => object(&row, json),
        Reply::Journal(rows) => list(&rows, &["n", "at", "action", "subject", "detail"], json),
        Reply::Documents(rows) => list(&rows, &["id", "changes"], json),
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
pub(crate) fn settings(shown: &[Shown], json: bool) -> io::Result<()> {
    list(shown, &["key", "value", "origin"], json)
}

/// Writes one object, a line per field.
pub(crate) fn one(value: &Value) -> io::Result<()> {
    out::grid(&fields(value, &[])?)
}

/// Writes what the doctor found.
pub(crate) fn health(found: &[Finding], json: bool) -> io::Result<()> {
    list(found, &["check", "state", "detail", "next"], json)
}

pub(super) fn list<T: serde::Serialize>(rows: &[T], columns: &[&str], json: bool) -> io::Result<()> {
    if json {
        return out::json(&rows);
    }
    let mut grid = Grid::new(columns);
    for row in rows {
        let row = serde_json::to_value(row).map_err(io::Error::other)?;
        grid.push(columns.iter().map(|column| plain(&row[*column])));
    }
    out::grid(&grid)
}

fn object<T: serde::Serialize>(value: &T, json: bool) -> io::Result<()> {
    if json { out::json(value) } else { out::grid(&fields(value, &[])?) }
}

/// One line per field.
fn fields<T: serde::Serialize>(value: &T, more: &[(&str, String)]) -> io::Result<Grid> {
    let mut grid = Grid::new(&["field", "value"]);
    if let Value::Object(fields) = serde_json::to_value(value).map_err(io::Error::other)? {
        for (name, value) in &fields {
            grid.push([name.clone(), plain(value)]);
        }
    }
    for (name, value) in more {
        grid.push([(*name).to_owned(), value.clone()]);
    }
    Ok(grid)
}

/// A value in a cell; null is empty.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}

fn site_grid(sites: &[SiteObject]) -> Grid {
    let mut grid =
        Grid::new(&["id", "kind", "life", "parent", "department", "commune", "name", "state", "last_contact"]);
    for site in sites {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let cells = [
            &site.id,
            &site.kind,
            &site.life,
            &text(&site.parent),
            &site.department,
            &site.commune,
            &site.name,
            &text(&site.state),
            &text(&site.last_contact),
        ];
        grid.push(cells.map(Clone::clone));
    }
    grid
}

fn device_grid(devices: &[DeviceObject]) -> Grid {
    let mut grid = Grid::new(&["id", "site", "label", "standing", "enrolled", "last_contact", "version"]);
    for device in devices {
        let contact = device.last_contact.clone().unwrap_or_default();
        let standing = if device.forked { format!("{}, forked", device.standing) } else { device.standing.clone() };
        let cells = [&device.id, &device.site, &device.label, &standing, &device.enrolled, &contact, &device.version];
        grid.push(cells.map(Clone::clone));
    }
    grid
}

fn authorities(found: &AuthoritiesObject, lang: Lang) -> io::Result<()> {
    list(&found.authorities, &["fingerprint", "certifies"], false)?;
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
        n => format!("{n} {}", lang.of("postes ne l’ont pas encore reçue :", "devices have not taken it up yet:")),
    };
    eprintln!("{saved}\n{left}");
    if found.behind.is_empty() { Ok(()) } else { out::grid(&device_grid(&found.behind)) }
}
