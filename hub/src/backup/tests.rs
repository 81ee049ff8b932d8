//! Claims about backups, over databases on disk.

use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;
use msap_shared::chain::{Run, Tip, extend};
use msap_shared::id::{DeviceId, TapName, WriterId};
use msap_shared::io::store::prepare;
use msap_shared::session::hub::HubReplica as _;
use rusqlite::Connection;
use tempfile::TempDir;

use super::restore::Beside;
use super::*;
use crate::keys::Keys;
use crate::replica::Replica;
use crate::store::{FILE_NAME, MIGRATIONS, Store, journal, meta, network, sites};

fn now() -> Timestamp {
    "2026-11-22T09:00:00Z".parse().unwrap()
}

fn silent() -> impl FnMut(Progress) -> Result<(), Stopped> {
    |_| Ok(())
}

/// A data directory with keys.
struct Place {
    dir: TempDir,
    keys: Keys,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let keys = Keys::open_or_create(&dir.path().join("keys"), false).unwrap();
        Self { dir, keys }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn database(&self) -> PathBuf {
        self.path(FILE_NAME)
    }

    fn store(&self) -> Store {
        Store::open(self.dir.path(), None, Box::new(rand::random::<[u8; 16]>)).unwrap()
    }

    fn back_up(&self, name: &str, overwrite: Overwrite) -> Result<Made, BackupError> {
        make(&self.database(), &self.path(name), overwrite, &mut silent())
    }

    fn restore(&self, name: &str) -> Result<restore::Restored, BackupError> {
        restore::restore(&self.path(name), self.dir.path(), (&self.keys, Beside::ItsKeys), &mut silent(), now())
    }
}

/// One visit more, by a writer of this number.
fn count(store: &mut Store, writer: u8, tip: &mut Option<Tip>) {
    let site = "275".parse().unwrap();
    let writer = WriterId::new([writer; 16]);
    let tap = tip.map_or(1, |tip| tip.seq + 1);
    let name = TapName::new((tap << 8 | u64::from(writer.as_bytes()[0])).to_be_bytes());
    let facts = vec![(format!("17|{name}|0"), "1|CNAF|online|25-39|1".to_owned())];
    let next = extend(&writer, tip.as_ref(), &facts).tip;
    let run = Run { writer, first_seq: next.seq, changes: vec![facts], last_hash: next.hash };
    *tip = Some(next);
    let document = "site/275/visits/2026-11".parse().unwrap();
    store
        .write(|conn, turn| {
            sites::insert_unknown(conn, &site)?;
            let today = "2026-11-20".parse().unwrap();
            Replica::writing(conn, turn, &site, DeviceId::new([1; 8]), (now(), today)).take(&document, run)?;
            Ok::<_, StoreError>(())
        })
        .unwrap();
}

fn filled(place: &Place, visits: u64) -> Store {
    let mut store = place.store();
    let mut tip = None;
    (0..visits).for_each(|_| count(&mut store, 1, &mut tip));
    store
}

#[test]
fn a_backup_made_while_the_hub_writes_is_whole_and_of_one_moment() {
    let place = Place::new();
    let mut store = filled(&place, 50);
    let before = store.now().mark.commit;
    let (writing, done) = (AtomicBool::new(false), AtomicBool::new(false));
    let made = std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut tip = None;
            while !done.load(Ordering::Relaxed) {
                count(&mut store, 2, &mut tip);
                writing.store(true, Ordering::Relaxed);
            }
        });
        while !writing.load(Ordering::Relaxed) {
            std::thread::yield_now();
        }
        let made = place.back_up("copie.db", Overwrite::Never);
        done.store(true, Ordering::Relaxed);
        made.unwrap()
    });
    let Contents { commit, changes, .. } = made.contents;
    assert!(before < commit && commit < store.now().mark.commit, "{commit}");
    // One change a commit, and one commit that began the epoch.
    assert_eq!(changes, commit - 1);
    let left: Vec<_> = std::fs::read_dir(place.dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().contains(".part")), "{left:?}");
    assert!(!place.path("copie.db-wal").exists());
}

#[test]
fn a_name_that_is_taken_is_left_alone_unless_asked() {
    let place = Place::new();
    drop(filled(&place, 1));
    std::fs::write(place.path("autre"), "notes").unwrap();
    let error = place.back_up("autre", Overwrite::Never).unwrap_err();
    assert_eq!((error.exit(), std::fs::read(place.path("autre")).unwrap()), (Exit::Invalid, b"notes".to_vec()));
    assert_eq!(place.back_up("autre", Overwrite::Asked).unwrap().contents.changes, 1);
    for (name, exit) in [
        (FILE_NAME, Exit::Invalid),
        ("hub.db-wal", Exit::Invalid),
        ("keys/../hub.db", Exit::Invalid),
        ("keys", Exit::Invalid),
        ("nulle/part.db", Exit::NotFound),
    ] {
        assert_eq!(place.back_up(name, Overwrite::Asked).unwrap_err().exit(), exit, "{name}");
    }
    let error = place.back_up("nulle/part.db", Overwrite::Never).unwrap_err();
    let folder = place.path("nulle");
    assert_eq!(
        error.say(Lang::Fr),
        format!("le dossier {} n’existe pas : créez-le, ou donnez-en un autre", folder.display())
    );
    assert_eq!(place.back_up("encore", Overwrite::Never).unwrap().contents.changes, 1);
}

