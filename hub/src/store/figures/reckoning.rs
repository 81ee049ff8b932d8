//! Any question, answered from the views, against a naive reckoning from what was pushed.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use msap_shared::chain::{Run, extend};
use msap_shared::id::{DeviceId, SiteId, TapName, WriterId};
use msap_shared::session::hub::{HubReplica as _, Taken};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::*;
use crate::ledger::Verdict;
use crate::query::{Antennas, Filters};
use crate::replica::Replica;
use crate::site::{Kind, Site, department_region};
use crate::store::flagged::{self, FlaggedFilter};
use crate::store::history::Since;
use crate::store::{Store, check, sites};

pub(crate) const SITES: [&str; 3] = ["275", "361", "597"];
const OPERATORS: [&str; 3] = ["CNAF", "MSA", "NEWCOMER"];
const HELPS: [&str; 2] = ["online", "referral"];
const AGES: [&str; 2] = ["70+", "unknown"];
/// The days on which visits are, across two years.
pub(crate) const DAYS: [&str; 6] = ["2025-12-30", "2025-12-31", "2026-01-01", "2026-01-31", "2026-02-01", "2026-02-28"];

/// What happens at the hub, one thing a day.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// A tap says this from now on: a new one, or its next revision.
    Said { site: usize, day: usize, tap: u8, people: i8, requests: i8, code: [usize; 3] },
    /// A person settles the first flagged fact, if there is one.
    Settled(bool),
    /// A day is closed or reopened.
    Closed { site: usize, day: usize, closed: bool },
    /// The antenna goes, from a day on, to another house and department.
    Moved { from: usize, to: usize },
}

pub(crate) fn event() -> impl Strategy<Value = Event> {
    let code = (0..OPERATORS.len(), 0..HELPS.len(), 0..AGES.len()).prop_map(|(a, b, c)| [a, b, c]);
    let said = (0..SITES.len(), 0..DAYS.len(), 0..4_u8, -1..4_i8, -1..4_i8, code)
        .prop_map(|(site, day, tap, people, requests, code)| Event::Said { site, day, tap, people, requests, code });
    prop_oneof![
        8 => said,
        2 => any::<bool>().prop_map(Event::Settled),
        2 => (0..SITES.len(), 0..DAYS.len(), any::<bool>())
            .prop_map(|(site, day, closed)| Event::Closed { site, day, closed }),
        1 => (0..DAYS.len(), 0..2_usize).prop_map(|(from, to)| Event::Moved { from, to }),
    ]
}

pub(crate) fn question() -> impl Strategy<Value = Query> {
    let some =
        |all: &'static [&'static str]| prop_oneof![2 => Just(vec![]), 1 => subsequence(all.to_vec(), 1..all.len())];
    let filters = (
        some(&SITES),
        some(&["49", "61"]),
        some(&["28", "52"]),
        some(&["a", "b"]),
        some(&OPERATORS),
        some(&HELPS),
        some(&AGES),
    );
    let filters = filters.prop_map(|(sites, departments, regions, bearers, operators, helps, ages)| {
        let texts = |texts: Vec<&str>| texts.into_iter().map(str::to_owned).collect::<Vec<_>>();
        Filters {
            sites: sites.iter().map(|id| id.parse().unwrap()).collect(),
            departments: texts(departments),
            regions: texts(regions),
            bearers: texts(bearers),
            operators: operators.iter().map(|code| code.parse().unwrap()).collect(),
            helps: helps.iter().map(|code| code.parse().unwrap()).collect(),
            ages: ages.iter().map(|code| code.parse().unwrap()).collect(),
        }
    });
    let periods = select(vec![
        ("2025-12-01", "2026-02-28"),
        ("2026-01-01", "2026-01-31"),
        ("2025-12-31", "2026-02-27"),
        ("2000-01-01", "2099-12-31"),
    ]);
    let by = subsequence(Key::ALL.to_vec(), 0..4).prop_shuffle();
    (periods, by, filters, any::<bool>(), prop::option::of(0..40_i32)).prop_map(
        |(period, by, filters, apart, as_of)| Query {
            by,
            filters,
            antennas: if apart { Antennas::Apart } else { Antennas::Together },
            as_of: as_of.map(hub_day),
            ..Query::of(period.0.parse().unwrap(), period.1.parse().unwrap())
        },
    )
}

