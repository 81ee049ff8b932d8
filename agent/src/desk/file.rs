//! Sync by file, as far as it is this machine's store: the same halves as a session, fed from a
//! file.
//!
//! An answer by file may come late, twice or in another order, and an epoch does not say whether
//! it is older than another. So each file carries a token, drawn when there is none, that the
//! answer must carry back, and whatever the hub says, over a line or by file, ends it. What
//! counts was therefore said after everything that this machine had heard before. A machine
//! that has never heard the hub may hear it by any file.

use std::collections::BTreeMap;

use jiff::Timestamp;
use msap_shared::document::DocId;
use msap_shared::frame::{DeviceStanding, Edits, Frame, Have, Push};
use msap_shared::id::{SessionToken, WriterId};
use msap_shared::io::bundle::{BundleError, Frames, Header, Kind};
use msap_shared::session::SessionError;
use msap_shared::session::site::{SiteReplica, SiteSession};
use msap_shared::time::Day;

use super::{Outcome, invalid};
use crate::bundle::{Answer, Draft, Imported};
use crate::core::LinkState;
use crate::replica::Replica;
use crate::store::{Profile, StoreError, chains, log, meta, retire};

/// Drafts a file for the hub: what it is not known to hold, or everything.
pub(super) fn export(
    replica: &mut Replica<'_>,
    profile: &Profile,
    all: bool,
    now: Timestamp,
) -> Result<Draft, StoreError> {
    let token = match meta::file_token(replica.conn)? {
        Some(token) => token,
        None => {
            let token = SessionToken::new((replica.fresh)());
            meta::set_file_token(replica.conn, token)?;
            token
        }
    };
    let today = Day::at(now, &profile.timezone);
    let header = Header {
        kind: Kind::ToHub,
        site: profile.site.to_string(),
        device: profile.device.to_string(),
        created: today.to_string(),
        epoch: meta::epoch(replica.conn)?,
        token: Some(token),
        certificates: Vec::new(),
    };
    let mut file = Filling { frames: Frames::default(), changes: 0, whole: true };
    // Nothing finer than the day leaves the machine, so the clock is not told.
    let mut session = SiteSession::start(replica, env!("CARGO_PKG_VERSION"), 0)?;
    if let Some(Frame::Hello(mut hello)) = session.poll(replica)? {
        // A file has no place in the line of sessions.
        (hello.token_prev, hello.token_next, hello.offers) = (None, SessionToken::new([0; 16]), true);
        file.add(Frame::Hello(hello))?;
    }
    for (document, _) in replica.documents()? {
        let versions = replica.versions(&document)?;
        file.add(Frame::Have(Have { document, versions, held: None }))?;
    }
    if all {
        everything(&mut file, replica)?;
    } else {
        while let Some(frame) = session.poll(replica)? {
            if matches!(frame, Frame::Push(_) | Frame::Edits(_)) && !file.add(frame)? {
                break;
            }
        }
    }
    file.add(Frame::Offered)?;
    let Filling { frames, changes, whole } = file;
    meta::set_file_exported(replica.conn, today)?;
    log::add(replica.conn, now.as_second(), "file_exported", &format!("{changes} opération(s)"))?;
    Ok(Draft { header, frames, changes, whole })
}

/// Every change kept here, whatever is known of the hub.
fn everything(file: &mut Filling, replica: &mut Replica<'_>) -> Result<(), StoreError> {
    for (document, _) in replica.documents()? {
        if document.kind().is_registers() {
            if !all_edits(file, replica, &document)? {
                return Ok(());
            }
            continue;
        }
        for version in replica.versions(&document)? {
            let mut from = 1;
            while let Some(run) = replica.run(&document, &version.writer, from)? {
                from += run.changes.len() as u64;
                if !file.add(Frame::Push(Push::of_run(document.clone(), run, None)))? {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

/// Every edit of a document of registers; `false` when there is no room any more.
fn all_edits(file: &mut Filling, replica: &mut Replica<'_>, document: &DocId) -> Result<bool, StoreError> {
    let mut from: BTreeMap<WriterId, u64> =
        replica.versions(document)?.into_iter().map(|version| (version.writer, 1)).collect();
    loop {
        let edits = replica.edits(document, &from)?;
        if edits.is_empty() {
            return Ok(true);
        }
        from.extend(edits.iter().map(|edit| (edit.writer, edit.seq + 1)));
        if !file.add(Frame::Edits(Edits { document: document.clone(), edits, mark: None }))? {
            return Ok(false);
        }
    }
}

struct Filling {
    frames: Frames,
    changes: u64,
    whole: bool,
}

impl Filling {
    /// Adds a frame; `false` when there is no room any more.
    fn add(&mut self, frame: Frame) -> Result<bool, StoreError> {
        let changes = match &frame {
            Frame::Push(push) => push.changes.len() as u64,
            Frame::Edits(edits) => edits.edits.len() as u64,
            _ => 0,
        };
        let added = self.frames.push(&frame).map_err(|error: BundleError| StoreError::corrupt(error.to_string()))?;
        match added {
            true => self.changes += changes,
            false => self.whole = false,
        }
        Ok(added)
    }
}

/// Takes the hub's answer: confirms by hash, adopts, retires what was refused.
pub(super) fn import(
    answer: &Answer,
    replica: &mut Replica<'_>,
    profile: &Profile,
    link: &LinkState,
    now: Timestamp,
) -> Outcome<Imported> {
    let conn = replica.conn;
    let mut imported = Imported { created: answer.created.clone(), ..Imported::default() };
    imported.again = meta::file_taken(conn)?.as_deref() == Some(answer.hash.as_str());
    if !imported.again {
        if matches!(link.state, "connected" | "pending") {
            return Ok(invalid(
                "file",
                "ce poste est connecté au hub : tout passe par le réseau, il n’y a rien à importer",
            ));
        }
        let awaited = meta::file_token(conn)?;
        let first_word = meta::epoch(conn)?.is_none();
        if !first_word && (awaited.is_none() || awaited != answer.token) {
            let why = "cette réponse est dépassée : ce poste a eu d’autres nouvelles du hub depuis le fichier auquel elle \
                       répond. Rien n’a changé ; refaites un fichier : msap-agent bundle export FICHIER";
            return Ok(invalid("file", why));
        }
        let mut frames = answer.frames.iter();
        let Some(Frame::Welcome(welcome)) = frames.next() else {
            return Ok(invalid("file", "ce fichier n’est pas une réponse du hub : refaites-le au hub"));
        };
        replica.enter_epoch(&welcome)?;
        imported.pending = welcome.standing == DeviceStanding::Pending;
        let (_, before) = chains::totals(conn)?;
        let mut half = SiteSession::by_file(&welcome);
        for frame in frames {
            match half.receive(frame, replica) {
                Ok(()) => {}
                Err(SessionError::Replica(error)) => return Err(error),
                // As in a session, what came before it holds.
                Err(SessionError::Protocol(_)) => {
                    return Ok(invalid("file", "la suite de ce fichier n’a pas de sens : mettez l’agent à jour"));
                }
            }
        }
        let (_, after) = chains::totals(conn)?;
        imported.newly_confirmed = after.saturating_sub(before);
        meta::set_file_taken(conn, &answer.hash, Day::at(now, &profile.timezone))?;
        let detail =
            format!("fait le {}, {} opération(s) reçue(s) de plus", imported.created, imported.newly_confirmed);
        log::add(conn, now.as_second(), "file_imported", &detail)?;
    }
    (imported.kept, imported.confirmed) = chains::totals(conn)?;
    imported.refused = retire::aside_count(conn)?;
    Ok(Ok(imported))
}
