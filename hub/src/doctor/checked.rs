//! What the doctor says of the last check that the hub made of itself.

use jiff::{SignedDuration, Timestamp};

use super::{Doctor, State};
use crate::admin::moment;
use crate::store::check_runs::CheckRun;

/// A night that was missed is no trouble, two are.
const OVERDUE: SignedDuration = SignedDuration::from_hours(49);
/// Findings that are told.
const TOLD_MAX: usize = 3;

impl Doctor {
    /// The last run. A hub that has made none yet waits for its first night, and not for ever: `awaited` are
    /// the seconds since 1970 from which on it does.
    pub(super) fn checked(&mut self, last: Option<CheckRun>, awaited: Option<i64>, now: Timestamp) {
        let lang = self.lang;
        let is_overdue = |at: i64| Timestamp::from_second(at).is_ok_and(|at| now.duration_since(at) > OVERDUE);
        let next = lang
            .of("laissez tourner le hub la nuit, ou réglez check.hour", "let the hub run at night, or set check.hour");
        let Some(run) = last else {
            let Some(from) = awaited.filter(|from| is_overdue(*from)) else { return };
            let text = lang.of(
                format!("la base n’a jamais été vérifiée en entier ; le hub sert depuis {}", moment(from)),
                format!("the whole database was never checked; the hub has served since {}", moment(from)),
            );
            return self.note("check", State::Doubtful, text, next);
        };
        let at = moment(run.at);
        if run.drift() > 0 {
            let told: Vec<_> = run.told.iter().take(TOLD_MAX).map(String::as_str).collect();
            let text = lang.of("écarts trouvés", "findings");
            let next = lang.of("lisez ce que dit msap-hub check", "read what msap-hub check says");
            let detail = format!("{at} : {} {text} : {}", run.drift(), told.join(" ; "));
            return self.note("check", State::Bad, detail, next);
        }
        let text = lang.of("dernière vérification de toute la base", "last check of the whole database");
        match is_overdue(run.at) {
            true => self.note("check", State::Doubtful, format!("{text} : {at}"), next),
            false => self.good("check", format!("{text} : {at}")),
        }
    }
}
