//! The requests themselves.

use serde::{Deserialize, Serialize};

use super::{CatalogueFile, ListFile, Pairs};
use crate::lang::Lang;
use crate::password::Kept;

/// A request and the language of whoever makes it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Asked {
    /// In which language to tell of mistakes.
    #[serde(with = "crate::lang::code")]
    pub lang: Lang,
    /// What to do.
    pub request: Request,
}

/// Anything an operator can ask.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Something that only reads.
    Look(Look),
    /// Something that changes the hub.
    Change(Change),
    /// The authorities, and who has not heard of them.
    Authorities,
    /// The list of revocations, and whether it is whole.
    Revocations,
}

/// What only reads.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Look {
    /// What an import would do.
    SiteImport {
        /// The list.
        list: ListFile,
    },
    /// What an import of a catalogue would do.
    CatalogueImport {
        /// The file.
        file: CatalogueFile,
    },
    /// What people contradict each other on.
    Conflicts {
        /// Filters.
        filters: Pairs,
    },
    /// Sites, filtered as in the API.
    Sites {
        /// Filters.
        filters: Pairs,
    },
    /// One site with its aliases and devices.
    Site {
        /// Id or alias.
        site: String,
    },
    /// Devices, of one site or of all.
    Devices {
        /// Id or alias.
        site: Option<String>,
    },
    /// One device.
    Device {
        /// Its id.
        device: String,
    },
    /// Tokens of the API.
    Tokens,
    /// People who sign in.
    Users,
    /// Figures, asked as in the API.
    Counts {
        /// Parameters.
        question: Pairs,
    },
    /// How complete figures are, asked as in the API.
    Completeness {
        /// Parameters.
        question: Pairs,
    },
    /// What labels ask for, asked as in the API.
    Label {
        /// Parameters.
        question: Pairs,
    },
    /// The network's size, asked as in the API.
    Network {
        /// Parameters.
        question: Pairs,
    },
    /// Where partners are to be had, asked as in the API.
    Coverage {
        /// Parameters.
        question: Pairs,
    },
    /// The report of a site, asked as in the API.
    Report {
        /// Id or alias.
        site: String,
        /// Parameters.
        question: Pairs,
    },
    /// What partners are owed for a month, as files.
    Returns {
        /// A partner; none means all that have something.
        operator: Option<String>,
        /// Parameters, as in the API.
        question: Pairs,
    },
    /// Changes that were refused and that nobody has looked at.
    Refused,
    /// One refused change.
    RefusedOne {
        /// Its number.
        id: String,
    },
    /// Facts that wait for a person's judgement.
    Flagged {
        /// Filters, as in the API.
        filters: Pairs,
    },
    /// One flagged fact, also a settled one.
    FlaggedOne {
        /// Its id.
        id: String,
    },
    /// How sites and machines stand, filtered as in the API.
    Fleet {
        /// Filters.
        filters: Pairs,
    },
    /// Lines of the journal.
    Journal {
        /// Filters, as in the API.
        filters: Pairs,
        /// Only lines after this one, the first ones; none means the last ones.
        after: Option<i64>,
        /// At most so many.
        limit: u32,
    },
    /// Documents.
    Documents,
    /// One document as an Automerge file.
    Document {
        /// Its name.
        name: String,
    },
}

