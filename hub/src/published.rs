//! The network as the national list publishes it: its layout of 2024, written from what the hub
//! knows now.
//!
//! Called by the API. What is written reads back with `site import` and changes nothing. Hours are
//! those of the list's own words while they say what the rules say, and are written from the rules
//! of the usual week otherwise; what a list has no words for stays out of it, and a day on which
//! people contradict each other reads `à confirmer`, since an empty one would read as shut. Mail and
//! telephone are not kept by the hub: their columns are there, and empty.

use std::collections::{BTreeMap, BTreeSet};

use msap_shared::document::schedule::{DayHours, Place, Variant, Weekday};
use msap_shared::schedule::Schedule;
use msap_shared::time::Day;

use crate::almanac::Pages;
use crate::import::hours::schedule::{COLUMNS, facts};
use crate::import::words::{ADDRESS2, APPOINTMENT, GROUP, UNSETTLED, Words, made_group};
use crate::sheet::plain;
use crate::site::{Kind, Site};

/// The list's columns.
const HEADER: [&str; 24] = [
    "id_fs",
    "insee_dep",
    "lib_fs",
    "adresse",
    "complement_adresse",
    "insee_com",
    "code_postal",
    "lib_com",
    "latitude",
    "longitude",
    "mail",
    "telephone",
    "h_lundi",
    "h_mardi",
    "h_mercredi",
    "h_jeudi",
    "h_vendredi",
    "h_samedi",
    "prise_rdv",
    "commentaire",
    "type_fs",
    "format_fs",
    "groupe_fs",
    "labellisation_fs",
];
/// Monday to Saturday: the list has no Sunday.
const DAYS: usize = 6;

/// The list of these sites on `day`.
///
/// # Errors
/// Never for what the hub keeps: the writer is a buffer.
pub fn list(sites: &[Site], pages: &Pages, day: Day) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(HEADER)?;
    let by_id: BTreeMap<_, _> = sites.iter().map(|site| (&site.id, site)).collect();
    let with_antennas: BTreeSet<_> = sites.iter().filter_map(|site| site.parent.as_ref()).collect();
    for site in sites {
        let words = Words::of(site);
        let angle = |angle: Option<f64>| angle.map(|angle| angle.to_string()).unwrap_or_default();
        let label = site.label_date.map(Day::date);
        let (address, second) = lines(site, words.get(ADDRESS2));
        let row = [
            site.id.to_string(),
            site.department.clone(),
            plain(&site.name),
            plain(address),
            plain(second),
            plain(&site.insee),
            plain(&site.postal_code),
            plain(&site.commune),
            angle(site.lat),
            angle(site.lon),
            String::new(),
            String::new(),
        ];
        let house = site.parent.as_ref().or_else(|| with_antennas.contains(&site.id).then_some(&site.id));
        let grouped =
            house.and_then(|house| by_id.get(house)).is_some_and(|house| !Words::of(house).get(GROUP).is_empty());
        // Where the list has a group for the house, it has one for those antennas that are in it.
        let group = match (words.get(GROUP), house) {
            ("", Some(house)) if !grouped => made_group(house),
            (own, _) => own.to_owned(),
        };
        let last = [
            plain(words.get(APPOINTMENT)),
            plain(&site.comment),
            match site.kind {
                Kind::House => "Principal".to_owned(),
                Kind::Antenna => "Antenne".to_owned(),
            },
            plain(&site.format),
            plain(&group),
            label.map(|day| day.strftime("Espace labellisé %d/%m/%Y").to_string()).unwrap_or_default(),
        ];
        writer.write_record(row.into_iter().chain(hours(site, pages, day)).chain(last))?;
    }
    writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))
}

/// The address in the list's two lines; in one where it is no longer the list's.
fn lines<'a>(site: &'a Site, second: &'a str) -> (&'a str, &'a str) {
    let before = site.address.strip_suffix(second).filter(|_| !second.is_empty());
    let first = before.and_then(|before| if before.is_empty() { Some("") } else { before.strip_suffix(", ") });
    first.map_or((&site.address, ""), |first| (first, second))
}

/// Monday to Saturday, in the list's words.
fn hours(site: &Site, pages: &Pages, day: Day) -> Vec<String> {
    let listed = Words::of(site);
    let nothing = Schedule::default();
    let schedule = pages.book(&site.id).map_or(&nothing, |book| &book.schedule);
    let stands =
        facts(schedule, day, &site.hours_verbatim).is_ok_and(|found| found.edits.is_empty() && found.kept.is_empty());
    let unsaid = schedule.hours_on(day).next().is_none();
    let columns = Weekday::ALL.into_iter().zip(COLUMNS).take(DAYS);
    if stands || unsaid {
        return columns.map(|(_, column)| plain(listed.get(column))).collect();
    }
    let of = |weekday: Weekday| {
        let mut rules = schedule.hours_on(day);
        let rule = rules
            .find(|(place, variant, on, _)| (*place, *variant, *on) == (&Place::Site, Variant::Every, Some(weekday)));
        match rule {
            Some((.., said)) if said.is_conflict() => UNSETTLED.to_owned(),
            Some((.., said)) => said.agreed().and_then(|said| said.body.as_ref()).map(words).unwrap_or_default(),
            None => String::new(),
        }
    };
    columns.map(|(weekday, _)| of(weekday)).collect()
}

