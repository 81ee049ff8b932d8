//! What devices are sent that the hub alone decides, asked of a core in memory.

use std::path::PathBuf;

use jiff::Timestamp;
use msap_shared::frame::{Frame, Hello};
use msap_shared::id::{Digest32, SessionToken};
use msap_shared::io::certificate::{Key, is_issued_by, read_device};
use msap_shared::reference::from_bytes;
use msap_shared::schedule::calendar::{PublicYear, SchoolYear};

use super::*;
use crate::accept::ConnId;
use crate::catalogue::{self, CatalogueFile};
use crate::core::{Core, Input, Output, Revocations};
use crate::lang::Lang;
use crate::store::{Store, references, sites};

struct Hub {
    _dir: tempfile::TempDir,
    keys: Arc<Keys>,
    core: Core,
    device: Key,
}

const NONE: [u32; 0] = [];

fn now() -> Timestamp {
    "2026-11-20T11:00:00Z".parse().unwrap()
}

fn site() -> SiteId {
    "275".parse().unwrap()
}

impl Hub {
    /// A hub with one site, known by name or only from a certificate.
    fn new(name: Option<&str>, intact: bool) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let keys = Arc::new(Keys::open_or_create(dir.path(), false).unwrap());
        let conn = Connection::open_in_memory().unwrap();
        let store = Store::over(conn, PathBuf::from("memory"), None, Box::new(rand::random::<[u8; 16]>)).unwrap();
        let core = Core::new(store, crate::ask::hub_zone(), Revocations { intact, ..Revocations::default() });
        let mut core = core.with(Sources::new(keys.clone(), "hub.exemple.fr:4433", Terms::default()));
        let set = |conn: &Connection| {
            sites::insert_unknown(conn, &site())?;
            if let Some(name) = name {
                let sql = "UPDATE site SET name = ?1, commune = 'Chemillé', department = '49', region = '52',
                           holiday_zone = 'metropole', school_zone = 'B'";
                conn.execute(sql, [name]).unwrap();
            }
            Ok::<_, StoreError>(())
        };
        core.store().write(|conn, _| set(conn)).unwrap();
        Self { _dir: dir, keys, core, device: Key::generate().unwrap() }
    }

    fn references(outputs: Vec<Output>) -> Vec<Reference> {
        let sent = outputs.into_iter().filter_map(|output| match output {
            Output::Send(_, Frame::Reference(reference)) => Some(reference),
            _ => None,
        });
        sent.collect()
    }

    fn hello(&mut self, conn: u64, held: Option<Vec<Held>>) -> Vec<Reference> {
        let hello = Hello {
            protocol_min: 1,
            protocol_max: 1,
            app: String::new(),
            token_prev: None,
            token_next: SessionToken::new([1; 16]),
            clock_ms: 0,
            epoch: None,
            seen: None,
            digest: Digest32::new([0; 32]),
            offers: false,
            references: held,
            tried: None,
            waiting: None,
            oldest_waiting_day: None,
        };
        let conn = ConnId::new(conn);
        let opened = Input::Opened { conn, fingerprint: self.device.fingerprint(), site: site(), transport: "quic" };
        Self::references(self.core.turn(vec![opened, Input::Frame(conn, Frame::Hello(hello))], now()).unwrap())
    }

    fn answer(&mut self, conn: u64, reference: &Reference, hash: Digest32, value: Vec<u8>) -> Vec<Reference> {
        let conn = ConnId::new(conn);
        let answer = Frame::Reference(Reference { hash, value, ..reference.clone() });
        let inputs = vec![Input::Drained(conn), Input::Frame(conn, answer)];
        Self::references(self.core.turn(inputs, now()).unwrap())
    }

    fn lacking(&self) -> usize {
        references::lacking(self.core.connection(), AUTHORITIES, &self.keys.authorities_hash()).unwrap().len()
    }
}

