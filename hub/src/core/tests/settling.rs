//! Claims about what wants a person, and about what happens once that person has spoken.

use super::*;
use crate::ledger::Verdict;
use crate::site::Life;
use crate::store::flagged::{self, FlaggedFilter, FlaggedRow};
use crate::store::history::Since;
use crate::store::refusals::{self, RefusedFilter};
use crate::store::sites;

const ODD: &str = "2|NEWCOMER|online|25-39|3";

fn push(core: &mut Core, writer: u8, changes: &[Facts]) {
    for push in pushes(writer, changes) {
        assert_eq!(acks(&give(core, Frame::Push(push))).len(), 1);
    }
}

fn listed(core: &Core) -> Vec<FlaggedRow> {
    flagged::list(core.connection(), &FlaggedFilter { limit: 100, ..FlaggedFilter::default() }).unwrap()
}

/// Settles by id, as a person does. Whether anything was otherwise.
fn settle(core: &mut Core, id: &str, verdict: Verdict) -> bool {
    core.store()
        .write(|conn, _| {
            let row = flagged::named(conn, id)?.pop().unwrap();
            flagged::settle(conn, &row, verdict, "vu", (now(), "2026-11-20".parse().unwrap()))
        })
        .unwrap()
}

/// What stands follows from changes and settlements.
fn agrees(core: &mut Core) {
    assert_eq!(core.check(false, now()).unwrap().differences, Vec::<String>::new());
}

fn figure(operator: &str, people: i64, requests: i64, apart: bool) -> (String, i64, i64, bool) {
    (operator.to_owned(), people, requests, apart)
}

#[test]
fn a_settled_fact_counts_or_does_not_and_a_rebuild_keeps_it_so() {
    for (verdict, expected) in
        [(Verdict::Count, vec![figure("NEWCOMER", 2, 3, false)]), (Verdict::LeaveOut, Vec::new())]
    {
        let mut core = greeted();
        push(&mut core, 1, &[vec![fact(1, 0, ODD)]]);
        assert_eq!(figures(&core), [figure("NEWCOMER", 2, 3, true)]);
        let id = listed(&core)[0].id.clone();
        assert!(settle(&mut core, &id, verdict));
        assert_eq!((figures(&core), listed(&core).len()), (expected.clone(), 0));
        agrees(&mut core);
        // Said again, or typed otherwise, it is the same.
        assert!(!settle(&mut core, &id.to_uppercase().replace('-', " "), verdict));
        core.connection().execute_batch("DELETE FROM visits; DELETE FROM flagged").unwrap();
        core.check(true, now()).unwrap();
        assert_eq!((figures(&core), listed(&core).len()), (expected, 0));
        // And decided otherwise, it is otherwise.
        let other = if verdict == Verdict::Count { Verdict::LeaveOut } else { Verdict::Count };
        assert!(settle(&mut core, &id, other));
        assert_eq!(figures(&core).len(), usize::from(other == Verdict::Count));
        agrees(&mut core);
    }
}

#[test]
fn a_correction_is_put_before_a_person_anew() {
    let mut core = greeted();
    push(&mut core, 1, &[vec![fact(1, 0, ODD)]]);
    let id = listed(&core)[0].id.clone();
    settle(&mut core, &id, Verdict::LeaveOut);
    // Still odd, but something else is said.
    push(&mut core, 2, &[vec![fact(1, 1, "5|NEWCOMER|online|25-39|5")]]);
    assert_eq!(figures(&core), [figure("NEWCOMER", 5, 5, true)]);
    assert_eq!(listed(&core)[0].id, id, "the same tap keeps its name");
    agrees(&mut core);
    // Back to what was settled.
    push(&mut core, 3, &[vec![fact(1, 2, ODD)]]);
    assert_eq!((figures(&core), listed(&core).len()), (Vec::new(), 0));
    agrees(&mut core);
    // And mended.
    push(&mut core, 4, &[vec![fact(1, 3, "2|CNAF|online|25-39|3")]]);
    assert_eq!((figures(&core), listed(&core).len()), (vec![figure("CNAF", 2, 3, false)], 0));
    agrees(&mut core);
}

#[test]
fn a_new_doubt_about_a_settled_fact_is_put_before_a_person_anew() {
    let mut core = greeted();
    push(&mut core, 1, &[vec![fact(1, 0, ODD)]]);
    let id = listed(&core)[0].id.clone();
    settle(&mut core, &id, Verdict::Count);
    retire(&mut core, "2026-11-01", Life::Retired);
    assert_eq!(listed(&core)[0].reasons, ["operator", "retired"]);
    assert_eq!(figures(&core), [figure("NEWCOMER", 2, 3, true)]);
    settle(&mut core, &id, Verdict::Count);
    assert_eq!((figures(&core), listed(&core).len()), (vec![figure("NEWCOMER", 2, 3, false)], 0));
    agrees(&mut core);
}

