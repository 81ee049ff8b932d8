//! The command line of the schedule and the partners, as it is written.
//!
//! Values stay texts here: the agent's door judges them and names the field.

use clap::{Args, Subcommand};

/// A command that shows or decides something.
#[derive(Debug, Args)]
pub struct Deciding<A: Subcommand> {
    /// Change aussi ce sur quoi deux personnes se contredisent, en écartant leurs versions
    #[arg(long, global = true)]
    pub settle: bool,
    /// What to do.
    #[command(subcommand)]
    pub action: A,
}

/// `hours …`.
#[derive(Debug, Subcommand)]
pub enum HoursAction {
    /// Montre les horaires de chaque jour, et pourquoi
    Show {
        /// Premier jour [défaut : aujourd’hui au site]
        #[arg(long, value_name = "JOUR")]
        from: Option<String>,
        /// Dernier jour [défaut : six jours après le premier]
        #[arg(long, value_name = "JOUR")]
        to: Option<String>,
    },
    /// Remplace les horaires d’un lieu, écrits comme OpenStreetMap : 'Mo-Fr 09:00-12:00,14:00-17:00' ;
    /// ses jours particuliers restent, et sont nommés
    Set {
        /// Le texte
        #[arg(value_name = "OSM")]
        osm: String,
        /// From when, and where.
        #[command(flatten)]
        since: Since,
    },
    /// Vérifie un texte d’horaires sans rien changer
    Check {
        /// Le texte
        #[arg(value_name = "OSM")]
        osm: String,
    },
    /// Change les horaires d’un jour de la semaine, les autres restent
    Day {
        /// lundi, mardi… ou férié
        #[arg(value_name = "JOUR")]
        weekday: String,
        /// Comme 09:00-12:00,14:00-17:00/appointment (/phone, /free/2 pour deux agents) ou fermé
        #[arg(value_name = "HORAIRES")]
        hours: String,
        /// every, odd, even, 1st à 5th, last, school, holiday, 07-01..08-31, 2027-07-01..2027-08-31 [défaut : every]
        #[arg(long, value_name = "SEMAINES")]
        variant: Option<String>,
        /// From when, and where.
        #[command(flatten)]
        since: Since,
    },
    /// Ouvre en plus des horaires habituels, certains jours
    Extra {
        /// When, and where.
        #[command(flatten)]
        dates: Dates,
        /// Comme 09:00-12:00
        #[arg(long, value_name = "HORAIRES")]
        hours: String,
        /// Motif : works, training, staff_absence, meeting, weather, strike, event, holiday, network, move, other [défaut : other]
        #[arg(long, value_name = "MOTIF")]
        reason: Option<String>,
    },
    /// Remplace les horaires habituels, certains jours
    Replace {
        /// When, and where.
        #[command(flatten)]
        dates: Dates,
        /// Comme 09:00-12:00
        #[arg(long, value_name = "HORAIRES")]
        hours: String,
        /// Motif : works, training, staff_absence, meeting, weather, strike, event, holiday, network, move, other [défaut : other]
        #[arg(long, value_name = "MOTIF")]
        reason: Option<String>,
    },
    /// Dit que la maison est ailleurs, certains jours
    Move {
        /// When, and where.
        #[command(flatten)]
        dates: Dates,
        /// Nom court du lieu, comme mairie
        #[arg(long, value_name = "LIEU")]
        to_place: String,
        /// Horaires, s’ils ne sont pas les habituels
        #[arg(long, value_name = "HORAIRES")]
        hours: Option<String>,
        /// Motif : works, training, staff_absence, meeting, weather, strike, event, holiday, network, move, other [défaut : other]
        #[arg(long, value_name = "MOTIF")]
        reason: Option<String>,
    },
    /// Donne le nom et l’adresse d’un lieu
    Place {
        /// Nom court, comme mairie
        #[arg(value_name = "LIEU")]
        place: String,
        /// Son nom pour le public
        #[arg(long, value_name = "TEXTE")]
        label: String,
        /// Son adresse
        #[arg(long, value_name = "TEXTE")]
        address: Option<String>,
    },
    /// Ajoute un commentaire aux horaires ; vide, le retire
    Comment {
        /// Le texte
        #[arg(value_name = "TEXTE")]
        text: String,
    },
    /// Dit si la maison ouvre le Vendredi saint : open, closed, calendar
    GoodFriday {
        /// open, closed, ou calendar pour suivre le calendrier
        #[arg(value_name = "RÈGLE")]
        rule: String,
    },
    /// Confirme que les horaires publiés sont justes
    Confirm,
}

