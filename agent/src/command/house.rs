//! What the desk can ask of the site's schedule and partners, and what it answers.
//!
//! Parsed values only, as in [`super`]. Decisions become facts by the rules that agent and hub
//! share; whoever looks is given plans, never bare rules to interpret.

use msap_shared::document::DocKind;
use msap_shared::document::partners::availability::Availability;
use msap_shared::document::partners::{Agreement, AgreementStatus, Contact, Mode, Presence, Training};
use msap_shared::document::register::{Conflict, Said, Unreadable};
use msap_shared::document::schedule::body::LABEL_LEN_MAX;
use msap_shared::document::schedule::{
    Absence, DayHours, Exception, GoodFriday, Interval, Line, Off, OperatorToken, Place, PlaceLabel, Slug, Text,
    Variant, Weekday, Where,
};
use msap_shared::schedule::edit::Rule;
use msap_shared::schedule::{DayPlan, NetworkClosure, Now, PlannedPermanence, Schedule};
use msap_shared::time::Day;

/// A request about the schedule or the partners.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum House {
    /// Writes nothing.
    Look(Look),
    /// Writes what a person decided, unless people contradict each other on just that. Answers
    /// [`Seen::Decided`].
    Decide(Decision),
    /// The same, and puts aside what they said.
    Overrule(Decision),
}

/// What can be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// The plans of some days, today and the six after it unless said otherwise. Answers
    /// [`Seen::Schedule`].
    Schedule {
        /// First day.
        from: Option<Day>,
        /// Last day.
        to: Option<Day>,
    },
    /// How each partner can be had on a day, today unless said otherwise. Answers
    /// [`Seen::Partners`].
    Partners(Option<Day>),
    /// What people contradict each other on. Answers [`Seen::Conflicts`].
    Conflicts,
}

