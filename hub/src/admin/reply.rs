//! What the hub answers to operators: the objects behind tables and `--json`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::bundle::{AnswerObject, BundleObject};
use crate::catalogue::CatalogueReport;
use crate::fleet::FleetObject;
use crate::import::ImportReport;
use crate::returns::ReturnFile;
use crate::sheet::Sheet;
use crate::site::SiteObject;

mod rows;

/// One answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "reply", content = "data")]
#[expect(missing_docs, reason = "each answers the request of that name")]
pub enum Reply {
    Done,
    Imported(ImportReport),
    Catalogued(CatalogueReport),
    Conflicts(Vec<Value>),
    Settled(SettledObject),
    Sites(Vec<SiteObject>),
    Site {
        site: Box<SiteObject>,
        aliases: Vec<String>,
        devices: Vec<DeviceObject>,
        history: Vec<HeldObject>,
    },
    Invitation(InvitationObject),
    Devices(Vec<DeviceObject>),
    Device(Box<DeviceObject>),
    Folded(FoldedObject),
    Revoked {
        /// Whether the database knows the device.
        known: bool,
    },
    TokenMade {
        token: TokenObject,
        secret: String,
    },
    Tokens(Vec<TokenObject>),
    User(UserObject),
    Users(Vec<UserObject>),
    Figures(Value),
    Sheet {
        sheet: Sheet,
        /// The same in a line or two.
        summary: String,
    },
    Text(String),
    Returns(Vec<ReturnFile>),
    Checked(CheckObject),
    Authorities(AuthoritiesObject),
    Revocations(RevocationsObject),
    Refused(Vec<RefusedObject>),
    RefusedOne(Box<RefusedObject>),
    Flagged(Vec<FlaggedObject>),
    FlaggedOne(Box<FlaggedObject>),
    Fleet(Box<FleetObject>),
    Journal(Vec<JournalObject>),
    Documents(Vec<DocumentObject>),
    /// What a file brought.
    Bundle(Box<BundleObject>),
    /// A file to carry to a machine.
    BundleMade(AnswerObject),
    /// An Automerge file in base 64.
    Document(String),
}

/// What holds since a conflict was settled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettledObject {
    /// The site.
    pub site: String,
    /// What it is called.
    pub name: String,
    /// What was written.
    pub facts: Vec<FactObject>,
}

/// A fact of a schedule or of partners.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactObject {
    /// Its key.
    pub key: String,
    /// Author, day and body.
    pub value: String,
}

/// A join code, just made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub struct InvitationObject {
    pub site: String,
    pub code: String,
    pub expires: String,
    pub address: String,
    /// Whether `sync.advertise` gave the address; otherwise it is good on this network only.
    pub advertised: bool,
}

/// One device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub struct DeviceObject {
    pub id: String,
    pub site: String,
    pub label: String,
    /// `active`, `returned`, `pending`, `revoked`; `replaced` when the machine joined with a new key.
    pub standing: String,
    pub replaced_by: Option<String>,
    pub enrolled: String,
    pub reason: String,
    pub forked: bool,
    pub last_contact: Option<String>,
    pub last_in_sync: Option<String>,
    pub version: String,
    pub transport: String,
    /// What it tried in vain before the last session: `quic silent`.
    pub tried: String,
    pub clock_offset_ms: Option<i64>,
    /// Changes that it said it keeps and the hub lacks; null when it does not tell.
    pub waiting: Option<u32>,
    pub oldest_waiting_day: Option<String>,
    /// When it was last turned away, unless it was let in since.
    pub turned_away: Option<String>,
}

/// What an approval of all devices did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub struct FoldedObject {
    pub devices: Vec<String>,
    pub changes: u64,
    /// What could not be folded, and why.
    pub left: Vec<String>,
    /// Why the list of revocations may lack devices, one of these among them.
    pub revocations_incomplete: Option<String>,
}

/// One token, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub struct TokenObject {
    pub id: String,
    pub label: String,
    pub scope: String,
    pub role: String,
    pub expires: String,
    pub revoked: bool,
    /// The last day on which it was used; null: never.
    pub last_used: Option<String>,
}

/// One person who signs in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub struct UserObject {
    pub login: String,
    pub scope: String,
    pub role: String,
    pub disabled: bool,
}

/// The authorities that devices recognise this hub by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthoritiesObject {
    /// The one that certifies first.
    pub authorities: Vec<AuthorityObject>,
    /// Whether there are two, until `ca rotate --finish`.
    pub rotating: bool,
    /// During a rotation: devices that have not taken up the new one.
    pub behind: Vec<DeviceObject>,
    /// Whether the database was lost since: machines that have not come back are not known here.
    pub others_unknown: bool,
}

/// One authority.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorityObject {
    /// SHA-256 of its public key.
    pub fingerprint: String,
    /// Whether it certifies now; the other one did before.
    pub certifies: bool,
}

/// The list of revocations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevocationsObject {
    /// Its readable lines, in order.
    pub revocations: Vec<RevokedObject>,
    /// Why it may lack devices; null when it is whole.
    pub incomplete: Option<String>,
}

/// One line of the list of revocations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub struct RevokedObject {
    pub device: String,
    pub date: String,
    pub reason: String,
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub struct CheckObject {
    pub documents: u64,
    pub changes: u64,
    /// Damage to what is kept.
    pub problems: Vec<String>,
    /// Rows of the registry that are not what was last written there.
    pub registry: Vec<String>,
    /// Where the views were not what the changes amount to.
    pub differences: Vec<String>,
    /// Figures below zero, which count as 0.
    pub negative: Vec<String>,
    /// Whether the differences were put right.
    pub rebuilt: bool,
}

/// One refused change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub struct RefusedObject {
    pub id: i64,
    pub document: String,
    pub site: String,
    pub device: String,
    pub writer: String,
    pub seq: u64,
    pub reason: String,
    pub day: Option<String>,
    /// Whether a person has looked at it.
    pub settled: bool,
}

/// One flagged fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub struct FlaggedObject {
    pub id: String,
    pub document: String,
    pub site: String,
    pub tap: String,
    /// All of them, separated by commas.
    pub reason: String,
    pub date: Option<String>,
    /// Day of the month.
    pub day: Option<u8>,
    pub value: Option<String>,
    /// `count` or `leave_out`, once settled.
    pub verdict: Option<String>,
    /// Why it was settled so.
    pub settled: Option<String>,
}

/// One line of a site's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub struct HeldObject {
    pub field: String,
    /// Null: before anything is known to have changed.
    pub from: Option<String>,
    pub value: String,
}

/// One line of the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub struct JournalObject {
    pub n: i64,
    pub at: String,
    /// `hub`, `operator`, `user:LOGIN` or `token:ID`; empty in lines of earlier versions.
    pub who: String,
    pub action: String,
    pub subject: String,
    pub detail: String,
}

/// One document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub struct DocumentObject {
    pub id: String,
    pub changes: i64,
}

/// A moment of the store, as text; empty if it is outside the calendar.
pub(crate) fn moment(seconds: i64) -> String {
    Timestamp::from_second(seconds).map(|at| at.to_string()).unwrap_or_default()
}

/// The words for refusals, by their number from 1; the last one is for those of a later version.
pub(crate) const REFUSALS: [&str; 9] = ["hash", "key", "day", "value", "number", "size", "repeated", "grant", "other"];

/// The word for a refusal's number.
fn refusal(code: u8) -> &'static str {
    let place = usize::from(code).wrapping_sub(1);
    REFUSALS.get(place).copied().unwrap_or("other")
}
