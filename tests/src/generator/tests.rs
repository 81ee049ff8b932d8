use std::collections::BTreeMap;

use super::*;

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

fn period(from: &str, to: &str, people: u32) -> Period {
    Period { from: day(from), to: day(to), people }
}

fn site(id: &str) -> ListedSite {
    SiteList::load().unwrap().site(id).unwrap()
}

fn taps(id: &str, period: Period, seed: u64) -> Vec<(Day, Vec<Tap>)> {
    Model::load().unwrap().visits(&site(id), period, seed).collect()
}

fn people(visits: &[(Day, Vec<Tap>)]) -> u32 {
    let taps = visits.iter().flat_map(|(_, taps)| taps).filter(|tap| !tap.same_visit);
    taps.map(|tap| u32::from(tap.people.unsigned_abs())).sum()
}

/// Each code's part of all requests.
fn shares(visits: &[(Day, Vec<Tap>)], code: impl Fn(&Tap) -> String) -> BTreeMap<String, f64> {
    let mut counts: BTreeMap<String, f64> = BTreeMap::new();
    for tap in visits.iter().flat_map(|(_, taps)| taps) {
        *counts.entry(code(tap)).or_default() += 1.0;
    }
    let all: f64 = counts.values().sum();
    counts.into_iter().map(|(code, count)| (code, count / all)).collect()
}

fn assert_near(shares: &BTreeMap<String, f64>, code: &str, expected: f64) {
    let found = shares.get(code).copied().unwrap_or_default();
    assert!((found - expected).abs() < 0.015, "{code}: {found:.3} instead of {expected:.3}");
}

#[test]
fn one_seed_gives_the_same_visits_and_another_seed_others() {
    let month = period("2018-03-01", "2018-03-31", 600);
    assert_eq!(taps("361", month, 7), taps("361", month, 7));
    assert_ne!(taps("361", month, 7), taps("361", month, 8));
    assert_ne!(taps("361", month, 7), taps("275", month, 7));
}

#[test]
fn what_was_published_of_a_site_is_exact() {
    let model = Model::load().unwrap();
    let alencon = model.pinned(&"361".parse().unwrap());
    assert_eq!(alencon, [period("2018-01-01", "2018-12-31", 8_000), period("2019-01-01", "2019-06-30", 5_600)]);
    let chemille = model.pinned(&"275".parse().unwrap());
    assert_eq!(chemille, [period("2016-10-01", "2017-05-31", 216)]);
    for (id, period) in alencon.iter().map(|p| ("361", *p)).chain(chemille.iter().map(|p| ("275", *p))) {
        for seed in 0..3 {
            let visits = taps(id, period, seed);
            assert_eq!(people(&visits), period.people);
            assert!(visits.iter().all(|(day, taps)| (period.from..=period.to).contains(day) && !taps.is_empty()));
        }
    }
    assert!(model.pinned(&"908".parse().unwrap()).is_empty());
}

#[test]
fn before_the_label_visits_are_shared_out_as_in_2018() {
    // Winter: no partner's campaign runs.
    let visits = taps("361", period("2018-10-01", "2018-12-31", 30_000), 1);
    let operators = shares(&visits, |tap| tap.operator.to_string());
    for (code, share) in
        [("FRANCE_TRAVAIL", 0.27), ("DGFIP", 0.19), ("CNAF", 0.15), ("FRANCE_TITRES", 0.12), ("MSA", 0.03)]
    {
        assert_near(&operators, code, share);
    }
    let ages = shares(&visits, |tap| tap.age.to_string());
    assert_near(&ages, "25-39", 0.27);
    assert_near(&ages, "70+", 0.09);
    let helps = shares(&visits, |tap| tap.help.to_string());
    assert_near(&helps, "online", 0.38);
    assert_near(&helps, "referral", 0.07);
    let requests: usize = visits.iter().map(|(_, taps)| taps.len()).sum();
    let per_visit = requests as f64 / f64::from(people(&visits));
    assert!((per_visit - 1.5).abs() < 0.05, "{per_visit}");
}

#[test]
fn with_the_label_visits_are_shared_out_as_in_2023() {
    let visits = taps("361", period("2023-10-01", "2023-12-31", 30_000), 1);
    let operators = shares(&visits, |tap| tap.operator.to_string());
    for (code, share) in [("FRANCE_TITRES", 0.19), ("CNAF", 0.16), ("DGFIP", 0.15), ("FRANCE_TRAVAIL", 0.08)] {
        assert_near(&operators, code, share * 0.64);
    }
    assert_near(&operators, "LOCAL", 0.36 * 0.30);
    assert_near(&shares(&visits, |tap| tap.age.to_string()), "60-69", 0.255);
    // The tax season.
    let spring = shares(&taps("361", period("2023-05-01", "2023-05-31", 10_000), 1), |tap| tap.operator.to_string());
    assert!(spring["DGFIP"] > 1.8 * operators["DGFIP"], "{}", spring["DGFIP"]);
}

#[test]
fn nobody_comes_when_the_house_is_shut() {
    // Thiers opens from Tuesday to Saturday.
    let visits = taps("2470", period("2022-01-01", "2022-12-31", 3_000), 1);
    for (day, _) in &visits {
        assert!(!matches!(day.date().weekday(), Weekday::Sunday | Weekday::Monday), "{day}");
    }
    assert!(visits.iter().any(|(day, _)| day.date().weekday() == Weekday::Saturday));
    assert!(visits.iter().all(|(found, _)| *found != day("2022-07-14")));
}

#[test]
fn sites_nothing_is_known_of_differ_and_stay_plausible() {
    let model = Model::load().unwrap();
    let ids = ["908", "1382", "279", "1383", "1381", "277", "911", "906", "910", "278", "281", "907"];
    let (from, to) = (day("2023-01-01"), day("2023-12-31"));
    let years: Vec<u32> = ids.iter().map(|id| model.typical(&site(id), from, to, 1).people).collect();
    assert!(years.iter().all(|people| (50..10_000).contains(people)), "{years:?}");
    assert!(years.iter().any(|people| *people != years[0]));
}

#[test]
fn a_part_of_the_list_is_a_list() {
    let list = SiteList::load().unwrap();
    let part = list.csv(&["361", "597"]).unwrap();
    let mut reader = csv::Reader::from_reader(part.as_bytes());
    let ids: Vec<String> = reader.records().map(|row| row.unwrap()[0].to_owned()).collect();
    assert_eq!(ids, ["361", "597"]);
    assert!(list.csv(&["nowhere"]).is_err());
    assert_eq!(site("361").label_date, Some(day("2020-01-01")));
}