#[test]
fn what_does_not_read_back_is_no_backup_and_replaces_none() {
    let place = Place::new();
    let store = filled(&place, 3);
    place.back_up("bonne", Overwrite::Never).unwrap();
    let good = std::fs::read(place.path("bonne")).unwrap();
    for damage in [
        "UPDATE change SET bytes = zeroblob(9) WHERE seq = 2",
        "UPDATE change SET hash = zeroblob(32) WHERE seq = 2",
        "DELETE FROM change WHERE seq = 2",
        "UPDATE chain SET seq = 2",
        "UPDATE visits SET people = people + 1",
        "DELETE FROM fact",
        "PRAGMA foreign_keys = OFF; DELETE FROM site",
    ] {
        let conn = store.connection();
        conn.execute_batch(&format!("SAVEPOINT damage; {damage}")).unwrap();
        conn.execute_batch("RELEASE damage").unwrap();
        let error = place.back_up("bonne", Overwrite::Asked).unwrap_err();
        assert_eq!(error.exit(), Exit::Damaged, "{damage}: {error}");
        assert_eq!(std::fs::read(place.path("bonne")).unwrap(), good, "{damage}");
        // Whole again. A site that is put in begins a span of its own.
        let tables = ["flagged", "visits", "closing", "fact", "change", "chain", "document", "site_alias", "site"];
        conn.execute_batch("DELETE FROM site_span").unwrap();
        for table in tables.into_iter().chain(["site_span"]) {
            let copy = format!("DELETE FROM {table}; INSERT INTO {table} SELECT * FROM good.{table}");
            conn.execute_batch(&format!(
                "PRAGMA foreign_keys = OFF; ATTACH '{}' AS good; {copy}; DETACH good",
                place.path("bonne").display()
            ))
            .unwrap();
        }
    }
    place.back_up("bonne", Overwrite::Asked).unwrap();
}

#[test]
fn a_restored_backup_begins_an_epoch_and_what_stood_there_is_kept() {
    let place = Place::new();
    let mut store = filled(&place, 3);
    let old = store.now();
    place.back_up("hier.db", Overwrite::Never).unwrap();
    let mut tip = None;
    count(&mut store, 9, &mut tip);
    // As a hub that was killed leaves it: with a log.
    std::mem::forget(store);
    assert!(place.path("hub.db-wal").metadata().unwrap().len() > 0);

    let restored = place.restore("hier.db").unwrap();
    assert_eq!((restored.contents.changes, restored.contents.commit), (3, old.mark.commit));
    assert_ne!(restored.new_epoch, old.epoch.to_string());
    assert!(!place.path("hub.db-wal").exists() && !place.path("hub.db-shm").exists());
    let witness = place.keys.read_witness().unwrap().unwrap();
    assert_eq!(witness.epoch.to_string(), restored.new_epoch);
    // The one set aside is whole, with what only its log knew.
    let aside = restored.set_aside.unwrap();
    assert_eq!(verify(&aside, &mut silent()).unwrap().changes, 4);

    let witnessed = crate::store::Witnessed { epoch: witness.epoch, mark: witness.mark };
    let store = Store::open(place.dir.path(), Some(witnessed), Box::new(rand::random::<[u8; 16]>)).unwrap();
    assert_eq!(store.now().epoch, witness.epoch, "no further epoch at the next start");
    let journal = journal::list(store.connection(), 0, 10).unwrap();
    assert_eq!((journal[0].action.as_str(), journal[0].subject.as_str()), ("backup.restore", "hier.db"));
    drop(store);
    // Again in the same second: nothing that was set aside is lost.
    let again = place.restore("hier.db").unwrap();
    assert_ne!(again.set_aside.unwrap(), aside);
    assert!(aside.exists());
}

