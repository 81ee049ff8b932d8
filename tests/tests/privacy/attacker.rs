//! Somebody who reads every table of a year and wants to know what is hidden.
//!
//! Knows what a reader of the documentation knows: which figures are sums of which, that none is
//! below zero, what each mark says, and that everybody who came had a request. Works on the JSON of
//! the answers alone, and was written without the product's search: it solves, where the product
//! shows counterexamples.

use std::collections::{BTreeMap, BTreeSet};

use microlp::{ComparisonOp, OptimizationDirection, Problem};
use serde_json::Value;

/// Measure, period, place, matter, help.
pub(super) type Key = (&'static str, String, String, String, String);

/// Elimination is done modulo this prime: what follows over the rationals follows here, and what
/// follows here follows there but for one chance in 2^61 or so for each step.
const PRIME: i128 = (1 << 61) - 1;
/// More than any figure.
const MANY: i64 = 1 << 40;

/// What is known of all figures.
#[derive(Debug, Default)]
pub(super) struct Attacker {
    numbers: BTreeMap<Key, usize>,
    keys: Vec<Key>,
    low: Vec<i64>,
    high: Vec<i64>,
    /// Read as a figure.
    shown: BTreeSet<usize>,
    /// Of one measure, place and so on: 0 where a table has no row.
    tables: Vec<(&'static str, String, BTreeSet<Key>)>,
    /// Sums that are 0: a whole less its parts.
    sums: Vec<Vec<(usize, i64)>>,
    /// The first is not more than the second.
    below: Vec<(usize, usize)>,
}

/// What a figure is told by.
fn shape(key: &Key) -> String {
    let level = key.2.split_once(':').map_or("", |(level, _)| level);
    let matter = match &*key.3 {
        "" => "",
        matter if matter.starts_with(|c: char| c.is_ascii_uppercase()) => "operator",
        _ => "age",
    };
    let help = if key.4.is_empty() { "" } else { "help" };
    [level, matter, help].into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(",")
}

fn place_of(object: &Value) -> String {
    match (object["department"].as_str(), object["region"].as_str()) {
        (Some(code), _) => format!("department:{code}"),
        (_, Some(code)) => format!("region:{code}"),
        _ => "nation".to_owned(),
    }
}

impl Attacker {
    fn number(&mut self, key: Key) -> usize {
        *self.numbers.entry(key.clone()).or_insert_with(|| {
            self.keys.push(key);
            self.low.push(0);
            self.high.push(MANY);
            self.keys.len() - 1
        })
    }

    /// Reads a table: `measures` says what its two columns are called here.
    pub(super) fn read(&mut self, table: &Value, measures: [&'static str; 2]) {
        let period = table["period"].as_str().expect("a period").to_owned();
        let rows = table["rows"].as_array().expect("rows").clone();
        for (column, measure) in ["visits", "requests"].into_iter().zip(measures) {
            if table["total"][column].is_null() {
                continue;
            }
            let mut named = BTreeSet::new();
            for (object, is_total) in rows.iter().map(|row| (row, false)).chain([(&table["total"], true)]) {
                let text = |name: &str| object[name].as_str().unwrap_or_default().to_owned();
                let matter = if text("age").is_empty() { text("operator") } else { text("age") };
                let key: Key = (measure, period.clone(), place_of(object), matter, text("help"));
                let number = self.number(key.clone());
                if !is_total {
                    named.insert(key);
                }
                match &object[column] {
                    Value::Number(figure) => {
                        let figure = figure.as_i64().expect("a whole number");
                        (self.low[number], self.high[number]) = (figure, figure);
                        self.shown.insert(number);
                    }
                    mark => {
                        assert_eq!(mark["suppressed"], true, "neither figure nor mark: {mark}");
                        if let Some(bound) = mark["lt"].as_i64() {
                            self.low[number] = self.low[number].max(1);
                            self.high[number] = self.high[number].min(bound - 1);
                        }
                    }
                }
            }
            let withheld = table["withheld"].as_array().is_some_and(|names| names.iter().any(|name| name == column));
            if !withheld && !table["by"].as_array().expect("keys").is_empty() {
                let by = table["by"].as_array().expect("keys").iter().map(|key| key.as_str().expect("a key"));
                self.tables.push((measure, format!("{period}/{}", by.collect::<Vec<_>>().join(",")), named));
            }
        }
    }

    /// What the reader knows from elsewhere.
    pub(super) fn know(&mut self, key: Key, figure: i64) {
        let number = self.number(key);
        (self.low[number], self.high[number]) = (figure, figure);
    }

    /// Once all is read: every sum is that of its parts, and rows that are not there are 0. `places`
    /// says in what each place lies.
    pub(super) fn conclude(&mut self, places: &BTreeMap<String, String>) {
        self.relate(places);
        let mut shapes: BTreeMap<(&'static str, String), Vec<usize>> = BTreeMap::new();
        for (x, key) in self.keys.iter().enumerate() {
            shapes.entry((key.0, format!("{}/{}", key.1, shape(key)))).or_default().push(x);
        }
        for (measure, name, named) in std::mem::take(&mut self.tables) {
            for x in shapes.get(&(measure, name)).into_iter().flatten() {
                if !named.contains(&self.keys[*x]) {
                    (self.low[*x], self.high[*x]) = (0, 0);
                }
            }
        }
        self.propagate();
    }

    /// Sums along each tree, over the names that occur.
    fn relate(&mut self, places: &BTreeMap<String, String>) {
        let known: BTreeSet<Key> = self.keys.iter().cloned().collect();
        for measure in known.iter().map(|key| key.0).collect::<BTreeSet<_>>() {
            let of = |pick: fn(&Key) -> &String| -> BTreeSet<String> {
                known.iter().filter(|key| key.0 == measure).map(pick).filter(|name| !name.is_empty()).cloned().collect()
            };
            let (periods, matters, helps) = (of(|key| &key.1), of(|key| &key.3), of(|key| &key.4));
            let named = of(|key| &key.2);
            let used: BTreeSet<_> = named.iter().flat_map(|place| [Some(place), places.get(place)]).flatten().collect();
            let with_all =
                |names: &BTreeSet<String>| -> Vec<String> { names.iter().cloned().chain([String::new()]).collect() };
            for (period, place) in periods.iter().flat_map(|period| used.iter().map(move |place| (period, *place))) {
                let below: Vec<_> = used.iter().filter(|part| places.get(**part) == Some(place)).collect();
                let within: Vec<_> = periods.iter().filter(|part| is_part(part, period)).collect();
                let is_whole = within.len() == if period.contains('Q') { 3 } else { 4 };
                let told_apart = if place == "nation" { with_all(&helps) } else { vec![String::new()] };
                for (matter, help) in with_all(&matters).iter().flat_map(|m| told_apart.iter().map(move |h| (m, h))) {
                    let key = |period: &str, place: &str, matter: &str, help: &str| -> Key {
                        (measure, period.to_owned(), place.to_owned(), matter.to_owned(), help.to_owned())
                    };
                    let whole = key(period, place, matter, help);
                    if help.is_empty() && !below.is_empty() {
                        self.sum(&whole, below.iter().map(|part| key(period, part, matter, help)));
                    }
                    if matter.is_empty() && !matters.is_empty() {
                        self.sum(&whole, matters.iter().map(|one| key(period, place, one, help)));
                    }
                    if help.is_empty() && told_apart.len() > 1 {
                        self.sum(&whole, helps.iter().map(|one| key(period, place, matter, one)));
                    }
                    if is_whole {
                        self.sum(&whole, within.iter().map(|part| key(part, place, matter, help)));
                    }
                }
                if measure == "visits" {
                    let total = |measure| (measure, period.clone(), place.clone(), String::new(), String::new());
                    let pair = (self.number(total("visits")), self.number(total("requests")));
                    self.below.push(pair);
                }
            }
        }
    }

    fn sum(&mut self, whole: &Key, parts: impl Iterator<Item = Key>) {
        let mut sum = vec![(self.number(whole.clone()), 1)];
        sum.extend(parts.into_iter().map(|part| (self.number(part), -1)));
        self.sums.push(sum);
    }

    /// Narrows what each figure can be by what the others of its sums can be, until nothing moves.
    fn propagate(&mut self) {
        loop {
            let mut has_moved = false;
            for n in 0..self.sums.len() {
                let sum = self.sums[n].clone();
                let least = |(x, c): (usize, i64), low: &[i64], high: &[i64]| if c > 0 { low[x] } else { -high[x] };
                let lows: i64 = sum.iter().map(|term| least(*term, &self.low, &self.high)).sum();
                let highs: i64 = sum.iter().map(|(x, c)| -least((*x, -c), &self.low, &self.high)).sum();
                for (x, c) in sum {
                    let (low, high) = (self.low[x], self.high[x]);
                    let (own_low, own_high) = if c > 0 { (low, high) } else { (-high, -low) };
                    let (new_low, new_high) = (-(highs - own_high), -(lows - own_low));
                    let (new_low, new_high) = if c > 0 { (new_low, new_high) } else { (-new_high, -new_low) };
                    self.low[x] = low.max(new_low);
                    self.high[x] = high.min(new_high);
                    if (self.low[x], self.high[x]) != (low, high) {
                        has_moved = true;
                    }
                }
            }
            for (less, more) in self.below.clone() {
                let (high, low) = (self.high[less].min(self.high[more]), self.low[more].max(self.low[less]));
                has_moved |= (high, low) != (self.high[less], self.low[more]);
                (self.high[less], self.low[more]) = (high, low);
            }
            // Figures that contradict each other bound nothing.
            let is_at_odds = (0..self.keys.len()).any(|x| self.low[x] > self.high[x]);
            if !has_moved || is_at_odds {
                return;
            }
        }
    }

    /// Sums of figures that are all shown and do not add up: what came in between is their
    /// difference.
    pub(super) fn contradictions(&self) -> usize {
        let off = |sum: &&Vec<(usize, i64)>| {
            sum.iter().all(|(x, _)| self.shown.contains(x))
                && sum.iter().map(|(x, c)| c * self.low[*x]).sum::<i64>() != 0
        };
        self.sums.iter().filter(off).count() + (0..self.keys.len()).filter(|x| self.low[*x] > self.high[*x]).count()
    }

    /// Figures that are shown although they are small.
    pub(super) fn small(&self, min_cell: i64) -> usize {
        self.shown.iter().filter(|x| (1..min_cell).contains(&self.low[**x])).count()
    }

    /// Between what a figure lies, by bounds alone.
    pub(super) fn bounds(&self, key: &Key) -> Option<(i64, i64)> {
        self.numbers.get(key).map(|x| (self.low[*x], self.high[*x]))
    }

    fn is_open(&self, x: usize) -> bool {
        self.low[x] < self.high[x]
    }

    /// The figures that follow from the sums alone, by elimination.
    pub(super) fn determined(&self) -> BTreeSet<Key> {
        let mut rows: Vec<BTreeMap<usize, i128>> = Vec::new();
        for sum in &self.sums {
            let mut row = BTreeMap::new();
            for (x, c) in sum.iter().filter(|(x, _)| self.is_open(*x)) {
                *row.entry(*x).or_insert(0) += i128::from(*c);
            }
            row.retain(|_, c| *c != 0);
            if !row.is_empty() {
                rows.push(row);
            }
        }
        rows.sort_by_key(BTreeMap::len);
        let mut pivots: BTreeMap<usize, BTreeMap<usize, i128>> = BTreeMap::new();
        for mut row in rows {
            for x in row.keys().copied().collect::<Vec<_>>() {
                if let Some(pivot) = pivots.get(&x) {
                    let factor = row.get(&x).copied().unwrap_or_default();
                    subtract(&mut row, pivot, factor);
                }
            }
            let Some((x, c)) = row.iter().next().map(|(x, c)| (*x, *c)) else { continue };
            let inverse = power(c.rem_euclid(PRIME), PRIME - 2);
            row.values_mut().for_each(|value| *value = (*value * inverse).rem_euclid(PRIME));
            for other in pivots.values_mut() {
                if let Some(factor) = other.get(&x).copied() {
                    subtract(other, &row, factor);
                }
            }
            pivots.insert(x, row);
        }
        pivots.into_iter().filter(|(_, row)| row.len() == 1).map(|(x, _)| self.keys[x].clone()).collect()
    }

    /// Between what a figure lies, by everything at once: the two ends of a linear program over all
    /// that is joined to it.
    pub(super) fn range(&self, key: &Key) -> Option<(f64, f64)> {
        let target = *self.numbers.get(key)?;
        if !self.is_open(target) {
            return Some((self.low[target] as f64, self.high[target] as f64));
        }
        let mut joined = BTreeSet::from([target]);
        loop {
            let before = joined.len();
            let touches = |sum: &&Vec<(usize, i64)>| sum.iter().any(|(x, _)| joined.contains(x));
            let more: Vec<_> = self.sums.iter().filter(touches).flatten().map(|(x, _)| *x).collect();
            let pairs = self.below.iter().filter(|(a, b)| joined.contains(a) || joined.contains(b));
            let more: Vec<_> = more.into_iter().chain(pairs.flat_map(|(a, b)| [*a, *b])).collect();
            joined.extend(more.into_iter().filter(|x| self.is_open(*x)));
            if joined.len() == before {
                break;
            }
        }
        let end = |direction| {
            let mut problem = Problem::new(direction);
            let variables: BTreeMap<usize, _> = joined
                .iter()
                .map(|x| {
                    let high = if self.high[*x] >= MANY / 2 { f64::INFINITY } else { self.high[*x] as f64 };
                    (*x, problem.add_var(if *x == target { 1.0 } else { 0.0 }, (self.low[*x] as f64, high)))
                })
                .collect();
            for sum in self.sums.iter().filter(|sum| sum.iter().any(|(x, _)| joined.contains(x))) {
                let (open, known): (Vec<_>, Vec<_>) = sum.iter().partition(|(x, _)| joined.contains(x));
                let known: i64 = known.iter().map(|(x, c)| c * self.low[*x]).sum();
                let terms: Vec<_> = open.iter().map(|(x, c)| (variables[x], *c as f64)).collect();
                problem.add_constraint(&terms, ComparisonOp::Eq, -known as f64);
            }
            for (less, more) in self.below.iter().filter(|(a, b)| joined.contains(a) && joined.contains(b)) {
                problem.add_constraint([(variables[less], 1.0), (variables[more], -1.0)], ComparisonOp::Le, 0.0);
            }
            match problem.solve() {
                Ok(outcome) => outcome.into_solution().ok().map(|solution| solution.objective()),
                Err(microlp::Error::Unbounded) => Some(f64::INFINITY),
                Err(_) => None,
            }
        };
        let low = end(OptimizationDirection::Minimize).expect("what was counted is one solution");
        Some((low, end(OptimizationDirection::Maximize).expect("what was counted is one solution")))
    }
}

fn is_part(part: &str, whole: &str) -> bool {
    let quarter = |month: &str| month.parse::<u8>().ok().map(|month| format!("Q{}", month.div_ceil(3)));
    match (part.split_once('-'), whole.split_once('-')) {
        (Some((year, part)), Some((of, whole))) => year == of && quarter(part).is_some_and(|part| part == whole),
        (Some((year, part)), None) => year == whole && part.starts_with('Q'),
        (None, _) => false,
    }
}

fn subtract(row: &mut BTreeMap<usize, i128>, pivot: &BTreeMap<usize, i128>, factor: i128) {
    for (x, c) in pivot {
        let value = row.entry(*x).or_insert(0);
        *value = (*value - factor * c).rem_euclid(PRIME);
        if *value == 0 {
            row.remove(x);
        }
    }
}

fn power(mut base: i128, mut exponent: i128) -> i128 {
    let mut result = 1;
    while exponent > 0 {
        if exponent % 2 == 1 {
            result = result * base % PRIME;
        }
        base = base * base % PRIME;
        exponent /= 2;
    }
    result
}
