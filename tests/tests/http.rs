//! The hub's HTTP interface, on a hub that sites have filled.

use anyhow::{Context as _, Result};
use msap_tests::cluster::{Cluster, Hub, request, run};

use crate::hub_with;

/// Chemillé (49) with two visits for CNAF, Alençon (61) with three for MSA.
fn filled(cluster: &Cluster) -> Result<Hub> {
    let hub = hub_with(cluster, &[])?;
    hub.add_open_sites(&["275", "361", "597"])?;
    for (site, operator, visits) in [("275", "CNAF", 2), ("361", "MSA", 3)] {
        let mut agent = cluster.enrol(&hub, site, &format!("poste {site}"))?;
        agent.start()?;
        agent.count(operator, visits)?;
        agent.wait_confirmed()?;
        agent.stop()?;
    }
    Ok(hub)
}

#[test]
fn a_token_sees_its_scope_and_a_question_beyond_it_is_refused() {
    run(|cluster| {
        let hub = filled(cluster)?;
        let status = |target: &str, token: &str| Ok::<_, anyhow::Error>(hub.get(target, Some(token))?.status);
        assert_eq!(hub.get("/v1/visits", None)?.status, 401);
        assert_eq!(status("/v1/visits", "msap_unknown")?, 401);

        let cases = [
            ("national", vec!["", "?department=49", "?site=361", "?operator=CNAF"], vec![]),
            ("region:52", vec!["?region=52", "?department=49", "?site=275"], vec!["", "?region=28", "?department=61"]),
            (
                "department:49",
                vec!["?department=49", "?site=275"],
                vec!["", "?department=61", "?department=49,61", "?site=361"],
            ),
            ("site:361", vec!["?site=361", "?site=597"], vec!["", "?site=275", "?site=361,275", "?department=61"]),
            (
                "operator:CNAF",
                vec!["?operator=CNAF&from=2026-10-01&to=2026-10-31"],
                vec!["", "?operator=MSA", "?operator=CNAF,MSA"],
            ),
        ];
        for (scope, seen, hidden) in cases {
            let token = hub.make_token(scope, "reader")?;
            for question in seen {
                assert_eq!(status(&format!("/v1/visits{question}"), &token)?, 200, "{scope} {question:?}");
            }
            for question in hidden {
                let answer = hub.get(&format!("/v1/visits{question}"), Some(&token))?;
                assert_eq!(answer.status, 403, "{scope} {question:?}");
                assert!(
                    answer.json()?["detail"].as_str().is_some_and(|detail| detail.contains(scope)),
                    "{}",
                    answer.text()
                );
            }
            assert_eq!(status("/v1/documents", &token)?, 403, "{scope}: raw documents are for administrators");
        }
        Ok(())
    });
}

#[test]
fn figures_are_those_of_the_desks() {
    run(|cluster| {
        let hub = filled(cluster)?;
        assert_eq!(hub.total("")?, (5, 5));
        assert_eq!(hub.total("department=49")?, (2, 2));
        assert_eq!(hub.total("region=28")?, (3, 3));
        let figures = hub.view("/v1/visits?by=operator")?;
        let rows = figures["rows"].as_array().context("rows")?;
        let requests = |code: &str| rows.iter().find(|row| row["operator"] == code).map(|row| row["requests"].clone());
        assert_eq!((requests("CNAF"), requests("MSA")), (Some(2.into()), Some(3.into())));
        assert!(rows.iter().all(|row| row["visits"].is_null()), "a visit is not one partner's: {figures}");
        assert!(figures["from"].as_str().is_some_and(|from| from.ends_with("-01")), "the current month: {figures}");

        let counts = hub.json(&["counts", "--by", "site"])?;
        assert_eq!(counts["rows"], hub.view("/v1/visits?by=site")?["rows"]);
        let csv = hub.cli(&["counts", "--by", "site", "--format", "csv"])?.expect_code(0)?;
        let mut lines = csv.out.lines();
        assert_eq!(lines.next(), Some("site,site_name,visits,requests,expected,reported"));
        assert!(lines.any(|line| line.starts_with("275,") && line.contains(",2,2,")), "{}", csv.out);
        let site = hub.view("/v1/sites/275")?;
        assert_eq!((&site["department"], &site["timezone"]), (&"49".into(), &"Europe/Paris".into()));
        Ok(())
    });
}

