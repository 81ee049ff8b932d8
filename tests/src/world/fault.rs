//! Faults that can be planted in the simulated hosts, to see that the simulation notices.
//!
//! The programs themselves carry none of this: a host plays the fault around them, by keeping
//! what it should draw anew, by telling what it should not, by changing frames on their way.

/// One planted fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A restarted agent goes on as the writer of before.
    WriterKeptAcrossRestarts,
    /// An agent whose state is read anew goes on as the writer of before.
    WriterKeptAcrossReload,
    /// The hub's acknowledgement leaves although the commit is lost.
    AcknowledgeBeforeCommit,
    /// A restored hub database goes on in its old epoch.
    EpochUnchangedOnRestore,
    /// A fork is acknowledged as if the hub held it.
    ForkAccepted,
    /// A refused tail is dropped by its author.
    RefusedTailNotEnteredAgain,
    /// A tap that is retried gets another id.
    TapIdDrawnAgainOnRetry,
    /// An undo is a negative tap.
    UndoAsNewTap,
    /// The hub's total adds up every revision.
    FoldIgnoresRevisions,
    /// The agent never learns that the epoch changed.
    ConfirmedShownForOlderEpoch,
    /// Acknowledgements are believed without comparing hashes.
    NoHashInAcknowledgement,
    /// Commits are compared by their number alone.
    NoCommitTag,
    /// A device that waits for approval is acknowledged.
    PendingDeviceAcknowledged,
    /// Whoever relays another's refused tail drops it.
    RelayDropsRefusedTail,
    /// An answer by file counts although the hub was heard since.
    OutdatedAnswerTaken,
    /// Of several values of a key one is shown, and whoever replaces it replaces them all.
    OneOfSeveralValuesShown,
    /// Edits are acknowledged on the way, and never arrive.
    EditsAcknowledgedOnTheWay,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::WriterKeptAcrossRestarts,
        Self::WriterKeptAcrossReload,
        Self::AcknowledgeBeforeCommit,
        Self::EpochUnchangedOnRestore,
        Self::ForkAccepted,
        Self::RefusedTailNotEnteredAgain,
        Self::TapIdDrawnAgainOnRetry,
        Self::UndoAsNewTap,
        Self::FoldIgnoresRevisions,
        Self::ConfirmedShownForOlderEpoch,
        Self::NoHashInAcknowledgement,
        Self::NoCommitTag,
        Self::PendingDeviceAcknowledged,
        Self::RelayDropsRefusedTail,
        Self::OutdatedAnswerTaken,
        Self::OneOfSeveralValuesShown,
        Self::EditsAcknowledgedOnTheWay,
    ];

    /// Whether it shows only where machines are copied with their memory.
    pub(super) fn wants_forks(self) -> bool {
        matches!(self, Self::ForkAccepted | Self::NoHashInAcknowledgement)
    }

    /// Whether it shows only where changes are refused.
    pub(super) fn wants_refusals(self) -> bool {
        matches!(self, Self::RefusedTailNotEnteredAgain | Self::RelayDropsRefusedTail)
    }
}
