//! The defects that lists have, and what is done about each.

use super::report::Defect;
use crate::lang::Phrase;

const LEFT_OUT: Phrase = Phrase::new("ligne laissée de côté", "row left out");
const KEPT: Phrase = Phrase::new("gardé tel quel", "kept as it is");
const UNCHANGED: Phrase = Phrase::new("laissé vide, ou comme il était connu", "left empty, or as it was known");
const FLAGGED: Phrase = Phrase::new("gardé tel quel, signalé dans « quality »", "kept as it is, named in quality");

pub(super) const ROW: Defect = Defect::new("row", ("ligne CSV illisible", "the row is not readable as CSV"), LEFT_OUT);
pub(super) const FIELDS: Defect = Defect::new(
    "fields",
    (
        "trop ou trop peu de champs : les valeurs peuvent être décalées",
        "too many or too few fields: the values may be shifted",
    ),
    Phrase::new(
        "ligne laissée de côté ; un lieu connu reste comme il était",
        "row left out; a known site stays as it was",
    ),
);
pub(super) const SWALLOWED: Defect = Defect::new(
    "swallowed_rows",
    (
        "un guillemet n’est pas fermé à sa place : un seul champ contient ces lignes",
        "a quotation mark is not closed where it should be: one field holds these lines",
    ),
    Phrase::new(
        "ces lignes sont laissées de côté, et aucun lieu n’est fermé : corrigez le guillemet et importez à nouveau",
        "these lines are left out, and no site is retired: mend the quotation mark and import again",
    ),
);
pub(super) const LINE_BREAK: Defect = Defect::new(
    "line_break",
    ("un champ contient un saut de ligne", "a field contains a line break"),
    Phrase::new("gardé, si ce champ peut en avoir", "kept, if this field can have one"),
);
pub(super) const TEXT: Defect =
    Defect::new("text", ("octets qui ne sont pas du texte", "bytes that are no text"), LEFT_OUT);
pub(super) const ID: Defect = Defect::new(
    "id",
    (
        "identifiant vide ou mal formé : 1 à 32 caractères parmi a-z, 0-9, _ et -",
        "empty or malformed id: 1 to 32 characters among a-z, 0-9, _ and -",
    ),
    LEFT_OUT,
);
pub(super) const DUPLICATE: Defect = Defect::new(
    "duplicate_id",
    ("une ligne précédente porte ce lieu", "an earlier row has this site"),
    Phrase::new("la première ligne vaut, celle-ci est laissée de côté", "the first row counts, this one is left out"),
);
pub(super) const ZONE: Defect = Defect::new(
    "timezone",
    (
        "ni fuseau ni département connus : le jour d’une visite ne serait pas sûr",
        "neither time zone nor department is known: the day of a visit would not be certain",
    ),
    LEFT_OUT,
);
pub(super) const ZONE_KEPT: Defect = Defect::new(
    "timezone",
    ("ce fuseau horaire n’existe pas", "there is no such time zone"),
    Phrase::new("le lieu garde le sien", "the site keeps its own"),
);
pub(super) const CALENDAR_ZONE: Defect = Defect::new(
    "calendar_zone",
    ("aucun calendrier ne porte cette zone", "no calendar has this zone"),
    Phrase::new(
        "celle qui était connue ; à défaut, celle du département",
        "the known one; else that of the department",
    ),
);
pub(super) const VALUE: Defect =
    Defect::new("value", ("le champ ne peut pas prendre cette valeur", "the field cannot take this value"), UNCHANGED);
pub(super) const NAME: Defect = Defect::new(
    "empty_name",
    ("pas de nom", "no name"),
    Phrase::new(
        "le nom connu reste ; à défaut, celui de la commune, ou l’identifiant",
        "the known name stays; without one, that of the commune, or the id",
    ),
);
pub(super) const KIND: Defect = Defect::new(
    "kind",
    ("ni site principal ni antenne", "neither principal nor antenna"),
    Phrase::new("reste ce qu’il était ; à défaut, une maison", "stays what it was; without that, a house"),
);
pub(super) const FORMAT: Defect = Defect::new("format", ("format inconnu", "unknown format"), KEPT);
pub(super) const DEPARTMENT: Defect = Defect::new(
    "department",
    ("ce département n’existe pas", "there is no such department"),
    Phrase::new(
        "celui du code INSEE ; à défaut, celui qui était connu",
        "that of the INSEE code; without one, the known one",
    ),
);
pub(super) const DEPARTMENT_MISMATCH: Defect = Defect::new(
    "dep_insee_mismatch",
    ("le département n’est pas celui du code INSEE", "the department is not that of the INSEE code"),
    FLAGGED,
);
pub(super) const INSEE: Defect =
    Defect::new("insee", ("pas un code INSEE de cinq caractères", "not an INSEE code of five characters"), UNCHANGED);
