//! Claims about what operators can do, over a store in memory.

use jiff::Timestamp;
use msap_shared::document::register::Edits;
use msap_shared::id::{DeviceId, Fingerprint, SiteId};
use msap_shared::io::join_code::JoinCode;
use rusqlite::Connection;

use super::*;
use crate::almanac::Almanac;
use crate::bundle::{AnswerObject, BundleObject, FileError};
use crate::exit::{Exit, Failure};
use crate::keys::Named;
use crate::lang::Lang;
use crate::store::{StoreError, devices, journal, sites};
use msap_shared::io::bundle::BundleError;
use msap_shared::time::Month;

mod life;
mod people;
mod socket;

/// A hub without keys or sessions.
struct Desk(Connection);

impl Hub for Desk {
    fn write<T, E, F>(&mut self, f: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: FnOnce(&Connection) -> Result<T, E>,
    {
        let turn = self.0.transaction().map_err(StoreError::sqlite("beginning"))?;
        let value = f(&turn)?;
        turn.commit().map_err(StoreError::sqlite("committing"))?;
        Ok(value)
    }

    fn revoke(&mut self, device: Named, reason: &str, _now: Timestamp) -> Result<bool, AdminError> {
        Ok(devices::revoke(&self.0, device.device(), reason)?)
    }

    fn confirm_revocations(&mut self, _reason: &str, _now: Timestamp) -> Result<(), AdminError> {
        Ok(())
    }

    fn approve(&mut self, only: Option<DeviceId>, _now: Timestamp) -> Result<FoldedObject, AdminError> {
        let devices = only.map(|id| id.to_string()).into_iter().collect();
        Ok(FoldedObject { devices, changes: 0, left: Vec::new(), revocations_incomplete: None })
    }

    fn import_file(
        &mut self,
        _bytes: &[u8],
        _address: &str,
        _answer: bool,
        _now: Timestamp,
    ) -> Result<BundleObject, AdminError> {
        Err(FileError::from(BundleError::Stranger).into())
    }

    fn export_file(
        &mut self,
        _device: DeviceId,
        _from: Option<Month>,
        _now: Timestamp,
    ) -> Result<Option<AnswerObject>, AdminError> {
        Ok(None)
    }

    fn rotate(&mut self, _now: Timestamp) -> Result<AuthoritiesObject, AdminError> {
        Ok(AuthoritiesObject { authorities: Vec::new(), rotating: true, behind: Vec::new(), others_unknown: false })
    }

    fn finish_rotation(&mut self, _leave_behind: bool, _now: Timestamp) -> Result<AuthoritiesObject, AdminError> {
        Ok(AuthoritiesObject { authorities: Vec::new(), rotating: false, behind: Vec::new(), others_unknown: false })
    }

    fn set_hours(&mut self, _hours: &[(SiteId, Edits)], _now: Timestamp) -> Result<(), AdminError> {
        Ok(())
    }

    fn settle_conflict(&mut self, id: &str, _version: usize, _now: Timestamp) -> Result<SettledObject, AdminError> {
        Err(AdminError::UnknownConflict(id.to_owned()))
    }

    fn check(&mut self, rebuild: bool, _now: Timestamp) -> Result<CheckObject, AdminError> {
        let none = Vec::new;
        Ok(CheckObject {
            documents: 0,
            changes: 0,
            problems: none(),
            registry: none(),
            differences: none(),
            negative: none(),
            rebuilt: rebuild,
        })
    }
}

fn now() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

impl Desk {
    fn new() -> Self {
        let mut desk = Self(crate::store::empty());
        desk.done("275", "house", None, &[("name", "Chemillé"), ("department", "49")]);
        desk.done("361", "house", None, &[("name", "Perseigne"), ("department", "61")]);
        desk.done("597", "antenna", Some("361"), &[("name", "Courteille"), ("timezone", "Europe/Paris")]);
        desk
    }

    fn done(&mut self, site: &str, kind: &str, parent: Option<&str>, fields: &[(&str, &str)]) {
        assert_eq!(self.change(&add(site, kind, parent, fields)).unwrap(), Reply::Done);
    }

    fn change(&mut self, asked: &Change) -> Result<Reply, Failure> {
        self.change_at(asked, "192.0.2.1:4433", None)
    }

    fn change_at(&mut self, asked: &Change, sync: &str, advertise: Option<&str>) -> Result<Reply, Failure> {
        let context =
            Context { ca_hash: [7; 16], advertise: advertise.map(str::to_owned), sync: sync.parse().unwrap() };
        change(self, asked, &context, Lang::Fr, now()).map_err(|error| error.failure(Lang::Fr))
    }

