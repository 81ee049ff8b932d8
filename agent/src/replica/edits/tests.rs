use std::path::Path;

use msap_shared::frame::{Refused, Version};
use msap_shared::id::DeviceId;
use msap_shared::io::store::verify::verify;
use msap_shared::session::site::SiteReplica as _;
use rusqlite::Connection;

use super::*;
use crate::replica::{Fresh, NoCredentials};
use crate::store::{MIGRATIONS, Profile, prepare, retire::aside_count};

struct Machine {
    conn: Connection,
    writer: WriterId,
    fresh: Fresh,
    credentials: NoCredentials,
}

fn document() -> DocId {
    "site/275/schedule".parse().unwrap()
}

impl Machine {
    fn new(load: u8) -> Self {
        let conn = prepare(Connection::open_in_memory().unwrap(), Path::new("memory"), &MIGRATIONS).unwrap();
        let profile = Profile {
            site: "275".parse().unwrap(),
            site_name: "Chemillé".into(),
            timezone: "Europe/Paris".parse().unwrap(),
            device: DeviceId::new([7; 8]),
            label: "Accueil 1".into(),
            hub: "hub.exemple.fr:4433".into(),
        };
        meta::set_profile(&conn, &profile).unwrap();
        let mut n = 0;
        let fresh: Fresh = Box::new(move || {
            n += 1;
            let mut bytes = [load; 16];
            bytes[0] = 100 + n;
            bytes
        });
        Self { conn, writer: WriterId::new([load; 16]), fresh, credentials: NoCredentials }
    }

    fn replica(&mut self) -> Replica<'_> {
        let Self { conn, writer, fresh, credentials } = self;
        Replica { conn, writer, fresh, credentials }
    }

    fn set(&mut self, key: &str, value: &str) -> Edited {
        self.replica().edit(DocKind::Schedule, &[(key.to_owned(), value.to_owned())]).unwrap()
    }

    fn edits(&self) -> Vec<Edit> {
        let row = chains::document_row(&self.conn, &document()).unwrap().unwrap();
        registers::changes(&self.conn, row).unwrap().iter().map(|kept| kept.edit().unwrap()).collect()
    }

    fn shows(&self, key: &str) -> Vec<String> {
        let values = registers::values(&self.conn, &document()).unwrap();
        values.into_iter().find(|(found, _)| found == key).map(|(_, values)| values).unwrap_or_default()
    }

    fn refuse(&mut self, edit: &Edit) {
        let refused = Refused::new(document(), Version::of_edit(edit), edit.seq, Refusal::Setting);
        self.replica().retire(&refused).unwrap();
    }

    /// What is kept holds, and Automerge reads the same.
    fn verify(&self) {
        let row = chains::document_row(&self.conn, &document()).unwrap().unwrap();
        assert_eq!(verify(&self.conn, Doc { row, name: &document() }).unwrap().problems, Vec::<String>::new());
    }
}

#[test]
fn an_edit_is_kept_once_and_what_a_document_does_not_admit_not_at_all() {
    let mut machine = Machine::new(1);
    assert_eq!(machine.set("week|mon", "open"), Edited::Kept);
    assert_eq!(machine.set("week|mon", "open"), Edited::Nothing);
    assert_eq!(machine.set("week|\n", "open"), Edited::Refused(Refusal::Setting));
    let twice = [("a".to_owned(), "1".to_owned()), ("a".to_owned(), "2".to_owned())];
    assert_eq!(machine.replica().edit(DocKind::Schedule, &twice).unwrap(), Edited::Refused(Refusal::Repeated));
    assert_eq!((machine.edits().len(), machine.shows("week|mon")), (1, vec!["open".to_owned()]));
    machine.verify();
}

