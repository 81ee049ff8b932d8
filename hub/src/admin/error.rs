//! Why a request of an operator is not carried out.

use std::net::SocketAddr;

use crate::ask::AskError;
use crate::catalogue::CatalogueError;
use crate::exit::{Exit, Failure, with_causes};
use crate::export::ExportError;
use crate::harm;
use crate::http::scope::ScopeError;
use crate::import::ImportError;
use crate::lang::{Lang, counted};
use crate::login::{LOGIN_LEN_MAX, LoginError};
use crate::site::FieldError;
use crate::store::StoreError;
use crate::store::figures::{FigureError, NARROW, ROWS_MAX};

/// One variant per thing that an operator does differently.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages are the documentation")]
pub enum AdminError {
    #[error("no site {0:?}")]
    UnknownSite(String),
    #[error("no device {0:?}")]
    UnknownDevice(String),
    #[error("device {device} does not wait for approval: it is {standing}")]
    NotPending { device: String, standing: &'static str },
    #[error("no token {0:?}: «msap-hub token list» names them")]
    UnknownToken(String),
    #[error("no user {0:?}: «msap-hub user list» names them")]
    UnknownUser(String),
    #[error(
        "user {0} exists: «user passwd» changes the password, «user set» the rights, «user enable» lets it in again"
    )]
    UserExists(String),
    #[error(transparent)]
    Login(#[from] LoginError),
    #[error("no document {0:?}")]
    UnknownDocument(String),
    #[error("{0:?} is not a site id: 1 to 32 characters among a-z, 0-9, _ and -")]
    SiteId(String),
    #[error("{0:?} already names a site")]
    Taken(String),
    #[error("{0:?} is neither house nor antenna")]
    Kind(String),
    #[error("a new site needs {0}")]
    Missing(&'static str),
    #[error("{0:?} is not a field of a site")]
    UnknownField(String),
    #[error(transparent)]
    Field(#[from] FieldError),
    #[error("--from dates life, department, bearer and parent: none of them is given")]
    NotDated,
    #[error("{0:?} is not a day of the calendar such as 2026-11-20")]
    Day(String),
    #[error("no conflict {0:?}")]
    UnknownConflict(String),
    #[error(transparent)]
    Fact(msap_shared::document::register::FieldError),
    #[error("the sites are in, but their schedules do not take the hours listed for {}", .0.join(", "))]
    HoursRefused(Vec<String>),
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
    #[error("no flagged fact {0:?}")]
    UnknownFlagged(String),
    #[error("{0:?} names more than one flagged fact")]
    Ambiguous(String),
    #[error("{0} is a figure below zero: it counts as 0, until a desk of the site corrects what was taken away twice")]
    Negative(String),
    #[error("no refused change {0:?}")]
    UnknownRefusal(String),
    #[error("{0:?} is neither count nor leave_out")]
    Verdict(String),
    #[error("device {device} counts for site {site}")]
    OfAnotherSite { device: String, site: String },
    #[error("{0} is not an antenna: only an antenna has a house")]
    NotAntenna(String),
    #[error("{0} is not a house")]
    NotHouse(String),
    #[error("{0} is retired")]
    Retired(String),
    #[error(
        "the port of {0} is known only while the hub runs: start it, or set sync.advertise to the address that sites \
         connect to, host:port"
    )]
    NoAddress(SocketAddr),
    #[error("{address} cannot stand in a join code")]
    Address {
        address: String,
        #[source]
        source: msap_shared::io::join_code::JoinCodeError,
    },
    #[error(transparent)]
    Scope(#[from] ScopeError),
    #[error("{0} is empty, too long or not one line")]
    Text(&'static str),
    #[error(transparent)]
    Ask(#[from] AskError),
    #[error(transparent)]
    Figures(#[from] FigureError),
    #[error(transparent)]
    Import(#[from] ImportError),
    #[error("document {name} is damaged")]
    Export {
        name: String,
        #[source]
        source: ExportError,
    },
    #[error("site {site} has several machines, choose one with --device: {}", several.join(", "))]
    SeveralDevices { site: String, several: Vec<String> },
    #[error("{0:?} is not a month such as 2026-11")]
    Month(String),
    #[error(transparent)]
    File(#[from] crate::bundle::FileError),
    #[error("devices have not taken up the new authority: {}", .0.join(", "))]
    Behind(Vec<String>),
    #[error("the keys directory failed")]
    Keys(#[from] crate::keys::KeysError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AdminError {
    /// The exit code of a command that ends with this.
    pub fn exit(&self) -> Exit {
        match self {
            Self::UnknownSite(_)
            | Self::UnknownDevice(_)
            | Self::UnknownToken(_)
            | Self::UnknownUser(_)
            | Self::UnknownDocument(_)
            | Self::UnknownConflict(_)
            | Self::UnknownFlagged(_)
            | Self::UnknownRefusal(_) => Exit::NotFound,
            Self::Ask(AskError::UnknownParameter { .. } | AskError::Repeated(_) | AskError::HalfPeriod(_)) => {
                Exit::Usage
            }
            Self::UnknownField(_) | Self::NotDated => Exit::Usage,
            Self::File(error) => error.exit(),
            Self::Export { .. } => Exit::Damaged,
            Self::Keys(error) => match error.exit_code() {
                9 => Exit::Damaged,
                5 => Exit::Invalid,
                _ => Exit::Failure,
            },
            Self::Store(error)
            | Self::Ask(AskError::Store(error))
            | Self::Figures(FigureError::Store(error))
            | Self::Catalogue(CatalogueError::Store(error))
            | Self::Import(ImportError::Store(error)) => harm::exit(error),
            _ => Exit::Invalid,
        }
    }

    /// The error as people read it.
    pub fn say(&self, lang: Lang) -> String {
        let french = match self {
            Self::UnknownSite(site) => format!("site {site:?} inconnu"),
            Self::UnknownDevice(device) => format!("poste {device:?} inconnu"),
            Self::NotPending { device, standing } => {
                format!("le poste {device} n’attend pas d’approbation : il est « {standing} »")
            }
            Self::UnknownToken(id) => format!("jeton {id:?} inconnu ; msap-hub token list"),
            Self::UnknownUser(login) => format!("utilisateur {login:?} inconnu ; msap-hub user list"),
            Self::UserExists(login) => format!(
                "l’utilisateur {login} existe déjà : « user passwd » change son mot de passe, « user set » ses droits, \
                 « user enable » le rétablit"
            ),
            Self::Login(LoginError(text)) => format!(
                "{text:?} n’est pas un nom d’utilisateur : 1 à {LOGIN_LEN_MAX} caractères parmi a-z, 0-9, « . », « _ » et \
                 « - », le premier une lettre ou un chiffre"
            ),
            Self::UnknownDocument(name) => format!("document {name:?} inconnu"),
            Self::SiteId(text) => {
                format!("{text:?} n’est pas un identifiant de site : 1 à 32 caractères parmi a-z, 0-9, _ et -")
            }
            Self::Taken(name) => format!("{name:?} désigne déjà un site"),
            Self::Kind(text) => format!("{text:?} n’est ni house ni antenna"),
            Self::Missing(what) => format!("il manque au nouveau site : {what}"),
            Self::UnknownField(name) => {
                let fields = crate::site::Field::ALL.iter().map(|field| field.name());
                let known: Vec<_> = fields.chain(crate::site::Fact::ALL.map(crate::site::Fact::name)).collect();
                format!("{name:?} n’est pas un champ d’un site ; champs : {}", known.join(", "))
            }
            Self::Field(error) => format!("{} : {}", error.field, error.say(lang)),
            Self::Day(text) => format!("{text:?} n’est pas un jour de 2000 à 2099, par exemple 2026-11-20"),
            Self::UnknownConflict(id) => {
                format!("aucun conflit {id:?} : il a pu être tranché ; relisez « msap-hub conflict list »")
            }
            Self::Fact(error) => error.to_string(),
            Self::HoursRefused(sites) => format!(
                "les lieux sont enregistrés, mais leurs horaires n’ont pas pu l’être pour {} : leur document ne les prend \
                 pas ; corrigez ces lignes et importez à nouveau",
                sites.join(", ")
            ),
            Self::Catalogue(CatalogueError::Header) => "l’en-tête n’est ni celui de jours fériés (holiday_zone, date, \
                 name), ni de vacances (school_zone, name, start, end_exclusive), ni de fermetures (from, to, reason, \
                 label, scope), ni d’opérateurs (code, label)"
                .to_owned(),
            Self::UnknownFlagged(id) => format!("aucun fait signalé {id:?} ; msap-hub flagged list"),
            Self::Ambiguous(id) => format!("{id:?} désigne plusieurs faits signalés"),
            Self::Negative(id) => format!(
                "{id} est une somme négative : elle compte pour 0, jusqu’à ce qu’un poste du lieu corrige ce qui a été \
                 retiré deux fois"
            ),
            Self::UnknownRefusal(id) => format!("aucun changement refusé {id:?} ; msap-hub refused list"),
            Self::Verdict(text) => format!("{text:?} n’est ni count ni leave_out"),
            Self::OfAnotherSite { device, site } => format!("le poste {device} compte pour le lieu {site}"),
            Self::NotDated => "--from date life, department, bearer et parent : aucun n’est donné".to_owned(),
            Self::NotAntenna(site) => format!("{site} n’est pas une antenne : seule une antenne a une maison"),
            Self::NotHouse(site) => format!("{site} n’est pas une maison"),
            Self::Retired(site) => format!("{site} est fermé définitivement"),
            Self::NoAddress(address) => format!(
                "le port de {address} n’est connu que pendant que le hub tourne : démarrez-le, ou réglez \
                 sync.advertise (MSAP_HUB_SYNC__ADVERTISE) sur l’adresse où les postes se connectent, hôte:port"
            ),
            Self::Address { address, .. } => format!("{address} ne peut pas figurer dans un code d’invitation"),
            Self::Scope(ScopeError::Scope(text)) => format!(
                "{text:?} n’est pas un périmètre : national, region:52, department:49, site:275 ou operator:CNAF"
            ),
            Self::Scope(ScopeError::Role(text)) => format!("{text:?} n’est pas un rôle : reader, coordinator ou admin"),
            Self::Scope(ScopeError::PartnerReads(scope)) => format!(
                "un partenaire lit et n’écrit rien : donnez le rôle reader à {scope} ; ses permanences s’annulent à la \
                 maison, ou par un coordinateur de son territoire"
            ),
            Self::Text(what) => format!("{what} : texte vide, trop long ou sur plusieurs lignes"),
            Self::Ask(error) => error.say(lang),
            Self::Figures(FigureError::TooManyRows) => {
                format!("la réponse dépasse {ROWS_MAX} lignes : {}", NARROW.fr)
            }
            Self::Figures(FigureError::HistoryLost(first)) => format!(
                "ce qui avait été reçu à cette date n’est connu que depuis le {} : le hub avait une autre base avant",
                msap_shared::wording::calendar_day(*first, lang)
            ),
            Self::Import(ImportError::Header(missing)) => {
                format!("ce n’est pas une liste de lieux : l’en-tête n’a pas les colonnes {}", missing.join(", "))
            }
            Self::Import(ImportError::Date(text)) => {
                format!("{text:?} n’est pas un jour de 2000 à 2099, par exemple 2024-08-01")
            }
            Self::Import(ImportError::Empty) => {
                "ce n’est pas une liste de lieux : un en-tête et aucune ligne".to_owned()
            }
            Self::Import(ImportError::Most { gone, serving }) => format!(
                "lieux en service absents de cette liste : {gone} sur {serving} ; --retire-missing en fermerait plus \
                 d’un quart. Si c’est juste, ajoutez --even-most ; rien n’a été changé"
            ),
            Self::Import(ImportError::Csv(_)) => "l’en-tête du fichier est illisible".to_owned(),
            Self::Import(ImportError::TooLong) => "le fichier a trop de lignes pour une liste de sites".to_owned(),
            Self::Export { name, source } => format!("le document {name} est endommagé : {source}"),
            Self::SeveralDevices { site, several } => {
                format!("le lieu {site} a plusieurs postes, choisissez par --device : {}", several.join(", "))
            }
            Self::Month(text) => format!("{text:?} n’est pas un mois comme 2026-11"),
            Self::File(error) => error.say(lang),
            Self::Behind(devices) => format!(
                "{} : {}. Attendez qu’ils la reçoivent, révoquez ceux qui ne reviendront pas, ou laissez-les derrière \
                 par --force : il faudra les inviter à nouveau",
                counted(
                    devices.len(),
                    lang,
                    ["poste n’a pas reçu la nouvelle autorité", "postes n’ont pas reçu la nouvelle autorité"],
                    ["", ""],
                ),
                devices.join(", ")
            ),
            Self::Keys(error) => with_causes(error),
            Self::Store(error)
            | Self::Catalogue(CatalogueError::Store(error))
            | Self::Figures(FigureError::Store(error))
            | Self::Import(ImportError::Store(error)) => {
                return harm::said(error, lang);
            }
        };
        lang.of(french, with_causes(self))
    }

    /// The failure of a command.
    pub fn failure(&self, lang: Lang) -> Failure {
        Failure::new(self.exit(), self.say(lang))
    }
}
