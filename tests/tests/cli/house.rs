//! The commands of the schedule and the partners: each does what it says and no other thing.

use anyhow::{Context as _, Result};
use msap_shared::document::schedule::Weekday;
use msap_shared::time::Day;
use msap_tests::cluster::{Agent, run};
use serde_json::{Value, json};

use crate::hub_with;

/// An agent that runs, and commands with days in place of `{0}`, `{1}`…: a Monday to come and the
/// days after it.
struct Desk<'a> {
    agent: &'a Agent,
    monday: Day,
    /// Today's name.
    weekday: &'static str,
}

impl<'a> Desk<'a> {
    fn new(agent: &'a Agent) -> Result<Self> {
        let today: Day = agent.status()?["today"].as_str().context("today")?.parse()?;
        let weekday = Weekday::of(today);
        let ahead = 14 - i32::try_from(weekday.index())?;
        Ok(Self { agent, monday: today.plus_days(ahead), weekday: weekday.label_fr() })
    }

    fn args(&self, line: &str) -> Vec<String> {
        let days = (0..30).fold(line.to_owned(), |line, n| line.replace(&format!("{{{n}}}"), &self.day(n)));
        days.split(' ').map(|word| word.replace('_', " ")).collect()
    }

    fn day(&self, n: i32) -> String {
        self.monday.plus_days(n).to_string()
    }

    /// Carried out: told as kept, and nothing to change when it is asked again.
    fn does(&self, line: &str) -> Result<()> {
        let args = self.args(line);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let told = self.agent.cli(&args)?.expect_code(0)?;
        assert!(told.out.starts_with("enregistré sur ce poste : "), "{line}: {}", told.out);
        if !line.contains("remove") && !line.contains("resume") && !line.contains("absence add") {
            let again = self.agent.cli(&args)?.expect_code(0)?;
            assert_eq!(again.out.trim(), "rien à changer", "{line}");
        }
        Ok(())
    }

    fn refuses(&self, line: &str, field: &str) -> Result<()> {
        let args = self.args(line);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let told = self.agent.cli(&args)?.expect_code(5)?;
        assert!(told.err.contains(&format!("{field} : ")), "{line}: {}", told.err);
        Ok(())
    }

    fn prints(&self, line: &str, words: &[&str]) -> Result<()> {
        let args = self.args(line);
        let told = self.agent.cli(&args.iter().map(String::as_str).collect::<Vec<_>>())?.expect_code(0)?;
        for words in words {
            assert!(told.out.contains(words), "{line}: {words:?} is missing: {}", told.out);
        }
        Ok(())
    }

    fn schedule(&self, n: i32) -> Result<Value> {
        self.agent.json(&["hours", "show", "--from", &self.day(n), "--to", &self.day(n)])
    }

    /// One day as its state, its intervals and why.
    fn shows(&self, n: i32) -> Result<(String, Vec<String>, String)> {
        let day = self.schedule(n)?["days"][0].clone();
        let intervals = day["intervals"].as_array().context("intervals")?.iter();
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let one = |open: &Value| format!("{}-{} {}", word(&open["from"]), word(&open["to"]), word(&open["place"]));
        Ok((word(&day["state"]), intervals.map(one).collect(), word(&day["why"][0]["kind"])))
    }

    fn partner(&self, code: &str, n: i32) -> Result<Value> {
        let partners = self.agent.json(&["partner", "list", "--day", &self.day(n)])?;
        let all = partners["partners"].as_array().context("partners")?;
        Ok(all.iter().find(|one| one["operator"] == code).cloned().unwrap_or_default())
    }
}

