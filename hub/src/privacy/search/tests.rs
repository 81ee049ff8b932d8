//! Claims about hidden cells, against everything that could have been counted.

use super::super::cube::Totals;
use super::*;

const RULE: Rule = Rule { min_cell: 4 };

/// A chance of our own, so that a world is its number.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

fn tree(parts: &[usize]) -> Tree {
    let mut tree = Tree::new("");
    for (n, leaves) in parts.iter().enumerate() {
        let part = tree.add(0, &format!("{n}"));
        for leaf in 0..*leaves {
            tree.add(part, &format!("{n}.{leaf}"));
        }
    }
    tree
}

fn leaves(cube: &Cube) -> Vec<Cell> {
    let [places, times, ones, _] = &cube.trees;
    let place = |place| times.leaves().flat_map(move |time| ones.leaves().map(move |one| [place, time, one, 0]));
    places.leaves().flat_map(place).collect()
}

/// A cube with these figures at its leaves, every period released in the order of its nodes.
fn released(shape: &[Tree; 3], totals: Totals, figures: &[i64]) -> Cube {
    let [places, times, ones] = shape.clone();
    let mut cube = Cube::new([places, times, ones, Tree::new("")], totals);
    for (cell, figure) in leaves(&cube).into_iter().zip(figures) {
        cube.add(cell, *figure);
    }
    let mut periods: Vec<_> = (0..cube.trees[TIME].len()).collect();
    periods.sort_by_key(|time| std::cmp::Reverse(cube.trees[TIME].depth(*time)));
    for time in periods {
        if is_month(&cube.trees[TIME], time) {
            cube.freeze(time);
        } else {
            cube.sum(time);
        }
        cube.release_deepest(time, RULE, &|| false).unwrap();
    }
    cube
}

/// Of every cell, between what it can lie in all figures up to `most` that would read the same.
fn ranges(cube: &Cube, most: i64) -> Vec<(i64, i64)> {
    let leaves = leaves(cube);
    let in_leaf = |cell: Cell, leaf: Cell| (0..4).all(|n| cube.trees[n].lies_in(leaf[n], cell[n]));
    let cells: Vec<Cell> = (0..cube.trees[TIME].len()).flat_map(|time| cube.at(time)).collect();
    let sums: Vec<Vec<usize>> =
        cells.iter().map(|cell| (0..leaves.len()).filter(|n| in_leaf(*cell, leaves[*n])).collect()).collect();
    let mut ranges = vec![(i64::MAX, i64::MIN); cells.len()];
    let mut world = vec![0; leaves.len()];
    loop {
        let values: Vec<i64> = sums.iter().map(|sum| sum.iter().map(|n| world[*n]).sum()).collect();
        let fits = cells.iter().zip(&values).all(|(cell, value)| match cube.state(*cell) {
            State::Absent | State::Withheld => true,
            State::Given | State::Shown => *value == cube.value(*cell),
            State::Low => (1..RULE.min_cell).contains(value),
            State::Complement => *value >= RULE.min_cell,
        });
        if fits {
            for (range, value) in ranges.iter_mut().zip(&values) {
                *range = (range.0.min(*value), range.1.max(*value));
            }
        }
        let Some(next) = world.iter().position(|value| *value < most) else { break };
        world[next] += 1;
        world[..next].fill(0);
    }
    let place = |cell: &Cell| cube.index(*cell);
    let mut by_index = vec![(0, 0); cube.values.len()];
    for (cell, range) in cells.iter().zip(ranges) {
        by_index[place(cell)] = range;
    }
    by_index
}

/// The cells that can be worked out more closely than is allowed.
fn exposed(cube: &Cube, most: i64) -> Vec<(Cell, i64, (i64, i64))> {
    let ranges = ranges(cube, most);
    let cells = (0..cube.trees[TIME].len()).flat_map(|time| cube.at(time));
    let protected = cells.filter(|cell| match cube.state(*cell) {
        State::Low | State::Complement => true,
        State::Withheld => (1..RULE.min_cell).contains(&cube.value(*cell)),
        State::Absent | State::Given | State::Shown => false,
    });
    let known = protected.map(|cell| (cell, cube.value(cell), ranges[cube.index(cell)]));
    known.filter(|(cell, _, (low, high))| high - low < cube.span(*cell, RULE)).collect()
}

