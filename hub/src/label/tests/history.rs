//! Claims about since when a label stands as it does.

use super::*;

#[test]
fn since_when_is_told_and_only_changes_are_kept() {
    let conn = house("fixe");
    let site: SiteId = "275".parse().unwrap();
    let pages = |friday| Pages::of(site.clone(), &facts(&week("09:00-14:00", friday)));
    let (open, short) = (pages("09:00-14:00"), pages("09:00-10:00"));
    let mut kept = Vec::new();
    for (on, pages) in [("2026-11-01", &open), ("2026-11-02", &open), ("2026-11-03", &short), ("2026-11-10", &short)] {
        let changes = changes(&conn, pages, noon(on)).unwrap();
        label_history::add(&conn, &changes, day(on)).unwrap();
        kept.push(changes.iter().filter(|(_, name, _)| *name == "hours").count());
        // October's days are missing from the first day on: the worst of all checks never changes.
        assert_eq!(changes.iter().any(|(_, name, _)| *name == OVERALL), on == "2026-11-01");
        assert_eq!(label_history::noted_on(&conn).unwrap(), Some(day(on)));
    }
    assert_eq!(kept, [1, 0, 1, 0]);
    let since = |pages: &Pages| {
        let found = standings(&conn, pages, &Filters::default(), noon(TODAY)).unwrap();
        (found[0].of(Check::Hours).unwrap().since, found[0].of(Check::Partners).unwrap().since)
    };
    assert_eq!(since(&short), (day("2026-11-03"), day("2026-11-01")));
    // What is not noted yet holds since today.
    assert_eq!(since(&open), (day(TODAY), day("2026-11-01")));
    assert!(conn.execute("UPDATE label_history SET day = 0", []).is_err(), "only ever added to");
}

#[test]
fn a_clock_that_was_ahead_for_a_while_silences_no_day_to_come() {
    let conn = house("fixe");
    let site: SiteId = "275".parse().unwrap();
    let pages = |friday| Pages::of(site.clone(), &facts(&week("09:00-14:00", friday)));
    let (open, short) = (pages("09:00-14:00"), pages("09:00-10:00"));
    let mut commit = 0;
    let mut note = |pages: &Pages, on: &str| {
        commit += 1;
        conn.execute("INSERT INTO mark (n, tag) VALUES (?1, 0)", [commit]).unwrap();
        let changes = changes(&conn, pages, noon(on)).unwrap();
        label_history::add(&conn, &changes, day(on)).unwrap();
        changes.iter().filter(|(_, name, _)| *name == "hours").count()
    };
    let since = |pages: &Pages, on: &str| {
        standings(&conn, pages, &Filters::default(), noon(on)).unwrap()[0].of(Check::Hours).unwrap().since
    };
    assert_eq!((note(&open, "2026-11-10"), note(&short, "2030-01-01")), (1, 1));
    // The clock is right again: what was noted in between is no day of the past.
    assert_eq!(since(&short, "2026-11-20"), day("2026-11-20"));
    assert_eq!((note(&short, "2026-11-20"), note(&open, "2026-11-21"), note(&open, "2026-11-22")), (0, 1, 0));
    assert_eq!(since(&open, "2026-11-25"), day("2026-11-21"));
    assert_eq!((note(&open, "2030-01-02"), since(&open, "2030-01-02")), (0, day("2026-11-21")));
}

#[test]
fn what_was_noted_of_a_house_goes_with_it_to_another_id() {
    let conn = crate::store::empty();
    let (old, new): (SiteId, SiteId) = ("temp_1".parse().unwrap(), "2850".parse().unwrap());
    let site = Site::new(old.clone(), "Chemillé".to_owned(), Kind::House, "Europe/Paris".parse().unwrap());
    sites::put(&conn, &site, Since::learnt(day(TODAY)), day(TODAY)).unwrap();
    let noted = changes(&conn, &Pages::default(), noon("2026-11-01")).unwrap();
    label_history::add(&conn, &noted, day("2026-11-01")).unwrap();
    sites::rename(&conn, &old, &new).unwrap();
    let lines = label_history::latest(&conn, None).unwrap();
    assert_eq!(lines.keys().collect::<Vec<_>>(), ["2850"]);
    assert_eq!((lines["2850"].len(), lines["2850"]["hours"].day), (7, day("2026-11-01")));
}
