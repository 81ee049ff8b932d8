//! The fleet as rows: one for each machine, and one for each site that has none or whose machines are
//! not told.

use super::{Cause, FleetDevice, FleetObject, FleetSite};
use crate::sheet::{Cell, Column, Sheet};
use crate::words::Vocabulary;

/// The columns of a file: their stable names and the French ones. They are added to and not renamed.
const COLUMNS: [(&str, &str); 25] = [
    ("department", "département"),
    ("region", "région"),
    ("site", "lieu"),
    ("name", "nom"),
    ("kind", "sorte"),
    ("parent", "maison"),
    ("bearer", "porteur"),
    ("state", "état"),
    ("cause", "cause"),
    ("flagged", "à part"),
    ("site_refused", "refusés du lieu"),
    ("device", "poste"),
    ("label", "libellé"),
    ("standing", "statut"),
    ("device_state", "état du poste"),
    ("last_contact", "dernier contact (heure de Paris)"),
    ("last_in_sync", "tout reçu (heure de Paris)"),
    ("waiting", "en attente"),
    ("oldest_waiting_day", "plus ancien jour en attente"),
    ("version", "version"),
    ("transport", "transport"),
    ("clock_offset_ms", "écart d’horloge (ms)"),
    ("forked", "en double"),
    ("refused", "refusés"),
    ("machines", "postes"),
];

impl FleetObject {
    /// The rows of a file.
    pub fn sheet(&self) -> Sheet {
        let rows = self.sites.iter().flat_map(|site| {
            let devices = site.devices.as_deref().unwrap_or_default();
            let alone = devices.is_empty().then_some(None);
            alone.into_iter().chain(devices.iter().map(Some)).map(move |device| row(site, device))
        });
        Sheet {
            columns: COLUMNS.iter().map(|(name, french)| Column::new(*name, *french)).collect(),
            rows: rows.collect(),
        }
    }
}

fn row(site: &FleetSite, of: Option<&FleetDevice>) -> Vec<Cell> {
    let said = |text: Option<&str>| text.map_or(Cell::None, |text| Cell::Text(text.to_owned()));
    let word = |vocabulary: Vocabulary, code: Option<&str>| code.map_or(Cell::None, |code| vocabulary.cell(code));
    let moment = |at: Option<&String>| at.map_or(Cell::None, |at| Cell::Moment(at.clone()));
    let text = |text: &str| said(Some(text));
    let count = |number: u64| Cell::Number(i64::try_from(number).unwrap_or(i64::MAX));
    let device = of.map(|of| &of.device);
    let of_device = |read: fn(&crate::admin::DeviceObject) -> &str| said(device.map(read));
    // As it is read in English; a program goes by the state.
    let Cause { fr, en } = site.cause.clone();
    let cause = Cell::Word { code: en.clone(), fr, en };
    vec![
        text(&site.department),
        text(&site.region),
        text(&site.id),
        text(&site.name),
        word(Vocabulary::Kind, Some(&site.kind)),
        said(site.parent.as_deref()),
        text(&site.bearer),
        word(Vocabulary::SiteState, Some(&site.state)),
        cause,
        count(site.flagged),
        count(site.refused),
        of_device(|device| &device.id),
        of_device(|device| &device.label),
        word(Vocabulary::Standing, device.map(|device| &*device.standing)),
        word(Vocabulary::SiteState, of.and_then(|of| of.state.as_deref())),
        moment(device.and_then(|device| device.last_contact.as_ref())),
        moment(device.and_then(|device| device.last_in_sync.as_ref())),
        device.and_then(|device| device.waiting).map_or(Cell::None, |waiting| count(waiting.into())),
        device.and_then(|device| device.oldest_waiting_day.clone()).map_or(Cell::None, Cell::Time),
        of_device(|device| &device.version),
        word(Vocabulary::Transport, device.map(|device| &*device.transport)),
        device.and_then(|device| device.clock_offset_ms).map_or(Cell::None, Cell::Number),
        device.map_or(Cell::None, |device| count(device.forked.into())),
        of.map_or(Cell::None, |of| count(of.refused)),
        count(site.machines),
    ]
}
