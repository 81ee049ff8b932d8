//! What a device lacks, and what it has that the hub lacks.

use super::*;

impl HubSession {
    pub(super) fn device_has<R: HubReplica>(
        &mut self,
        have: Have,
        replica: &mut R,
    ) -> Result<(), SessionError<R::Error>> {
        let Have { document, versions: theirs, .. } = have;
        if !self.grant.covers(&document) {
            // As if the document did not exist.
            self.replies.push(Frame::Have(Have { document, versions: Vec::new(), held: None }));
            return Ok(());
        }
        if self.standing == DeviceStanding::Pending {
            self.check_asked()?;
            for version in theirs {
                let stored = replica.stored_apart(&document, &version.writer)?;
                if stored < version.seq {
                    self.wanted.insert((document.clone(), version.writer), stored + 1);
                }
            }
            return Ok(());
        }
        self.follow(&document, &theirs, replica)?;
        let theirs: BTreeMap<WriterId, Version> = theirs.into_iter().map(|version| (version.writer, version)).collect();
        let mine = replica.versions(&document)?;
        if document.kind().is_registers() {
            self.owe_edits(&document, &theirs, &mine, replica)?;
            self.replies.extend(haves(&document, &mine));
            return Ok(());
        }
        for version in &mine {
            match theirs.get(&version.writer) {
                None => self.owe(document.clone(), version.writer, 1),
                Some(their) if their.seq < version.seq => self.owe(document.clone(), version.writer, their.seq + 1),
                Some(their) if their.seq == version.seq && their.hash != version.hash => {
                    self.owe(document.clone(), version.writer, 1);
                }
                Some(_) => {}
            }
        }
        self.replies.extend(haves(&document, &mine));
        Ok(())
    }

    /// A device that asks, and takes nothing, must not fill the memory.
    pub(super) fn check_asked<E>(&self) -> Result<(), SessionError<E>> {
        let is_bounded = self.owed.len() + self.wanted.len() < CHAINS_ASKED_MAX;
        if is_bounded { Ok(()) } else { Err(SessionError::Protocol("more chains asked for than are taken")) }
    }

    pub(super) fn device_needs<E>(&mut self, need: Need) -> Result<(), SessionError<E>> {
        check_number(need.from)?;
        self.check_asked()?;
        if self.grant.covers(&need.document) && self.standing == DeviceStanding::Active {
            self.owe(need.document, need.writer, need.from);
        }
        Ok(())
    }
}