/// Shapes that can be tried out whole: a region of two departments beside one of one, by age; months
/// of a quarter by age; departments by month.
fn shapes() -> Vec<[Tree; 3]> {
    vec![
        [tree(&[2, 1]), tree(&[]), tree(&[0, 0])],
        [tree(&[1, 1]), tree(&[]), tree(&[0, 0, 0])],
        [tree(&[1]), tree(&[3]), tree(&[0, 0])],
        [tree(&[2, 1]), tree(&[2]), tree(&[])],
    ]
}

fn worlds(mut check: impl FnMut(&[Tree; 3], &[i64], u64)) {
    for (n, shape) in shapes().iter().enumerate() {
        for seed in 0..24 {
            let mut dice = Dice(seed * 7 + n as u64);
            let figures: Vec<i64> = (0..6).map(|_| dice.below(6) as i64).collect();
            check(shape, &figures, seed);
        }
    }
}

#[test]
fn no_hidden_cell_can_be_worked_out_by_trying_everything() {
    worlds(|shape, figures, seed| {
        for totals in [Totals::Protected, Totals::Given] {
            let cube = released(shape, totals, figures);
            assert_eq!(exposed(&cube, 7), [], "seed {seed}: {figures:?} {:?}", cube.states);
        }
    });
}

#[test]
fn cells_that_are_hidden_alone_can_be_worked_out() {
    let mut found = 0;
    worlds(|shape, figures, _| {
        let mut cube = released(shape, Totals::Protected, figures);
        for (index, state) in cube.states.iter_mut().enumerate() {
            *state = match cube.values[index] {
                value if (1..RULE.min_cell).contains(&value) => State::Low,
                _ => State::Shown,
            };
        }
        found += exposed(&cube, 7).len();
    });
    assert!(found > 40, "{found}");
}

/// What is hidden to protect 1 in a row of 5 is known to be 4 at least: then it is 4.
#[test]
fn what_protects_another_is_known_not_to_be_small() {
    let shape = [tree(&[2]), tree(&[]), tree(&[0, 0])];
    for figures in [[1, 4, 4, 5], [1, 4, 5, 4], [2, 4, 4, 4], [1, 5, 4, 5]] {
        let cube = released(&shape, Totals::Protected, &figures);
        assert_eq!(exposed(&cube, 12), [], "{figures:?} {:?}", cube.states);
    }
}

/// Three hidden figures of ten at most whose sum is thirty are ten each.
#[test]
fn bounds_give_nothing_away_either() {
    let rule = Rule { min_cell: 11 };
    let [places, times, ones] = [tree(&[1]), tree(&[3]), tree(&[])];
    let mut cube = Cube::new([places, times, ones, Tree::new("")], Totals::Protected);
    for cell in leaves(&cube) {
        cube.add(cell, 10);
    }
    for month in [2, 3, 4] {
        cube.freeze(month);
        assert!(cube.release_deepest(month, rule, &|| false).unwrap().is_some());
        assert_eq!(cube.state([0, month, 0, 0]), State::Low);
    }
    cube.sum(1);
    assert!(
        cube.release_deepest(1, rule, &|| false).unwrap().is_none() || cube.state([0, 1, 0, 0]) == State::Complement
    );
    cube.sum(0);
    assert!(
        cube.release_deepest(0, rule, &|| false).unwrap().is_none() || cube.state([0, 0, 0, 0]) == State::Complement
    );
}

#[test]
fn what_was_released_stays_as_it_was() {
    worlds(|shape, figures, seed| {
        let [places, times, ones] = shape.clone();
        if times.len() == 1 {
            return;
        }
        let mut cube = Cube::new([places, times, ones, Tree::new("")], Totals::Protected);
        for (cell, figure) in leaves(&cube).into_iter().zip(figures) {
            cube.add(cell, *figure);
        }
        let mut before: Vec<(Cell, State)> = Vec::new();
        for time in cube.trees[TIME].leaves().collect::<Vec<_>>().into_iter().chain([1, 0]) {
            if is_month(&cube.trees[TIME], time) {
                cube.freeze(time);
            } else {
                cube.sum(time);
            }
            cube.release_deepest(time, RULE, &|| false).unwrap();
            assert!(before.iter().all(|(cell, state)| cube.state(*cell) == *state), "seed {seed}");
            before.extend(cube.at(time).map(|cell| (cell, cube.state(cell))));
        }
    });
}