/// What a person decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The whole of a place's hours from a day on, today unless said otherwise.
    Hours {
        /// First day on which they hold.
        from: Option<Day>,
        /// Where.
        place: Place,
        /// Exactly these.
        rules: Vec<Rule>,
        /// What holds on certain dates only.
        exceptions: Vec<((Day, Day), Exception)>,
        /// What the text says besides, which no rule can say.
        untold: Vec<String>,
    },
    /// Some days of a place's week from a day on; the others stay.
    Days {
        /// First day on which they hold.
        from: Option<Day>,
        /// Where.
        place: Place,
        /// In which weeks.
        variant: Variant,
        /// Which days; without a weekday for public holidays.
        days: Vec<(Option<Weekday>, DayHours)>,
    },
    /// How many agents are at work in the hours that hold from a day on.
    Staff {
        /// First day on which it holds.
        from: Option<Day>,
        /// Where.
        place: Place,
        /// Only on this weekday.
        weekday: Option<Weekday>,
        /// Only in slots that lie within this.
        within: Option<Interval>,
        /// How many; `None` leaves it open again.
        agents: Option<u8>,
    },
    /// A dated exception, in place of the one of the same days and place.
    Except {
        /// First and last day.
        days: (Day, Day),
        /// Where.
        place: Where,
        /// What is different.
        exception: Exception,
    },
    /// Takes a dated exception back.
    RemoveException {
        /// First and last day.
        days: (Day, Day),
        /// Where.
        place: Where,
    },
    /// A partner's recurring presence from a day on.
    Permanence {
        /// First day on which it holds.
        from: Option<Day>,
        /// Who.
        operator: OperatorToken,
        /// Where.
        place: Place,
        /// In which weeks.
        variant: Variant,
        /// On which day.
        weekday: Option<Weekday>,
        /// When.
        hours: DayHours,
    },
    /// Ends a partner's permanences from a day on: all, or those at a place or on a weekday.
    EndPermanence {
        /// First day without them.
        from: Option<Day>,
        /// Who.
        operator: OperatorToken,
        /// Where.
        place: Option<Place>,
        /// On which day.
        weekday: Option<Weekday>,
    },
    /// One permanence on one day: cancelled, or at other hours.
    Off {
        /// The day, today unless said otherwise.
        day: Option<Day>,
        /// Who.
        operator: OperatorToken,
        /// Where; where the partner comes on that day unless said.
        place: Option<Place>,
        /// What is different.
        off: Off,
    },
    /// Takes back what was said of one permanence on one day.
    Resume {
        /// The day, today unless said otherwise.
        day: Option<Day>,
        /// Who.
        operator: OperatorToken,
        /// Where; wherever something was said unless said.
        place: Option<Place>,
    },
    /// Agents who are not at work.
    Absence {
        /// Names it; drawn by whoever asks, so that asking again adds nothing.
        id: Slug,
        /// When, how many and why.
        absence: Absence,
    },
    /// Takes an absence back.
    RemoveAbsence(Slug),
    /// What a place is called.
    Place(Slug, PlaceLabel),
    /// Whether the house is open on Good Friday; `None` leaves it to the calendar.
    GoodFriday(Option<GoodFriday>),
    /// What the house adds to its hours; `None` takes it back.
    Comment(Option<Text>),
    /// Hours that no rule says, verbatim; `None` when they have been entered.
    Text(Option<Text>),
    /// The published hours are as they should be.
    ConfirmHours,
    /// How a partner can be had, confirmed today.
    Presence {
        /// Who.
        operator: OperatorToken,
        /// How.
        mode: Mode,
        /// Where the house reaches it.
        contact: Option<Contact>,
        /// Last day.
        until: Option<Day>,
        /// When it was confirmed, today unless said otherwise.
        checked_on: Option<Day>,
    },
    /// What was last said of a partner still holds.
    ConfirmPartner(OperatorToken),
    /// How far the agreement with a partner has come.
    Agreement(OperatorToken, AgreementStatus, Option<Day>),
    /// How many agents a partner trained, and when last (today unless said otherwise).
    Training(OperatorToken, u16, Option<Day>),
    /// What a local service is called.
    Label(OperatorToken, Line<LABEL_LEN_MAX>),
    /// Takes back everything that is said of a partner.
    RemovePartner(OperatorToken),
    /// Settles a contradiction by one of its versions, counted from 1.
    Settle {
        /// As [`Disputed::id`] tells.
        id: String,
        /// Which one.
        version: usize,
    },
}

/// The answer to a [`House`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Plans, and what they come from.
    Schedule(Box<ScheduleView>),
    /// Partners.
    Partners(PartnersView),
    /// Contradictions.
    Conflicts(Vec<Disputed>),
    /// What became of a decision.
    Decided(Decided),
}

/// The plans of some days, and what they come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleView {
    /// The site's today.
    pub today: Day,
    /// The minute of it.
    pub minute: u16,
    /// Whether the house is open at that minute.
    pub now: Now,
    /// A plan for each day asked for, in order.
    pub plans: Vec<DayPlan>,
    /// The document, read.
    pub schedule: Schedule,
    /// The network's closures that concern the site, today's and later ones.
    pub closures: Vec<NetworkClosure>,
    /// Minutes of the regular week that holds today.
    pub weekly_minutes: Option<u32>,
    /// Years of public holidays that are there.
    pub public_years: Vec<i16>,
    /// Years of school holidays that are there.
    pub school_years: Vec<i16>,
    /// What people contradict each other on in this document.
    pub conflicts: Vec<Disputed>,
}

/// How the partners can be had on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartnersView {
    /// The site's today.
    pub today: Day,
    /// The day that is told of.
    pub day: Day,
    /// After how many days nothing is believed that nobody confirmed.
    pub stale_after_days: u16,
    /// The house's places by their names for the public.
    pub places: Vec<(Place, String)>,
    /// By operator.
    pub rows: Vec<PartnerRow>,
    /// What people contradict each other on in this document.
    pub conflicts: Vec<Disputed>,
    /// What cannot be read.
    pub unreadable: Vec<Unreadable>,
}

