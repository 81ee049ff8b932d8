//! What to do with a run of changes, given where its chain stands.
//!
//! Pure: a run is judged by its content, the chain's tip and the hashes kept. Plausibility has
//! no say here.

use super::{Built, CHANGES_PER_RUN_MAX, FACTS_PER_CHANGE_MAX, Facts, Tip, extend};
use crate::document::visits::{FactError, Key, parse_fact};
use crate::id::{ChangeHash, WriterId};
use crate::session::SEQ_MAX;
use crate::time::Month;

/// Consecutive changes of one chain, as they travel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Whose chain.
    pub writer: WriterId,
    /// Sequence number of the first change.
    pub first_seq: u64,
    /// The changes' contents.
    pub changes: Vec<Facts>,
    /// Hash of the last change.
    pub last_hash: ChangeHash,
}

/// Why a change can never be part of its chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The content does not rebuild to the named hash.
    #[error("the content does not rebuild to its hash")]
    Hash,
    /// A key or value is outside the grammar.
    #[error(transparent)]
    Fact(#[from] FactError),
    /// A change without facts, or with too many.
    #[error("a change carries 1 to {FACTS_PER_CHANGE_MAX} facts")]
    Size,
    /// A key stands twice in one chain.
    #[error("a key stands twice in one chain")]
    Repeated,
    /// The document is not one that the sender may write.
    #[error("the document is not this device's to write")]
    Grant,
    /// What a change of registers follows is not said in the one way, or is not to be had.
    #[error("the changes that it follows are not named in order, or are not to be had")]
    Dependencies,
    /// Its operations are not numbered on from those of the changes that it follows.
    #[error("its operations do not go on from those that it follows")]
    Start,
    /// It replaces a value of another key, or one that it cannot have known.
    #[error("it replaces a value that is not of its key or not in its past")]
    Replaces,
    /// The document, or one key of it, holds as much as it may.
    #[error("the document holds as much as it may")]
    Full,
    /// A key or value that the document does not admit.
    #[error("the document does not admit such a key or value")]
    Setting,
}

impl Refusal {
    /// A stable number for the wire and the database.
    pub const fn code(self) -> u8 {
        match self {
            Self::Hash => 1,
            Self::Fact(FactError::Key) => 2,
            Self::Fact(FactError::Day) => 3,
            Self::Fact(FactError::Value) => 4,
            Self::Fact(FactError::Number) => 5,
            Self::Size => 6,
            Self::Repeated => 7,
            Self::Grant => 8,
            Self::Dependencies => 9,
            Self::Start => 10,
            Self::Replaces => 11,
            Self::Full => 12,
            Self::Setting => 13,
        }
    }
}

/// The judgement of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All of it is kept already.
    Known,
    /// It goes on where the chain ends. `fresh` are the rebuilt changes to keep with their
    /// facts; when `refused` is given, the change after the last fresh one, and all that follow
    /// it, can never be accepted.
    Extends {
        /// The changes to keep, in order.
        fresh: Vec<(Built, Facts)>,
        /// Sequence number of the first refused change, and why.
        refused: Option<(u64, Refusal)>,
    },
    /// Changes before it are missing: ask for them from this sequence number on.
    Gap {
        /// First missing sequence number.
        from: u64,
    },
    /// The chain that is kept has another change at one of these sequence numbers.
    Fork,
}

/// Judges `run` for the document of `month`, where the chain ends at `tip`.
///
/// `hash_at` tells the hash kept for a sequence number up to the tip's; `repeated` whether a key
/// stands in the chain already, and is asked only of keys that are valid.
///
/// # Errors
/// Only what the two lookups return.
pub fn judge<E>(
    month: Month,
    run: Run,
    tip: Option<&Tip>,
    mut hash_at: impl FnMut(u64) -> Result<Option<ChangeHash>, E>,
    mut repeated: impl FnMut(&Key) -> Result<bool, E>,
) -> Result<Verdict, E> {
    let kept = tip.map_or(0, |tip| tip.seq);
    let first = run.first_seq;
    let Some(last) =
        first.checked_add(run.changes.len() as u64).map(|end| end - 1).filter(|_| first > 0 && !run.changes.is_empty())
    else {
        return Ok(Verdict::Extends { fresh: Vec::new(), refused: Some((kept + 1, Refusal::Size)) });
    };
    if first > kept + 1 {
        return Ok(Verdict::Gap { from: kept + 1 });
    }
    if last <= kept {
        // Equal last hashes mean equal chains up to there: each hash covers the one before.
        let same = hash_at(last)? == Some(run.last_hash);
        return Ok(if same { Verdict::Known } else { Verdict::Fork });
    }
    let overlap = (kept + 1 - first) as usize;
    let refuse = |fresh, seq, why| Ok(Verdict::Extends { fresh, refused: Some((seq, why)) });
    let oversized = run.changes.iter().any(|facts| facts.is_empty() || facts.len() > FACTS_PER_CHANGE_MAX);
    if oversized || run.changes.len() > CHANGES_PER_RUN_MAX || last > SEQ_MAX {
        return refuse(Vec::new(), kept + 1, Refusal::Size);
    }

    let Run { writer, mut changes, last_hash, .. } = run;
    let new = changes.split_off(overlap);
    let mut tip_now = tip.copied();
    let mut built = Vec::with_capacity(new.len());
    for facts in new {
        let next = extend(&writer, tip_now.as_ref(), &facts);
        tip_now = Some(next.tip);
        built.push((next, facts));
    }
    if tip_now.map(|tip| tip.hash) != Some(last_hash) {
        let forked = overlap > 0 && !overlap_matches(&writer, first, &changes, tip, &mut hash_at)?;
        return if forked { Ok(Verdict::Fork) } else { refuse(Vec::new(), kept + 1, Refusal::Hash) };
    }

    // The hash vouches for the whole run; now each change must be of the form.
    let mut seen = std::collections::BTreeSet::new();
    let mut bad = None;
    'changes: for (change, facts) in &built {
        for (key, value) in facts {
            let problem = match parse_fact(month, key, value) {
                Err(why) => Some(Refusal::Fact(why)),
                Ok((key, _)) if !seen.insert(key) || repeated(&key)? => Some(Refusal::Repeated),
                Ok(_) => None,
            };
            if let Some(why) = problem {
                bad = Some((change.tip.seq, why));
                break 'changes;
            }
        }
    }
    if let Some((seq, _)) = bad {
        built.truncate((seq - kept - 1) as usize);
    }
    Ok(Verdict::Extends { fresh: built, refused: bad })
}

/// Whether the part of a run that overlaps the kept chain is the kept chain.
fn overlap_matches<E>(
    writer: &WriterId,
    first: u64,
    overlap: &[Facts],
    tip: Option<&Tip>,
    hash_at: &mut impl FnMut(u64) -> Result<Option<ChangeHash>, E>,
) -> Result<bool, E> {
    let Some(kept) = tip else { return Ok(true) };
    let ops: u64 = overlap.iter().map(|facts| facts.len() as u64).sum();
    let mut before = match first {
        1 => None,
        _ => {
            let (Some(hash), Some(op_max)) = (hash_at(first - 1)?, kept.op_max.checked_sub(ops)) else {
                return Ok(false);
            };
            Some(Tip { seq: first - 1, hash, op_max })
        }
    };
    for facts in overlap {
        before = Some(extend(writer, before.as_ref(), facts).tip);
    }
    Ok(before.map(|tip| tip.hash) == Some(kept.hash))
}