/// What changes the hub.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Imports a list of sites.
    SiteImport {
        /// The list.
        list: ListFile,
    },
    /// Imports a catalogue: calendars, closures, operators.
    CatalogueImport {
        /// The file.
        file: CatalogueFile,
    },
    /// Settles a conflict.
    ConflictResolve {
        /// Its id.
        id: String,
        /// The number of the version that stays, from 1.
        version: usize,
    },
    /// Adds a site.
    SiteAdd {
        /// Its id.
        site: String,
        /// `house` or `antenna`.
        kind: String,
        /// Its house, for an antenna.
        parent: Option<String>,
        /// Its fields; the name is needed, and a department or a time zone.
        fields: Pairs,
    },
    /// Ends a site's life.
    SiteRetire {
        /// Id or alias.
        site: String,
        /// From when: today, unless said.
        from: Option<String>,
    },
    /// Gives a site one more name.
    SiteAlias {
        /// Id or alias.
        site: String,
        /// The new name.
        alias: String,
    },
    /// Attaches an antenna to a house.
    SiteSetParent {
        /// Id or alias of the antenna.
        site: String,
        /// Id or alias of the house.
        parent: String,
        /// From when: today, unless said.
        from: Option<String>,
    },
    /// Sets fields of a site.
    SiteSet {
        /// Id or alias.
        site: String,
        /// The fields.
        fields: Pairs,
        /// From when life, department and bearer hold: today, unless said.
        from: Option<String>,
    },
    /// Makes a one-time join code.
    SiteInvite {
        /// Id or alias.
        site: String,
        /// How long it holds.
        valid_s: i64,
        /// The device whose place the new one takes.
        replaces: Option<String>,
    },
    /// Approves one device that waits, or every one: this hub's authority has certified them.
    DeviceApprove {
        /// Its id; none means all.
        device: Option<String>,
    },
    /// Ends a device's rights.
    DeviceRevoke {
        /// Its id.
        device: String,
        /// Why.
        reason: String,
    },
    /// Calls the list of revocations whole, as far as it can be read.
    RevocationsConfirm {
        /// What was compared.
        reason: String,
    },
    /// Makes a token of the API.
    TokenCreate {
        /// What it is for.
        label: String,
        /// What it may see.
        scope: String,
        /// What it may do.
        role: String,
        /// How long it holds.
        valid_s: i64,
    },
    /// Ends a token.
    TokenRevoke {
        /// Its id.
        id: String,
    },
    /// Adds a person.
    UserAdd {
        /// The name to sign in with.
        login: String,
        /// What is kept of the password.
        password: Kept,
        /// What it may see.
        scope: String,
        /// What it may do.
        role: String,
    },
    /// Gives a person another password.
    UserPasswd {
        /// The name.
        login: String,
        /// What is kept of the password.
        password: Kept,
    },
    /// Gives a person other rights.
    UserSet {
        /// The name.
        login: String,
        /// What it may see.
        scope: Option<String>,
        /// What it may do.
        role: Option<String>,
    },
    /// Has nobody sign in under a name, or somebody again.
    UserDisable {
        /// The name.
        login: String,
        /// Whether it is disabled.
        disabled: bool,
    },
    /// Takes in a file of a device, or of a machine that joins.
    BundleImport {
        /// The file, in base 64.
        file: String,
        /// Whether to answer it.
        answer: bool,
    },
    /// Makes a file for a device.
    BundleExport {
        /// Id or alias.
        site: String,
        /// Its id; none means the only one of the site.
        device: Option<String>,
        /// Only months from this one on.
        from: Option<String>,
    },
    /// Decides on a fact that looked wrong.
    FlaggedSettle {
        /// Its id.
        id: String,
        /// `count` or `leave_out`.
        verdict: String,
        /// Why.
        reason: String,
    },
    /// Takes a refused change off the list: somebody has looked at it.
    RefusedSettle {
        /// Its number.
        id: String,
        /// What was found.
        reason: String,
    },
    /// Makes a second authority, which certifies from now on.
    AuthorityRotate,
    /// Drops the authority before.
    AuthorityFinish {
        /// Also when devices know no other.
        leave_behind: bool,
    },
    /// Seals the registry as it is: a person has looked at the rows that a check named.
    RegistrySeal,
    /// Verifies everything stored, and may rebuild the views from it.
    Check {
        /// Whether to rebuild.
        rebuild: bool,
    },
}

impl Change {
    /// Whether machines in session may have to be told something else from now on.
    pub(crate) fn reaches_devices(&self) -> bool {
        use Change::{AuthorityFinish, AuthorityRotate, CatalogueImport, SiteAdd, SiteImport, SiteRetire, SiteSet};
        matches!(
            self,
            SiteImport { .. }
                | CatalogueImport { .. }
                | SiteAdd { .. }
                | SiteRetire { .. }
                | SiteSet { .. }
                | AuthorityRotate
                | AuthorityFinish { .. }
        )
    }
}
