//! The figures behind the visits, read from `data/visit_model.json`, which says of each whether it
//! is published, derived or assumed.

use std::str::FromStr;

use msap_shared::code::{Age, AgeCode, HelpCode, OperatorCode};
use msap_shared::id::SiteId;
use msap_shared::time::Day;
use serde_json::Value;

use super::Period;

const FILE: &str = include_str!("../../data/visit_model.json");

/// Why the figures cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// Not JSON.
    #[error("visit_model.json is not JSON")]
    Json(#[from] serde_json::Error),
    /// A figure that is not there or not of its kind.
    #[error("visit_model.json: {0} is missing or not what it should be")]
    Figure(String),
    /// Not CSV.
    #[error("sites.csv cannot be read")]
    Csv(#[from] csv::Error),
    /// A site that the list does not have.
    #[error("sites.csv has no site {0}")]
    Site(String),
}

/// How weekly visits spread over the sites.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rate {
    pub(super) median: f64,
    pub(super) sigma: f64,
}

/// Who comes, and for what.
#[derive(Clone, Debug)]
pub(super) struct Profile {
    pub(super) operators: Vec<(OperatorCode, f64)>,
    pub(super) ages: Vec<(AgeCode, f64)>,
}

/// A season in which one partner is asked for more often.
#[derive(Clone, Debug)]
pub(super) struct Campaign {
    pub(super) operator: OperatorCode,
    pub(super) from: (i8, i8),
    pub(super) to: (i8, i8),
    pub(super) factor: f64,
}

/// Everything that visits are drawn from.
#[derive(Clone, Debug)]
pub struct Model {
    pub(super) weekday: [f64; 7],
    pub(super) month: [f64; 12],
    pub(super) campaigns: Vec<Campaign>,
    pub(super) helps: Vec<(HelpCode, f64)>,
    pub(super) msap: Profile,
    pub(super) france_services: Profile,
    pub(super) requests_per_visit: f64,
    pub(super) weekly_msap: Rate,
    pub(super) weekly_france_services: Rate,
    pub(super) pinned: Vec<(SiteId, Period)>,
}

impl Model {
    /// Reads the figures that this package carries.
    ///
    /// # Errors
    /// When the file is not what this module reads.
    pub fn load() -> Result<Self, ModelError> {
        let file = Figures(serde_json::from_str(FILE)?);
        let national = file.number("/operators/national_vs_local/national")?;
        let mut today = shares(&file, "/operators/fs_2023_share_of_national_operator_requests", national)?;
        today.extend(shares::<OperatorCode>(&file, "/operators/local_or_other_split", 1.0 - national)?);
        Ok(Self {
            weekday: weekdays(&file)?,
            month: file.numbers("/month/factor")?,
            campaigns: campaigns(&file)?,
            helps: shares(&file, "/help_type", 1.0)?,
            msap: Profile {
                operators: shares(&file, "/operators/msap_2018_shares", 1.0)?,
                ages: ages(&file, "/age/msap_2018")?,
            },
            france_services: Profile { operators: today, ages: ages(&file, "/age/fs_2023")? },
            requests_per_visit: file.number("/volume/requests_per_visit/mean")?,
            weekly_msap: file.rate("/volume/msap_2015_weekly_visits_per_site", 1.0)?,
            // Published as requests: visits are fewer.
            weekly_france_services: file
                .rate("/volume/fs_2023_weekly_requests_per_site", file.number("/volume/requests_per_visit/mean")?)?,
            pinned: pinned(&file)?,
        })
    }
}

struct Figures(Value);

impl Figures {
    fn at(&self, pointer: &str) -> Result<&Value, ModelError> {
        self.0.pointer(pointer).ok_or_else(|| ModelError::Figure(pointer.to_owned()))
    }

    fn number(&self, pointer: &str) -> Result<f64, ModelError> {
        self.at(pointer)?.as_f64().ok_or_else(|| ModelError::Figure(pointer.to_owned()))
    }