pub(super) const INSEE_MISSING: Defect =
    Defect::new("insee_missing", ("pas de code INSEE", "no INSEE code"), UNCHANGED);
pub(super) const INSEE_FORMER: Defect = Defect::new(
    "insee_not_current_commune",
    ("commune qui a fusionné depuis", "a commune that has merged since"),
    FLAGGED,
);
pub(super) const COORDINATES_MISSING: Defect =
    Defect::new("no_coordinates", ("pas de coordonnées", "no coordinates"), UNCHANGED);
pub(super) const COORDINATES: Defect = Defect::new(
    "coordinates",
    ("coordonnées impossibles à cet endroit", "coordinates that cannot be there"),
    UNCHANGED,
);
pub(super) const LABEL_DATE: Defect =
    Defect::new("label_date", ("date de labellisation illisible", "unreadable label date"), UNCHANGED);
pub(super) const ZERO_SLOT: Defect = Defect::new(
    "zero_slot",
    ("plage horaire de durée nulle", "opening hours of no length"),
    Phrase::new(
        "gardé tel quel ; la plage n’entre pas dans les horaires lus",
        "kept as it is; not among the hours that are read",
    ),
);
pub(super) const OVERLAP: Defect = Defect::new(
    "overlap_merged",
    ("plages horaires qui se chevauchent", "opening hours that overlap"),
    Phrase::new(
        "gardé tel quel ; réunies dans les horaires lus",
        "kept as it is; merged among the hours that are read",
    ),
);
pub(super) const HOURS: Defect =
    Defect::new("hours_unreadable", ("horaires illisibles", "unreadable opening hours"), FLAGGED);
pub(super) const PARENT_UNKNOWN: Defect = Defect::new(
    "parent_unknown",
    ("maison de rattachement inconnue", "its house is not known"),
    Phrase::new(
        "l’antenne garde la maison qu’elle avait, s’il y en a une ; sinon : msap-hub site set-parent",
        "the antenna keeps the house that it had, if any; else: msap-hub site set-parent",
    ),
);
pub(super) const PARENT_ANTENNA: Defect = Defect::new(
    "parent_antenna",
    ("la maison de rattachement est elle-même une antenne", "its house is an antenna itself"),
    PARENT_UNKNOWN.done,
);
pub(super) const PARENT_SEVERAL: Defect = Defect::new(
    "parent_several",
    ("plusieurs maisons pourraient être la sienne", "several houses could be its own"),
    PARENT_UNKNOWN.done,
);
pub(super) const PARENT_OF_HOUSE: Defect = Defect::new(
    "parent_of_house",
    ("seule une antenne a une maison de rattachement", "only an antenna has a parent"),
    Phrase::new("rattachement ignoré", "left aside"),
);
pub(super) const PROVISIONAL: Defect = Defect::new(
    "provisional_id",
    ("identifiant provisoire", "provisional id"),
    Phrase::new(
        "gardé ; deviendra un alias quand le lieu aura son identifiant",
        "kept; becomes an alias once the site has its own id",
    ),
);
pub(super) const SAME_PLACE: Defect = Defect::new(
    "same_place",
    (
        "même commune et même nom qu’un autre lieu, à une autre adresse : peut-être le même",
        "same commune and name as another site, at another address: perhaps the same",
    ),
    Phrase::new(
        "deux lieux ; si c’est le même : msap-hub site retire, puis site alias",
        "two sites; if they are one: msap-hub site retire, then site alias",
    ),
);
pub(super) const TWO_SITES: Defect = Defect::new(
    "two_sites",
    (
        "le même lieu existe déjà sous un identifiant provisoire, avec ses postes",
        "the same place is known under a provisional id already, with its machines",
    ),
    Phrase::new("laissés à part : les visites de l’un ne se déplacent pas", "left apart: visits do not move"),
);
pub(super) const OLDER: Defect = Defect::new(
    "older_list",
    ("une liste plus récente ne nomme pas ce lieu", "a newer list does not name this site"),
    Phrase::new("pas ajouté ; s’il existe : msap-hub site add", "not added; if it exists: msap-hub site add"),
);
pub(super) const RETIRED_BY_HAND: Defect = Defect::new(
    "retired_by_hand",
    ("ce lieu a été fermé à la main", "this site was retired by hand"),
    Phrase::new("reste fermé", "stays retired"),
);