/// From which day, and where.
#[derive(Debug, Args)]
pub struct Since {
    /// Premier jour où cela vaut [défaut : aujourd’hui au site]
    #[arg(long, value_name = "JOUR")]
    pub from: Option<String>,
    /// Nom court du lieu [défaut : la maison même]
    #[arg(long, value_name = "LIEU", allow_hyphen_values = true)]
    pub place: Option<String>,
}

/// On which days, and where.
#[derive(Debug, Args)]
pub struct Dates {
    /// Premier jour, comme 2026-12-24
    #[arg(long, value_name = "JOUR")]
    pub from: String,
    /// Dernier jour [défaut : le premier]
    #[arg(long, value_name = "JOUR")]
    pub to: Option<String>,
    /// Nom court du lieu, ou « * » pour tous
    #[arg(long, value_name = "LIEU", allow_hyphen_values = true)]
    pub place: Option<String>,
}

/// `closure …`.
#[derive(Debug, Subcommand)]
pub enum ClosureAction {
    /// Ferme la maison certains jours
    Add {
        /// When, and where.
        #[command(flatten)]
        dates: Dates,
        /// Motif : works, training, staff_absence, meeting, weather, strike, event, holiday, network, move, other
        #[arg(long, value_name = "MOTIF")]
        reason: String,
    },
    /// Liste les fermetures et autres exceptions à venir, celles du réseau comprises
    List,
    /// Retire une fermeture ou une autre exception
    Remove {
        /// When, and where.
        #[command(flatten)]
        dates: Dates,
    },
}

/// `permanence …`.
#[derive(Debug, Subcommand)]
pub enum PermanenceAction {
    /// Ajoute ou change une permanence régulière d’un partenaire
    Add {
        /// Code du partenaire, ou LOCAL:nom
        #[arg(value_name = "PARTENAIRE")]
        operator: String,
        /// lundi, mardi…
        #[arg(long, value_name = "JOUR")]
        day: String,
        /// Comme 09:00-12:00
        #[arg(long, value_name = "HORAIRES")]
        slots: String,
        /// every, odd, even, 1st à 5th, last, school, holiday, 07-01..08-31, 2027-07-01..2027-08-31 [défaut : every]
        #[arg(long, value_name = "SEMAINES")]
        variant: Option<String>,
        /// From when, and where.
        #[command(flatten)]
        since: Since,
    },
    /// Annule une permanence un seul jour
    Cancel {
        /// Code du partenaire, ou LOCAL:nom
        #[arg(value_name = "PARTENAIRE")]
        operator: String,
        /// Le jour [défaut : aujourd’hui au site]
        #[arg(long, value_name = "JOUR")]
        day: Option<String>,
        /// Motif : works, training, staff_absence, meeting, weather, strike, event, holiday, network, move, other
        #[arg(long, value_name = "MOTIF")]
        reason: String,
        /// Nom court du lieu, si le partenaire vient en plusieurs
        #[arg(long, value_name = "LIEU", allow_hyphen_values = true)]
        place: Option<String>,
    },
    /// Change les heures d’une permanence un seul jour
    Shift {
        /// Code du partenaire, ou LOCAL:nom
        #[arg(value_name = "PARTENAIRE")]
        operator: String,
        /// Le jour [défaut : aujourd’hui au site]
        #[arg(long, value_name = "JOUR")]
        day: Option<String>,
        /// Comme 09:00-12:00
        #[arg(long, value_name = "HORAIRES")]
        slots: String,
        /// Motif : works, training, staff_absence, meeting, weather, strike, event, holiday, network, move, other [défaut : other]
        #[arg(long, value_name = "MOTIF")]
        reason: Option<String>,
        /// Nom court du lieu, si le partenaire vient en plusieurs
        #[arg(long, value_name = "LIEU", allow_hyphen_values = true)]
        place: Option<String>,
    },
    /// Reprend ce qui a été dit d’un seul jour : la permanence a lieu comme d’habitude
    Resume {
        /// Code du partenaire, ou LOCAL:nom
        #[arg(value_name = "PARTENAIRE")]
        operator: String,
        /// Le jour [défaut : aujourd’hui au site]
        #[arg(long, value_name = "JOUR")]
        day: Option<String>,
        /// Nom court du lieu, si le partenaire vient en plusieurs
        #[arg(long, value_name = "LIEU", allow_hyphen_values = true)]
        place: Option<String>,
    },
    /// Liste les permanences régulières, et celles des jours qui viennent
    List,
    /// Met fin aux permanences d’un partenaire
    Remove {
        /// Code du partenaire, ou LOCAL:nom
        #[arg(value_name = "PARTENAIRE")]
        operator: String,
        /// Seulement ce jour de la semaine
        #[arg(long, value_name = "JOUR")]
        day: Option<String>,
        /// From when, and where.
        #[command(flatten)]
        since: Since,
    },
}

