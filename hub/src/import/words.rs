//! What a site keeps of its list word for word: hours, and what the hub has no fields for.
//!
//! Written by the import, and read by what writes the list again, so that it says what it said. As
//! stored it is one JSON object by the tidy layout's column.

use std::collections::BTreeMap;

use msap_shared::id::SiteId;

use crate::site::Site;

/// Whether the house also receives by appointment, `Oui` or `Non`: what a person may ask for, and
/// nothing about a slot. Houses of which it is true say «également sans rendez-vous».
pub(crate) const APPOINTMENT: &str = "appointment";
/// What houses and antennas are published under together.
pub(crate) const GROUP: &str = "group";
/// The second line of the address, which the site's own has too.
pub(crate) const ADDRESS2: &str = "address2";
/// What stands for the hours of a day that people contradict each other on.
pub(crate) const UNSETTLED: &str = "à confirmer";
/// The columns beside the hours.
const COLUMNS: [&str; 3] = [APPOINTMENT, GROUP, ADDRESS2];
/// Longest text of a column, in characters.
const TEXT_LEN_MAX: usize = 200;

/// The words of one site, by column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Words(BTreeMap<String, String>);

impl Words {
    /// Those that a site keeps.
    pub(crate) fn of(site: &Site) -> Self {
        Self(serde_json::from_str(&site.hours_verbatim).unwrap_or_default())
    }

    /// What stands in a column; empty where nothing does.
    pub(crate) fn get(&self, column: &str) -> &str {
        self.0.get(column).map_or("", String::as_str)
    }

    /// Takes over the columns beside the hours that a row has.
    pub(super) fn take<'a>(&mut self, site: &Site, given: impl Fn(&'static str) -> Option<&'a str>) {
        for column in COLUMNS {
            let Some(text) = given(column) else { continue };
            let text = match (column, text) {
                (APPOINTMENT, "true") => "Oui",
                (APPOINTMENT, "false") => "Non",
                (GROUP, made) if made_for(site, made) => "",
                (_, text) => text,
            };
            match text {
                "" => self.0.remove(column),
                text => self.0.insert(column.to_owned(), text.chars().take(TEXT_LEN_MAX).collect()),
            };
        }
    }

    /// Takes over the hours of the days that a row has, in place of all hours. On a day that is
    /// not settled the list says nothing: what it said before stays. Of a site of which it never said
    /// hours the words themselves are kept, so that the day does not look shut.
    pub(super) fn take_hours(&mut self, days: &[(&'static str, &str)]) {
        let before = self.clone();
        self.0.retain(|column, _| COLUMNS.contains(&column.as_str()));
        let is_new = self.0.len() == before.0.len();
        for (day, text) in days {
            let said_before = *text == UNSETTLED && !is_new;
            let text = if said_before { before.0.get(*day).cloned() } else { Some((*text).to_owned()) };
            self.0.extend(text.map(|text| ((*day).to_owned(), text)));
        }
    }

    /// Has the site keep them.
    pub(super) fn keep(&self, site: &mut Site) {
        site.hours_verbatim = serde_json::json!(self.0).to_string();
    }
}

/// The group under which a house without one of the list's is published with its antennas.
pub(crate) fn made_group(house: &SiteId) -> String {
    format!("groupe {house}")
}

/// Whether a group is no word of the list's, but was made for this site.
fn made_for(site: &Site, group: &str) -> bool {
    let own = std::iter::once(&site.id).chain(&site.parent);
    own.into_iter().any(|house| made_group(house) == group)
}

/// A text without the mark that keeps a spreadsheet from reading it as a formula.
pub(super) fn unmarked(text: &str) -> &str {
    match text.strip_prefix('\'') {
        Some(formula) if crate::sheet::is_formula(formula) => formula,
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::Kind;

    fn site() -> Site {
        Site::new("597".parse().unwrap(), "Courteille".to_owned(), Kind::Antenna, "Europe/Paris".parse().unwrap())
    }

    #[test]
    fn an_unsettled_day_of_a_new_site_is_kept_as_it_is_written() {
        let mut words = Words::default();
        words.take_hours(&[("h_mon", "09:00 - 12:00"), ("h_tue", UNSETTLED)]);
        assert_eq!((words.get("h_mon"), words.get("h_tue")), ("09:00 - 12:00", UNSETTLED));
    }

    #[test]
    fn words_are_kept_as_they_are_and_stay_where_a_list_does_not_have_them() {
        let mut site = Site { parent: Some("361".parse().unwrap()), ..site() };
        let mut words = Words::of(&site);
        let row = [(APPOINTMENT, "true"), (GROUP, "Alençon-Perseigne"), (ADDRESS2, "")];
        words.take(&site, |column| row.iter().find(|(name, _)| *name == column).map(|(_, text)| *text));
        words.take_hours(&[("h_mon", "09:00 - 12:00"), ("h_tue", "")]);
        words.keep(&mut site);
        let expected = r#"{"appointment":"Oui","group":"Alençon-Perseigne","h_mon":"09:00 - 12:00","h_tue":""}"#;
        assert_eq!(site.hours_verbatim, expected);
        words.take(&site, |column| (column == GROUP).then_some("groupe 361"));
        words.take_hours(&[("h_mon", UNSETTLED), ("h_wed", UNSETTLED), ("h_thu", "10:00 - 11:00")]);
        words.keep(&mut site);
        assert_eq!(site.hours_verbatim, r#"{"appointment":"Oui","h_mon":"09:00 - 12:00","h_thu":"10:00 - 11:00"}"#);
    }

    #[test]
    fn only_the_mark_before_a_formula_is_taken_away() {
        for (text, read) in [("'=1+1", "=1+1"), ("'- x", "- x"), ("'Oustal", "'Oustal"), ("l’an", "l’an"), ("'", "'")]
        {
            assert_eq!(unmarked(text), read);
        }
    }
}
