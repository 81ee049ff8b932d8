//! The figures of runs: gathered by name, summed up over runs, shown as a table or as JSON.

use std::time::Duration;

use msap_hub::lang::Lang;
use serde_json::{Map, Value, json};

/// Every figure: its name in JSON, what people read, decimals.
const NAMES: [(&str, &str, &str, usize); 27] = [
    ("wall_ms", "durée totale, ms", "wall time, ms", 0),
    ("confirmed_ms_p50", "site confirmé, médiane, ms", "site confirmed, median, ms", 0),
    ("confirmed_ms_p99", "site confirmé, 99e centile, ms", "site confirmed, 99th percentile, ms", 0),
    ("confirmed_ms_max", "dernier site confirmé, ms", "last site confirmed, ms", 0),
    ("latency_us_p50", "touche → confirmée, médiane, µs", "tap → confirmed, median, µs", 0),
    ("latency_us_p99", "touche → confirmée, 99e centile, µs", "tap → confirmed, 99th percentile, µs", 0),
    ("arrivals_busiest_second_percent", "arrivées, seconde la plus chargée, %", "arrivals, busiest second, %", 1),
    ("hub_cpu_ms", "processeur du hub, ms", "hub CPU, ms", 1),
    ("hub_cpu_ms_per_site", "processeur du hub par site, ms", "hub CPU per site, ms", 3),
    ("hub_cpu_ms_per_visit", "processeur du hub par visite, ms", "hub CPU per visit, ms", 4),
    ("hub_cpu_percent", "processeur du hub, % d’un cœur", "hub CPU, % of one core", 2),
    ("hub_cpu_user_ms", "  dans le programme, ms", "  in the program, ms", 0),
    ("hub_cpu_system_ms", "  dans le système, ms", "  in the system, ms", 0),
    ("hub_rss_before_kib", "mémoire du hub avant, Kio", "hub memory before, KiB", 0),
    ("hub_rss_peak_kib", "mémoire du hub au plus, Kio", "hub memory at most, KiB", 0),
    ("hub_rss_kib_per_session", "mémoire du hub par session, Kio", "hub memory per session, KiB", 2),
    ("up_bytes", "octets vers le hub", "bytes up", 0),
    ("down_bytes", "octets depuis le hub", "bytes down", 0),
    ("up_bytes_per_site", "octets par site vers le hub", "bytes up per site", 0),
    ("down_bytes_per_site", "octets par site depuis le hub", "bytes down per site", 0),
    ("up_bytes_per_visit", "octets par visite vers le hub", "bytes up per visit", 1),
    ("down_bytes_per_visit", "octets par visite depuis le hub", "bytes down per visit", 1),
    ("up_bytes_per_minute", "octets par session et minute vers le hub", "bytes up per session and minute", 0),
    ("down_bytes_per_minute", "octets par session et minute depuis le hub", "bytes down per session and minute", 0),
    ("documents", "documents", "documents", 0),
    ("visits_before", "visites déjà confirmées", "visits confirmed before", 0),
    ("visits_measured", "visites mesurées", "visits measured", 0),
];

/// What one run measured.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures(Vec<(&'static str, f64)>);

impl Figures {
    /// Adds a figure.
    pub fn add(&mut self, name: &'static str, value: f64) {
        debug_assert!(NAMES.iter().any(|known| known.0 == name), "{name}");
        self.0.push((name, value));
    }

    /// Adds a time in milliseconds.
    pub fn add_ms(&mut self, name: &'static str, time: Duration) {
        self.add(name, time.as_secs_f64() * 1e3);
    }

    /// One figure.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }

    fn to_json(&self) -> Value {
        self.0.iter().map(|(name, value)| ((*name).to_owned(), number(*value))).collect::<Map<_, _>>().into()
    }
}

/// Whole numbers stay whole, the others keep four decimals.
fn number(value: f64) -> Value {
    let rounded = (value * 1e4).round() / 1e4;
    if rounded.fract() == 0.0 { json!(rounded as i64) } else { json!(rounded) }
}

/// The value below which this share of the sorted ones lies; `None` of none.
pub fn percentile<T: Copy>(sorted: &[T], share: f64) -> Option<T> {
    let last = sorted.len().checked_sub(1)?;
    sorted.get((last as f64 * share).round() as usize).copied()
}

/// All runs of one scenario.
#[derive(Clone, Debug)]
pub struct Report {
    /// What was asked for.
    pub asked: Value,
    /// The runs, in their order.
    pub runs: Vec<Figures>,
}

impl Report {
    /// Each figure with its least, median and greatest value over the runs.
    fn summary(&self) -> Vec<(&'static str, [f64; 3])> {
        let names = self.runs.first().into_iter().flat_map(|run| &run.0).map(|(name, _)| *name);
        let summed = names.filter_map(|name| {
            let mut values: Vec<f64> = self.runs.iter().filter_map(|run| run.get(name)).collect();
            values.sort_by(f64::total_cmp);
            Some((name, [*values.first()?, percentile(&values, 0.5)?, *values.last()?]))
        });
        summed.collect()
    }

    /// For programs.
    pub fn to_json(&self) -> Value {
        let summary: Map<String, Value> = self
            .summary()
            .into_iter()
            .map(|(name, [min, median, max])| {
                (name.to_owned(), json!({ "min": number(min), "median": number(median), "max": number(max) }))
            })
            .collect();
        let runs: Vec<Value> = self.runs.iter().map(Figures::to_json).collect();
        json!({ "asked": self.asked, "summary": summary, "runs": runs })
    }

    /// For people.
    pub fn to_text(&self, lang: Lang) -> String {
        let many = self.runs.len() > 1;
        let mut lines = Vec::new();
        if many {
            let heads = lang.of(["minimum", "médiane", "maximum"], ["minimum", "median", "maximum"]);
            lines.push(format!("{:<44} {:>13} {:>13} {:>13}", "", heads[0], heads[1], heads[2]));
        }
        for (name, [min, median, max]) in self.summary() {
            let Some((_, fr, en, decimals)) = NAMES.iter().find(|known| known.0 == name) else { continue };
            let what = lang.of(fr, en);
            lines.push(match many {
                true => format!("{what:<44} {min:>13.decimals$} {median:>13.decimals$} {max:>13.decimals$}"),
                false => format!("{what:<44} {median:>13.decimals$}"),
            });
        }
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(wall: f64) -> Figures {
        let mut figures = Figures::default();
        figures.add("wall_ms", wall);
        figures.add("hub_cpu_ms_per_site", wall / 300.0);
        figures
    }

    #[test]
    fn runs_are_summed_up_by_least_median_and_greatest() {
        let report = Report { asked: json!({}), runs: [30.0, 10.0, 20.0].map(run).to_vec() };
        let summary = &report.to_json()["summary"];
        assert_eq!(summary["wall_ms"], json!({ "min": 10, "median": 20, "max": 30 }));
        assert_eq!(summary["hub_cpu_ms_per_site"]["median"], json!(0.0667));
        assert_eq!(report.to_json()["runs"][0]["wall_ms"], json!(30));
        let text = report.to_text(Lang::Fr);
        assert!(text.contains("médiane") && text.contains("0.067"), "{text}");
    }

    #[test]
    fn percentiles_are_values_that_were_measured() {
        assert_eq!(percentile::<u8>(&[], 0.5), None);
        assert_eq!(percentile(&[7], 0.99), Some(7));
        let sorted: Vec<u32> = (0..=100).collect();
        assert_eq!([0.0, 0.5, 0.99, 1.0].map(|share| percentile(&sorted, share)), [0, 50, 99, 100].map(Some));
    }
}