fn kinds(references: &[Reference]) -> Vec<u32> {
    references.iter().map(|reference| reference.kind).collect()
}

#[test]
fn a_device_is_sent_what_differs_and_only_that() {
    let mut hub = Hub::new(Some("Maison"), true);
    assert_eq!(kinds(&hub.hello(1, None)), NONE, "an older device is sent nothing");
    let sent = hub.hello(2, Some(Vec::new()));
    assert_eq!(kinds(&sent), [AUTHORITIES, TERMS, PROFILE, 1_025, 1_026, 1_027, 1_125, 1_126, 1_127, CLOSURES]);
    assert_eq!(from_bytes(&sent[1].value), Some(Terms { partners_stale_after_days: 45 }));
    let profile: Profile = from_bytes(&sent[2].value).unwrap();
    assert_eq!((profile.site.name.as_str(), profile.address.as_str()), ("Maison", "hub.exemple.fr:4433"));
    assert_eq!(sent[2].epoch, Some(hub.core.now().epoch));
    let held: Vec<Held> = sent.iter().map(|reference| (reference.kind, reference.hash)).collect();
    assert_eq!(kinds(&hub.hello(3, Some(held.clone()))), NONE);
    let of_the_future = held.iter().copied().chain([(99, held[0].1)]).collect();
    assert_eq!(kinds(&hub.hello(4, Some(of_the_future))), NONE);
    hub.core
        .store()
        .write(|conn, _| Ok::<_, StoreError>(conn.execute("UPDATE site SET name = 'Autre'", []).unwrap()))
        .unwrap();
    assert_eq!(kinds(&hub.hello(5, Some(held))), [PROFILE]);
    let noted: i64 =
        hub.core.connection().query_row("SELECT count(*) FROM reference_held", [], |row| row.get(0)).unwrap();
    assert_eq!(noted, 10, "what is not known here is not noted");
}

#[test]
fn a_setting_that_machines_go_by_reaches_them_once_it_changes() {
    let mut hub = Hub::new(Some("Maison"), true);
    let held: Vec<Held> =
        hub.hello(1, Some(Vec::new())).iter().map(|reference| (reference.kind, reference.hash)).collect();
    let ten = Terms { partners_stale_after_days: 10 };
    hub.core = hub.core.with(Sources::new(hub.keys.clone(), "hub.exemple.fr:4433", ten));
    let sent = hub.hello(2, Some(held));
    assert_eq!((kinds(&sent), from_bytes(&sent[0].value)), (vec![TERMS], Some(ten)));
}

#[test]
fn whoever_is_in_session_hears_of_a_change_at_once() {
    let mut hub = Hub::new(Some("Maison"), true);
    hub.hello(1, Some(Vec::new()));
    hub.core.turn(vec![Input::Drained(ConnId::new(1))], now()).unwrap();
    hub.core.refer(now()).unwrap();
    assert_eq!(kinds(&Hub::references(hub.core.drain_outputs())), NONE);
    hub.keys.rotate().unwrap();
    hub.core.refer(now()).unwrap();
    assert_eq!(kinds(&Hub::references(hub.core.drain_outputs())), [AUTHORITIES]);
}