#[test]
fn a_damaged_newer_or_missing_backup_leaves_everything_as_it_was() {
    let place = Place::new();
    drop(filled(&place, 30));
    place.back_up("bonne", Overwrite::Never).unwrap();
    let (good, live) = (std::fs::read(place.path("bonne")).unwrap(), std::fs::read(place.database()).unwrap());
    let listing = || {
        let names = std::fs::read_dir(place.dir.path()).unwrap().map(|entry| entry.unwrap().file_name());
        names.collect::<std::collections::BTreeSet<_>>()
    };
    std::fs::write(place.path("essai"), "").unwrap();
    let before = listing();
    let mut files: Vec<(String, Vec<u8>)> = vec![
        ("empty".into(), Vec::new()),
        ("text".into(), b"not a database".to_vec()),
        ("half".into(), good[..good.len() / 2].to_vec()),
        ("one page short".into(), good[..good.len() - 4_096].to_vec()),
    ];
    // The beginning of every page: what it is and where its cells are.
    for page in 0..good.len() / 4_096 {
        let mut flipped = good.clone();
        flipped[page * 4_096..page * 4_096 + 16].iter_mut().for_each(|byte| *byte ^= 0xff);
        files.push((format!("page {page}"), flipped));
    }
    for (what, bytes) in files {
        std::fs::write(place.path("essai"), bytes).unwrap();
        let error = place.restore("essai").unwrap_err();
        assert_eq!(error.exit(), Exit::Damaged, "{what}: {error}");
        assert!(error.say(Lang::Fr).contains("rien n’a été changé"), "{what}");
        assert_eq!(std::fs::read(place.database()).unwrap(), live, "{what}");
        assert_eq!(listing(), before, "{what}");
    }
    std::fs::write(place.path("essai"), &good).unwrap();
    Connection::open(place.path("essai")).unwrap().pragma_update(None, "user_version", 9_999).unwrap();
    assert!(matches!(place.restore("essai").unwrap_err(), BackupError::Newer(_)));
    assert_eq!(place.restore("nulle part").unwrap_err().exit(), Exit::NotFound);
    let error = place.restore("keys").unwrap_err();
    assert!(error.exit() == Exit::Invalid && error.say(Lang::Fr).contains("est un dossier"), "{error}");
    assert_eq!(place.restore(FILE_NAME).unwrap_err().exit(), Exit::Invalid);
    assert_eq!(std::fs::read(place.database()).unwrap(), live);
}

#[test]
fn an_exchange_that_was_cut_off_is_ended_by_whoever_comes_next() {
    // Files as they are after each step.
    let steps: [&[(&str, &str)]; 4] = [
        &[("hub.db", "old"), ("hub.db-wal", "log"), ("hub.db-shm", "index")],
        &[("hub.db", "old"), ("hub.db.before-S-wal", "log"), ("hub.db-shm", "index")],
        &[("hub.db", "old"), ("hub.db.before-S-wal", "log"), ("hub.db.before-S-shm", "index")],
        &[("hub.db.before-S", "old"), ("hub.db.before-S-wal", "log"), ("hub.db.before-S-shm", "index")],
    ];
    for files in steps {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        std::fs::write(dir.path().join("hub.db.restored-S"), "new").unwrap();
        let before = dir.path().join("hub.db.before-S");
        assert_eq!(restore::finish(dir.path()).unwrap(), Some(before.clone()));
        assert_eq!(restore::finish(dir.path()).unwrap(), None);
        let read = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap();
        let found = [read("hub.db"), read("hub.db.before-S"), read("hub.db.before-S-wal")];
        assert_eq!(found, ["new", "old", "log"]);
        assert!(!dir.path().join("hub.db-wal").exists() && !dir.path().join("hub.db-shm").exists());
    }
}

#[test]
fn a_backup_of_an_older_version_is_one() {
    let place = Place::new();
    let older = Connection::open(place.path("ancienne")).unwrap();
    let older = prepare(older, &place.path("ancienne"), &MIGRATIONS[..1]).unwrap();
    meta::set_epoch(&older, msap_shared::id::Epoch::new([3; 16])).unwrap();
    drop(older);
    let contents = verify(&place.path("ancienne"), &mut silent()).unwrap();
    assert_eq!(contents.layout, 1);
    assert_eq!(meta::layout(&Connection::open(place.path("ancienne")).unwrap()).unwrap(), 1);
    assert_eq!(place.restore("ancienne").unwrap().contents.layout, 1);
    assert_eq!(verify(&place.database(), &mut silent()).unwrap().layout as usize, MIGRATIONS.len());
}

#[test]
fn the_backup_of_another_network_is_refused_unless_its_keys_are_lost_for_good() {
    let (place, other) = (Place::new(), Place::new());
    let mut store = filled(&place, 2);
    store.write(|conn, _| network::set_keys(conn, &place.keys.identity())).unwrap();
    drop(store);
    place.back_up("hier.db", Overwrite::Never).unwrap();
    drop(filled(&other, 1));
    let live = std::fs::read(other.database()).unwrap();
    let restore = |beside| {
        restore::restore(&place.path("hier.db"), other.dir.path(), (&other.keys, beside), &mut silent(), now())
    };
    let error = restore(Beside::ItsKeys).unwrap_err();
    let told = error.say(Lang::Fr);
    assert_eq!(error.exit(), Exit::Invalid);
    for key in [place.keys.identity()[0], other.keys.identity()[0]] {
        assert!(told.contains(&key.to_string()), "{told}");
    }
    assert!(told.contains("--other-keys") && told.contains("rien n’a été changé"), "{told}");
    assert_eq!(std::fs::read(other.database()).unwrap(), live);
    // Its own keys are the same after a rotation.
    place.keys.rotate().unwrap();
    place.keys.finish_rotation().unwrap();
    place.restore("hier.db").unwrap();
    restore(Beside::OtherKeys).unwrap();
    let conn = crate::store::reader(&other.database()).unwrap();
    assert_eq!(network::keys(&conn).unwrap(), other.keys.identity());
}