fn with_desk(test: impl FnOnce(&Desk<'_>) -> Result<()>) {
    run(|cluster| {
        let hub = hub_with(cluster, &["275"])?;
        let mut agent = cluster.enrol(&hub, "275", "accueil")?;
        agent.start()?;
        test(&Desk::new(&agent)?)
    });
}

fn expect(state: &str, intervals: &[&str], why: &str) -> (String, Vec<String>, String) {
    (state.to_owned(), intervals.iter().map(|one| (*one).to_owned()).collect(), why.to_owned())
}

#[test]
fn hours_and_closures_change_the_days_that_they_are_about_and_no_others() {
    with_desk(|desk| {
        assert_eq!(desk.shows(0)?, expect("unknown", &[], "no_hours"));
        desk.prints("hours check Mo-Fr_09:00-12:00", &["lundi", "9 h – 12 h"])?;
        assert_eq!(desk.shows(0)?.0, "unknown", "checking changes nothing");
        desk.does("hours set Mo-Fr_09:00-12:00 --from {0}")?;
        assert_eq!(desk.shows(-7)?.0, "unknown", "what was before stays");
        desk.does("hours day samedi 10:00-12:00 --from {7}")?;
        desk.does("hours day dimanche 08:00-09:00 --variant odd --from {8}")?;
        let sundays = [13, 20, 27].map(|n| desk.shows(n).map(|day| day.0 == "open"));
        let open = sundays.into_iter().collect::<Result<Vec<_>>>()?.into_iter().filter(|open| *open).count();
        // Weeks 53 and 1 are both odd.
        assert!((1..=2).contains(&open), "{open} of three Sundays");
        assert_eq!(desk.shows(5)?, expect("shut", &[], "no_rule"));
        assert_eq!(desk.shows(12)?, expect("open", &["10:00-12:00 -"], "rule"));
        desk.does("hours replace --from {1} --hours 10:00-11:00 --reason meeting")?;
        desk.does("hours extra --from {6} --to {7} --hours 14:00-15:00 --reason event")?;
        desk.does("hours move --from {2} --to-place mairie --reason works")?;
        desk.does("hours place mairie --label Mairie_de_Chemillé --address 1_place_de_la_Mairie")?;
        desk.does("hours comment Sonnez_deux_fois")?;
        desk.does("hours good-friday open")?;
        desk.does("hours confirm")?;
        assert_eq!(desk.shows(1)?, expect("open", &["10:00-11:00 -"], "hours"));
        assert_eq!(desk.shows(8)?, expect("open", &["09:00-12:00 -"], "rule"));
        assert_eq!(desk.shows(6)?, expect("open", &["14:00-15:00 -"], "extra"));
        assert_eq!(desk.shows(7)?.1, ["09:00-12:00 -", "14:00-15:00 -"]);
        assert_eq!(desk.shows(2)?, expect("open", &["09:00-12:00 mairie"], "moved"));
        let told = desk.schedule(0)?;
        assert_eq!(told["places"][0]["label"], "Mairie de Chemillé");
        assert_eq!((&told["comment"][0]["text"], &told["checked_on"]), (&json!("Sonnez deux fois"), &told["today"]));
        assert_eq!(told["good_friday"][0]["rule"], "open");
        desk.does("closure add --from {3} --to {4} --reason training")?;
        assert_eq!(desk.shows(3)?, expect("shut", &[], "closed"));
        assert_eq!(desk.shows(4)?.0, "shut");
        let listed = [&*desk.day(3), &desk.day(4), "fermé", "formation", "autres horaires", "ouvert en plus", "Mairie"];
        desk.prints("closure list", &listed)?;
        desk.prints("hours show --from {3} --to {3}", &["fermé", "fermeture : formation"])?;
        desk.does("closure remove --from {3} --to {4}")?;
        assert_eq!(desk.shows(3)?, expect("open", &["09:00-12:00 -"], "rule"));
        for (line, field) in [
            ("hours set n'importe_quoi", "OSM"),
            ("hours day demain 09:00-12:00", "JOUR"),
            ("hours day lundi 12:00-09:00", "HORAIRES"),
            ("hours replace --from {1} --to {0} --hours 9:00-10:00", "to"),
            ("hours move --from {1} --to-place La_Mairie", "to_place"),
            ("hours good-friday peut-être", "good_friday"),
            ("closure add --from {3} --reason fatigue", "reason"),
            ("closure remove --from {3}", "from"),
        ] {
            desk.refuses(line, field)?;
        }
        assert_eq!(desk.schedule(0)?["exceptions"], told["exceptions"]);
        Ok(())
    });
}

#[test]
fn permanences_staff_and_absences_change_the_days_that_they_are_about_and_no_others() {
    with_desk(|desk| {
        desk.does("hours set Mo-Fr_09:00-12:00,14:00-17:00 --from {0}")?;
        desk.does("permanence add CNAF --day lundi --slots 09:00-12:00 --from {0}")?;
        let state = |n| Ok::<_, anyhow::Error>(desk.partner("CNAF", n)?["availability"].clone());
        assert_eq!((state(0)?, state(7)?), ("present".into(), "present".into()));
        desk.does("permanence cancel CNAF --day {7} --reason strike")?;
        desk.does("permanence shift CNAF --day {14} --slots 10:00-11:00 --reason meeting")?;
        assert_eq!((state(0)?, state(7)?), ("present".into(), "cancelled".into()));
        assert_eq!(desk.partner("CNAF", 14)?["permanences"][0]["from"], "10:00");
        assert_eq!(desk.partner("CNAF", 1)?["next"]["day"], desk.day(14));
        desk.does(&format!("permanence add MSA --day {} --slots 09:00-12:00", desk.weekday))?;
        desk.does("permanence cancel MSA --reason strike")?;
        desk.prints("permanence list", &["MSA", desk.weekday, "9 h – 12 h", "annulée : grève"])?;
        desk.does("permanence resume CNAF --day {7}")?;
        assert_eq!(state(7)?, "present");
        desk.does("permanence remove CNAF --from {21}")?;
        assert_eq!((state(0)?, state(21)?), ("present".into(), Value::Null));

        desk.does("staff set 1 --day mardi --hours 08:00-13:00 --from {0}")?;
        let agents = |n: i32| {
            let day = desk.schedule(n)?["days"][0].clone();
            let all = day["intervals"].as_array().context("intervals")?.iter().map(|open| open["agents"].clone());
            Ok::<_, anyhow::Error>(all.collect::<Vec<_>>())
        };
        assert_eq!((agents(1)?, agents(2)?), (vec![json!(1), Value::Null], vec![Value::Null, Value::Null]));
        desk.does("staff absence add --from {1} --hours 09:00-12:00 --kind illness")?;
        let gaps = |n| Ok::<_, anyhow::Error>(desk.schedule(n)?["days"][0]["gaps"].clone());
        assert_eq!((gaps(1)?, gaps(8)?), (json!([{ "from": "09:00", "to": "12:00" }]), json!([])));
        desk.prints("staff absence list", &[&desk.day(1), "09:00-12:00", "maladie"])?;
        let id = desk.schedule(0)?["absences"][0]["id"].as_str().context("an id")?.to_owned();
        desk.does(&format!("staff absence remove {id}"))?;
        assert_eq!(gaps(1)?, json!([]));
        desk.does("staff set unknown --day mardi --from {0}")?;
        assert_eq!(agents(1)?, [Value::Null, Value::Null]);
        for (line, field) in [
            ("permanence add CAF --day lundi --slots 09:00-12:00", "operator"),
            ("permanence add CNAF --day lundi --slots neuf", "HORAIRES"),
            ("permanence cancel CNAF --day {1} --reason strike", "day"),
            ("permanence cancel CNAF --day {7} --reason fatigue", "reason"),
            ("permanence resume CNAF --day {7}", "day"),
            ("staff set 100", "agents"),
            ("staff set 1 --day dimanche --from {0}", "HORAIRES"),
            ("staff absence add --from {1} --agents 0", "agents"),
            ("staff absence add --from {1} --kind vacances", "kind"),
            ("staff absence remove inconnue", "id"),
        ] {
            desk.refuses(line, field)?;
        }
        Ok(())
    });
}

#[test]
fn what_is_said_of_a_partner_is_kept_and_taken_back() {
    with_desk(|desk| {
        let today: Day = desk.agent.status()?["today"].as_str().context("today")?.parse()?;
        let of = |code: &str| desk.partner(code, 0);
        desk.does(&format!("partner set CNAV --mode reachable --contact 3960 --checked {}", today.plus_days(-3)))?;
        let said = of("CNAV")?["said"][0].clone();
        assert_eq!((&said["contact"], &said["checked_on"]), (&json!("3960"), &json!(today.plus_days(-3).to_string())));
        desk.does("partner confirm CNAV")?;
        let said = of("CNAV")?["said"][0].clone();
        assert_eq!((&said["contact"], &said["checked_on"]), (&json!("3960"), &json!(today.to_string())));
        desk.does("partner set CNAV --mode partial --until {7}")?;
        assert_eq!(of("CNAV")?["said"][0]["contact"], "3960", "kept as it was said");
        assert_eq!((&of("CNAV")?["stale"], &desk.partner("CNAV", 8)?["stale"]), (&json!(false), &json!(true)));
        desk.does("partner agreement CNAV signed --day 2026-01-15")?;
        desk.does("partner training CNAV 2 --on 2026-03-01")?;
        desk.does("partner set LOCAL:ecrivain --mode absent")?;
        desk.does("partner label LOCAL:ecrivain Écrivain_public")?;
        assert_eq!(of("CNAV")?["agreement"], json!({ "status": "signed", "day": "2026-01-15" }));
        assert_eq!(of("CNAV")?["training"], json!({ "agents": 2, "trained_on": "2026-03-01" }));
        desk.prints("partner list", &["CNAV", "3960", "Écrivain public", "absent"])?;
        for (line, field) in [
            ("partner set CAF --mode absent", "operator"),
            ("partner set CNAV --mode parfois", "mode"),
            ("partner set CNAV --mode reachable --contact marie.dupont@retraite.fr", "contact"),
            ("partner set CNAV --mode absent --checked {0}", "checked"),
            ("partner confirm MSA", "operator"),
            ("partner agreement CNAV signed", "day"),
            ("partner agreement CNAV oui", "status"),
            ("partner training CNAV beaucoup", "agents"),
            ("partner label CNAV Retraite", "operator"),
            ("conflict resolve 00000000 un", "version"),
        ] {
            desk.refuses(line, field)?;
        }
        desk.does("partner remove CNAV")?;
        assert_eq!(of("CNAV")?, Value::Null);
        Ok(())
    });
}
