//! Why a text is not read, in French, with the place and the next step.

use super::TEXT_LEN_MAX;
use crate::document::register::FieldError;
use crate::document::schedule::{Interval, Variant};
use crate::time::Day;

/// Why a text does not become rules.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum ReadError {
    /// Nothing is there.
    #[error("aucun horaire : écrivez par exemple « Mo-Fr 09:00-12:00,14:00-17:00 »")]
    Empty,
    /// Longer than [`TEXT_LEN_MAX`].
    #[error("texte de {0} octets : {TEXT_LEN_MAX} au plus, abrégez")]
    TooLong(usize),
    /// Not of OpenStreetMap's grammar, from this character on.
    #[error(
        "au caractère {column}, « {found} » ne se lit pas : écrivez par exemple « Mo-Fr 09:00-12:00,14:00-17:00; Sa off »"
    )]
    Syntax {
        /// Counted from 1.
        column: usize,
        /// What stands there, abridged.
        found: String,
    },
    /// Numbers that no text can hold.
    #[error("une suite d’années ou de semaines est inversée ou impossible : corrigez-la")]
    Numbers,
    /// One rule stands in the way.
    #[error("règle {number}, « {text} » : {why}")]
    Rule {
        /// Counted from 1.
        number: usize,
        /// The rule, as it is understood.
        text: String,
        /// What is in the way.
        why: Obstacle,
    },
}

/// What stands in the way of reading a rule, in French, with the next step.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum Obstacle {
    /// Sunrise and the like.
    #[error("le lever et le coucher du soleil ne sont pas des horaires d’accueil : donnez des heures")]
    Sun,
    /// `09:00+`.
    #[error("une fin laissée ouverte : donnez l’heure de fermeture")]
    OpenEnd,
    /// `10:00-16:00/01:30`.
    #[error("des passages répétés ne sont pas des heures d’ouverture : donnez les créneaux")]
    Repeated,
    /// Inverted, or beyond midnight.
    #[error("{0} est inversé ou passe minuit : un créneau commence et finit le même jour, coupez-le à 24:00")]
    PastMidnight(String),
    /// Of no length.
    #[error("{0} ne dure pas : donnez une fin après le début")]
    NoTime(String),
    /// Two that overlap.
    #[error("{0} et {1} se chevauchent : réunissez-les en un seul créneau")]
    Overlap(Interval, Interval),
    /// More slots than a day can have.
    #[error("trop de créneaux en un jour : douze au plus")]
    Slots,
    /// `||`.
    #[error("« || » donne une réponse de rechange : choisissez l’une des deux")]
    Fallback,
    /// `unknown`.
    #[error("« unknown » ne dit pas si c’est ouvert : donnez les heures, ou « off »")]
    Unknown,
    /// A comment without hours.
    #[error("un commentaire sans heures : donnez les heures auxquelles il vaut")]
    NoHours,
    /// A comment that speaks of both.
    #[error("le commentaire parle de rendez-vous et de téléphone : écrivez deux créneaux, un commentaire chacun")]
    TwoAccesses,
    /// Weeks other than the odd or the even ones.
    #[error(
        "seules les semaines impaires, « week 01-53/2 », et paires, « week 02-52/2 », se lisent : donnez des dates"
    )]
    Weeks,
    /// `[-2]`.
    #[error("du mois, seuls se lisent les cinq premiers, [1] à [5], et le dernier, [-1]")]
    FromTheEnd,
    /// Days counted from another.
    #[error("des jours comptés à partir d’un autre ne se lisent pas : donnez les dates")]
    DayOffset,
    /// Easter, or the nth weekday of a month, as a date.
    #[error("Pâques et les dates mobiles ne se lisent pas : donnez les dates, année par année")]
    MovingDate,
    /// Beyond the calendar, or with a step.
    #[error("les années vont de 2000 à 2099, sans intervalle : donnez les deux dates, année comprise")]
    Years,
    /// Not in the calendar.
    #[error("{0} n’est pas un jour du calendrier")]
    NoSuchDay(String),
    /// Two days in the wrong order.
    #[error("{1} précède {0} : inversez les deux dates")]
    InvertedDays(Day, Day),
    /// `PH,SH`.
    #[error("jours fériés et vacances scolaires ensemble : écrivez une règle pour PH, une autre pour SH")]
    Holidays,
    /// `PH,Mo` and `PH Mo` in one text.
    #[error("« PH Mo » et « PH,Mo » n’ont pas le même sens : écrivez les jours fériés et les vacances à part")]
    HolidaysBoth,
    /// The order of the rules says something that no schedule can.
    #[error(
        "les jours « {0} » auraient plusieurs horaires, par exemple le {1} et le {2} : écrivez du général au particulier (semaine, semaines paires ou impaires, nième jour du mois, vacances, dates), ou saisissez ces jours un à un"
    )]
    Order(Variant, Day, Day),
    /// The same, for public holidays.
    #[error("les jours fériés auraient plusieurs horaires, par exemple le {0} et le {1} : mettez « PH off » à la fin")]
    PublicHolidays(Day, Day),
}

impl From<ReadError> for FieldError {
    fn from(error: ReadError) -> Self {
        Self::new("hours", error.to_string())
    }
}

impl ReadError {
    /// What the parser says of a text.
    pub(super) fn of(text: &str, error: &opening_hours_syntax::Error) -> Self {
        let opening_hours_syntax::Error::Syntax(error) = error else { return Self::Numbers };
        let at = match error.location {
            pest::error::InputLocation::Pos(at) | pest::error::InputLocation::Span((at, _)) => at,
        };
        let rest = text.get(at..).unwrap_or_default();
        let found: String = rest.chars().take(20).collect();
        let column = text.get(..at).map_or(0, |before| before.chars().count()) + 1;
        Self::Syntax { column, found: if found.is_empty() { "fin du texte".to_owned() } else { found } }
    }
}