/// `09:00 - 12:00 / 13:30 - 17:00`.
fn words(hours: &DayHours) -> String {
    let slots = hours.slots().iter().map(|slot| slot.interval.to_string().replace('-', " - "));
    slots.collect::<Vec<_>>().join(" / ")
}

#[cfg(test)]
mod tests {
    use msap_shared::document::register::Facts;

    use super::*;

    fn site(id: &str, kind: Kind, parent: Option<&str>, words: &str) -> Site {
        let site = Site::new(id.parse().unwrap(), format!("=1+{id}"), kind, "Europe/Paris".parse().unwrap());
        let parent = parent.map(|parent| parent.parse().unwrap());
        Site { parent, hours_verbatim: words.to_owned(), address: "1 rue A, Mairie".to_owned(), ..site }
    }

    #[test]
    fn the_layout_is_the_lists_its_words_stay_and_no_text_is_a_formula() {
        let sites = [
            site("361", Kind::House, None, r#"{"group":"Alençon-Perseigne","appointment":"Oui","address2":"Mairie"}"#),
            site("597", Kind::Antenna, Some("361"), "{}"),
            site("275", Kind::House, None, "{}"),
            site("276", Kind::Antenna, Some("275"), r#"{"group":"- G","address2":"1 rue A, Mairie"}"#),
        ];
        let pages = Pages::of("361".parse().unwrap(), &Facts::new());
        let list = list(&sites, &pages, "2026-12-01".parse().unwrap()).unwrap();
        let mut reader = csv::Reader::from_reader(&*list);
        let sample = include_str!("../../tests/data/anct_liste_2024_sample.csv");
        assert_eq!(reader.headers().unwrap(), csv::Reader::from_reader(sample.as_bytes()).headers().unwrap());
        let rows: Vec<BTreeMap<String, String>> = reader.deserialize().map(Result::unwrap).collect();
        let column = |name: &str| rows.iter().map(|row| row[name].as_str()).collect::<Vec<_>>();
        assert_eq!(column("groupe_fs"), ["Alençon-Perseigne", "", "groupe 275", "'- G"]);
        assert_eq!(column("prise_rdv"), ["Oui", "", "", ""]);
        assert_eq!(column("lib_fs"), ["'=1+361", "'=1+597", "'=1+275", "'=1+276"]);
        assert_eq!(column("adresse"), ["1 rue A", "1 rue A, Mairie", "1 rue A, Mairie", ""]);
        assert_eq!(column("complement_adresse"), ["Mairie", "", "", "1 rue A, Mairie"]);
    }

    #[test]
    fn hours_are_the_lists_words_until_a_person_says_otherwise() {
        let mut site =
            Site::new("275".parse().unwrap(), "Maison".to_owned(), Kind::House, "Europe/Paris".parse().unwrap());
        site.hours_verbatim = r#"{"h_mon":"09:00-12:00","h_tue":"9h00 - 12h00"}"#.to_owned();
        let day: Day = "2026-12-01".parse().unwrap();
        let told = |facts: &Facts| hours(&site, &Pages::of(site.id.clone(), facts), day);
        let listed = facts(&Schedule::default(), day, &site.hours_verbatim).unwrap();
        let mut held: Facts = listed.edits.into_iter().map(|(key, value)| (key, vec![value])).collect();
        let words = |monday: &str, tuesday: &str| [monday, tuesday, "", "", "", ""].map(str::to_owned).to_vec();
        assert_eq!(told(&held), words("09:00-12:00", "9h00 - 12h00"));
        let key = "hours|2026-12-01|every|mo|-".to_owned();
        held.insert(key, vec!["site:275|2026-12-01|08:00-11:00,14:00-24:00".to_owned()]);
        assert_eq!(told(&held), words("08:00 - 11:00 / 14:00 - 24:00", "09:00 - 12:00"));
        // A contradiction is not a day without hours.
        let tuesday = held.get_mut("hours|2026-12-01|every|tu|-").unwrap();
        tuesday.push("site:275|2026-12-01|10:00-11:00".to_owned());
        assert_eq!(told(&held), words("08:00 - 11:00 / 14:00 - 24:00", UNSETTLED));
    }
}
