//! A report as a text: sections, as a steering committee reads them.

use msap_shared::wording::{self, calendar_day, calendar_days};

use super::held::{Closure, Held, Hours, Permanence, cancelled_fr};
use super::told::{Wording, age, help, is_known, operator};
use super::{Figure, Part, Report};
use crate::completeness::Tally;
use crate::lang::Lang;
use crate::sheet::Cell;
use crate::store::history::Closed;
use crate::words::nouns;

impl Report {
    /// As a text.
    pub(super) fn sections(&self, lang: Lang) -> String {
        let Self { site, question, held_until, antennas, whole, parts, .. } = self;
        let (from, to) = question.period;
        let mut text = Text { lang, out: String::new() };
        text.line(&format!("{} ({})", site.name, site.id));
        let days = calendar_days((from, to), lang);
        text.line(&lang.of(format!("Rapport {days}"), format!("Report, {days}")));
        text.closed(&whole.closed);
        let place = [&site.commune, &site.department, &site.bearer];
        let place: Vec<_> = place.into_iter().filter(|part| !part.is_empty()).map(String::as_str).collect();
        if !place.is_empty() {
            text.line(&place.join(", "));
        }
        if !antennas.is_empty() {
            let named: Vec<_> = antennas.iter().map(|(id, name)| format!("{name} ({id})")).collect();
            let with = lang.of("Avec les antennes : ", "With its antennas: ");
            text.line(&format!("{with}{}", named.join(", ")));
            let sites = nouns::sites(whole.sites, lang);
            text.line(&lang.of(
                format!("Jours et heures : ceux de {sites}, additionnés"),
                format!("Days and hours: those of {sites}, added up"),
            ));
        }
        if *held_until < to {
            let held_until = calendar_day(*held_until, lang);
            text.line(&lang.of(
                format!("Horaires, fermetures et permanences : jusqu’au {held_until}"),
                format!("Hours, closures and permanences: until {held_until}"),
            ));
        }
        text.part(whole, self);
        for (site, part) in parts {
            text.line("");
            text.line(&format!("═══ {} ({}) ═══", site.name, site.id));
            text.closed(&part.closed);
            text.part(part, self);
        }
        text.out
    }
}

struct Text {
    lang: Lang,
    out: String,
}

impl Text {
    fn line(&mut self, line: &str) {
        self.out.push_str(line.trim_end());
        self.out.push('\n');
    }

    /// When the site had closed for good.
    fn closed(&mut self, closed: &[Closed]) {
        let lang = self.lang;
        for (from, to) in closed {
            let ends = [from, to].map(|end| end.map(|day| calendar_day(day, lang)));
            self.line(&match ends {
                [Some(from), None] => {
                    lang.of(format!("Fermée définitivement le {from}"), format!("Closed for good on {from}"))
                }
                [Some(from), Some(to)] => {
                    lang.of(format!("Fermée du {from} au {to}"), format!("Closed from {from} to {to}"))
                }
                [None, Some(to)] => lang.of(format!("Fermée jusqu’au {to}"), format!("Closed until {to}")),
                [None, None] => lang.of("Fermée définitivement", "Closed for good").to_owned(),
            });
        }
    }

    fn title(&mut self, fr: &str, en: &str) {
        let title = self.lang.of(fr, en);
        self.line("");
        self.line(title);
        self.line(&"─".repeat(title.chars().count()));
    }

    fn part(&mut self, part: &Part, report: &Report) {
        let lang = self.lang;
        self.title("Fréquentation", "Visits");
        let Tally { expected, reported, late, .. } = part.tally;
        let known = match expected {
            0 => lang.of(
                "Complétude : aucun jour n’était attendu".to_owned(),
                "Completeness: no day was expected".to_owned(),
            ),
            _ => {
                let days = nouns::reported(reported, expected, lang);
                lang.of(
                    format!("Complétude : {days}, dont {late} en retard"),
                    format!("Completeness: {days}, {late} of them late"),
                )
            }
        };
        self.figures(&[(lang.of("Total", "Total").to_owned(), part.total)]);
        self.line(&known);
        if let (visits @ 1.., requests) | (visits, requests @ 1..) = part.flagged {
            let apart = nouns::figures(Some(visits), requests, lang);
            self.line(&lang.of(
                format!("À part, en attente d’une décision : {apart}"),
                format!("Apart, until somebody decides: {apart}"),
            ));
        }
        for (fr, en, lines, word) in [
            ("Par mois", "By month", &part.months, month as Wording),
            ("Par partenaire", "By partner", &part.operators, operator),
            ("Par type d’aide", "By help", &part.helps, help),
            ("Par âge", "By age", &part.ages, age),
        ] {
            self.title(fr, en);
            let lines: Vec<_> = lines.iter().map(|(code, figure)| (word(code).shown(lang), *figure)).collect();
            self.figures(&lines);
        }
        self.title("Ouverture", "Opening");
        self.hours(&part.held.whole, &part.held_then.whole);
        self.closures(&part.held.closures, report);
        self.title("Permanences", "Permanences");
        self.permanences(&part.held, &part.held_then);
    }