    fn refused(&mut self, asked: &Change) -> (Exit, String) {
        let failure = self.change(asked).unwrap_err();
        (failure.exit, failure.message)
    }

    fn look(&self, asked: &Look) -> Reply {
        look(&self.0, &Almanac::default(), asked, Lang::Fr, now()).unwrap()
    }

    fn site(&self, id: &str) -> crate::site::Site {
        sites::find(&self.0, &id.parse().unwrap()).unwrap().unwrap().0
    }
}

fn pairs(given: &[(&str, &str)]) -> Pairs {
    given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn list(text: &str) -> ListFile {
    ListFile::read(text.as_bytes(), "liste.csv".to_owned())
}

fn add(site: &str, kind: &str, parent: Option<&str>, fields: &[(&str, &str)]) -> Change {
    let parent = parent.map(str::to_owned);
    Change::SiteAdd { site: site.to_owned(), kind: kind.to_owned(), parent, fields: pairs(fields) }
}

fn set(site: &str, fields: &[(&str, &str)]) -> Change {
    Change::SiteSet { site: site.to_owned(), fields: pairs(fields), from: None }
}

#[test]
fn a_site_is_added_once_and_wholly() {
    let mut desk = Desk::new();
    assert_eq!(desk.site("275").timezone.name(), "Europe/Paris");
    assert_eq!(desk.site("597").parent, Some("361".parse().unwrap()));
    desk.done("r1", "house", None, &[("name", "Saint-Denis"), ("department", "974")]);
    assert_eq!(desk.site("r1").timezone.name(), "Indian/Reunion");
    for (asked, exit, word) in [
        (add("275", "house", None, &[("name", "x"), ("department", "49")]), Exit::Invalid, "275"),
        (add("X", "house", None, &[("name", "x"), ("department", "49")]), Exit::Invalid, "identifiant"),
        (add("1", "bus", None, &[("name", "x"), ("department", "49")]), Exit::Invalid, "house"),
        (add("1", "house", None, &[("department", "49")]), Exit::Invalid, "name"),
        (add("1", "house", None, &[("name", "x")]), Exit::Invalid, "timezone"),
        (add("1", "house", None, &[("name", "x"), ("department", "00")]), Exit::Invalid, "department"),
        (add("1", "house", None, &[("name", "x"), ("timezone", "Mars")]), Exit::Invalid, "timezone"),
        (add("1", "house", None, &[("name", "x"), ("department", "49"), ("mail", "x")]), Exit::Usage, "mail"),
        (add("1", "house", Some("361"), &[("name", "x"), ("department", "49")]), Exit::Invalid, "antenne"),
        (add("1", "antenna", Some("597"), &[("name", "x"), ("department", "49")]), Exit::Invalid, "597"),
        (add("1", "antenna", Some("999"), &[("name", "x"), ("department", "49")]), Exit::NotFound, "999"),
    ] {
        let (found, message) = desk.refused(&asked);
        assert!(found == exit && message.contains(word), "{asked:?}: {found:?} {message}");
    }
    assert!(sites::resolve(&desk.0, "1").unwrap().is_none());
}

#[test]
fn setting_several_fields_is_all_or_nothing() {
    let mut desk = Desk::new();
    desk.change(&set("275", &[("bearer", "mairie"), ("life", "labelled")])).unwrap();
    assert_eq!(desk.site("275").bearer, "mairie");
    assert_eq!(desk.refused(&set("275", &[("bearer", "poste"), ("life", "shut")])).0, Exit::Invalid);
    assert_eq!(desk.site("275").bearer, "mairie");
    assert_eq!(desk.refused(&set("999", &[("bearer", "x")])).0, Exit::NotFound);
}

#[test]
fn an_alias_names_one_site_only() {
    let mut desk = Desk::new();
    let alias = |alias: &str| Change::SiteAlias { site: "275".to_owned(), alias: alias.to_owned() };
    desk.change(&alias("fs-275")).unwrap();
    for taken in ["fs-275", "361"] {
        assert_eq!(desk.refused(&alias(taken)).0, Exit::Invalid);
    }
    let Reply::Site { site, aliases, .. } = desk.look(&Look::Site { site: "fs-275".to_owned() }) else { panic!() };
    assert_eq!((site.id.as_str(), aliases), ("275", vec!["fs-275".to_owned()]));
}

#[test]
fn a_hand_set_parent_survives_the_next_import() {
    let mut desk = Desk::new();
    let parent = Change::SiteSetParent { site: "597".to_owned(), parent: "275".to_owned(), from: None };
    desk.change(&parent).unwrap();
    let text = "site_id,kind,name,timezone,parent_id\n597,antenne,Courteille,Europe/Paris,361\n";
    let Reply::Imported(report) = desk.change(&Change::SiteImport { list: list(text) }).unwrap() else { panic!() };
    assert_eq!((report.changed, report.unchanged), (0, 1));
    assert_eq!(desk.site("597").parent, Some("275".parse().unwrap()));
}

#[test]
fn what_a_person_gave_a_new_site_survives_the_next_import() {
    let mut desk = Desk::new();
    let text =
        "site_id,kind,name,timezone,dep_code,commune\n275,principal,CHEMILLE,Europe/Paris,44,Chemillé-en-Anjou\n";
    desk.change(&Change::SiteImport { list: list(text) }).unwrap();
    let site = desk.site("275");
    assert_eq!(
        (site.name.as_str(), site.department.as_str(), site.commune.as_str()),
        ("Chemillé", "49", "Chemillé-en-Anjou")
    );
}

#[test]
fn a_rehearsed_import_changes_nothing() {
    let desk = Desk::new();
    let text = "site_id,kind,name,timezone\n1,principal,A,Europe/Paris\n";
    let Reply::Imported(report) = desk.look(&Look::SiteImport { list: list(text) }) else { panic!() };
    assert_eq!(report.added, 1);
    assert!(sites::resolve(&desk.0, "1").unwrap().is_none());
}

#[test]
fn an_invitation_carries_an_address_that_devices_can_reach() {
    let mut desk = Desk::new();
    let invite = |site: &str| Change::SiteInvite { site: site.to_owned(), valid_s: 3_600, replaces: None };
    let Reply::Invitation(made) = desk.change(&invite("275")).unwrap() else { panic!() };
    assert_eq!(
        (made.address.as_str(), made.advertised, made.expires.as_str()),
        ("192.0.2.1:4433", false, "2026-11-20T13:00:00Z")
    );
    let code: JoinCode = made.code.parse().unwrap();
    assert_eq!(code.ca_hash, [7; 16]);
    let kept = devices::invitation(&desk.0, &JoinCode::secret_hash(&code.secret)).unwrap().unwrap();
    assert_eq!(kept.site, "275".parse().unwrap());
    let advertised = desk.change_at(&invite("275"), "[::]:4433", Some("hub.exemple.fr:4433")).unwrap();
    assert!(matches!(advertised, Reply::Invitation(made) if made.advertised && made.address == "hub.exemple.fr:4433"));
    for everywhere in ["[::]:4433", "0.0.0.0:4433"] {
        let Reply::Invitation(made) = desk.change_at(&invite("275"), everywhere, None).unwrap() else { panic!() };
        let address: std::net::SocketAddr = made.address.parse().unwrap();
        assert!(!made.advertised && !address.ip().is_unspecified() && address.port() == 4433, "{made:?}");
    }
    let failure = desk.change_at(&invite("275"), "[::]:0", None).unwrap_err();
    assert!(failure.exit == Exit::Invalid && failure.message.contains("sync.advertise"), "{failure:?}");
    desk.change(&Change::SiteRetire { site: "275".to_owned(), from: None }).unwrap();
    assert_eq!(desk.refused(&invite("275")).0, Exit::Invalid);
    assert_eq!(desk.refused(&invite("999")).0, Exit::NotFound);
}

#[test]
fn a_token_shows_its_secret_once_and_is_kept_as_a_hash() {
    let mut desk = Desk::new();
    let create = |scope: &str, role: &str, label: &str| Change::TokenCreate {
        label: label.to_owned(),
        scope: scope.to_owned(),
        role: role.to_owned(),
        valid_s: 86_400,
    };
    let Reply::TokenMade { token, secret } = desk.change(&create("site:275", "reader", "Anjou")).unwrap() else {
        panic!()
    };
    assert_eq!((secret.len(), &secret[..5]), (37, "msap_"));
    let row = crate::store::tokens::by_hash(&desk.0, &crate::http::token_hash(&secret)).unwrap().unwrap();
    assert_eq!((row.id.as_str(), row.revoked), (token.id.as_str(), false));
    let Reply::Tokens(listed) = desk.look(&Look::Tokens) else { panic!() };
    assert_eq!(listed, std::slice::from_ref(&token));
    let everything = format!("{:?}", journal::list(&desk.0, 0, 1_000).unwrap());
    assert!(!everything.contains(&secret), "the journal never holds a secret");
    desk.change(&Change::TokenRevoke { id: token.id }).unwrap();
    assert_eq!(desk.refused(&Change::TokenRevoke { id: "zzz".to_owned() }).0, Exit::NotFound);
    for (scope, role, label, exit) in [
        ("department:00", "reader", "x", Exit::Invalid),
        ("national", "root", "x", Exit::Invalid),
        ("operator:CNAF", "coordinator", "x", Exit::Invalid),
        ("national", "reader", "", Exit::Invalid),
        ("national", "reader", "a\nb", Exit::Invalid),
        ("site:999", "reader", "x", Exit::NotFound),
    ] {
        assert_eq!(desk.refused(&create(scope, role, label)).0, exit, "{scope} {role} {label:?}");
    }
}

#[test]
fn a_device_is_named_exactly() {
    let mut desk = Desk::new();
    let fingerprint = Fingerprint::new([3; 32]);
    let sql =
        "INSERT INTO device (id, fingerprint, site, standing, enrolled_day) VALUES (?1, ?2, '275', 'active', 9000)";
    desk.0.execute(sql, (fingerprint.device().as_bytes(), fingerprint.as_bytes())).unwrap();
    let id = fingerprint.device().to_string();
    let revoke =
        |device: &str, reason: &str| Change::DeviceRevoke { device: device.to_owned(), reason: reason.to_owned() };
    assert_eq!(desk.change(&revoke("0000000000000000", "volé")).unwrap(), Reply::Revoked { known: false });
    assert_eq!(desk.refused(&revoke("03", "volé")).0, Exit::NotFound);
    assert_eq!(desk.refused(&revoke(&id, "")).0, Exit::Invalid);
    desk.change(&revoke(&id, "volé")).unwrap();
    let Reply::Device(device) = desk.look(&Look::Device { device: id.clone() }) else { panic!() };
    assert_eq!((device.standing.as_str(), device.reason.as_str()), ("revoked", "volé"));
    let approve = |device: &str| Change::DeviceApprove { device: Some(device.to_owned()) };
    assert_eq!(desk.refused(&approve("00")).0, Exit::NotFound);
    for (standing, exit) in [("active", Exit::Invalid), ("returned", Exit::Invalid), ("revoked", Exit::Invalid)] {
        desk.0.execute("UPDATE device SET standing = ?1", [standing]).unwrap();
        let (found, message) = desk.refused(&approve(&id));
        assert!(found == exit && message.contains(standing), "{message}");
    }
    desk.0.execute("UPDATE device SET standing = 'pending'", []).unwrap();
    assert!(matches!(desk.change(&approve(&id)).unwrap(), Reply::Folded(_)));
}

#[test]
fn every_change_is_journalled() {
    let mut desk = Desk::new();
    desk.change(&set("275", &[("bearer", "mairie")])).unwrap();
    desk.change(&Change::SiteRetire { site: "275".to_owned(), from: None }).unwrap();
    let lines = journal::list(&desk.0, 0, 1_000).unwrap();
    let told: Vec<_> = lines.iter().map(|line| format!("{} {} {}", line.action, line.subject, line.detail)).collect();
    assert_eq!(told[0], "site.add 275 kind=house name=Chemillé department=49");
    assert_eq!(told[1..3], ["site.set 275 name=Chemillé", "site.set 275 department=49"]);
    assert_eq!(told[told.len() - 2..], ["site.set 275 bearer=mairie", "site.set 275 life=retired"]);
    let shown = |after, limit| match desk.look(&Look::Journal { filters: Vec::new(), after, limit }) {
        Reply::Journal(lines) => lines.into_iter().map(|line| line.n).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    let n = i64::try_from(lines.len()).unwrap();
    assert_eq!((shown(None, 2), shown(Some(0), 2)), (vec![n - 1, n], vec![1, 2]));
}

#[test]
fn counts_are_asked_as_in_the_api() {
    let desk = Desk::new();
    let counts = |question: &[(&str, &str)]| {
        let asked = Look::Counts { question: pairs(question) };
        look(&desk.0, &Almanac::default(), &asked, Lang::Fr, now()).map_err(|error| error.failure(Lang::Fr))
    };
    let Reply::Figures(figures) = counts(&[("by", "site"), ("format", "json")]).unwrap() else { panic!() };
    assert_eq!((&figures["from"], &figures["to"]), (&"2026-11-01".into(), &"2026-11-30".into()));
    let Reply::Sheet { sheet, summary } = counts(&[("by", "site")]).unwrap() else { panic!() };
    assert!(sheet.columns[1].name == "site_name" && summary.starts_with("du 1er novembre 2026"), "{summary}");
    let failure = counts(&[("department", "00")]).unwrap_err();
    assert!(failure.exit == Exit::Invalid && failure.message.contains("department"), "{failure:?}");
    let failure = counts(&[("from", "2026-11-01")]).unwrap_err();
    assert!(failure.exit == Exit::Usage && failure.message.contains("to"), "{failure:?}");
}
