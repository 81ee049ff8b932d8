//! The network as the national list publishes it: its layout of 2024, written from what the hub
//! knows now.
//!
//! Called by the API. What is written reads back with `site import` and changes nothing. Hours are
//! those of the list's own words while they say what the rules say, and are written from the rules
//! of the usual week otherwise; what a list has no words for stays out of it. Mail and telephone are
//! not kept by the hub.

use std::collections::BTreeMap;

use msap_shared::document::schedule::{DayHours, Place, Variant, Weekday};
use msap_shared::schedule::Schedule;
use msap_shared::time::Day;

use crate::almanac::Pages;
use crate::import::hours::schedule::{COLUMNS, facts};
use crate::site::{Kind, Site};

/// The list's columns.
const HEADER: [&str; 20] = [
    "id_fs",
    "insee_dep",
    "lib_fs",
    "adresse",
    "insee_com",
    "code_postal",
    "lib_com",
    "latitude",
    "longitude",
    "h_lundi",
    "h_mardi",
    "h_mercredi",
    "h_jeudi",
    "h_vendredi",
    "h_samedi",
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
    let with_antennas: Vec<_> = sites.iter().filter_map(|site| site.parent.as_ref()).collect();
    for site in sites {
        let house = site.parent.as_ref().or_else(|| with_antennas.contains(&&site.id).then_some(&site.id));
        let angle = |angle: Option<f64>| angle.map(|angle| angle.to_string()).unwrap_or_default();
        let label = site.label_date.map(Day::date);
        let row = [
            site.id.to_string(),
            site.department.clone(),
            site.name.clone(),
            site.address.clone(),
            site.insee.clone(),
            site.postal_code.clone(),
            site.commune.clone(),
            angle(site.lat),
            angle(site.lon),
        ];
        let last = [
            site.comment.clone(),
            match site.kind {
                Kind::House => "Principal".to_owned(),
                Kind::Antenna => "Antenne".to_owned(),
            },
            site.format.clone(),
            house.map(|house| format!("groupe {house}")).unwrap_or_default(),
            label.map(|day| day.strftime("Espace labellisé %d/%m/%Y").to_string()).unwrap_or_default(),
        ];
        writer.write_record(row.into_iter().chain(hours(site, pages, day)).chain(last))?;
    }
    writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))
}

/// Monday to Saturday, in the list's words.
fn hours(site: &Site, pages: &Pages, day: Day) -> Vec<String> {
    let listed: BTreeMap<String, String> = serde_json::from_str(&site.hours_verbatim).unwrap_or_default();
    let nothing = Schedule::default();
    let schedule = pages.book(&site.id).map_or(&nothing, |book| &book.schedule);
    let stands =
        facts(schedule, day, &site.hours_verbatim).is_ok_and(|found| found.edits.is_empty() && found.kept.is_empty());
    let unsaid = schedule.hours_on(day).next().is_none();
    let columns = Weekday::ALL.into_iter().zip(COLUMNS).take(DAYS);
    if stands || unsaid {
        return columns.map(|(_, column)| listed.get(column).cloned().unwrap_or_default()).collect();
    }
    let of = |weekday: Weekday| {
        let mut rules = schedule.hours_on(day);
        let rule = rules
            .find(|(place, variant, on, _)| (*place, *variant, *on) == (&Place::Site, Variant::Every, Some(weekday)));
        rule.and_then(|(.., said)| said.agreed()).and_then(|said| said.body.as_ref()).map(words).unwrap_or_default()
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
    }
}
