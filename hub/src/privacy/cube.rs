//! Figures of one year as a product of four trees: place, time, and two that say what was counted.
//!
//! Called by `year`. A cell is a sum at some level of each tree. What is released of it is decided
//! by `search`, for good: a cell that was released never changes its state.

use super::tree::Tree;
use super::{Stopped, Stops, search};

/// The places.
pub(super) const PLACE: usize = 0;
/// The year, its quarters and months.
pub(super) const TIME: usize = 1;
/// Ages or operators.
pub(super) const ONE: usize = 2;
/// Kinds of help, told apart for the whole country only.
pub(super) const TWO: usize = 3;

/// One node of each tree.
pub(super) type Cell = [usize; 4];

/// What is known of a cell outside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// There is no such cell, or not yet.
    #[default]
    Absent,
    /// Its figures are in and it is not released: only that it is not below zero.
    Withheld,
    /// Its figure, which whoever reads the table knows anyhow, however small.
    Given,
    /// Its figure: 0, or at least the smallest that is shown.
    Shown,
    /// That it is above 0 and below the smallest that is shown.
    Low,
    /// That it is hidden to protect another: at least the smallest that is shown.
    Complement,
}

/// Who knows what anyhow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Totals {
    /// Sums over all ages or operators are figures as others are.
    Protected,
    /// The reader knows them, however small.
    Given,
}

/// What protects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The smallest figure above 0 that is shown.
    pub min_cell: i64,
}

impl Rule {
    /// The least by which the highest and the lowest figure that a hidden cell may have differ, as
    /// far as anybody can tell.
    pub(super) fn span(self) -> i64 {
        self.min_cell / 2
    }
}

/// The figures of a year and what is known of them.
#[derive(Clone, Debug)]
pub(super) struct Cube {
    pub(super) trees: [Tree; 4],
    totals: Totals,
    pub(super) values: Vec<i64>,
    pub(super) states: Vec<State>,
    /// What other released figures say: it is not below, not above.
    pub(super) floors: Vec<i64>,
    pub(super) ceilings: Vec<i64>,
    /// Periods whose figures are in.
    frozen: Vec<bool>,
}

impl Cube {
    /// No figures yet.
    pub(super) fn new(trees: [Tree; 4], totals: Totals) -> Self {
        let len = trees.iter().map(Tree::len).product();
        let frozen = vec![false; trees[TIME].len()];
        let (values, states) = (vec![0; len], vec![State::Absent; len]);
        Self { trees, totals, values, states, floors: vec![0; len], ceilings: vec![i64::MAX; len], frozen }
    }

    /// The tree of one dimension.
    pub(super) fn tree(&self, dimension: usize) -> &Tree {
        &self.trees[dimension]
    }

    pub(super) fn index(&self, [place, time, one, two]: Cell) -> usize {
        let [_, times, ones, twos] = self.trees.each_ref().map(Tree::len);
        ((place * times + time) * ones + one) * twos + two
    }

    /// Whether there is such a cell: kinds of help are told apart for the whole country only.
    fn exists(&self, cell: Cell) -> bool {
        cell[TWO] == 0 || cell[PLACE] == 0
    }

    /// All cells of one node of time.
    pub(super) fn at(&self, time: usize) -> impl Iterator<Item = Cell> + use<> {
        let [places, _, ones, twos] = self.trees.each_ref().map(Tree::len);
        let place = move |place| (0..ones).flat_map(move |one| (0..twos).map(move |two| [place, time, one, two]));
        let cells = (0..places).flat_map(place);
        cells.filter(|cell| cell[TWO] == 0 || cell[PLACE] == 0)
    }

    /// The figure of a cell.
    pub(super) fn value(&self, cell: Cell) -> i64 {
        self.values[self.index(cell)]
    }

    /// What is known of a cell.
    pub(super) fn state(&self, cell: Cell) -> State {
        self.states[self.index(cell)]
    }

    /// Adds to a cell of a month, and to the sums over places and over the first matter.
    pub(super) fn add(&mut self, cell: Cell, by: i64) {
        let [place, time, one, two] = cell;
        let places: Vec<_> = self.trees[PLACE].up(place).collect();
        let ones: Vec<_> = self.trees[ONE].up(one).collect();
        for place in places {
            for one in &ones {
                let cell = [place, time, *one, two];
                if self.exists(cell) {
                    let index = self.index(cell);
                    self.values[index] += by;
                }
            }
        }
    }

