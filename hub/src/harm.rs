//! What a failure of the database means to people, and what they do about it.
//!
//! Asked by every command that ends with exit code 9 or 1 for the database's sake, and by the
//! doctor: the same cause has the same words and the same next step everywhere.

use std::path::Path;

use crate::exit::{Exit, Failure, with_causes};
use crate::lang::Lang;
use crate::store::StoreError;

/// The exit code.
pub fn exit(error: &StoreError) -> Exit {
    if error.is_damage() { Exit::Damaged } else { Exit::Failure }
}

/// What is wrong. What SQLite or the verifier found stays in English: it is to be searched for.
pub fn what(error: &StoreError, lang: Lang) -> String {
    let french = match error {
        StoreError::Missing { path } => format!("{} n’existe pas", path.display()),
        StoreError::NewerSchema { path } => format!("{} vient d’une version plus récente de msap-hub", path.display()),
        StoreError::Corrupt { what } => format!("la base du hub est endommagée ({what})"),
        error if error.is_full() => "le disque est plein".to_owned(),
        StoreError::Sqlite { doing, source } => format!("la base du hub a échoué ({doing}: {source})"),
        StoreError::Migration(source) => {
            format!("la base du hub n’a pas pu être mise à jour ({})", with_causes(source))
        }
        StoreError::OldSqlite(version) => {
            format!("ce programme contient SQLite {version}, qui peut perdre des données : il faut au moins 3.51.3")
        }
    };
    lang.of(french, with_causes(error))
}

/// What to do about it; empty when there is nothing but to look into the cause.
pub fn next(error: &StoreError, lang: Lang) -> &'static str {
    match error {
        StoreError::Corrupt { .. } => restore(lang),
        StoreError::NewerSchema { .. } => lang.of(
            "installez cette version de msap-hub ou une plus récente ; la base n’a pas été touchée",
            "install that version of msap-hub or a newer one; the database was not touched",
        ),
        StoreError::OldSqlite(_) => lang.of("installez une autre version de msap-hub", "install another msap-hub"),
        error if error.is_full() => lang.of(
            "faites de la place : le hub reprendra de lui-même, les postes gardent tout",
            "make room: the hub will go on by itself, the sites keep everything",
        ),
        _ => "",
    }
}

/// What to do about damage.
pub fn restore(lang: Lang) -> &'static str {
    lang.of(
        "arrêtez le hub et gardez le fichier hub.db, puis msap-hub restore FICHIER ; sans sauvegarde, mettez hub.db et \
         hub.db-wal de côté et redémarrez : les postes renverront ce qu’ils gardent",
        "stop the hub and keep the file hub.db, then msap-hub restore FILE; without a backup, set hub.db and \
         hub.db-wal aside and start again: the sites will send what they keep",
    )
}

/// What is wrong where keys are whole and the database is not there.
pub fn lost(keys: &Path, lang: Lang) -> String {
    let keys = keys.display();
    lang.of(
        format!("la base manque, alors que les clés d’un hub sont dans {keys}"),
        format!("the database is missing, and the keys of a hub are in {keys}"),
    )
}

/// What to do about it.
pub fn replace(lang: Lang) -> &'static str {
    lang.of(
        "vérifiez --data ; puis msap-hub restore FICHIER ou, sans sauvegarde, msap-hub serve : il repart d’une base \
         vide que les postes rempliront, après site import et device approve --all-certified",
        "check --data; then msap-hub restore FILE or, without a backup, msap-hub serve: it begins with an empty \
         database that the sites will fill, after site import and device approve --all-certified",
    )
}

/// What to do about a list of revocations that is not whole.
pub fn list_again(lang: Lang) -> &'static str {
    lang.of(
        "restaurez le fichier « revocations » depuis la sauvegarde du dossier des clés ; sinon, comparez msap-hub \
         device list avec vos postes, excluez par device revoke ceux qui ne doivent pas en être, puis msap-hub device \
         revocations --confirm --reason TEXTE",
        "restore the file «revocations» from the backup of the keys; otherwise compare msap-hub device list with your \
         machines, device revoke those that should not be among them, then msap-hub device revocations --confirm \
         --reason TEXT",
    )
}

/// What to do about rows of the registry that are not what was last written there.
pub fn registry(lang: Lang) -> &'static str {
    lang.of(
        "arrêtez le hub, puis msap-hub restore FICHIER ; sans sauvegarde, relisez ces lignes (site show, device show, \
         token list, user list, journal list), corrigez-les par user passwd, site set LIEU CHAMP=VALEUR --from \
         2000-01-01, site import de la liste ou catalogue import, puis msap-hub check --seal ; ce qui est publié, \
         tranché ou inscrit au journal reste alors tel qu’il se lit",
        "stop the hub, then msap-hub restore FILE; without a backup, read these rows (site show, device show, token \
         list, user list, journal list), put them right by user passwd, site set SITE FIELD=VALUE --from 2000-01-01, \
         site import of the list or catalogue import, then msap-hub check --seal; what is released, settled or in the \
         journal then stays as it reads",
    )
}

/// Both on one line.
pub fn said(error: &StoreError, lang: Lang) -> String {
    match (what(error, lang), next(error, lang)) {
        (what, "") => what,
        (what, next) => lang.of(format!("{what} : {next}"), format!("{what}: {next}")),
    }
}

/// The end of a command by it.
pub fn failure(error: &StoreError, lang: Lang) -> Failure {
    Failure::new(exit(error), said(error, lang))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_ends_with_nine_says_in_french_what_to_do() {
        let newer = StoreError::NewerSchema { path: "hub.db".into() };
        for (error, what, next) in [
            (&newer, "plus récente", "installez"),
            (&StoreError::corrupt("page 7"), "endommagée (page 7)", "msap-hub restore"),
            (&StoreError::OldSqlite("3.40.0"), "3.40.0", "installez"),
        ] {
            let failure = failure(error, Lang::Fr);
            assert_eq!(failure.exit, Exit::Damaged);
            assert!(failure.message.contains(what) && failure.message.contains(next), "{}", failure.message);
        }
        assert!(said(&newer, Lang::En).contains("install that version"));
    }
}
