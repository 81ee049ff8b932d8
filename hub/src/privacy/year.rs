//! A year of figures that leave the hub with small cells hidden: which there are, and what is
//! released of them when.
//!
//! Called by `release`, which reads and keeps what is released. Pure. A month's figures are taken
//! once, when it is released; quarters and years are sums of the months so taken, and never of
//! newer figures, so that all tables of a year are one system of sums.

use std::collections::BTreeMap;

use msap_shared::code::{Age, Help, OPERATORS, known_operator};

use super::cube::{Cell, Cube, ONE, PLACE, Rule, State, TIME, TWO, Totals};
use super::period::Period;
use super::tree::Tree;
use super::{Stopped, Stops};
use crate::site::department_regions;

/// Visits by place and age.
pub const VISITS: &str = "visits";
/// Requests by place and operator, and for the whole country by operator and kind of help.
pub(super) const REQUESTS: &str = "requests";
/// What the name of an operator's requests by place and age begins with.
pub const AGES: &str = "ages:";
/// The sum over all places.
pub(super) const NATION: &str = "nation";
/// The sum over a kind.
pub(super) const ALL: &str = "";
/// Where a site has no department, and a help no name.
pub(super) const OTHER: &str = "other";

/// What one month counted, by department.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Department, age, people.
    pub visits: Vec<(String, String, i64)>,
    /// Department, operator, requests.
    pub requests: Vec<(String, String, i64)>,
    /// Operator, kind of help, requests.
    pub helps: Vec<(String, String, i64)>,
    /// Operator, department, age, requests.
    pub ages: Vec<(String, String, String, i64)>,
}

/// What is released of one kind of figures for one period, or why not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// [`VISITS`], `REQUESTS`, or [`AGES`] and an operator.
    pub kind: String,
    /// When.
    pub period: Period,
    /// Down to the country (0), regions (1) or departments (2); `None`: nothing.
    pub depth: Option<u8>,
    /// Every cell that is not 0, or whose 0 is not told.
    pub cells: Vec<Kept>,
}

/// One cell as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the word of the same name")]
pub struct Kept {
    pub place: String,
    pub one: String,
    pub two: String,
    pub value: i64,
    pub state: State,
}

/// One year.
#[derive(Clone, Debug)]
pub struct Year {
    year: i16,
    rule: Rule,
    cubes: BTreeMap<String, Cube>,
}

impl Year {
    /// A year of which nothing is released yet.
    pub fn new(year: i16, rule: Rule) -> Self {
        let times = times(year);
        let ages = matters(&Age::CODES);
        let helps = matters(&Help::ALL.map(Help::as_str).into_iter().chain([OTHER]).collect::<Vec<_>>());
        let operators = matters(&OPERATORS.map(|operator| operator.code));
        let cube = |one: &Tree, two: Tree, totals| Cube::new([places(), times.clone(), one.clone(), two], totals);
        let mut cubes = BTreeMap::new();
        cubes.insert(VISITS.to_owned(), cube(&ages, Tree::new(ALL), Totals::Protected));
        cubes.insert(REQUESTS.to_owned(), cube(&operators, helps, Totals::Protected));
        for operator in OPERATORS {
            // A partner knows how many requests it had.
            let owed = cube(&ages, Tree::new(ALL), Totals::Given);
            cubes.insert(format!("{AGES}{}", operator.code), owed);
        }
        Self { year, rule, cubes }
    }

