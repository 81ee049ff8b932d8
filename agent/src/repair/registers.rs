//! What is left of documents of registers besides their edits: of which document a chain is when
//! the rows that said so are gone, and values whose edits are gone.
//!
//! Called by the repair. The two documents have no key in common, so what a chain says tells where
//! it belongs; keys that this version does not know tell nothing.

use std::collections::BTreeMap;

use msap_shared::chain::OpId;
use msap_shared::document::{DocId, DocKind, partners, schedule};
use msap_shared::id::{SiteId, WriterId};
use msap_shared::register::Setting;

use super::Read;
use super::pages::Field;

/// The values that stood, as the table kept beside the edits has them: by the row id of their
/// document, their key and what set them.
#[derive(Default)]
pub(super) struct Standing(BTreeMap<(i64, String, OpId), String>);

impl Standing {
    /// Takes a row in if it is one of that table.
    pub(super) fn take(&mut self, fields: &[Field]) {
        let [Field::Int(document), Field::Text(key), Field::Int(counter), Field::Blob(writer), Field::Text(value)] =
            fields
        else {
            return;
        };
        if let (Ok(counter), Ok(writer)) = (u64::try_from(*counter), writer.as_slice().try_into()) {
            let op = OpId { counter, writer: WriterId::new(writer) };
            self.0.insert((*document, key.clone(), op), value.clone());
        }
    }

    /// By document: as the key tells, else as `named` does.
    pub(super) fn by_document(
        self,
        site: &SiteId,
        named: impl Fn(i64) -> Option<DocId>,
    ) -> BTreeMap<DocId, Vec<(OpId, Setting)>> {
        let mut all: BTreeMap<DocId, Vec<(OpId, Setting)>> = BTreeMap::new();
        for ((row, key, op), value) in self.0 {
            let known = kind_of(&key).and_then(|kind| DocId::registers(site.clone(), kind));
            let document = known.or_else(|| named(row)).filter(|name| name.site() == site && !name.kind().is_visits());
            if let Some(document) = document {
                all.entry(document).or_default().push((op, Setting { key, value, replaces: Vec::new() }));
            }
        }
        all
    }
}

/// The document that these changes of one chain are of; `None` when they do not tell, or
/// contradict each other.
pub(super) fn document_of<'a>(changes: impl Iterator<Item = &'a Read>, site: &SiteId) -> Option<DocId> {
    let mut kinds = changes.flat_map(|(_, edit)| &edit.settings).filter_map(|setting| kind_of(&setting.key));
    let kind = kinds.next()?;
    kinds.all(|other| other == kind).then(|| DocId::registers(site.clone(), kind)).flatten()
}

fn kind_of(key: &str) -> Option<DocKind> {
    if matches!(schedule::Key::parse(key), Ok(Some(_))) {
        return Some(DocKind::Schedule);
    }
    matches!(partners::Key::parse(key), Ok(Some(_))).then_some(DocKind::Partners)
}
