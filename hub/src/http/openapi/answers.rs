//! What is answered, and what bodies hold, as schemas; each is named by the address's description.

use msap_shared::document::partners::{AgreementStatus, Mode};

use super::schema::{Schema, count, day, fields, flag, moment, number, object, text, words};
use crate::http::scope::Role;
use crate::store::journal::KINDS;

mod figures;
mod places;
mod schedule;
mod views;
mod written;

pub(in crate::http) use self::figures::{completeness, label, visits};
pub(in crate::http) use self::places::{closures, documents, flagged, fleet, journal, refused, site, sites};
pub(in crate::http) use self::schedule::{conflicts, partners, partners_of_site, schedule};
pub(in crate::http) use self::views::{coverage, network, public, released, report, returned};
pub(in crate::http) use self::written::*;
