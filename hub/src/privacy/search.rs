//! Which cells to hide so that no hidden one can be worked out.
//!
//! Called by `cube`. The proof is a **move**: figures that could as well have been counted, with
//! which everything released would read the same. It takes a number of visits from some leaves and
//! gives it to others: in each tree it either stays at one leaf or goes from one to another, so that
//! all sums that hold both sides, or neither, stay as they are; those that hold one side change, and
//! have to be hidden. How far a move can go is bounded by what the marks of the hidden cells say of
//! them (above 0 and below the smallest that is shown, or not below it), by zero, and by what other
//! tables say. A hidden cell is protected when a move changes it over a span of at least
//! [`Rule::span`].
//!
//! Because a move is itself a set of whole-number figures that fits everything released, no
//! reasoning on released figures, by sums, bounds or whole numbers, can exclude what it shows.
//! Hiding more, and saying less of what is hidden, never takes a move away, so one pass over the
//! hidden cells is enough: where no move fits yet, the one that hides least further is made to fit.
//! Where none can be, as with three figures of ten at most whose sum of thirty is known, the whole
//! row of the place is withheld, with nothing said of any cell. Only cells of the period that is
//! being released can be hidden; those of earlier ones stay as they were read.

use super::cube::{Cell, Cube, ONE, PLACE, Rule, State, TIME, TWO};
use super::tree::{Chain, Tree};
use super::{Stopped, Stops};

/// Protects every hidden cell of a period and its parts; false when some cell cannot be.
pub(super) fn protect(cube: &mut Cube, time: usize, rule: Rule, stops: Stops<'_>) -> Result<bool, Stopped> {
    let mut search = Search::new(cube, time, rule);
    while let Some(target) = search.targets.pop() {
        if stops() {
            return Err(Stopped);
        }
        if !search.protect(target) {
            return Ok(false);
        }
    }
    Ok(true)
}

struct Search<'a> {
    cube: &'a mut Cube,
    rule: Rule,
    /// The period whose cells can still be hidden.
    fresh: usize,
    /// What has to be protected.
    targets: Vec<Cell>,
    is_safe: Vec<bool>,
    /// By dimension and node: how a move can change the node's sum.
    ways: [Vec<Option<Vec<Chain>>>; 4],
}

/// A move, by the place of its chains among the ways of the target.
struct Found {
    chains: [usize; 4],
    cost: i64,
    span: i64,
}

impl<'a> Search<'a> {
    fn new(cube: &'a mut Cube, fresh: usize, rule: Rule) -> Self {
        let is_safe = vec![false; cube.states.len()];
        let ways = cube.trees.each_ref().map(|tree| vec![None; tree.len()]);
        let times = &cube.trees[TIME];
        let within: Vec<_> = (0..times.len()).filter(|time| times.lies_in(*time, fresh)).collect();
        let mut search = Self { cube, rule, fresh, targets: Vec::new(), is_safe, ways };
        let cells = within.into_iter().flat_map(|time| search.cube.at(time));
        search.targets = cells.filter(|cell| search.is_target(*cell)).collect();
        search
    }

    /// Whether nobody may work a cell out: it is hidden, or it is withheld and small.
    fn is_target(&self, cell: Cell) -> bool {
        match self.cube.state(cell) {
            State::Low | State::Complement => true,
            State::Withheld => (1..self.rule.min_cell).contains(&self.cube.value(cell)),
            State::Absent | State::Given | State::Shown => false,
        }
    }

    fn protect(&mut self, target: Cell) -> bool {
        loop {
            if self.is_safe[self.cube.index(target)] || !self.is_target(target) {
                return true;
            }
            for (dimension, node) in target.into_iter().enumerate() {
                if self.ways[dimension][node].is_none() {
                    self.ways[dimension][node] = Some(self.ways_of(dimension, node));
                }
            }
            if let Some(found) = self.cheapest(target) {
                let chains = [PLACE, TIME, ONE, TWO].map(|dimension| {
                    let ways = self.ways[dimension][target[dimension]].as_ref();
                    ways.and_then(|ways| ways.get(found.chains[dimension])).cloned().unwrap_or_default()
                });
                self.hide(&chains, found.span);
            } else if !self.withhold(target) {
                return false;
            }
        }
    }

    /// Withholds the row of the target's place, or else of one that it is a part of; false when
    /// they are already.
    fn withhold(&mut self, target: Cell) -> bool {
        let places: Vec<_> = self.cube.trees[PLACE].up(target[PLACE]).collect();
        for place in places {
            let row: Vec<_> = self.cube.at(self.fresh).filter(|cell| cell[PLACE] == place).collect();
            let mut has_changed = false;
            for cell in row {
                let index = self.cube.index(cell);
                let state = self.cube.unreleased(cell);
                has_changed |= self.cube.states[index] != state;
                self.cube.states[index] = state;
                if self.is_target(cell) && !self.is_safe[index] {
                    self.targets.push(cell);
                }
            }
            if has_changed {
                return true;
            }
        }
        false
    }