#[test]
fn calendars_and_closures_are_those_of_the_site_and_reach_whoever_is_in_session() {
    let mut hub = Hub::new(Some("Maison"), true);
    let sent = hub.hello(1, Some(Vec::new()));
    let of = |references: &[Reference], kind: u32| {
        references.iter().find(|reference| reference.kind == kind).map(|reference| reference.value.clone()).unwrap()
    };
    let public: PublicYear = from_bytes(&of(&sent, 1_026)).unwrap();
    assert_eq!((public.zone.as_str(), public.year, public.days.len()), ("metropole", 2_026, 11));
    let school: SchoolYear = from_bytes(&of(&sent, 1_127)).unwrap();
    assert_eq!((school.zone.as_str(), school.year), ("B", 2_027));
    assert_eq!(from_bytes::<Closures>(&of(&sent, CLOSURES)), Some(Closures::default()));

    let import = |hub: &mut Hub, text: &str| {
        let file = CatalogueFile { name: String::new(), text: text.to_owned() };
        let done = hub.core.store().write(|conn, _| {
            catalogue::plan(conn, &file, Lang::Fr)?.carry_out(conn, now())?;
            Ok::<_, catalogue::CatalogueError>(())
        });
        done.unwrap();
        // What was sent before has been written: more may follow.
        hub.core.turn(vec![Input::Drained(ConnId::new(1))], now()).unwrap();
        hub.core.refer(now()).unwrap();
        Hub::references(hub.core.drain_outputs())
    };
    let header = "from,to,reason,label,scope\n";
    let elsewhere = format!("{header}2026-11-23,2026-11-23,strike,Grève,department:61\n");
    assert_eq!(kinds(&import(&mut hub, &elsewhere)), NONE);
    let here = format!("{header}2026-11-24,2026-11-24,strike,Grève,region:52\n");
    let sent = import(&mut hub, &here);
    assert_eq!(kinds(&sent), [CLOSURES]);
    let closures = from_bytes::<Closures>(&sent[0].value).unwrap().read();
    assert_eq!(closures.iter().map(|closure| closure.id.as_str()).collect::<Vec<_>>(), ["region-52-2026-11-24"]);
    let sent = import(&mut hub, "holiday_zone,date,name\nmetropole,2027-06-21,Fête\n");
    assert_eq!(kinds(&sent), [1_027]);
    assert_eq!(from_bytes::<PublicYear>(&sent[0].value).unwrap().days.len(), 12);
}

#[test]
fn a_device_is_certified_by_the_new_authority_for_its_own_key_alone() {
    let mut hub = Hub::new(None, true);
    hub.keys.rotate().unwrap();
    let sent = hub.hello(1, Some(Vec::new()));
    let none = Digest32::new([0; 32]);
    assert_eq!(from_bytes::<Authorities>(&sent[0].value).unwrap().certificate, None);
    for wrong in [Vec::new(), b"no key".to_vec(), Key::generate().unwrap().spki()] {
        assert_eq!(kinds(&hub.answer(1, &sent[0], none, wrong)), NONE);
    }
    assert_eq!(hub.lacking(), 1);
    let spki = hub.device.spki();
    let again = hub.answer(1, &sent[0], none, spki.clone());
    let told: Authorities = from_bytes(&again[0].value).unwrap();
    assert_eq!(told.authorities.len(), 2);
    let certificate = rustls::pki_types::CertificateDer::from(told.certificate.unwrap().to_vec());
    assert_eq!(read_device(&certificate).unwrap(), (hub.device.fingerprint(), site()));
    assert!(is_issued_by(&certificate, &hub.keys.authorities()[0]).unwrap());
    assert_eq!(hub.lacking(), 1, "sent is not held");
    assert_eq!(kinds(&hub.answer(1, &sent[0], sent[0].hash, spki)), NONE);
    assert_eq!(hub.lacking(), 0);
}

#[test]
fn a_device_that_waits_for_approval_is_given_nothing() {
    let mut hub = Hub::new(Some("Maison"), false);
    assert_eq!(kinds(&hub.hello(1, Some(Vec::new()))), NONE);
    let asked = Reference { kind: AUTHORITIES, epoch: None, n: 0, hash: Digest32::new([0; 32]), value: Vec::new() };
    let spki = hub.device.spki();
    assert_eq!(kinds(&hub.answer(1, &asked, Digest32::new([0; 32]), spki)), NONE);
}

#[test]
fn a_site_that_only_a_certificate_names_has_no_profile_to_give() {
    let mut hub = Hub::new(None, true);
    assert_eq!(kinds(&hub.hello(1, Some(Vec::new()))), [AUTHORITIES, TERMS]);
}