pub(crate) fn hub_day(n: i32) -> Day {
    "2026-03-01".parse::<Day>().unwrap().plus_days(n)
}

/// One fact as it stood from a day of the hub on.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) hub_day: Day,
    pub(crate) people: i64,
    pub(crate) requests: i64,
    pub(crate) code: [usize; 3],
    pub(crate) place: Placed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Placed {
    Total,
    Apart,
    Nowhere,
}

/// What was said of each tap, line by line, and what was decided on which value.
#[derive(Default)]
pub(crate) struct Book {
    pub(crate) taps: BTreeMap<(usize, usize, u8), Vec<Line>>,
    /// What was said of each day's closing, on which day of the hub.
    pub(crate) closings: BTreeMap<(usize, usize), Vec<(Day, bool)>>,
    verdicts: BTreeMap<((usize, usize, u8), String), bool>,
}

fn value(people: i8, requests: i8, code: [usize; 3]) -> String {
    format!("{people}|{}|{}|{}|{requests}", OPERATORS[code[0]], HELPS[code[1]], AGES[code[2]])
}

pub(crate) struct Played {
    pub(crate) store: Store,
    pub(crate) book: Book,
    sites: BTreeMap<&'static str, Site>,
}

impl Played {
    pub(crate) fn new() -> Self {
        let conn = Connection::open_in_memory().unwrap();
        let mut n = 0_u8;
        let fresh = Box::new(move || {
            n = n.wrapping_add(1);
            [n; 16]
        });
        let mut store = Store::over(conn, PathBuf::from("memory"), None, fresh).unwrap();
        let places = [
            ("275", Kind::House, None, "49", "a"),
            ("361", Kind::House, None, "61", "b"),
            ("597", Kind::Antenna, Some("361"), "61", "a"),
        ];
        let sites = places.map(|(id, kind, parent, department, bearer)| {
            let mut site = Site::new(id.parse().unwrap(), id.to_owned(), kind, "Europe/Paris".parse().unwrap());
            site.parent = parent.map(|parent: &str| parent.parse().unwrap());
            (site.department, site.bearer) = (department.to_owned(), bearer.to_owned());
            site.region = department_region(department).unwrap().to_owned();
            store.write(|conn, _| sites::put(conn, &site, Since::learnt(hub_day(0)), hub_day(0)).map(drop)).unwrap();
            (id, site)
        });
        Self { store, book: Book::default(), sites: sites.into_iter().collect() }
    }

    pub(crate) fn play(&mut self, n: usize, event: &Event) {
        let today = hub_day(i32::try_from(n / 2).unwrap());
        let now: Timestamp = format!("{today}T12:00:00Z").parse().unwrap();
        match event.clone() {
            Event::Said { site, day, tap, people, requests, code } => {
                let key = (site, day, tap);
                let text = value(people, requests, code);
                let revision = self.store.connection().query_row(
                    "SELECT coalesce(max(rev), -1) + 1 FROM fact f JOIN document d ON d.id = f.document WHERE d.name = ?1 AND f.tap = ?2",
                    (document(site, day), tap_name(day, tap).as_bytes()), |row| row.get::<_, u8>(0)).unwrap();
                let on: Day = DAYS[day].parse().unwrap();
                self.push(
                    n,
                    (site, day),
                    format!("{:02}|{}|{revision}", on.day_of_month(), tap_name(day, tap)),
                    text.clone(),
                );
                let place = match self.book.verdicts.get(&(key, text)) {
                    _ if code[0] < 2 => Placed::Total,
                    None => Placed::Apart,
                    Some(true) => Placed::Total,
                    Some(false) => Placed::Nowhere,
                };
                let line = Line { hub_day: today, people: people.into(), requests: requests.into(), code, place };
                self.book.taps.entry(key).or_default().push(line);
            }
            Event::Closed { site, day, closed } => {
                let said = self.book.closings.entry((site, day)).or_default();
                said.push((today, closed));
                let (revision, on) = (said.len(), DAYS[day].parse::<Day>().unwrap());
                let key = format!("{:02}|close|{revision}", on.day_of_month());
                self.push(n, (site, day), key, u8::from(closed).to_string());
            }
            Event::Settled(count) => {
                let filter = FlaggedFilter { limit: 100, ..FlaggedFilter::default() };
                let flagged_rows = flagged::list(self.store.connection(), &filter).unwrap();
                let Some(row) = flagged_rows.into_iter().find(|row| row.reasons != [flagged::NEGATIVE]) else { return };
                let verdict = if count { Verdict::Count } else { Verdict::LeaveOut };
                self.store.write(|conn, _| flagged::settle(conn, &row, verdict, "vu", (now, today))).unwrap();
                let known = |(site, day, tap): &(usize, usize, u8)| {
                    document(*site, *day) == row.document.to_string() && tap_name(*day, *tap) == row.tap
                };
                let (key, lines) = self.book.taps.iter_mut().find(|(key, _)| known(key)).unwrap();
                let last = lines.last().unwrap().clone();
                let text = value(last.people.try_into().unwrap(), last.requests.try_into().unwrap(), last.code);
                let place = if count { Placed::Total } else { Placed::Nowhere };
                self.book.verdicts.insert((*key, text), count);
                lines.push(Line { hub_day: today, place, ..last });
            }
            Event::Moved { from, to } => {
                let from: Day = DAYS[from].parse().unwrap();
                let (parent, department) = [("361", "61"), ("275", "49")][to];
                let site = self.sites.get_mut("597").unwrap();
                (site.parent, site.department) = (Some(parent.parse().unwrap()), department.to_owned());
                site.region = department_region(department).unwrap().to_owned();
                let site = site.clone();
                self.store.write(|conn, _| sites::put(conn, &site, Since::named(from), today).map(drop)).unwrap();
            }
        }
    }
}

