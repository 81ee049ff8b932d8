//! What the front desk can ask of the agent, and what it answers.
//!
//! Parsed values only: the page's and the command line's texts become these at the door.

use msap_shared::code::{AgeCode, HelpCode, OperatorCode};
use msap_shared::id::{TapId, TapName};
use msap_shared::time::{Day, Month};

use crate::bundle::{Answer, Draft, Imported};

pub mod house;
mod standing;

pub use standing::{Status, Tried};

use house::{House, Seen};

/// A tap as a person names it: by its UUID, or, for one made on another desk, by its name in
/// the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TapRef {
    /// By UUID.
    Id(TapId),
    /// By name.
    Name(TapName),
}

/// A visit to count, or a further request of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    /// Drawn by whoever tapped; the same id again is the same tap.
    pub id: TapId,
    /// For whom the matter was handled.
    pub operator: OperatorCode,
    /// Kind of help.
    pub help: HelpCode,
    /// Age bracket.
    pub age: AgeCode,
    /// People received: −99 to 99 and not 0. Negative corrects taps of other desks and wants
    /// `day` and `reason`.
    pub people: i16,
    /// The day, when it is not the site's today. Whoever may ask again in another month names it.
    pub day: Option<Day>,
    /// A further request of the last visit: counts a request and nobody.
    pub same_visit: bool,
    /// Why a negative count; no other has one.
    pub reason: Option<String>,
}

/// What to change of a tap; `None` leaves a field as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Correction {
    /// Another operator.
    pub operator: Option<OperatorCode>,
    /// Another kind of help.
    pub help: Option<HelpCode>,
    /// Another age bracket.
    pub age: Option<AgeCode>,
}

/// The days a tally covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// The site's today.
    Today,
    /// One day.
    Day(Day),
    /// One month.
    Month(Month),
}

/// A request to the agent's core.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Counts a visit. Answers [`Reply::Tap`].
    Count(Count),
    /// Undoes a tap, or the last one made here today. Answers [`Reply::Tap`].
    Undo(Option<TapRef>),
    /// Corrects a tap. Answers [`Reply::Tap`].
    Correct(TapRef, Correction),
    /// Closes or reopens a day (today when `None`). Answers [`Reply::Day`].
    Close {
        /// The day, when it is not today.
        day: Option<Day>,
        /// Closed, or open again.
        closed: bool,
    },
    /// A person says which day it is, because the clock is not believed. Answers
    /// [`Reply::Given`].
    GiveDay(Day),
    /// Answers [`Reply::Tally`].
    Tally(Period),
    /// The taps of a day (today when `None`), latest first. Answers [`Reply::Taps`].
    List(Option<Day>),
    /// Answers [`Reply::Status`].
    Status,
    /// The last sessions, newest first. Answers [`Reply::Log`].
    SyncLog,
    /// Drafts a file for the hub: what it is not known to hold, or everything. Answers
    /// [`Reply::Draft`].
    Export {
        /// Also what is confirmed.
        all: bool,
    },
    /// Takes the hub's answer by file. Answers [`Reply::Imported`].
    Import(Box<Answer>),
    /// Verifies the whole store: hashes, chains, sums. Answers [`Reply::Verified`].
    Verify,
    /// About the schedule and the partners. Answers [`Reply::House`].
    House(Box<House>),
}

impl Command {
    /// Whether it writes nothing.
    pub fn is_reading(&self) -> bool {
        match self {
            Self::Tally(_) | Self::List(_) | Self::Status | Self::SyncLog | Self::Verify => true,
            Self::House(house) => matches!(**house, House::Look(_)),
            Self::Count(_)
            | Self::Undo(_)
            | Self::Correct(..)
            | Self::Close { .. }
            | Self::GiveDay(_)
            | Self::Export { .. }
            | Self::Import(_) => false,
        }
    }
}

/// Where a tap stands on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeping {
    /// Committed on this machine.
    Kept,
    /// Committed by the hub.
    Confirmed,
    /// The hub refused it three times: set aside, a person must look.
    SetAside,
}

impl Keeping {
    /// The stable code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Confirmed => "confirmed",
            Self::SetAside => "set_aside",
        }
    }
}

/// Something unusual about what was just counted; it counts all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The day had been said to be complete.
    ClosedDay,
    /// The day is more than two months back.
    OldDay,
}

impl Notice {
    /// The stable code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClosedDay => "closed_day",
            Self::OldDay => "old_day",
        }
    }
}

