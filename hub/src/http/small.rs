//! Answers that may single out a person: they leave once the journal says to whom.

use msap_shared::time::Day;

use super::Views;
use super::auth::Caller;
use super::problem::Problem;
use crate::lane::Lane;
use crate::store::small_reads::{self, SmallRead};
use crate::who::Who;

/// Longest piece of a question in the journal.
const QUESTION_LEN_MAX: usize = 300;

/// The line of the journal for an answer of `view`: the names in the question are its shape, whatever
/// their values.
pub(super) fn read(view: &str, caller: &Caller, pairs: &[(String, String)]) -> SmallRead {
    let asked = || pairs.iter().filter(|(name, _)| name != "format");
    let mut names: Vec<_> = asked().map(|(name, _)| name.clone()).collect();
    let by = asked().find(|(name, _)| name == "by").map(|(_, keys)| keys.split(',').collect::<Vec<_>>());
    let mut by = by.unwrap_or_default();
    names.sort_unstable();
    by.sort_unstable();
    let question = asked().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&");
    SmallRead {
        view: view.to_owned(),
        caller: caller.who.to_string(),
        scope: caller.scope.to_string(),
        shape: format!("{view} {} by {}", names.join(","), by.join(",")),
        question: question.chars().take(QUESTION_LEN_MAX).collect(),
    }
}

/// Returns once the journal has the line, if there is to be one. Most readings find it there and do
/// not wait for the writer.
pub(super) async fn noted<V: Views>(views: &V, who: Who, read: Option<SmallRead>, today: Day) -> Result<(), Problem> {
    let Some(read) = read else { return Ok(()) };
    let sought = read.clone();
    if views.read(Lane::Key, move |conn| small_reads::is_noted(conn, &sought, today)).await? {
        return Ok(());
    }
    let kept = views.change(who, move |core, now| core.note_small_read(&read, now)).await;
    kept.ok_or_else(Problem::stopping)?.map_err(|error| Problem::not_journalled(&error))
}