impl Played {
    /// A writer of its own says one fact.
    fn push(&mut self, n: usize, (site, day): (usize, usize), key: String, value: String) {
        let today = hub_day(i32::try_from(n / 2).unwrap());
        let now: Timestamp = format!("{today}T12:00:00Z").parse().unwrap();
        let facts = vec![(key, value)];
        let writer = WriterId::new([u8::try_from(n).unwrap(); 16]);
        let tip = extend(&writer, None, &facts).tip;
        let run = Run { writer, first_seq: 1, changes: vec![facts], last_hash: tip.hash };
        let site_id: SiteId = SITES[site].parse().unwrap();
        let document = document(site, day).parse().unwrap();
        let taken = self.store.write(|conn, turn| {
            Replica::writing(conn, turn, &site_id, DeviceId::new([0; 8]), (now, today)).take(&document, run)
        });
        assert!(matches!(taken.unwrap(), Taken::Held { fresh: Some(1), .. }));
    }
}

fn document(site: usize, day: usize) -> String {
    format!("site/{}/visits/{}", SITES[site], &DAYS[day][..7])
}

fn tap_name(day: usize, tap: u8) -> TapName {
    TapName::new([u8::try_from(day).unwrap() * 16 + tap; 8])
}

impl Book {
    fn answer(&self, conn: &Connection, query: &Query) -> Reckoned {
        let mut cells = BTreeMap::<_, [i64; 2]>::new();
        for ((site, day, _), lines) in &self.taps {
            let known = |line: &&Line| query.as_of.is_none_or(|as_of| line.hub_day <= as_of);
            let Some(line) = lines.iter().rfind(known) else { continue };
            let apart = match line.place {
                Placed::Total => 0_usize,
                Placed::Apart => 1,
                Placed::Nowhere => continue,
            };
            let cell = cells.entry((*site, *day, line.code, apart)).or_default();
            *cell = [cell[0] + line.people, cell[1] + line.requests];
        }
        let Reckoned { mut rows, mut totals, mut raw } = Reckoned::default();
        for ((site, day, code, apart), sums) in cells {
            let on: Day = DAYS[day].parse().unwrap();
            let [house, department, region, bearer] = place(conn, SITES[site], on);
            let Filters { sites, departments, regions, bearers, operators, helps, ages } = &query.filters;
            let own: SiteId = SITES[site].parse().unwrap();
            let of_house: SiteId = house.parse().unwrap();
            let has = |list: &[String], value: &str| list.is_empty() || list.iter().any(|item| item == value);
            let together = query.antennas == Antennas::Together;
            let let_through = (query.from..=query.to).contains(&on)
                && (sites.is_empty() || sites.contains(&own) || (together && sites.contains(&of_house)))
                && has(departments, &department)
                && has(regions, &region)
                && has(bearers, &bearer)
                && (operators.is_empty() || operators.iter().any(|o| o.as_str() == OPERATORS[code[0]]))
                && (helps.is_empty() || helps.iter().any(|h| h.as_str() == HELPS[code[1]]))
                && (ages.is_empty() || ages.iter().any(|a| a.as_str() == AGES[code[2]]));
            if !let_through {
                continue;
            }
            if apart == 0 {
                raw = [raw[0] + sums[0], raw[1] + sums[1]];
            }
            let sums = sums.map(|sum| sum.max(0));
            let add = |to: &mut [i64; 2]| *to = [to[0] + sums[0], to[1] + sums[1]];
            add(&mut totals[apart]);
            if apart == 1 {
                continue;
            }
            let date = on.date();
            let shown =
                if together && (sites.is_empty() || sites.contains(&of_house)) { house.as_str() } else { SITES[site] };
            let keys = query.by.iter().map(|key| match key {
                Key::Day => on.to_string(),
                Key::Month => on.to_string()[..7].to_owned(),
                Key::Quarter => format!("{}-Q{}", date.year(), (date.month() + 2) / 3),
                Key::Year => date.year().to_string(),
                Key::Site => shown.to_owned(),
                Key::Department => department.clone(),
                Key::Region => region.clone(),
                Key::Bearer => bearer.clone(),
                Key::Operator => OPERATORS[code[0]].to_owned(),
                Key::Help => HELPS[code[1]].to_owned(),
                Key::Age => AGES[code[2]].to_owned(),
            });
            add(rows.entry(keys.collect()).or_default());
        }
        rows.retain(|keys, sums| !keys.is_empty() && *sums != [0, 0]);
        Reckoned { rows, totals, raw }
    }
}