    fn numbers<const N: usize>(&self, pointer: &str) -> Result<[f64; N], ModelError> {
        let wrong = || ModelError::Figure(pointer.to_owned());
        let list = self.at(pointer)?.as_array().ok_or_else(wrong)?;
        let numbers: Option<Vec<f64>> = list.iter().map(Value::as_f64).collect();
        numbers.and_then(|numbers| numbers.try_into().ok()).ok_or_else(wrong)
    }

    fn rate(&self, pointer: &str, per_visit: f64) -> Result<Rate, ModelError> {
        let median = self.number(&format!("{pointer}/median"))? / per_visit;
        Ok(Rate { median, sigma: self.number(&format!("{pointer}/sigma"))? })
    }
}

/// The members that are numbers, each under its code; the others say where they come from.
fn shares<T: FromStr>(file: &Figures, pointer: &str, whole: f64) -> Result<Vec<(T, f64)>, ModelError> {
    let object = file.at(pointer)?.as_object().ok_or_else(|| ModelError::Figure(pointer.to_owned()))?;
    let numbers = object.iter().filter_map(|(code, share)| Some((code, share.as_f64()?)));
    numbers
        .map(|(code, share)| match code.parse() {
            Ok(code) => Ok((code, share * whole)),
            Err(_) => Err(ModelError::Figure(format!("{pointer}/{code}"))),
        })
        .collect()
}

fn ages(file: &Figures, pointer: &str) -> Result<Vec<(AgeCode, f64)>, ModelError> {
    let shares: [f64; 8] = file.numbers(pointer)?;
    Ok(Age::ALL.into_iter().map(Age::code).zip(shares).collect())
}

fn weekdays(file: &Figures) -> Result<[f64; 7], ModelError> {
    // Nobody opens on Sundays.
    let mut weekdays = [0.0; 7];
    for (place, name) in weekdays.iter_mut().zip(["mon", "tue", "wed", "thu", "fri", "sat"]) {
        *place = file.number(&format!("/weekday/intensity_when_open/{name}"))?;
    }
    Ok(weekdays)
}

fn campaigns(file: &Figures) -> Result<Vec<Campaign>, ModelError> {
    const AT: &str = "/month/operator_campaigns";
    let wrong = || ModelError::Figure(AT.to_owned());
    let date = |value: &Value| {
        let (month, day) = value.as_str()?.split_once('-')?;
        Some((month.parse().ok()?, day.parse().ok()?))
    };
    let campaign = |value: &Value| {
        let operator = value["operator"].as_str()?.parse().ok()?;
        Some(Campaign {
            operator,
            from: date(&value["from"])?,
            to: date(&value["to"])?,
            factor: value["factor"].as_f64()?,
        })
    };
    file.at(AT)?.as_array().ok_or_else(wrong)?.iter().map(|value| campaign(value).ok_or_else(wrong)).collect()
}

/// The sites whose figures were published.
fn pinned(file: &Figures) -> Result<Vec<(SiteId, Period)>, ModelError> {
    const SITES: &str = "/volume/pinned_sites";
    [
        ("361", "alencon_perseigne(id_fs 361)/2018", "2018-01-01", "2018-12-31"),
        ("361", "alencon_perseigne(id_fs 361)/2019_H1", "2019-01-01", "2019-06-30"),
        ("275", "chemille(id_fs 275)/people_helped_2016-10_to_2017-05", "2016-10-01", "2017-05-31"),
    ]
    .into_iter()
    .map(|(site, figure, from, to)| {
        let pointer = format!("{SITES}/{figure}");
        let people = file.number(&pointer)? as u32;
        let day = |text: &str| text.parse::<Day>().map_err(|_| ModelError::Figure(pointer.clone()));
        let site = site.parse().map_err(|_| ModelError::Figure(pointer.clone()))?;
        Ok((site, Period { from: day(from)?, to: day(to)?, people }))
    })
    .collect()
}
