//! The sites of the national list as they stand in a hub: spans and hours by the list's own import,
//! what they say of partners, and a machine each that joined before the first month.

use anyhow::{Context as _, Result, ensure};
use msap_hub::ask::hub_zone;
use msap_hub::core::edit::{SiteEdit, SiteEdited};
use msap_hub::core::{Core, Revocations};
use msap_hub::import::{self, ImportError, ListFile};
use msap_hub::lang::Lang;
use msap_hub::store::devices::{self, Standing};
use msap_hub::store::{Store, meta};
use msap_shared::code::{OPERATORS, OperatorCode};
use msap_shared::document::DocKind;
use msap_shared::document::partners::{AgreementStatus, Mode, edit};
use msap_shared::document::register::{Author, Stamp};
use msap_shared::document::schedule::OperatorToken;
use msap_shared::id::{DeviceId, Fingerprint};
use msap_shared::time::{Day, Month};

use super::noon;
use crate::generator::{Chance, ListedSite, SiteList};

/// The list's own name: it tells its date.
const LIST: &str = "liste-fs-20240801.csv";
/// Partners that every house has an agreement with: the first of the catalogue.
const SIGNATORIES: usize = 11;
/// How presence is spread.
const MODES: [(Mode, f64); 4] =
    [(Mode::Reachable, 0.55), (Mode::Permanence, 0.2), (Mode::Partial, 0.15), (Mode::Absent, 0.1)];
/// Days over which partners were last confirmed: some are not believed any more.
const CONFIRMED_DAYS: usize = 60;

/// A site in the database.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) site: ListedSite,
    pub(super) department: String,
    pub(super) device: DeviceId,
}

/// Puts these sites in.
pub(super) fn put(
    store: Store,
    list: &SiteList,
    ids: &[&str],
    (first, last): (Month, Month),
    seed: u64,
) -> Result<(Store, Vec<Place>)> {
    let (from, to) = (first.first_day(), last.last_day());
    let began = noon(from)?;
    let mut core = Core::new(store, hub_zone(), Revocations { intact: true, ..Revocations::default() });
    let file = ListFile::read(list.csv(ids)?.as_bytes(), LIST.to_owned());
    let plan = core.store().write(|conn, _| {
        let plan = import::plan(conn, &file, from, Lang::Fr)?;
        plan.carry_out(conn, began)?;
        meta::date_epoch(conn, from)?;
        Ok::<_, ImportError>(plan)
    })?;
    ensure!(plan.report.rejected == 0, "the import left rows out");
    let hours = plan.hours.into_iter();
    let edits = hours.map(|(site, facts)| SiteEdit { site, kind: DocKind::Schedule, facts, detail: String::new() });
    edited(&mut core, &edits.collect::<Vec<_>>(), from)?;

    let mut places = Vec::new();
    let mut chance = Chance::new(seed, "machines");
    for id in ids {
        let [one, two] = [chance.bytes(), chance.bytes()];
        let fingerprint = Fingerprint::new(std::array::from_fn(|n| if n < 16 { one[n] } else { two[n - 16] }));
        let place = Place { site: list.site(id)?, department: list.department(id)?, device: fingerprint.device() };
        places.push((place, fingerprint));
    }
    core.store().write(|conn, _| {
        places.iter().try_for_each(|(place, fingerprint)| {
            devices::readmit(conn, fingerprint, &place.site.id, Standing::Active, from)
        })
    })?;
    let places: Vec<Place> = places.into_iter().map(|(place, _)| place).collect();
    let edits = places.iter().map(|place| partners(place, to, seed)).collect::<Result<Vec<_>>>()?;
    edited(&mut core, &edits, to)?;
    Ok((core.into_store(), places))
}

fn edited(core: &mut Core, edits: &[SiteEdit], day: Day) -> Result<()> {
    let done = core.edit_all(edits, noon(day)?)?;
    let taken = |done: &SiteEdited| matches!(done, SiteEdited::Kept | SiteEdited::Nothing);
    ensure!(done.iter().all(taken), "an edit was not taken: {:?}", done.iter().find(|done| !taken(done)));
    core.drain_outputs();
    Ok(())
}

/// What a site says of its partners by `to`.
fn partners(place: &Place, to: Day, seed: u64) -> Result<SiteEdit> {
    let mut chance = Chance::new(seed, &format!("{} partners", place.site.id));
    let mut facts = Vec::new();
    for operator in OPERATORS.iter().take(SIGNATORIES) {
        let operator = OperatorToken::Known(operator.code.parse::<OperatorCode>().context(operator.code)?);
        let ago = i32::try_from(chance.below(CONFIRMED_DAYS)).unwrap_or_default();
        let stamp = Stamp { author: Author::National, day: to.plus_days(-ago) };
        let mode = *chance.pick(&MODES);
        facts.extend(edit::set_presence(&stamp, &operator, mode, None, None)?);
        let signed = stamp.day.plus_days(-400);
        facts.extend(edit::set_agreement(&stamp, &operator, AgreementStatus::Signed, Some(signed))?);
    }
    Ok(SiteEdit { site: place.site.id.clone(), kind: DocKind::Partners, facts, detail: String::new() })
}
