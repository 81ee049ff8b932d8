//! What was counted against what the hub says, site by site.
//!
//! Invariant: figures of a run are told only if nothing differs.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use anyhow::{Context as _, Result};

use crate::cluster::Hub;

/// Visits and requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// People.
    pub visits: i64,
    /// Requests.
    pub requests: i64,
}

impl std::ops::AddAssign for Sums {
    fn add_assign(&mut self, more: Self) {
        self.visits += more.visits;
        self.requests += more.requests;
    }
}

impl fmt::Display for Sums {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.visits, self.requests)
    }
}

/// Sums by site; a site without any may be left out.
pub type Totals = BTreeMap<String, Sums>;

/// The hub does not say what was counted.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the hub's totals differ from what was counted, visits/requests:{}", listed(.0))]
pub struct Differences(Vec<(String, Sums, Sums)>);

fn listed(differences: &[(String, Sums, Sums)]) -> String {
    let line = |(site, counted, found): &(String, Sums, Sums)| format!("\n  {site}: counted {counted}, hub {found}");
    differences.iter().map(line).collect()
}

/// Compares site by site.
///
/// # Errors
/// Every site that differs.
pub fn compare(counted: &Totals, found: &Totals) -> Result<(), Differences> {
    let sites: BTreeSet<&String> = counted.keys().chain(found.keys()).collect();
    let sums = |totals: &Totals, site: &String| totals.get(site).copied().unwrap_or_default();
    let pairs = sites.into_iter().map(|site| (site.clone(), sums(counted, site), sums(found, site)));
    let differences: Vec<_> = pairs.filter(|(_, counted, found)| counted != found).collect();
    if differences.is_empty() { Ok(()) } else { Err(Differences(differences)) }
}

/// What the hub says over HTTP, each site by itself.
///
/// # Errors
/// When it does not answer.
pub fn of_hub(hub: &Hub) -> Result<Totals> {
    let figures = hub.view("/v1/visits?from=2000-01-01&to=2099-12-31&by=site&antennas=apart")?;
    let mut totals = Totals::new();
    let mut all = Sums::default();
    let sums =
        |row: &serde_json::Value| Some(Sums { visits: row["visits"].as_i64()?, requests: row["requests"].as_i64()? });
    for row in figures["rows"].as_array().context("rows")? {
        let read = row["site"].as_str().zip(sums(row)).with_context(|| format!("a row of a site: {row}"))?;
        totals.insert(read.0.to_owned(), read.1);
        all += read.1;
    }
    let total = sums(&figures["total"]).with_context(|| format!("total in {figures}"))?;
    anyhow::ensure!(total == all, "the hub's total {total} is not the sum of its rows, {all}");
    Ok(totals)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totals(sites: &[(&str, i64, i64)]) -> Totals {
        sites
            .iter()
            .map(|(site, visits, requests)| ((*site).to_owned(), Sums { visits: *visits, requests: *requests }))
            .collect()
    }

    #[test]
    fn each_site_must_agree_by_itself() {
        let counted = totals(&[("275", 3, 4), ("361", 5, 5)]);
        assert_eq!(compare(&counted, &counted), Ok(()));
        assert_eq!(compare(&counted, &totals(&[("275", 3, 4), ("361", 5, 5), ("597", 0, 0)])), Ok(()));
        for (found, named) in [
            // The same in all.
            (totals(&[("275", 4, 4), ("361", 4, 5)]), "275: counted 3/4, hub 4/4\n  361: counted 5/5, hub 4/5"),
            (totals(&[("275", 3, 4)]), "361: counted 5/5, hub 0/0"),
            (totals(&[("275", 3, 4), ("361", 5, 5), ("597", 0, 1)]), "597: counted 0/0, hub 0/1"),
        ] {
            let told = compare(&counted, &found).unwrap_err().to_string();
            assert!(told.ends_with(named), "{told}");
        }
    }
}