    /// The kinds of figures.
    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        self.cubes.keys().map(String::as_str)
    }

    /// Takes in what was released before, months before quarters before the year.
    pub fn restore(&mut self, release: &Release) {
        let Some(cube) = self.cubes.get_mut(&release.kind) else { return };
        let Some(time) = cube.tree(TIME).find(&release.period.to_string()) else { return };
        cube.freeze(time);
        for cell in cube.at(time) {
            cube.restore(cell, 0, untold(cube, cell, release.depth));
        }
        for kept in &release.cells {
            let cell = [(PLACE, &kept.place), (ONE, &kept.one), (TWO, &kept.two)];
            let found = cell.map(|(dimension, name)| cube.tree(dimension).find(name));
            if let [Some(place), Some(one), Some(two)] = found {
                cube.restore([place, time, one, two], kept.value, kept.state);
            }
        }
    }

    /// Takes in what a month counted.
    pub fn take(&mut self, month: Period, taken: &Taken) {
        let places = places();
        let place = |department: &str| {
            let found = places.find(&department_name(department));
            found.or_else(|| places.find(&department_name(OTHER))).unwrap_or_default()
        };
        for (kind, cube) in &mut self.cubes {
            let Some(time) = cube.tree(TIME).find(&month.to_string()) else { return };
            let mut add = |place: usize, one: &str, two: &str, by: i64| {
                let one = cube.tree(ONE).find(one).unwrap_or_default();
                let two = cube.tree(TWO).find(two).unwrap_or_default();
                cube.add([place, time, one, two], by);
            };
            match kind.as_str() {
                VISITS => {
                    for (department, age, people) in &taken.visits {
                        add(place(department), known_age(age), ALL, *people);
                    }
                }
                REQUESTS => {
                    for (department, operator, requests) in &taken.requests {
                        add(place(department), listed(operator), ALL, *requests);
                    }
                    for (operator, help, requests) in &taken.helps {
                        let help = Help::known(help).map_or(OTHER, Help::as_str);
                        add(0, listed(operator), help, *requests);
                    }
                }
                owed => {
                    for (operator, department, age, requests) in &taken.ages {
                        if owed.strip_prefix(AGES) == Some(listed(operator)) {
                            add(place(department), known_age(age), ALL, *requests);
                        }
                    }
                }
            }
            cube.freeze(time);
        }
    }

    /// Releases a period of all kinds: its figures are those of its parts, if it is no month.
    ///
    /// # Errors
    /// When it is stopped; this year is worth nothing then.
    pub fn release(&mut self, period: Period, stops: Stops<'_>) -> Result<Vec<Release>, Stopped> {
        if period.month().is_none() {
            for cube in self.cubes.values_mut() {
                if let Some(time) = cube.tree(TIME).find(&period.to_string()) {
                    cube.sum(time);
                }
            }
        }
        self.bound();
        let (rule, mut released) = (self.rule, Vec::new());
        for (kind, cube) in &mut self.cubes {
            let Some(time) = cube.tree(TIME).find(&period.to_string()) else { continue };
            if stops() {
                return Err(Stopped);
            }
            let depth = cube.release_deepest(time, rule, stops)?;
            let tells = |cell: &Cell| cube.value(*cell) != 0 || cube.state(*cell) != untold(cube, *cell, depth);
            let cells = cube.at(time).filter(tells).map(|cell| kept(cube, cell)).collect();
            released.push(Release { kind: kind.clone(), period, depth, cells });
        }
        Ok(released)
    }

    /// Everybody who came had at least one request.
    fn bound(&mut self) {
        let Some((visits, requests)) = self.cubes.get(VISITS).zip(self.cubes.get(REQUESTS)) else { return };
        let (places, times) = (visits.tree(PLACE).len(), visits.tree(TIME).len());
        let totals = (0..places).flat_map(|place| (0..times).map(move |time| [place, time, 0, 0]));
        let totals: Vec<_> = totals.map(|total| (total, visits.value(total), requests.value(total))).collect();
        for (total, people, matters) in totals {
            if let Some(cube) = self.cubes.get_mut(VISITS) {
                cube.bound(total, 0, matters);
            }
            if let Some(cube) = self.cubes.get_mut(REQUESTS) {
                cube.bound(total, people, i64::MAX);
            }
        }
    }

    /// The year.
    pub fn number(&self) -> i16 {
        self.year
    }
}

/// What is known of a cell of 0 of which nothing is kept.
fn untold(cube: &Cube, cell: Cell, depth: Option<u8>) -> State {
    match cube.unreleased(cell) {
        State::Withheld if depth.is_some_and(|depth| cube.tree(PLACE).depth(cell[PLACE]) <= depth) => State::Shown,
        other => other,
    }
}

fn kept(cube: &Cube, cell: Cell) -> Kept {
    let name = |dimension: usize| cube.tree(dimension).name(cell[dimension]).to_owned();
    Kept { place: name(PLACE), one: name(ONE), two: name(TWO), value: cube.value(cell), state: cube.state(cell) }
}

/// An operator of the catalogue; one that is not in it is another one.
fn listed(operator: &str) -> &str {
    known_operator(operator).map_or("OTHER", |known| known.code)
}

fn known_age(age: &str) -> &'static str {
    Age::known(age).unwrap_or(Age::UNKNOWN).as_str()
}

/// How a department is called among the places.
pub(super) fn department_name(code: &str) -> String {
    format!("department:{code}")
}

/// How a region is called among the places.
pub(super) fn region_name(code: &str) -> String {
    format!("region:{code}")
}

fn places() -> Tree {
    let mut tree = Tree::new(NATION);
    for (department, region) in department_regions().chain([(OTHER, OTHER)]) {
        let region = region_name(region);
        let region = tree.find(&region).unwrap_or_else(|| tree.add(0, &region));
        tree.add(region, &department_name(department));
    }
    tree
}

fn times(year: i16) -> Tree {
    let periods: Vec<_> = Period::of_year(year).collect();
    let whole = periods.iter().find(|period| period.parts().count() == 4);
    let mut tree = Tree::new(&whole.map(ToString::to_string).unwrap_or_default());
    for quarter in periods.iter().filter(|period| period.parts().count() == 3) {
        let node = tree.add(0, &quarter.to_string());
        for month in quarter.parts() {
            tree.add(node, &month.to_string());
        }
    }
    tree
}

fn matters(codes: &[&str]) -> Tree {
    let mut tree = Tree::new(ALL);
    for code in codes {
        tree.add(0, code);
    }
    tree
}