    fn figures(&mut self, lines: &[(String, Figure)]) {
        let lang = self.lang;
        if lines.is_empty() {
            return self.line(lang.of("aucune visite reçue", "nothing received"));
        }
        let number = |number: Option<i64>| number.map_or_else(|| "–".to_owned(), |number| number.to_string());
        let visits = lines.iter().any(|(_, figure)| figure.visits.is_some());
        let mut rows = vec![vec![String::new()]];
        let heads =
            [("visites", "visits"), ("demandes", "requests"), ("un an avant", "a year before"), ("écart", "change")];
        let head = |&(fr, en): &(&str, &str)| lang.of(fr, en).to_owned();
        rows[0].extend(heads.iter().skip(usize::from(!visits)).map(head));
        for (name, figure) in lines {
            let mut row = vec![name.clone()];
            if visits {
                row.push(number(figure.visits));
            }
            let (now, then) = match figure.visits {
                Some(visits) => (visits, figure.then.and_then(|then| then.0)),
                None => (figure.requests, figure.then.map(|then| then.1)),
            };
            let percent = then.filter(|then| *then != 0).map(|then| (now - then) as f64 * 100.0 / then as f64);
            row.extend([
                figure.requests.to_string(),
                number(then),
                percent.map_or_else(|| "–".to_owned(), |percent| decimal(percent, lang, true) + " %"),
            ]);
            rows.push(row);
        }
        self.table(&rows);
    }

    fn hours(&mut self, now: &Hours, then: &Hours) {
        let lang = self.lang;
        let hours = |of: &Hours| {
            let hours = decimal(of.minutes as f64 / 60.0, lang, false);
            let days = nouns::days(of.days, lang);
            lang.of(format!("{hours} h sur {days}"), format!("{hours} h on {days}"))
        };
        let then = match is_known(then) {
            true => hours(then),
            false => lang.of("inconnu", "unknown").to_owned(),
        };
        let now_said = hours(now);
        self.line(&lang.of(
            format!("Heures prévues : {now_said} (un an avant : {then})"),
            format!("Hours planned: {now_said} (a year before: {then})"),
        ));
        if now.unknown > 0 {
            self.line(&lang.of(
                format!("Jours dont les horaires ne sont pas connus : {}", now.unknown),
                format!("Days whose hours are not known: {}", now.unknown),
            ));
        }
    }

    fn closures(&mut self, closures: &[Closure], report: &Report) {
        let lang = self.lang;
        if closures.is_empty() {
            return self.line(lang.of("Aucune fermeture exceptionnelle", "No exceptional closure"));
        }
        for closure in closures {
            let Closure { site, from, to, whole, .. } = closure;
            let days = match from == to {
                true => lang.of("le ", "on ").to_owned() + &calendar_day(*from, lang),
                false => calendar_days((*from, *to), lang),
            };
            let what = match whole {
                true => lang.of("fermé", "shut"),
                false => lang.of("fermé en partie", "partly shut"),
            };
            let place = match *site == report.site.id.as_str() {
                true => String::new(),
                false => format!(" [{site}]"),
            };
            let why = lang.of(closure.label_fr(), closure.label_en());
            self.line(&lang.of(format!("  {days}{place}, {what} : {why}"), format!("  {days}{place}, {what}: {why}")));
        }
    }

    fn permanences(&mut self, now: &Held, then: &Held) {
        let lang = self.lang;
        if now.permanences.is_empty() {
            return self.line(lang.of("aucune permanence prévue", "no permanence planned"));
        }
        let heads = [
            ("", ""),
            ("maintenues", "kept"),
            ("annulées", "cancelled"),
            ("heures", "hours"),
            ("un an avant", "a year before"),
        ];
        let mut rows = vec![heads.iter().map(|&(fr, en)| lang.of(fr, en).to_owned()).collect::<Vec<_>>()];
        for (partner, Permanence { held, minutes, cancelled, .. }) in &now.permanences {
            let before = then.permanences.get(partner).map_or_else(|| "–".to_owned(), |then| then.held.to_string());
            let hours = decimal(*minutes as f64 / 60.0, lang, false);
            rows.push(vec![partner.clone(), held.to_string(), cancelled.to_string(), hours, before]);
        }
        self.table(&rows);
        for (partner, permanence) in now.permanences.iter().filter(|(_, of)| of.cancelled > 0) {
            let word = |code: &'static str| lang.of(cancelled_fr(code).to_owned(), code.replace('_', " "));
            let reasons: Vec<_> =
                permanence.reasons.iter().map(|(code, times)| format!("{} {times}", word(code))).collect();
            let reasons = reasons.join(", ");
            self.line(
                &lang.of(format!("  {partner}, annulations : {reasons}"), format!("  {partner}, cancelled: {reasons}")),
            );
        }
    }

    /// The first column to the left, figures to the right.
    fn table(&mut self, rows: &[Vec<String>]) {
        let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
        let width = |column: usize| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
        };
        let widths: Vec<_> = (0..columns).map(width).collect();
        for row in rows {
            let cell = |(column, cell): (usize, &String)| {
                let space = " ".repeat(widths[column].saturating_sub(cell.chars().count()));
                if column == 0 { format!("  {cell}{space}") } else { format!("  {space}{cell}") }
            };
            let line: String = row.iter().enumerate().map(cell).collect();
            self.line(&line);
        }
    }
}

/// A month, as people write it.
fn month(code: &str) -> Cell {
    let french = code.parse().map_or_else(|_| code.to_owned(), |month| wording::month(month, Lang::Fr));
    Cell::word(code, &french)
}

fn decimal(number: f64, lang: Lang, signed: bool) -> String {
    let text = if signed { format!("{number:+.1}") } else { format!("{number:.1}") };
    lang.of(text.replace('.', ","), text)
}
