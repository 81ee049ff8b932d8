//! A document as one Automerge file, which any Automerge loads.
//!
//! Called by the API and by `msap-hub document export`. The hub stores raw changes; the file is
//! made anew each time and holds exactly those changes.

use automerge::AutoCommit;

/// Why a document cannot be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// Automerge does not take the stored bytes.
    #[error("the stored changes do not load")]
    Load(#[from] Box<automerge::AutomergeError>),
    /// Automerge stopped before the end: it takes a cut file without a word.
    #[error("{stored} changes are stored, {loaded} load")]
    Short {
        /// Changes in the store.
        stored: usize,
        /// Changes in the loaded document.
        loaded: usize,
    },
}

/// The saved document made of these raw changes.
///
/// # Errors
/// When not every change of `chunks` is in the result.
pub fn saved(chunks: &[Vec<u8>]) -> Result<Vec<u8>, ExportError> {
    let mut document = AutoCommit::load(&chunks.concat()).map_err(Box::new)?;
    let loaded = document.get_changes(&[]).len();
    match loaded == chunks.len() {
        true => Ok(document.save()),
        false => Err(ExportError::Short { stored: chunks.len(), loaded }),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use automerge::transaction::Transactable;
    use automerge::{ActorId, ROOT, ReadDoc};

    use super::*;

    /// The raw changes of two writers, two each.
    pub(crate) fn chunks() -> Vec<Vec<u8>> {
        let mut chunks = Vec::new();
        for writer in [1_u8, 2] {
            let mut document = AutoCommit::new().with_actor(ActorId::from([writer; 16]));
            for n in 0..2 {
                document.put(ROOT, format!("17|{writer}{n}|0"), "1|CNAF|online|25-39|1").unwrap();
                document.commit();
            }
            chunks.extend(document.get_changes(&[]).iter().map(|change| change.raw_bytes().to_vec()));
        }
        chunks
    }

    #[test]
    fn an_export_holds_every_change_and_loads_anywhere() {
        let bytes = saved(&chunks()).unwrap();
        let loaded = AutoCommit::load(&bytes).unwrap();
        assert_eq!(loaded.keys(ROOT).count(), 4);
    }

    #[test]
    fn a_damaged_or_cut_change_is_an_error() {
        let mut cut = chunks();
        cut[3].truncate(20);
        assert!(saved(&cut).is_err());
        let mut missing = chunks();
        missing.remove(0);
        assert!(saved(&missing).is_err());
    }
}
