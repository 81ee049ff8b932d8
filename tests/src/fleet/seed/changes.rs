//! A month of a site through real changes: a machine's chain, taken in as a session's push is.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use msap_hub::replica::Replica;
use msap_hub::store::Turn;
use msap_shared::chain::{Facts, Run, Tip, extend};
use msap_shared::document::DocId;
use msap_shared::document::visits::{Key, Visit};
use msap_shared::id::{TapId, WriterId};
use msap_shared::session::hub::{HubReplica as _, Taken};
use msap_shared::time::{Day, Month};
use rusqlite::Connection;

use super::months::{Spoken, counted};
use super::network::Place;
use super::noon;
use crate::generator::{Chance, Tap};

/// Changes in one run: an agent sends no more at once.
const RUN: usize = 500;

/// Takes in what was said, in the order in which the hub heard of it. Answers how many changes it was.
pub(super) fn put(
    (conn, turn): (&Connection, &mut Turn<'_>),
    place: &Place,
    month: Month,
    spoken: &Spoken,
    seed: u64,
) -> Result<u64> {
    let site = &place.site.id;
    let document: DocId = format!("site/{site}/visits/{month}").parse()?;
    let mut chance = Chance::new(seed, &document.to_string());
    let writer = WriterId::new(chance.bytes());
    let mut by_arrival = BTreeMap::<Day, Vec<Facts>>::new();
    for (day, said) in &spoken.0 {
        let facts = by_arrival.entry(said.received).or_default();
        for tap in &said.taps {
            facts.push(fact(*day, tap, TapId::new(chance.bytes()))?);
        }
        if said.taps.is_empty() {
            facts.push(vec![(Key::close(*day, 0).to_string(), "1".to_owned())]);
        }
    }
    let mut tip: Option<Tip> = None;
    for (received, facts) in by_arrival {
        let mut replica = Replica::writing(conn, turn, site, place.device, (noon(received)?, received));
        for changes in facts.chunks(RUN) {
            let first_seq = tip.as_ref().map_or(1, |tip| tip.seq + 1);
            for facts in changes {
                tip = Some(extend(&writer, tip.as_ref(), facts).tip);
            }
            let Some(Tip { hash: last_hash, .. }) = tip else { continue };
            match replica.take(&document, Run { writer, first_seq, changes: changes.to_vec(), last_hash })? {
                Taken::Held { .. } => {}
                other => bail!("{document}: {other:?}"),
            }
        }
    }
    Ok(tip.map_or(0, |tip| tip.seq))
}

fn fact(day: Day, tap: &Tap, id: TapId) -> Result<Facts> {
    let (people, requests) = counted(tap);
    let Tap { operator, help, age, .. } = tap.clone();
    let visit = Visit { people: i16::try_from(people)?, operator, help, age, requests: i16::try_from(requests)? };
    Ok(vec![(Key::tap(day, id.name(), 0).to_string(), visit.to_string())])
}