/// What a question amounts to.
#[derive(Default)]
struct Reckoned {
    rows: BTreeMap<Vec<String>, [i64; 2]>,
    /// What counts, and what is apart.
    totals: [[i64; 2]; 2],
    /// What counts, were cells below zero not 0.
    raw: [i64; 2],
}

/// House, department, region and bearer of a site on a day: `history` has tests of its own.
pub(crate) fn place(conn: &Connection, site: &str, on: Day) -> [String; 4] {
    let sql = "SELECT coalesce(parent, site), department, region, bearer FROM site_span
               WHERE site = ?1 AND ?2 BETWEEN from_day AND to_day";
    let read = |row: &Row<'_>| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?]);
    conn.query_row(sql, (site, on.number()), read).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_question_has_the_answer_of_a_naive_reckoning(
        events in prop::collection::vec(event(), 1..60),
        questions in prop::collection::vec(question(), 12),
    ) {
        let mut played = Played::new();
        for (n, event) in events.iter().enumerate() {
            played.play(n, event);
        }
        let conn = played.store.connection();
        let report = check::look::<StoreError>(conn, &mut |_, _| Ok(())).unwrap();
        prop_assert_eq!((report.problems, report.differences), (vec![], vec![]));
        for query in &questions {
            let found = answer(conn, query).unwrap();
            let Reckoned { rows, totals, raw } = played.book.answer(conn, query);
            let count = |[visits, requests]: [i64; 2]| Count { visits: query.counts_visits().then_some(visits), requests };
            prop_assert_eq!(found.total, count(totals[0]), "{:?}", query);
            prop_assert_eq!(found.flagged, count(totals[1]), "{:?}", query);
            let found: BTreeMap<_, _> = found.rows.into_iter().map(|row| (row.keys, row.count)).collect();
            let rows: BTreeMap<_, _> = rows.into_iter().map(|(keys, sums)| (keys, count(sums))).collect();
            prop_assert_eq!(found, rows, "{:?}", query);
            if let Some(as_of) = query.as_of {
                let all = played.book.answer(conn, &Query { as_of: None, ..query.clone() }).raw;
                let sum: i64 = moved(conn, query, as_of).unwrap().iter().map(|moved| moved.by.requests).sum();
                prop_assert_eq!(sum, all[1] - raw[1], "what moved since: {:?}", query);
            }
        }
    }
}
