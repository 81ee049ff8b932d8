//! The names of all settings, with their defaults and meanings.

use crate::lang::Phrase;

/// Every setting: name, default and meaning. The documentation and `config show` print this.
pub const KEYS: [(&str, &str, Phrase); 27] = [
    (
        "sync.listen",
        "[::]:4433",
        Phrase::new("adresse UDP et TCP où les postes se connectent", "UDP and TCP address that sites connect to"),
    ),
    ("sync.advertise", "", Phrase::new("adresse écrite dans les codes d’invitation", "address written in join codes")),
    (
        "sync.return_over",
        "20s",
        Phrase::new(
            "temps sur lequel les postes reviennent après un arrêt",
            "time over which sites return after a stop",
        ),
    ),
    ("http.listen", "127.0.0.1:8080", Phrase::new("adresse de l’interface HTTP", "address of the HTTP interface")),
    (
        "http.public_url",
        "",
        Phrase::new("adresse que les personnes ouvrent, https://…", "address that people open, https://…"),
    ),
    (
        "http.trusted_proxies",
        "",
        Phrase::new(
            "adresses IP de mandataires, séparées par des virgules",
            "IP addresses of proxies, separated by commas",
        ),
    ),
    ("metrics.listen", "", Phrase::new("adresse des mesures pour Prometheus", "address of the metrics for Prometheus")),
    (
        "check.hour",
        "3",
        Phrase::new(
            "heure du hub à laquelle toute la base est vérifiée",
            "hour of the hub at which all of the database is checked",
        ),
    ),
    ("log.filter", "info,rusqlite_migration=warn", Phrase::new("filtre du journal technique", "filter of the log")),
    ("log.format", "auto", Phrase::new("text, json ou auto", "text, json or auto")),
    (
        "partners.stale_after",
        "45d",
        Phrase::new(
            "délai après lequel ce qui est dit d’un partenaire, sans être confirmé, devient inconnu",
            "time after which what is said of a partner, unconfirmed, reads unknown",
        ),
    ),
    (
        "completeness.late_days",
        "3",
        Phrase::new(
            "jours après lesquels ce qui est reçu d’un jour l’est en retard",
            "days after which what is received of a day is late",
        ),
    ),
    (
        "label.min_weekly_hours",
        "24",
        Phrase::new("heures d’ouverture demandées par semaine", "hours open asked for a week"),
    ),
    (
        "label.near_margin",
        "1",
        Phrase::new("heures en deçà desquelles le seuil est trop près", "hours within which the threshold is too near"),
    ),
    ("label.min_agents", "2", Phrase::new("agents demandés en même temps", "agents asked for at once")),
    ("label.min_partners", "2", Phrase::new("partenaires demandés", "partners asked for")),
    (
        "label.statistics_months",
        "1",
        Phrase::new("derniers mois clos sans jour manquant", "last closed months without a missing day"),
    ),
    (
        "label.hours_confirmed_months",
        "6",
        Phrase::new(
            "mois pour lesquels vaut une confirmation des horaires publiés",
            "months for which a confirmation of the published hours holds",
        ),
    ),
    (
        "privacy.min_cell",
        "11",
        Phrase::new(
            "plus petit chiffre, hors 0, que montrent les tableaux publics et les âges d’un partenaire",
            "smallest figure but 0 that public tables and a partner’s ages show",
        ),
    ),
    (
        "privacy.release_after",
        "15d",
        Phrase::new(
            "jours de la fin d’une période à la publication de ses tableaux",
            "days from the end of a period to the release of its tables",
        ),
    ),
    (
        "privacy.listen",
        "1h",
        Phrase::new(
            "durée pendant laquelle les postes sont écoutés avant toute publication",
            "how long machines are listened to before anything is released",
        ),
    ),
    ("backup.dir", "", Phrase::new("dossier des sauvegardes programmées", "directory of scheduled backups")),
    ("backup.every", "24h", Phrase::new("intervalle entre deux sauvegardes", "time between two backups")),
    ("backup.keep", "14", Phrase::new("sauvegardes gardées", "backups that are kept")),
    ("limits.http_connections", "256", Phrase::new("connexions HTTP simultanées", "HTTP connections at once")),
    (
        "limits.http_connections_per_address",
        "32",
        Phrase::new("connexions HTTP simultanées d’une adresse", "HTTP connections at once of one address"),
    ),
    ("limits.sync_connections", "8192", Phrase::new("postes connectés à la fois", "sites connected at once")),
];
