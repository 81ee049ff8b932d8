//! What a device may read and write: the documents of its own site, and nothing else.
//!
//! Grants are per document, not per author: a device may relay any author's changes for its own
//! site, which is how a hub that lost its disk is refilled and how a dead desk's visits arrive
//! through its neighbour.

use crate::document::DocId;
use crate::id::SiteId;

/// The rights of one device, from its certificate's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    site: SiteId,
}

impl Grant {
    /// The rights of a device of `site`.
    pub fn of_site(site: SiteId) -> Self {
        Self { site }
    }

    /// The site itself.
    pub fn site(&self) -> &SiteId {
        &self.site
    }

    /// Whether the device may read and write `document`. A site that does not exist answers
    /// like one that is forbidden.
    pub fn covers(&self, document: &DocId) -> bool {
        *document.site() == self.site
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_reaches_its_own_site_only() {
        let grant = Grant::of_site("275".parse().unwrap());
        assert!(grant.covers(&"site/275/visits/2026-11".parse().unwrap()));
        assert!(!grant.covers(&"site/361/visits/2026-11".parse().unwrap()));
    }
}
