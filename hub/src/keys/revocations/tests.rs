//! Claims about the list of revocations: no cut and no change goes unnoticed.

use msap_shared::frame::Mark;
use msap_shared::id::Epoch;

use super::super::Witness;
use super::*;

struct Case {
    _dir: tempfile::TempDir,
    keys: Keys,
}

fn device(n: u8) -> Fingerprint {
    Fingerprint::new([n; 32])
}

fn witness(revocations: u64) -> Witness {
    Witness { epoch: Epoch::new([1; 16]), mark: Mark { commit: 1, tag: 1 }, revocations }
}

impl Case {
    /// Keys with three revocations and a witness of them, opened anew.
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let keys = Keys::open_or_create(dir.path(), false).unwrap();
        for n in 1..=3 {
            keys.append_revocation(&device(n), "2026-11-20".parse().unwrap(), "volé\nà Lyon").unwrap();
        }
        keys.write_witness(&witness(keys.revocation_count())).unwrap();
        let keys = Keys::open_or_create(dir.path(), true).unwrap();
        Self { _dir: dir, keys }
    }

    fn text(&self) -> String {
        std::fs::read_to_string(self.keys.path(REVOCATIONS)).unwrap()
    }

    fn set(&self, text: &str) {
        std::fs::write(self.keys.path(REVOCATIONS), text).unwrap();
    }

    fn damage(&self) -> Option<(Damage, usize)> {
        match self.keys.revocations() {
            Ok(_) => None,
            Err(NotIntact::Damaged { damage, readable }) => Some((damage, readable.len())),
            Err(NotIntact::Keys(error)) => panic!("{error}"),
        }
    }
}

#[test]
fn revocations_read_back() {
    let case = Case::new();
    assert_eq!(case.keys.revocations().unwrap(), [1, 2, 3].map(|n| device(n).device()));
    assert_eq!(case.keys.revocation_count(), 3);
    assert!(case.keys.is_revoked(&device(2)).unwrap() && !case.keys.is_revoked(&device(4)).unwrap());
    assert!(case.text().lines().nth(1).unwrap().ends_with(" volé à Lyon"));
}

#[test]
fn a_second_revocation_of_a_device_adds_nothing() {
    let case = Case::new();
    let before = case.text();
    case.keys.append_revocation(&device(2), "2026-11-21".parse().unwrap(), "again").unwrap();
    assert_eq!(case.text(), before);
}

#[test]
fn every_cut_is_noticed() {
    let case = Case::new();
    let text = case.text();
    for len in 0..text.len() {
        if text.is_char_boundary(len) {
            case.set(&text[..len]);
            assert!(case.damage().is_some(), "cut at {len}");
        }
    }
    case.set(&text);
    assert_eq!(case.damage(), None);
}

#[test]
fn every_changed_byte_is_noticed_and_the_rest_stays_readable() {
    let case = Case::new();
    let text = case.text();
    for at in 0..text.len() {
        let mut bytes = text.clone().into_bytes();
        bytes[at] ^= 1;
        std::fs::write(case.keys.path(REVOCATIONS), bytes).unwrap();
        let (_, readable) = case.damage().unwrap_or_else(|| panic!("wrong at {at}"));
        assert!(readable >= 2, "wrong at {at}");
    }
}

#[test]
fn a_line_cut_out_is_noticed() {
    let case = Case::new();
    let lines: Vec<String> = case.text().lines().map(|line| format!("{line}\n")).collect();
    case.set(&[lines[0].as_str(), &lines[2], &lines[3]].concat());
    assert_eq!(case.damage(), Some((Damage::Broken(1), 2)));
}

#[test]
fn a_further_revocation_does_not_hide_a_cut() {
    for cut in [1, 2, 3] {
        let case = Case::new();
        let lines: Vec<String> = case.text().lines().map(|line| format!("{line}\n")).collect();
        case.set(&lines[..=3 - cut].concat());
        for n in 4..=8 {
            case.keys.append_revocation(&device(n), "2026-11-21".parse().unwrap(), "").unwrap();
            let (damage, readable) = case.damage().unwrap();
            assert!(matches!(damage, Damage::Broken(_)), "{damage:?}");
            assert_eq!(readable, 3 - cut + usize::from(n) - 3);
        }
    }
}

#[test]
fn a_missing_list_or_witness_is_not_intact() {
    let case = Case::new();
    std::fs::remove_file(case.keys.path(super::super::WITNESS)).unwrap();
    assert_eq!(case.damage(), Some((Damage::NoWitness, 3)));
    case.keys.write_witness(&witness(3)).unwrap();
    std::fs::remove_file(case.keys.path(REVOCATIONS)).unwrap();
    assert_eq!(case.damage(), Some((Damage::Missing, 0)));
    // Revoking works all the same, and mends nothing.
    case.keys.append_revocation(&device(9), "2026-11-21".parse().unwrap(), "").unwrap();
    assert_eq!(case.damage(), Some((Damage::Broken(1), 1)));
    case.keys.write_witness(&witness(4)).unwrap();
    assert!(case.damage().is_some());
}

#[test]
fn new_keys_are_intact_and_a_list_ahead_of_its_witness_is() {
    let dir = tempfile::tempdir().unwrap();
    let keys = Keys::open_or_create(dir.path(), false).unwrap();
    assert_eq!(keys.revocations().unwrap(), []);
    keys.write_witness(&witness(0)).unwrap();
    keys.append_revocation(&device(1), "2026-11-20".parse().unwrap(), "perdu").unwrap();
    let keys = Keys::open_or_create(dir.path(), false).unwrap();
    assert_eq!(keys.revocations().unwrap(), [device(1).device()]);
}

#[test]
fn a_list_that_a_person_calls_whole_is_whole_and_keeps_every_readable_line() {
    type Loss = fn(&Case);
    let losses: [(Loss, &[u8]); 5] = [
        (|case| std::fs::remove_file(case.keys.path(REVOCATIONS)).unwrap(), &[]),
        (|case| case.set(&case.text().replacen("1 0", "1 x", 1)), &[2, 3]),
        (|case| case.set(&case.text().lines().take(3).map(|line| format!("{line}\n")).collect::<String>()), &[1, 2]),
        (|case| case.set(&case.text().replace("volé", "vol")), &[1, 2, 3]),
        (|case| case.set(&format!("{}{}", case.text(), case.text().lines().nth(1).unwrap())), &[1, 2, 3]),
    ];
    for (at, (lose, left)) in losses.into_iter().enumerate() {
        let case = Case::new();
        lose(&case);
        assert!(case.damage().is_some(), "{at}");
        case.keys.renew_revocations().unwrap();
        case.keys.write_witness(&witness(case.keys.revocation_count())).unwrap();
        assert_eq!(case.damage(), None, "{at}");
        let left: Vec<_> = left.iter().map(|n| device(*n).device()).collect();
        assert_eq!(case.keys.revocations().unwrap(), left, "{at}");
        // It goes on from there, and the next cut is noticed again.
        case.keys.append_revocation(&device(9), "2026-11-21".parse().unwrap(), "perdu").unwrap();
        assert_eq!(case.damage(), None, "{at}");
        case.keys.write_witness(&witness(case.keys.revocation_count())).unwrap();
        std::fs::remove_file(case.keys.path(REVOCATIONS)).unwrap();
        assert!(case.damage().is_some(), "{at}");
    }
}