#[test]
fn a_database_of_the_layout_before_is_folded_anew_once() {
    use crate::store::chains::{self, Accepted, Doc};
    use crate::store::{MIGRATIONS, meta};
    let conn = Connection::open_in_memory().unwrap();
    let conn = msap_shared::io::store::prepare(conn, &PathBuf::from("memory"), &MIGRATIONS[..9]).unwrap();
    sites::insert_unknown(&conn, &"275".parse().unwrap()).unwrap();
    let (name, writer, day) = (DOCUMENT.parse().unwrap(), WriterId::new([1; 16]), "2026-11-20".parse().unwrap());
    let doc = Doc { row: chains::document_row_or_new(&conn, &name).unwrap(), name: &name };
    let built = extend(&writer, None, &[fact(1, 0, ODD), fact(2, 0, "1|CNAF|online|25-39|1")]);
    chains::append(&conn, doc, &writer, None, &[&built], Accepted { day, commit: 1 }).unwrap();
    let chain = chains::chain(&conn, doc.row, &writer).unwrap();
    let corrected = extend(&writer, Some(&built.tip), &[fact(2, 1, "1|MSA|online|25-39|1")]);
    chains::append(&conn, doc, &writer, chain.as_ref(), &[&corrected], Accepted { day, commit: 2 }).unwrap();
    let decided = "INSERT INTO settlement (document, tap, day, value, doubts, verdict, reason, at)
                   VALUES (?1, ?2, 17, ?3, 'operator', 'count', 'vu', 1795000000)";
    conn.execute(decided, (DOCUMENT, [1_u8; 8], ODD)).unwrap();

    let store = Store::over(conn, PathBuf::from("memory"), None, fresh()).unwrap();
    let mut core = Core::new(store, "Europe/Paris".parse().unwrap(), Revocations::default());
    assert_eq!(figures(&core), [figure("MSA", 1, 1, false), figure("NEWCOMER", 2, 3, false)]);
    let sum = |sql: &str| core.connection().query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(sum("SELECT sum(requests) FROM site_day"), 4);
    assert_eq!(sum("SELECT sum(requests) FROM department_month WHERE help = ''"), 4);
    assert_eq!(sum("SELECT sum(abs(requests)) FROM revision"), 2);
    assert!(!meta::views_due(core.connection()).unwrap());
    agrees(&mut core);
}