/// One tap, as the desk sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TapView {
    /// Its UUID, when it was made on this machine.
    pub id: Option<TapId>,
    /// Its name in the document.
    pub name: TapName,
    /// The day it counts on.
    pub day: Day,
    /// Seconds since 1970 of the tap, when it was made on this machine.
    pub at: Option<i64>,
    /// People.
    pub people: i16,
    /// For whom.
    pub operator: OperatorCode,
    /// Kind of help.
    pub help: HelpCode,
    /// Age bracket.
    pub age: AgeCode,
    /// Requests.
    pub requests: i16,
    /// 0, or the number of its corrections.
    pub rev: u8,
    /// Whether it was undone.
    pub undone: bool,
    /// Where it stands.
    pub keeping: Keeping,
    /// The site's clock at the tap, when it was made on this machine.
    pub clock: Option<(i8, i8)>,
    /// The visit that this is a further request of, when it was made on this machine.
    pub part_of: Option<TapName>,
    /// The further requests that an undo of this visit undid with it.
    pub also_undone: Vec<TapName>,
    /// What a person should know of what was just counted.
    pub notices: Vec<Notice>,
    /// False when the same tap had been counted before: nothing was added now.
    pub new: bool,
}

/// One row of a tally.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TallyRow {
    /// For whom.
    pub operator: OperatorCode,
    /// People.
    pub people: i64,
    /// Requests.
    pub requests: i64,
}

/// A sum below zero: more was taken back than was counted, by two desks at once. It counts as 0,
/// and swallows what is counted next until a correction is undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Negative {
    /// The day.
    pub day: Day,
    /// For whom.
    pub operator: OperatorCode,
    /// Kind of help.
    pub help: HelpCode,
    /// Age bracket.
    pub age: AgeCode,
    /// People.
    pub people: i64,
    /// Requests.
    pub requests: i64,
}

/// What a period amounts to at this site, as this machine knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// First day.
    pub from: Day,
    /// Last day.
    pub to: Day,
    /// People received.
    pub people: i64,
    /// Requests handled.
    pub requests: i64,
    /// By operator, most requests first.
    pub rows: Vec<TallyRow>,
    /// Sums below zero, which a person must mend; empty nearly always.
    pub negative: Vec<Negative>,
    /// For a single day: whether it was closed.
    pub closed: Option<bool>,
}

/// One line of the sync log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// Seconds since 1970.
    pub at: i64,
    /// What happened.
    pub event: String,
    /// More of it.
    pub detail: String,
}

/// What a verification read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Documents.
    pub documents: u64,
    /// Changes whose hashes and chains were recomputed.
    pub changes: u64,
    /// What was wrong, in plain words; empty when all is well.
    pub problems: Vec<String>,
}

/// The answer to a [`Command`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The tap as it now stands.
    Tap(TapView),
    /// The day, and whether it is closed now.
    Day(Day, bool),
    /// The day that a person gave holds now.
    Given(Day),
    /// A tally.
    Tally(Tally),
    /// Taps, latest first.
    Taps(Vec<TapView>),
    /// The status.
    Status(Box<Status>),
    /// The sync log, newest first.
    Log(Vec<LogLine>),
    /// A file for the hub, to be signed.
    Draft(Box<Draft>),
    /// What an answer by file brought.
    Imported(Imported),
    /// What was verified.
    Verified(Verified),
    /// What was asked of the schedule or the partners, or what became of a decision.
    House(Box<Seen>),
}

/// Why a command was not carried out. Nothing was stored.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum CommandError {
    /// A field has a value that cannot be counted under; exit 5, HTTP 422.
    #[error("{field}: {why}")]
    Invalid {
        /// The field's name, as in the API.
        field: &'static str,
        /// What is wrong with it, in French, with the next step.
        why: String,
    },
    /// The tap is not known here; exit 4, HTTP 404.
    #[error("tap {0} is not known on this machine")]
    UnknownTap(String),
    /// The id was used for another tap; exit 5, HTTP 409.
    #[error("id {0} was used for another tap")]
    IdReused(String),
    /// There is no such conflict any more; exit 4, HTTP 404.
    #[error("conflict {0} is not there any more")]
    UnknownConflict(String),
    /// People contradict each other on what would be changed; exit 5, HTTP 409.
    #[error("conflict {id} comes first")]
    Contradicted {
        /// As it is settled by.
        id: String,
        /// The key that it is about.
        key: String,
    },
    /// The disk is full; nothing was counted; exit 1, HTTP 503.
    #[error("not kept: the disk is full")]
    DiskFull,
    /// The database is held by another program, or the agent stops; nothing was counted; exit 1,
    /// HTTP 503.
    #[error("not kept")]
    NotKept,
}
