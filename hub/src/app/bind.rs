//! What to say of an address on which the hub cannot listen, and what to do about it.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use crate::exit::{Exit, Failure, with_causes};
use crate::lang::Lang;

/// An address of the settings.
#[derive(Clone, Copy)]
pub(super) struct Door {
    /// The setting that names it.
    pub(super) setting: &'static str,
    /// The option that does.
    pub(super) option: &'static str,
    /// The address.
    pub(super) address: SocketAddr,
}

impl Door {
    /// The failure, named by address and cause, with the next step.
    pub(super) fn shut(self, error: &(dyn Error + 'static), lang: Lang) -> Failure {
        let Self { setting, option, address } = self;
        let (why, next) = match kind(error) {
            Some(ErrorKind::AddrInUse) => lang.of(
                ("cette adresse est déjà prise par un autre programme", "arrêtez-le, ou choisissez une autre adresse"),
                ("another program already has this address", "stop it, or choose another address"),
            ),
            Some(ErrorKind::AddrNotAvailable) => lang.of(
                ("cette machine n’a pas cette adresse", "donnez-lui l’une des siennes, ou [::] pour toutes"),
                ("this machine does not have this address", "give one of its own, or [::] for all of them"),
            ),
            Some(ErrorKind::PermissionDenied) => lang.of(
                (
                    "le système ne permet pas cette adresse",
                    "prenez un port à partir de 1024, ou donnez CAP_NET_BIND_SERVICE au service",
                ),
                (
                    "the system does not allow this address",
                    "take a port from 1024 on, or give the service CAP_NET_BIND_SERVICE",
                ),
            ),
            _ => lang.of(
                ("le système ne permet pas d’y écouter", "choisissez une autre adresse"),
                ("the system does not allow to listen there", "choose another address"),
            ),
        };
        let by = lang.of("par", "by");
        let text = format!("{address} : {why} ; {next} {by} {setting} / {option} ({})", with_causes(error));
        Failure::new(Exit::Failure, text)
    }
}

/// What the system said, among the causes.
fn kind(error: &(dyn Error + 'static)) -> Option<ErrorKind> {
    error.downcast_ref::<io::Error>().map(io::Error::kind).or_else(|| error.source().and_then(kind))
}