/// One partner on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartnerRow {
    /// Who.
    pub operator: OperatorToken,
    /// What the house calls a local service.
    pub label: Option<String>,
    /// How it can be had.
    pub availability: Availability,
    /// What was last confirmed; several versions where people contradict each other.
    pub said: Vec<Said<Presence>>,
    /// Whether that is too old to be believed.
    pub stale: bool,
    /// Its permanences of the day, cancelled ones included.
    pub permanences: Vec<PlannedPermanence>,
    /// When it comes next after that day.
    pub next: Option<(Day, Interval)>,
    /// The agreement, where everybody says the same.
    pub agreement: Option<Agreement>,
    /// The training, where everybody says the same.
    pub training: Option<Training>,
}

/// A contradiction, with the name by which it is settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disputed {
    /// In which document.
    pub kind: DocKind,
    /// The key, and who says what.
    pub conflict: Conflict,
}

/// What became of a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// The facts that were kept, as keys and values; none when all stood already.
    pub facts: Vec<(String, String)>,
    /// The contradictions that this ended: what others said is put aside.
    pub put_aside: Vec<Disputed>,
    /// What the person should know of it.
    pub remarks: Vec<Remark>,
}

/// Something that whoever decided should know: about which fact, and what of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// What it is.
    pub kind: RemarkKind,
    /// The key of the fact that it is about; empty where it is about none.
    pub key: String,
    /// As the facts write it; a text as it was entered where it is about none.
    pub body: String,
}

/// What a [`Remark`] tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemarkKind {
    /// A piece of a text was not entered.
    Untold,
    /// Agents or access of the hours before were not taken over.
    Dropped,
    /// This holds besides the hours that were set.
    Stays,
    /// Agents are absent from hours of which it is not said how many there are.
    StaffUnknown,
    /// A permanence lies outside of the house's hours.
    OutsideHours,
    /// A place has no name for the public yet.
    PlaceUnnamed,
}

impl RemarkKind {
    /// All.
    pub const ALL: [Self; 6] =
        [Self::Untold, Self::Dropped, Self::Stays, Self::StaffUnknown, Self::OutsideHours, Self::PlaceUnnamed];

    /// The stable code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Untold => "untold",
            Self::Dropped => "dropped",
            Self::Stays => "stays",
            Self::StaffUnknown => "staff_unknown",
            Self::OutsideHours => "outside_hours",
            Self::PlaceUnnamed => "place_unnamed",
        }
    }

    /// The one with this code.
    pub fn known(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == code)
    }

    /// What people read.
    pub const fn label_fr(self) -> &'static str {
        match self {
            Self::Untold => "non entré",
            Self::Dropped => "le nombre d’agents ou l’accès n’est pas repris des horaires d’avant, redites-le",
            Self::Stays => "vaut toujours à côté de ces horaires",
            Self::StaffUnknown => {
                "le nombre d’agents de ces heures n’est pas dit : sans lui, on ne sait pas s’il en reste"
            }
            Self::OutsideHours => "cette permanence dépasse les horaires de la maison",
            Self::PlaceUnnamed => "ce lieu n’a pas encore de nom pour le public",
        }
    }

    /// The same in English.
    pub const fn label_en(self) -> &'static str {
        match self {
            Self::Untold => "not entered",
            Self::Dropped => "number of agents or access not taken over from the hours before, say it again",
            Self::Stays => "still holds besides these hours",
            Self::StaffUnknown => "nobody said how many agents these hours have: whether one is left is not known",
            Self::OutsideHours => "this permanence goes beyond the house’s hours",
            Self::PlaceUnnamed => "this place has no name for the public yet",
        }
    }
}

impl Disputed {
    /// By what a person names it.
    pub fn id(&self) -> String {
        self.conflict.id()
    }
}
