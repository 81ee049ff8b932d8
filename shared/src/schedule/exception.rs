//! Which of the dated exceptions of a place are in force on a day.
//!
//! The narrowest decides, then the one that begins later, then that of the place over that of the
//! whole house. Extra openings add up, but a narrower exception silences a wider one. Without an
//! exception that decides, a closure of the network does.

use super::Dated;
use super::closures::NetworkClosure;
use super::day_plan::{Why, WhyKind};
use super::plan::{Settled, Today, fact};
use crate::document::register::Said;
use crate::document::schedule::{Exception, Place, Where};
use crate::time::Day;

/// An exception in force, with its fact.
pub(super) struct InForce<'a> {
    pub(super) dated: &'a Dated,
    pub(super) said: &'a Said<Exception>,
    pub(super) exception: &'a Exception,
}

/// What is different at one place on this day.
pub(super) struct AtPlace<'a> {
    /// What decides, if the house itself said something other than an extra opening.
    pub(super) deciding: Option<InForce<'a>>,
    /// Extra openings that no narrower exception silences.
    pub(super) extras: Vec<InForce<'a>>,
    /// The closure of the network, unless the house's own exception decides.
    pub(super) network: Option<&'a NetworkClosure>,
}

impl<'a> Settled<'_, 'a> {
    /// What is different at a place today.
    pub(super) fn at_place(&self, place: &Place) -> AtPlace<'a> {
        let Today { exceptions, closures, .. } = self.today;
        let own = exceptions.iter().copied().filter(|dated| dated.place.covers(place)).filter_map(|dated| {
            let said = self.said(&dated.said);
            Some(InForce { dated, said, exception: said.body.as_ref()? })
        });
        let (mut extras, others): (Vec<_>, Vec<_>) = own.partition(|own| matches!(own.exception, Exception::Extra(..)));
        let deciding = others.into_iter().max_by_key(InForce::rank);
        if let Some(deciding) = &deciding {
            extras.retain(|extra| extra.narrow() >= deciding.narrow());
        }
        let network = closures.first().copied().filter(|_| deciding.is_none());
        AtPlace { deciding, extras, network }
    }
}

impl InForce<'_> {
    /// How narrow: the narrowest is the greatest.
    fn narrow(&self) -> i32 {
        self.dated.from.number() - self.dated.to.number()
    }

    fn rank(&self) -> (i32, Day, bool) {
        let at_place = matches!(self.dated.place, Where::At(_));
        (self.narrow(), self.dated.from, at_place)
    }

    pub(super) fn why(&self, place: &Place) -> Why {
        let kind = match self.exception {
            Exception::Closed(_) => WhyKind::Closed,
            Exception::Extra(..) => WhyKind::Extra,
            Exception::Hours(..) => WhyKind::Replaced,
            Exception::Moved(..) => WhyKind::Moved,
        };
        let everywhere = matches!(self.dated.place, Where::Everywhere);
        Why {
            reason: Some(self.exception.reason()),
            place: (!everywhere).then(|| place.clone()),
            ..fact(kind, &self.dated.said, self.said)
        }
    }
}