/// `staff …`.
#[derive(Debug, Subcommand)]
pub enum StaffAction {
    /// Dit combien d’agents travaillent pendant les horaires ; unknown le laisse ouvert
    Set {
        /// De 0 à 99, ou unknown
        #[arg(value_name = "AGENTS")]
        agents: String,
        /// Seulement ce jour de la semaine
        #[arg(long, value_name = "JOUR")]
        day: Option<String>,
        /// Seulement les créneaux compris dans ces heures, comme 08:00-13:00
        #[arg(long, value_name = "HEURES")]
        hours: Option<String>,
        /// From when, and where.
        #[command(flatten)]
        since: Since,
    },
    /// Dit que des agents sont absents, sans les nommer
    #[command(subcommand)]
    Absence(AbsenceAction),
}

/// `staff absence …`.
#[derive(Debug, Subcommand)]
pub enum AbsenceAction {
    /// Ajoute une absence
    Add {
        /// Premier jour, comme 2026-12-24
        #[arg(long, value_name = "JOUR")]
        from: String,
        /// Dernier jour [défaut : le premier]
        #[arg(long, value_name = "JOUR")]
        to: Option<String>,
        /// Heures, comme 09:00-12:00 [défaut : la journée]
        #[arg(long, value_name = "HEURES")]
        hours: Option<String>,
        /// Combien d’agents [défaut : 1]
        #[arg(long, value_name = "AGENTS")]
        agents: Option<String>,
        /// leave, illness, training, other [défaut : other]
        #[arg(long, value_name = "MOTIF")]
        kind: Option<String>,
    },
    /// Liste les absences
    List,
    /// Retire une absence
    Remove {
        /// Son nom, comme la liste le donne
        #[arg(value_name = "ID")]
        id: String,
    },
}

/// `partner …`.
#[derive(Debug, Subcommand)]
pub enum PartnerAction {
    /// Liste les partenaires, comme ils sont disponibles un jour
    List {
        /// Le jour [défaut : aujourd’hui au site]
        #[arg(long, value_name = "JOUR")]
        day: Option<String>,
    },
    /// Dit comment un partenaire est disponible
    Set {
        /// Code du partenaire, ou LOCAL:nom
        #[arg(value_name = "PARTENAIRE")]
        operator: String,
        /// permanence, partial, reachable ou absent
        #[arg(long, value_name = "MODE")]
        mode: String,
        /// Dernier jour où cela vaut
        #[arg(long, value_name = "JOUR")]
        until: Option<String>,
        /// Numéro ou adresse du service, jamais d’une personne
        #[arg(long, value_name = "CONTACT")]
        contact: Option<String>,
        /// Jour où cela a été vérifié [défaut : aujourd’hui au site]
        #[arg(long, value_name = "JOUR")]
        checked: Option<String>,
    },
    /// Confirme que ce qui est dit d’un partenaire vaut toujours
    Confirm {
        /// Code du partenaire, ou LOCAL:nom
        #[arg(value_name = "PARTENAIRE")]
        operator: String,
    },
    /// Dit où en est la convention : signed, in_progress, to_come
    Agreement {
        /// Code du partenaire, ou LOCAL:nom
        #[arg(value_name = "PARTENAIRE")]
        operator: String,
        /// signed, in_progress ou to_come
        #[arg(value_name = "ÉTAT")]
        status: String,
        /// Jour de la signature, passé ou prévu
        #[arg(long, value_name = "JOUR")]
        day: Option<String>,
    },
    /// Dit combien d’agents ce partenaire a formés
    Training {
        /// Code du partenaire, ou LOCAL:nom
        #[arg(value_name = "PARTENAIRE")]
        operator: String,
        /// Combien d’agents
        #[arg(value_name = "AGENTS")]
        agents: String,
        /// Dernier jour de formation [défaut : aujourd’hui au site]
        #[arg(long, value_name = "JOUR")]
        on: Option<String>,
    },
    /// Nomme un service local
    Label {
        /// LOCAL:nom
        #[arg(value_name = "PARTENAIRE")]
        operator: String,
        /// Son nom pour le public
        #[arg(value_name = "TEXTE")]
        label: String,
    },
    /// Retire tout ce qui est dit d’un partenaire
    Remove {
        /// Code du partenaire, ou LOCAL:nom
        #[arg(value_name = "PARTENAIRE")]
        operator: String,
    },
}

/// `conflict …`.
#[derive(Debug, Subcommand)]
pub enum ConflictAction {
    /// Liste ce sur quoi deux personnes se contredisent, avec chaque version
    List,
    /// Garde une des versions
    Resolve {
        /// Le conflit, comme la liste le donne
        #[arg(value_name = "ID")]
        id: String,
        /// La version à garder : 1, 2…
        #[arg(value_name = "VERSION")]
        version: String,
    },
}