    /// How a move can change the sum of a node: a leaf of it stays, or is exchanged for one that
    /// lies elsewhere.
    fn ways_of(&self, dimension: usize, node: usize) -> Vec<Chain> {
        let tree = &self.cube.trees[dimension];
        // Months whose figures are not in yet hold nothing that could be moved.
        let there = |leaf: &usize| dimension != TIME || self.cube.is_frozen(*leaf);
        let inside: Vec<_> = tree.leaves().filter(there).filter(|leaf| tree.lies_in(*leaf, node)).collect();
        let outside: Vec<_> = tree.leaves().filter(there).filter(|leaf| !tree.lies_in(*leaf, node)).collect();
        let mut ways: Vec<_> = inside.iter().map(|leaf| tree.stay(*leaf)).collect();
        // Between months that no released sum joins, a move is two moves.
        if dimension != TIME || !is_month(tree, self.fresh) {
            ways.extend(inside.iter().flat_map(|leaf| outside.iter().map(|other| tree.swap(*leaf, *other))));
        }
        ways
    }

    /// The move that changes the target and hides least further.
    fn cheapest(&self, target: Cell) -> Option<Found> {
        let of = |dimension: usize| self.ways[dimension][target[dimension]].as_deref().unwrap_or_default();
        let least = self.cube.span(target, self.rule);
        let mut best: Option<Found> = None;
        for (time, by_time) in of(TIME).iter().enumerate() {
            for (one, by_one) in of(ONE).iter().enumerate() {
                for (two, by_two) in of(TWO).iter().enumerate() {
                    for (place, by_place) in of(PLACE).iter().enumerate() {
                        let most = best.as_ref().map_or(i64::MAX, |best| best.cost);
                        if let Some((cost, span)) = self.cost([by_place, by_time, by_one, by_two], most, least) {
                            best = Some(Found { chains: [place, time, one, two], cost, span });
                            if cost == 0 {
                                return best;
                            }
                        }
                    }
                }
            }
        }
        best
    }

    /// What a move costs and how far it goes, if that is far enough and costs less than `most`.
    fn cost(&self, [place, time, one, two]: [&Chain; 4], most: i64, least: i64) -> Option<(i64, i64)> {
        let (mut cost, mut lowest, mut highest) = (0_i64, i64::MIN, i64::MAX);
        for (place, by_place) in place {
            for (time, by_time) in time {
                for (one, by_one) in one {
                    for (two, by_two) in two {
                        let cell = [*place, *time, *one, *two];
                        let index = self.cube.index(cell);
                        let value = self.cube.values[index];
                        let (floor, ceiling) = match self.cube.states[index] {
                            State::Absent => continue,
                            State::Given => return None,
                            State::Shown if value == 0 || cell[TIME] != self.fresh => return None,
                            State::Shown => {
                                cost = cost.saturating_add(value);
                                (self.rule.min_cell, i64::MAX)
                            }
                            State::Withheld => (0, i64::MAX),
                            State::Low => (1, self.rule.min_cell - 1),
                            State::Complement => (self.rule.min_cell, i64::MAX),
                        };
                        if cost >= most {
                            return None;
                        }
                        let floor = floor.max(self.cube.floors[index]);
                        let ceiling = ceiling.min(self.cube.ceilings[index]);
                        let (down, up) = match by_place * by_time * by_one * by_two {
                            1 => (floor - value, ceiling.saturating_sub(value)),
                            _ => (value.saturating_sub(ceiling), value - floor),
                        };
                        (lowest, highest) = (lowest.max(down), highest.min(up));
                        if highest.saturating_sub(lowest) < least {
                            return None;
                        }
                    }
                }
            }
        }
        Some((cost, highest.saturating_sub(lowest)))
    }

    /// Hides what a move changes; what needs no longer span than the move's is protected by it.
    fn hide(&mut self, [place, time, one, two]: &[Chain; 4], span: i64) {
        for (place, _) in place {
            for (time, _) in time {
                for (one, _) in one {
                    for (two, _) in two {
                        let cell = [*place, *time, *one, *two];
                        let index = self.cube.index(cell);
                        if self.cube.states[index] == State::Shown {
                            self.cube.states[index] = State::Complement;
                        }
                        if self.cube.span(cell, self.rule) <= span {
                            self.is_safe[index] = true;
                        } else if self.is_target(cell) {
                            self.targets.push(cell);
                        }
                    }
                }
            }
        }
    }
}

fn is_month(times: &Tree, time: usize) -> bool {
    times.parts(time).next().is_none()
}

#[cfg(test)]
mod tests;
