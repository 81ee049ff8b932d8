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
    /// The last run; a hub that has made none yet waits for its first night.
    pub(super) fn checked(&mut self, last: Option<CheckRun>, now: Timestamp) {
        let (lang, Some(run)) = (self.lang, last) else { return };
        let at = moment(run.at);
        if run.drift() > 0 {
            let told: Vec<_> = run.told.iter().take(TOLD_MAX).map(String::as_str).collect();
            let text = lang.of("écarts trouvés", "findings");
            let next = lang.of("lisez ce que dit msap-hub check", "read what msap-hub check says");
            let detail = format!("{at} : {} {text} : {}", run.drift(), told.join(" ; "));
            return self.note("check", State::Bad, detail, next);
        }
        let overdue = Timestamp::from_second(run.at).is_ok_and(|at| now.duration_since(at) > OVERDUE);
        let text = lang.of("dernière vérification de toute la base", "last check of the whole database");
        let next = lang
            .of("laissez tourner le hub la nuit, ou réglez check.hour", "let the hub run at night, or set check.hour");
        match overdue {
            true => self.note("check", State::Doubtful, format!("{text} : {at}"), next),
            false => self.good("check", format!("{text} : {at}")),
        }
    }
}
