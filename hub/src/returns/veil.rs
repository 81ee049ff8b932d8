//! Which of a few figures a partner does not see, because they speak of too few people.
//!
//! A partner knows the sum, as it knows the requests of a department. Pure.

/// Which figures are hidden: those from 1 to `k` − 1, and of the others so many that the sum tells
/// none of the hidden ones: at least two, with `k` requests between them.
///
/// Which others is a matter of their places, never of their size: «the smallest of the rest» would
/// tell a bound. Figures that are none are hidden last, when everything else is.
pub fn veiled(figures: &[i64], k: i64) -> Vec<bool> {
    let mut hidden: Vec<bool> = figures.iter().map(|figure| (1..k).contains(figure)).collect();
    let Some(first) = hidden.iter().position(|hidden| *hidden) else { return hidden };
    let after = |place: &usize| (place + figures.len() - first) % figures.len();
    let mut rest: Vec<usize> = (0..figures.len()).filter(|place| !hidden[*place]).collect();
    rest.sort_by_key(|place| (figures[*place] == 0, after(place)));
    for place in rest {
        let within: i64 = figures.iter().zip(&hidden).filter(|(_, hidden)| **hidden).map(|(figure, _)| figure).sum();
        if hidden.iter().filter(|hidden| **hidden).count() > 1 && within >= k {
            break;
        }
        hidden[place] = true;
    }
    hidden
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// What a partner sees: the figures that are shown, and the sum of all.
    fn seen(figures: &[i64], k: i64) -> (Vec<Option<i64>>, i64) {
        let hidden = veiled(figures, k);
        let shown = figures.iter().zip(hidden).map(|(figure, hidden)| (!hidden).then_some(*figure));
        (shown.collect(), figures.iter().sum())
    }

    #[test]
    fn few_are_hidden_and_never_alone() {
        for (figures, hidden) in [
            (vec![0, 11, 40], vec![false, false, false]),
            (vec![3, 0, 40, 50], vec![true, false, true, false]),
            (vec![40, 3, 0], vec![true, true, false]),
            (vec![40, 3, 4, 50], vec![false, true, true, true]),
            (vec![6, 7, 50], vec![true, true, false]),
            (vec![5, 0, 0], vec![true, true, true]),
            (vec![], vec![]),
        ] {
            assert_eq!(veiled(&figures, 11), hidden, "{figures:?}");
        }
    }

    /// Every row of three figures up to 30, by what a partner sees of it.
    #[test]
    fn no_hidden_figure_follows_from_the_others_the_sum_and_the_rule() {
        let k = 4;
        let mut rows = std::collections::BTreeMap::<_, Vec<[i64; 3]>>::new();
        for a in 0..14 {
            for b in 0..14 {
                for c in 0..14 {
                    rows.entry(seen(&[a, b, c], k)).or_default().push([a, b, c]);
                }
            }
        }
        for ((shown, sum), possible) in rows {
            // Where rows end at 13, some sums have fewer ways than they would have.
            if sum > 13 {
                continue;
            }
            for place in (0..3).filter(|place| shown[*place].is_none()) {
                let values: BTreeSet<_> = possible.iter().map(|row| row[place]).collect();
                assert!(values.len() > 1, "{shown:?} of {sum} is {values:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn nothing_small_is_shown_and_what_is_hidden_is_no_single_figure(figures in prop::collection::vec(0..60_i64, 8)) {
            let hidden = veiled(&figures, 11);
            prop_assert!(figures.iter().zip(&hidden).all(|(figure, hidden)| *hidden || !(1..11).contains(figure)));
            let within: Vec<_> = figures.iter().zip(&hidden).filter(|(_, hidden)| **hidden).map(|(f, _)| *f).collect();
            let all = within.len() == figures.len();
            prop_assert!(within.is_empty() || all || (within.len() > 1 && within.iter().sum::<i64>() >= 11));
        }
    }
}