#[test]
fn values_set_apart_all_stand_until_somebody_settles_them() {
    let (mut here, mut there) = (Machine::new(1), Machine::new(2));
    here.set("week|mon", "9-12");
    there.set("week|mon", "14-17");
    assert!(here.replica().adopt_edits(&document(), there.edits()).unwrap());
    assert_eq!(here.shows("week|mon"), ["9-12", "14-17"]);
    here.verify();
    here.set("week|mon", "9-17");
    assert!(there.replica().adopt_edits(&document(), here.edits()).unwrap());
    assert_eq!((here.shows("week|mon"), there.shows("week|mon")), (vec!["9-17".to_owned()], vec!["9-17".to_owned()]));
    there.verify();
}

#[test]
fn an_edit_whose_past_is_missing_is_not_kept() {
    let (mut here, mut there) = (Machine::new(1), Machine::new(2));
    here.set("week|mon", "1");
    here.set("week|mon", "2");
    let edits = here.edits();
    assert!(!there.replica().adopt_edits(&document(), edits[1..].to_vec()).unwrap());
    assert!(there.edits().is_empty());
    assert!(there.replica().adopt_edits(&document(), edits).unwrap());
    assert_eq!(there.shows("week|mon"), ["2"]);
}

#[test]
fn a_refused_edit_goes_with_all_that_follow_it_and_what_they_say_is_entered_again() {
    let (mut here, mut there) = (Machine::new(1), Machine::new(2));
    here.set("week|mon", "1");
    here.set("week|tue", "1");
    here.set("week|mon", "2");
    there.set("week|tue", "beside");
    here.replica().adopt_edits(&document(), there.edits()).unwrap();
    let before = here.edits();
    here.refuse(before.iter().find(|edit| edit.writer == WriterId::new([1; 16])).unwrap());
    let after = here.edits();
    assert!(after.iter().all(|edit| edit.writer != WriterId::new([1; 16])), "{after:?}");
    assert_eq!(here.shows("week|mon"), ["2"]);
    // The value that its author had not seen still stands beside it.
    let mut tuesday = here.shows("week|tue");
    tuesday.sort();
    assert_eq!(tuesday, ["1", "beside"]);
    here.verify();
}

#[test]
fn a_value_that_another_holder_has_said_again_is_not_said_twice() {
    let (mut here, mut there) = (Machine::new(1), Machine::new(2));
    here.set("week|mon", "1");
    let refused = here.edits().remove(0);
    there.replica().adopt_edits(&document(), here.edits()).unwrap();
    here.refuse(&refused);
    // Somebody has seen it since, and replaced it.
    here.set("week|mon", "later");
    there.replica().adopt_edits(&document(), here.edits()).unwrap();
    there.refuse(&refused);
    assert_eq!(there.shows("week|mon"), ["later"]);
    assert_eq!(there.edits(), here.edits());
}

#[test]
fn a_fact_refused_three_times_is_set_aside_and_the_others_go_on() {
    let mut machine = Machine::new(1);
    machine.set("week|mon", "bad");
    for _ in 0..retire::REFUSALS_MAX {
        let edit = machine.edits().remove(0);
        machine.refuse(&edit);
    }
    assert!(machine.edits().is_empty() && aside_count(&machine.conn).unwrap() == 1);
    assert_eq!(machine.set("week|tue", "good"), Edited::Kept);
    machine.verify();
}

#[test]
fn where_the_hub_holds_another_edit_under_a_number_the_hubs_stands() {
    let (mut here, mut copy) = (Machine::new(1), Machine::new(1));
    here.set("week|mon", "hub");
    copy.set("week|mon", "own");
    copy.set("week|tue", "own");
    assert!(copy.replica().adopt_edits(&document(), here.edits()).unwrap());
    let mut monday = copy.shows("week|mon");
    monday.sort();
    assert_eq!((monday, copy.shows("week|tue")), (vec!["hub".to_owned(), "own".to_owned()], vec!["own".to_owned()]));
    assert_ne!(copy.writer, WriterId::new([1; 16]));
    copy.verify();
}
