//! How much of the network a question spans, told from its words before anything is read.
//!
//! Asked by `asking`, which takes the readers that follow from it. It is a guess and errs upwards: whoever
//! asks for much waits with others who do, and whoever asks for one site's month never waits for them.

use msap_shared::time::Day;

use crate::lane::Lane;
use crate::query::Key;

/// Days of sites that are read in some milliseconds: a month of the network.
const SITE_DAYS_MAX: u64 = 100_000;
/// Rows that are told as fast.
const ROWS_MAX: u64 = 20_000;
/// Sites of the network, and most sites of a region and of a department.
const NETWORK: u64 = 3_000;
const REGION: u64 = 500;
const DEPARTMENT: u64 = 100;
/// Days of a month, and the most of a period of which one end alone is given.
const MONTH: u64 = 31;
const YEAR: u64 = 400;

/// What an address reads to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spans {
    /// One thing, one site, or a page of rows.
    Little,
    /// Each of the sites asked for on each of the days asked for.
    Asked,
    /// So many days' worth of each of the sites asked for.
    Days(u64),
    /// All there is.
    All,
}

impl Spans {
    /// The readers that a question is for.
    pub(super) fn lane(self, pairs: &[(String, String)]) -> Lane {
        let asked = Words(pairs);
        let days = match self {
            Self::Little => return Lane::Light,
            Self::All => return Lane::Heavy,
            Self::Days(days) => days,
            Self::Asked => asked.days(),
        };
        let sites = asked.sites();
        let is_little = sites.saturating_mul(days) <= SITE_DAYS_MAX && asked.rows(sites, days) <= ROWS_MAX;
        if is_little { Lane::Light } else { Lane::Heavy }
    }
}

/// The words of a question. Those that make no sense are refused once it is asked.
struct Words<'a>(&'a [(String, String)]);

impl Words<'_> {
    fn one(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// How many sites the filters let through at most; any of them is enough.
    fn sites(&self) -> u64 {
        let least =
            [("site", 1), ("department", DEPARTMENT), ("region", REGION)].into_iter().filter_map(|(name, each)| {
                let named = self.one(name)?.split(',').count() as u64;
                Some(named.saturating_mul(each))
            });
        least.min().unwrap_or(NETWORK).min(NETWORK)
    }

    /// How many days are asked for, those that are compared with included.
    fn days(&self) -> u64 {
        let day = |name| self.one(name).and_then(|text| text.parse::<Day>().ok());
        let days = match (day("from"), day("to")) {
            (Some(from), Some(to)) => u64::from(to.number().abs_diff(from.number())) + 1,
            // One end alone; what is no day is refused.
            _ if self.one("from").is_some() != self.one("to").is_some() => YEAR,
            _ => MONTH,
        };
        // What has come since is looked for as well, and all of it in the cells.
        let days = if self.one("as_of").is_some() { days * 4 } else { days };
        if self.one("compare").is_some() { days * 2 } else { days }
    }

    /// How many rows the answer has at most.
    fn rows(&self, sites: u64, days: u64) -> u64 {
        let keys = self.one("by").into_iter().flat_map(|by| by.split(','));
        let keys = keys.filter_map(|name| Key::ALL.into_iter().find(|key| key.name() == name));
        keys.map(|key| match key {
            Key::Day => days,
            Key::Month | Key::Quarter | Key::Year => days / 28 + 1,
            Key::Site | Key::Bearer => sites,
            Key::Department => sites.min(101),
            Key::Region => sites.min(18),
            Key::Operator => 15,
            Key::Help => 4,
            Key::Age => 8,
        })
        .fold(1, u64::saturating_mul)
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Method;

    use super::super::api::described;
    use super::*;

    /// The readers that an address and its query are for.
    fn lane(path: &str, query: &str) -> Lane {
        let (_, _, operation) =
            described().into_iter().find(|(method, known, _)| method == Method::GET && known == path).unwrap();
        let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        operation.spans.lane(&pairs)
    }

    #[test]
    fn a_question_has_its_readers_by_what_it_spans() {
        let month = "from=2026-11-01&to=2026-11-30";
        for (path, query, expected) in [
            ("/v1/visits", "", Lane::Light),
            ("/v1/visits", "site=275&from=2026-11-01&to=2026-11-30&by=day,operator,help,age", Lane::Light),
            ("/v1/visits", "site=275&from=2000-01-01&to=2026-11-30&by=month", Lane::Light),
            ("/v1/visits", "department=49&from=2026-01-01&to=2026-12-31&by=site,month", Lane::Light),
            ("/v1/visits", "from=2026-01-01&to=2026-12-31", Lane::Heavy),
            ("/v1/visits", "from=2000-01-01&to=2026-12-31&by=month,department", Lane::Heavy),
            ("/v1/visits", &format!("{month}&by=day,site"), Lane::Heavy),
            ("/v1/visits", &format!("{month}&compare=year"), Lane::Heavy),
            ("/v1/visits", "as_of=2026-11-20", Lane::Heavy),
            ("/v1/visits", "department=49&as_of=2026-11-20", Lane::Light),
            ("/v1/partners.ics", "operator=CNAF&to=2027-10-31", Lane::Heavy),
            ("/v1/visits", "region=52&from=2026-01-01&to=2026-12-31", Lane::Heavy),
            ("/v1/visits", "region=52&department=49&from=2026-01-01&to=2026-12-31", Lane::Light),
            ("/v1/visits", "from=never&to=2026-12-31", Lane::Light),
            ("/v1/completeness", "", Lane::Light),
            ("/v1/completeness", "from=2020-01-01&to=2026-12-31", Lane::Heavy),
            ("/v1/label", "", Lane::Heavy),
            ("/v1/label", "department=49", Lane::Light),
            ("/v1/label", "site=275,361", Lane::Light),
            ("/v1/operators/{code}/return", "month=2026-10", Lane::Heavy),
            ("/v1/exports/visits.csv", "site=275", Lane::Heavy),
            ("/v1/exports/anct.csv", "", Lane::Heavy),
            ("/v1/network", "", Lane::Light),
            ("/v1/network", "by=month&from=2010-01-01&to=2026-11-30", Lane::Heavy),
            ("/v1/coverage", "by=department", Lane::Light),
            ("/v1/partners.ics", "operator=CNAF&from=2026-01-01&to=2027-12-31", Lane::Heavy),
            ("/v1/fleet", "", Lane::Light),
            ("/v1/sites/{id}/report", "", Lane::Light),
        ] {
            assert_eq!(lane(path, query), expected, "{path}?{query}");
        }
    }
}