    /// A period's figures are in and do not change any more.
    pub(super) fn freeze(&mut self, time: usize) {
        self.frozen[time] = true;
        for cell in self.at(time) {
            let state = self.unreleased(cell);
            let index = self.index(cell);
            self.states[index] = state;
        }
    }

    /// Whether a period's figures are in.
    pub(super) fn is_frozen(&self, time: usize) -> bool {
        self.frozen[time]
    }

    pub(super) fn unreleased(&self, cell: Cell) -> State {
        match self.totals {
            Totals::Given if cell[ONE] == 0 => State::Given,
            _ if self.frozen[cell[TIME]] => State::Withheld,
            _ => State::Absent,
        }
    }

    /// Sums the parts of a quarter or year: its figures are in.
    pub(super) fn sum(&mut self, time: usize) {
        let parts: Vec<_> = self.trees[TIME].parts(time).collect();
        for cell in self.at(time) {
            let of = |part: &usize| self.value([cell[PLACE], *part, cell[ONE], cell[TWO]]);
            let sum = parts.iter().map(of).sum();
            let index = self.index(cell);
            self.values[index] = sum;
        }
        self.freeze(time);
    }

    /// Enters a cell as it was released before.
    pub(super) fn restore(&mut self, cell: Cell, value: i64, state: State) {
        let index = self.index(cell);
        self.values[index] = value;
        self.states[index] = state;
    }

    /// Says of a cell what other figures say.
    pub(super) fn bound(&mut self, cell: Cell, floor: i64, ceiling: i64) {
        let index = self.index(cell);
        // What does not hold bounds nothing: corrections can leave more visits than requests.
        self.floors[index] = floor.min(self.values[index]);
        self.ceilings[index] = ceiling.max(self.values[index]);
    }

    /// What is known of a cell that is released, before any other is hidden for it.
    fn released(&self, cell: Cell, rule: Rule) -> State {
        let low = |value: i64| (1..rule.min_cell).contains(&value);
        match self.unreleased(cell) {
            State::Given => State::Given,
            // Of so few that are known there is nothing to be told apart.
            _ if self.totals == Totals::Given && low(self.total(cell)) => State::Withheld,
            _ if low(self.value(cell)) => State::Low,
            _ => State::Shown,
        }
    }

    /// The sum that a cell is told apart from.
    fn total(&self, [place, time, _, two]: Cell) -> i64 {
        self.value([place, time, 0, two])
    }

    /// By how much the figures that a hidden cell may have must differ. Where a reader knows a sum
    /// below the smallest figure that is shown, no more can be asked than that there are two.
    pub(super) fn span(&self, cell: Cell, rule: Rule) -> i64 {
        let is_few = self.totals == Totals::Given && self.total(cell) < rule.min_cell;
        if is_few { 1 } else { rule.span() }
    }

    /// Releases a period down to this depth of places, with as many cells hidden as it takes that
    /// none of this year can be worked out. False, and nothing is released, when that cannot be.
    fn release(&mut self, time: usize, depth: u8, rule: Rule, stops: Stops<'_>) -> Result<bool, Stopped> {
        for cell in self.at(time).filter(|cell| self.trees[PLACE].depth(cell[PLACE]) <= depth) {
            let state = self.released(cell, rule);
            let index = self.index(cell);
            self.states[index] = state;
        }
        let is_safe = search::protect(self, time, rule, stops)?;
        if !is_safe {
            self.freeze(time);
        }
        Ok(is_safe)
    }

    /// Releases a period as far down as it can be; `None`: not at all. Once stopped, these figures are worth nothing.
    pub(super) fn release_deepest(&mut self, time: usize, rule: Rule, stops: Stops<'_>) -> Result<Option<u8>, Stopped> {
        let places = &self.trees[PLACE];
        let deepest = places.leaves().map(|leaf| places.depth(leaf)).max().unwrap_or_default();
        for depth in (0..=deepest).rev() {
            if self.release(time, depth, rule, stops)? {
                return Ok(Some(depth));
            }
        }
        Ok(None)
    }
}