#[test]
fn a_mistyped_question_is_refused_by_name() {
    run(|cluster| {
        let hub = hub_with(cluster, &["275"])?;
        let token = hub.make_token("national", "reader")?;
        let cases = [
            ("departement=49", 400, "departement"),
            ("site=275&site=361", 400, "site"),
            ("from=2026-01-01", 400, "to"),
            ("from=2026-01-01&to=2026-02-30", 422, "to"),
            ("from=2026-02-01&to=2026-01-01", 422, "from"),
            ("site=nowhere", 422, "site"),
            ("department=00", 422, "department"),
            ("operator=CAF", 422, "operator"),
            ("help=remote", 422, "help"),
            ("age=25-49", 422, "age"),
            ("by=planet", 422, "by"),
            ("by=day,day", 422, "by"),
            ("site=", 422, "site"),
            ("antennas=together", 422, "antennas"),
            ("compare=decade", 422, "compare"),
            ("as_of=9999-01-01", 422, "as_of"),
            ("public=true&department=49", 400, "public"),
            ("format=xlsx", 422, "format"),
        ];
        for (question, status, parameter) in cases {
            let answer = hub.get(&format!("/v1/visits?{question}"), Some(&token))?;
            assert_eq!(answer.status, status, "{question}: {}", answer.text());
            assert_eq!(answer.json()?["parameter"], parameter, "{question}");
            assert!(answer.head.contains("application/problem+json"), "{question}: {}", answer.head);
        }
        assert_eq!(hub.get("/v1/sites/nowhere", Some(&token))?.status, 404);
        assert_eq!(hub.get("/v1/nothing", Some(&token))?.status, 404);
        assert_eq!(hub.get("/v1/sites?state=silent", Some(&token))?.status, 200);
        let bearer = format!("Bearer {token}");
        assert_eq!(request(hub.http()?, "POST", "/v1/visits", &[("Authorization", &bearer)], "{}")?.status, 405);
        Ok(())
    });
}

#[test]
fn a_revoked_token_ends_at_once() {
    run(|cluster| {
        let hub = hub_with(cluster, &["275"])?;
        let token = hub.make_token("national", "reader")?;
        assert_eq!(hub.get("/v1/visits", Some(&token))?.status, 200);
        let tokens = hub.json(&["token", "list"])?;
        let id = tokens[0]["id"].as_str().context("an id")?;
        assert!(!tokens.to_string().contains(&token), "the secret is shown once only");
        hub.cli(&["token", "revoke", id])?.expect_code(0)?;
        assert_eq!(hub.get("/v1/visits", Some(&token))?.status, 401);
        Ok(())
    });
}

#[test]
fn documents_are_readable_by_any_automerge() {
    run(|cluster| {
        let hub = filled(cluster)?;
        let listed = hub.view("/v1/documents")?;
        let documents = listed["documents"].as_array().context("documents")?;
        assert_eq!(documents.len(), 5, "visits of two sites, and the hours that the list gave to three");
        let token = hub.make_token("national", "admin")?;
        for document in documents {
            let id = document["id"].as_str().context("an id")?;
            let answer = hub.get(&format!("/v1/documents/{id}"), Some(&token))?;
            assert_eq!(answer.status, 200);
            let mut loaded = automerge::AutoCommit::load(&answer.body)?;
            assert_eq!(loaded.get_changes(&[]).len() as u64, document["changes"].as_u64().context("changes")?);
            let exported = hub.cli(&["document", "export", id])?.expect_code(0)?;
            assert_eq!(exported.bytes, answer.body);
        }
        Ok(())
    });
}

#[test]
fn health_is_told_to_anybody_and_nothing_else_is() {
    run(|cluster| {
        let hub = hub_with(cluster, &["275"])?;
        for target in ["/healthz", "/readyz"] {
            let answer = hub.get(target, None)?;
            assert_eq!(answer.status, 200, "{target}");
            assert!(answer.head.to_lowercase().contains("x-content-type-options: nosniff"), "{}", answer.head);
        }
        for target in ["/v1/sites", "/v1/sites/275", "/v1/visits", "/v1/documents", "/v1/nothing"] {
            assert_eq!(hub.get(target, None)?.status, 401, "{target}");
        }
        Ok(())
    });
}
