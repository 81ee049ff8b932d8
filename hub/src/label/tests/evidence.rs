//! Claims about what evidence says of what is missing.

use super::*;

#[test]
fn evidence_on_partners_says_what_is_missing_and_why_one_is_in_doubt() {
    let conn = house("fixe");
    let told = |check, partners: &[(&str, &str)]| standing(&conn, &[], partners).of(check).unwrap().evidence.clone();
    let (caf, tax) = (("presence|CNAF", "permanence|||2026-11-01"), ("presence|DGFIP", "reachable|||2026-11-01"));
    let post = ("presence|LA_POSTE", "reachable|||2026-11-01");
    let old = ("presence|DGFIP", "reachable|||2026-01-01");
    let away = ("presence|DGFIP", "absent|||2026-11-01");
    for (partners, expected) in [
        (vec![caf, tax], "présents ou joignables : CAF, Impôts"),
        (vec![caf], "présents ou joignables : CAF ; il manque 1 partenaire présent ou joignable"),
        (vec![post, tax], "présents ou joignables : Impôts, La Poste ; il manque un partenaire social ou de l’emploi"),
        (
            vec![old, away],
            "à confirmer : Impôts (contredit) ; il manque 2 partenaires présents ou joignables, dont un partenaire \
             social ou de l’emploi",
        ),
        (
            vec![caf, old],
            "présents ou joignables : CAF ; à confirmer : Impôts (confirmé le 1er janvier 2026, trop ancien) ; il \
             manque 1 partenaire présent ou joignable",
        ),
    ] {
        assert_eq!(told(Check::Partners, &partners).fr, expected, "{partners:?}");
    }
    let missing = told(Check::Partners, &[tax]);
    assert!(missing.numbers.contains(&("lacks_partners", 1.into())), "{missing:?}");
    assert!(missing.numbers.contains(&("lacks_social", true.into())), "{missing:?}");
    let signed = |operator| (operator, "signed|2026-01-01");
    let signatories = told(
        Check::Signatories,
        &[
            old,
            signed("agreement|DGFIP"),
            signed("agreement|MSA"),
            ("presence|CNAF", "absent|||2026-11-01"),
            signed("agreement|CNAF"),
        ],
    );
    assert_eq!(
        (signatories.fr.as_str(), signatories.en.as_str()),
        (
            "à confirmer : Impôts (confirmé le 1er janvier 2026, trop ancien), MSA (jamais confirmé) ; ni présents ni \
             joignables : CAF",
            "to be confirmed: Impôts (confirmed on 2026-01-01, too long ago), MSA (never confirmed); neither present \
             nor reachable: CAF",
        )
    );
}
