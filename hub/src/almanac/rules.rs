//! By what the hub judges and tells: what of its settings figures and labels depend on.

use msap_shared::reference::Terms;

use crate::label::LabelRules;
use crate::release::ReleaseRules;

/// By what the hub judges what sites say; its settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// After how many days what was confirmed of a partner is not believed any more.
    pub stale_after_days: u16,
    /// How many days after a day its first word may be received without being late.
    pub late_days: u8,
    /// What the label asks for.
    pub label: LabelRules,
    /// How figures are released, and which are small.
    pub release: ReleaseRules,
}

impl Rules {
    /// What of them machines go by, too.
    pub fn terms(&self) -> Terms {
        Terms { partners_stale_after_days: self.stale_after_days }
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self { stale_after_days: 45, late_days: 3, label: LabelRules::default(), release: ReleaseRules::default() }
    }
}