#[test]
fn what_comes_and_is_corrected_in_one_commit_is_told_the_same_in_any_order() {
    let (tap, correction) = (fact(1, 0, "3|CNAF|online|25-39|3"), fact(1, 1, "1|CNAF|online|25-39|1"));
    for writers in [[1, 2], [2, 1]] {
        let mut core = greeted();
        // The chains are folded anew in the order in which they began.
        let [first, second] = [[fact(8, 0, "1|MSA|online|25-39|1")], [fact(9, 0, "1|MSA|online|25-39|1")]];
        let of = |core: &mut Core, writer, facts: &[(String, String)], next: &(String, String)| {
            let mut both = pushes(writer, &[facts.to_vec(), vec![next.clone()]]);
            let next = both.pop().unwrap();
            give(core, Frame::Push(both.pop().unwrap()));
            Input::Frame(ConnId::new(1), Frame::Push(next))
        };
        let frames = [of(&mut core, writers[0], &first, &tap), of(&mut core, writers[1], &second, &correction)];
        let inputs = [Input::Drained(ConnId::new(1))].into_iter().chain(frames).collect();
        core.turn(inputs, now()).unwrap();
        assert_eq!(figures(&core), [figure("CNAF", 1, 1, false), figure("MSA", 2, 2, false)]);
        let revisions = "SELECT count(*) FROM revision";
        assert_eq!(core.connection().query_row(revisions, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
        agrees(&mut core);
        // In a later commit it is one.
        push(&mut core, 3, &[vec![fact(1, 2, "2|CNAF|online|25-39|2")]]);
        assert_eq!(core.connection().query_row(revisions, [], |row| row.get::<_, i64>(0)).unwrap(), 1);
        agrees(&mut core);
    }
}

fn retire(core: &mut Core, from: &str, life: Life) {
    let (from, today) = (Since::named(from.parse().unwrap()), "2026-11-20".parse().unwrap());
    core.store()
        .write(|conn, _| {
            let site = sites::find(conn, &"275".parse().unwrap())?.unwrap().0;
            sites::set_life(conn, &site, life, from, today)
        })
        .unwrap();
}

#[test]
fn a_visit_after_the_last_day_is_taken_and_flagged_whichever_comes_first() {
    let mut core = greeted();
    push(&mut core, 1, &[vec![fact(1, 0, "1|CNAF|online|25-39|1")]]);
    let apart = |core: &Core| figures(core).iter().map(|figure| figure.3).collect::<Vec<_>>();
    assert_eq!(apart(&core), [false]);
    // The facts are of the 17th.
    retire(&mut core, "2026-11-17", Life::Retired);
    assert_eq!((apart(&core), listed(&core)[0].reasons.clone()), (vec![true], vec!["retired".to_owned()]));
    push(&mut core, 2, &[vec![fact(2, 0, "1|CNAF|online|25-39|1")]]);
    assert_eq!(figures(&core), [figure("CNAF", 2, 2, true)]);
    agrees(&mut core);
    retire(&mut core, "2026-11-18", Life::Retired);
    retire(&mut core, "2026-11-17", Life::Open);
    assert_eq!((figures(&core), listed(&core).len()), (vec![figure("CNAF", 2, 2, false)], 0));
    agrees(&mut core);
    // Its machine is let in all the same, and what it holds is taken.
    retire(&mut core, "2026-11-01", Life::Retired);
    push(&mut core, 3, &[vec![fact(3, 0, "1|CNAF|online|25-39|1")]]);
    assert_eq!(figures(&core), [figure("CNAF", 3, 3, true)]);
}

fn refusals_of(core: &Core) -> Vec<i64> {
    let filter = RefusedFilter { limit: 10_000, ..RefusedFilter::default() };
    refusals::list(core.connection(), &filter).unwrap().iter().map(|row| row.n).collect()
}

fn refuse(core: &mut Core, writer: u8) {
    let push = pushes(writer, &[vec![fact(1, 0, "many")]]).remove(0);
    give(core, Frame::Push(push));
}

#[test]
fn a_settled_refusal_leaves_the_list_and_does_not_come_back() {
    let mut core = greeted();
    for writer in [1, 2, 1] {
        refuse(&mut core, writer);
    }
    assert_eq!(refusals_of(&core), [2, 1]);
    assert!(refusals::settle(core.connection(), 1).unwrap());
    assert!(!refusals::settle(core.connection(), 1).unwrap());
    refuse(&mut core, 1);
    assert_eq!(refusals_of(&core), [2]);
    assert!(refusals::find(core.connection(), 1).unwrap().unwrap().settled);
}

#[test]
fn the_refusals_of_a_device_have_a_bound_and_settling_makes_room() {
    let mut core = greeted();
    refuse(&mut core, 1);
    let more = "WITH RECURSIVE n(n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM n WHERE n < ?1)
        INSERT INTO refusal (document, site, device, writer, seq, hash, reason, day)
        SELECT r.document, r.site, r.device, r.writer, n.n, r.hash, r.reason, r.day FROM refusal r, n";
    core.connection().execute(more, [refusals::PER_DEVICE_MAX - 1]).unwrap();
    for (writer, expected) in [(2, refusals::PER_DEVICE_MAX), (3, refusals::PER_DEVICE_MAX)] {
        refuse(&mut core, writer);
        assert_eq!(refusals_of(&core).len(), expected as usize);
    }
    refusals::settle(core.connection(), 1).unwrap();
    refuse(&mut core, 4);
    let kept: u32 = core.connection().query_row("SELECT count(*) FROM refusal", [], |row| row.get(0)).unwrap();
    assert_eq!((refusals_of(&core).len(), kept), (refusals::PER_DEVICE_MAX as usize, refusals::PER_DEVICE_MAX));
}

#[test]
fn a_figure_below_zero_is_listed_until_it_is_corrected_and_cannot_be_settled() {
    let mut core = greeted();
    push(&mut core, 1, &[vec![fact(1, 0, "1|CNAF|online|25-39|1")]]);
    // Two desks took the same visit away.
    push(&mut core, 2, &[vec![fact(2, 0, "-1|CNAF|online|25-39|-1")]]);
    let list = |core: &Core, reason: Option<&str>| {
        let reason = reason.map(str::to_owned);
        flagged::list(core.connection(), &FlaggedFilter { reason, limit: 10, ..FlaggedFilter::default() }).unwrap()
    };
    assert!(list(&core, None).is_empty());
    push(&mut core, 3, &[vec![fact(3, 0, "-1|CNAF|online|25-39|-1")]]);
    let found = list(&core, None);
    assert_eq!(found, list(&core, Some("negative")));
    assert!(list(&core, Some("day")).is_empty());
    let [row] = found.try_into().unwrap();
    assert_eq!(row.standing.as_ref().unwrap().value, "-1|CNAF|online|25-39|-1");
    assert_eq!(
        (row.reasons.as_slice(), row.day().unwrap().to_string().as_str()),
        (&["negative".to_owned()][..], "2026-11-17")
    );
    assert_eq!(flagged::named(core.connection(), &row.id).unwrap(), std::slice::from_ref(&row));
    let after = |after: Option<(String, TapName)>| {
        let filter = FlaggedFilter { after, limit: 10, ..FlaggedFilter::default() };
        flagged::list(core.connection(), &filter).unwrap().len()
    };
    assert_eq!(after(Some((DOCUMENT.to_owned(), row.tap))), 0, "a page goes on after it");
    let of = |site: &str| {
        let site = Some(site.parse().unwrap());
        flagged::list(core.connection(), &FlaggedFilter { site, limit: 10, ..FlaggedFilter::default() }).unwrap().len()
    };
    assert_eq!((of("275"), of("361")), (1, 0));
    push(&mut core, 4, &[vec![fact(3, 1, "0|CNAF|online|25-39|0")]]);
    assert!(list(&core, None).is_empty());
}
