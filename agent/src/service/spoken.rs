//! How a connection ended, in words.

use msap_shared::io::link::{CloseCode, CloseReason};

/// The end of a connection as `status` shows it: a state, and what to tell a person. `refused`
/// is an answer of this network's hub, `untrusted` one of somebody else.
pub(super) fn spoken(why: CloseReason) -> (&'static str, Option<&'static str>) {
    match why {
        CloseReason::Ours(CloseCode::Normal | CloseCode::Shutdown) => ("offline", None),
        CloseReason::Theirs(CloseCode::Normal | CloseCode::Shutdown) => {
            ("offline", Some("le hub s’arrête ou redémarre"))
        }
        CloseReason::Theirs(CloseCode::Revoked) => {
            ("revoked", Some("ce poste a été exclu du réseau : demandez une nouvelle invitation au hub"))
        }
        CloseReason::Theirs(CloseCode::Unknown) => {
            ("refused", Some("le hub ne connaît pas ce poste : demandez une nouvelle invitation"))
        }
        CloseReason::Theirs(CloseCode::Epoch | CloseCode::Replaced) => {
            ("offline", Some("le hub demande de recommencer"))
        }
        CloseReason::Theirs(CloseCode::Busy) => ("offline", Some("le hub est occupé")),
        CloseReason::Untrusted => ("untrusted", Some("le serveur qui répond n’est pas le hub de ce réseau")),
        CloseReason::Rejected => {
            ("refused", Some("le hub refuse le certificat de ce poste : demandez une nouvelle invitation"))
        }
        CloseReason::Unresolved => ("offline", Some("l’adresse du hub est introuvable : vérifiez le réseau")),
        CloseReason::Silent => ("offline", Some("le hub ne répond pas : vérifiez le réseau")),
        CloseReason::Lost => ("offline", Some("la connexion au hub s’est interrompue")),
        CloseReason::Ours(CloseCode::Timeout) => ("offline", Some("le hub ne répond pas à temps")),
        CloseReason::Ours(_) | CloseReason::Theirs(_) => {
            ("offline", Some("la session a été interrompue par une erreur"))
        }
    }
}
