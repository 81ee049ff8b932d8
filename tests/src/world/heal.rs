//! Trouble with disks and with the hub, and the end of all trouble.

use rand::RngExt as _;

use super::machine::Power;
use super::{Check, Fault, World, disk};

/// Rounds of connecting everything before the world counts as wedged.
const ROUNDS: usize = 12;

impl World {
    /// A machine's disk is restored, copied or lost.
    pub(super) fn disk_trouble(&mut self) -> Check {
        self.audit()?;
        let with_disk: Vec<usize> = (0..self.machines.len()).filter(|n| self.machines[*n].disk().is_some()).collect();
        let Some(n) = self.pick(&with_disk) else { return Ok(()) };
        let Some(image) = self.machines[n].disk().map(disk::image) else { return Ok(()) };
        match self.rng.random_range(0..4) {
            // A clone: both go on.
            0 if self.machines.len() < 8 => {
                self.seen.clones += 1;
                self.second(n, &image);
            }
            // Lost, and replaced by a machine that joins.
            1 => {
                self.seen.disks_lost += 1;
                self.drop_line(n);
                self.machines[n].power = Power::Gone;
                self.machines[n].holds.clear();
                if self.machines.len() < 8 {
                    let site = self.machines[n].site.clone();
                    self.new_machine(site);
                }
            }
            // An old image: taken now, put back later in the same event, after some work.
            _ => {
                self.seen.old_images += 1;
                let holds = self.machines[n].holds.clone();
                for _ in 0..self.rng.random_range(0..6) {
                    self.start_or_connect(n)?;
                    self.event_at(n)?;
                }
                self.audit()?;
                let running = self.machines[n].is_on();
                self.drop_line(n);
                self.machines[n].kill();
                self.machines[n].power = Power::Off(disk::from_image(&image));
                self.machines[n].holds = holds;
                self.machines[n].welcomed = 0;
                if running && self.chance(0.5) {
                    // Put back under a running agent, which reads its state anew.
                    let keep = self.fault == Some(Fault::WriterKeptAcrossReload);
                    let writer = self.machines[n].last_writer.filter(|_| keep);
                    let Self { machines, rng, now_ms, .. } = self;
                    machines[n].start(rng, *now_ms, writer);
                }
            }
        }
        Ok(())
    }

    fn event_at(&mut self, n: usize) -> Check {
        if self.machines[n].is_on() {
            self.at_the_desk(n)?;
        }
        self.deliver_up()?;
        self.deliver_down()
    }

    fn drop_line(&mut self, n: usize) {
        if let Some(conn) = self.machines[n].line.take()
            && let Some(line) = self.lines.get_mut(&conn)
        {
            line.machine_open = false;
            line.down.clear();
        }
    }

    pub(super) fn break_lines(&mut self) {
        for line in self.lines.values_mut() {
            line.hub_open = false;
            line.up.clear();
        }
    }

    pub(super) fn restart_hub(&mut self) {
        if self.hub.is_on() {
            self.hub.kill();
            self.break_lines();
        } else {
            self.start_hub();
        }
    }

    pub(super) fn start_hub(&mut self) {
        let Self { hub, rng, .. } = self;
        hub.start(rng);
    }

    /// The hub's database is replaced by an older one, with or without its witness, or lost.
    pub(super) fn hub_trouble(&mut self) -> Check {
        self.audit()?;
        self.hub.kill();
        self.break_lines();
        let backups = self.hub.backups.clone();
        let backup = self.pick(&backups);
        let unchanged = self.fault == Some(Fault::EpochUnchangedOnRestore);
        match self.rng.random_range(0..4) {
            0 | 1 if backup.is_some() => {
                self.seen.hub_restores += 1;
                self.hub.swap(backup.as_ref());
                if unchanged {
                    self.hub.witness = None;
                }
            }
            // By hand, witness and all.
            2 if backup.is_some() => {
                self.seen.hub_restores_by_hand += 1;
                self.hub.swap(backup.as_ref());
                self.hub.witness = backup.and_then(|backup| backup.witness);
            }
            _ => {
                self.seen.hub_wipes += 1;
                self.hub.swap(None);
                self.hub.intact = self.chance(0.5) && self.fault != Some(Fault::PendingDeviceAcknowledged);
            }
        }
        self.start_hub();
        Ok(())
    }

    /// An operator vouches for every machine that waits.
    pub(super) fn approve(&mut self) -> Check {
        let wall = self.wall();
        let Some(core) = self.hub.core() else { return Ok(()) };
        match core.approve(None, wall) {
            Ok(approved) => self.seen.approvals += u64::from(approved.changes > 0),
            Err(error) if error.is_passing() => {}
            Err(error) => return Err(format!("the approval failed: {error}")),
        }
        let outputs = core.drain_outputs();
        self.hub_says(outputs);
        self.hub.intact = true;
        Ok(())
    }

    /// An operator turns a machine away.
    pub(super) fn revoke(&mut self, n: usize) {
        if self.machines.iter().filter(|machine| !machine.revoked).count() < 2 {
            return;
        }
        self.seen.revocations += 1;
        let fingerprint = self.machines[n].fingerprint;
        let wall = self.wall();
        self.hub.revoked.insert(fingerprint);
        for machine in self.machines.iter_mut().filter(|machine| machine.fingerprint == fingerprint) {
            machine.revoked = true;
        }
        let Some(core) = self.hub.core() else { return };
        // Whether it has a row or not: the list beside the keys names it.
        drop(core.revoke(fingerprint.device(), "perdu", wall));
        let outputs = core.drain_outputs();
        self.hub_says(outputs);
    }

    /// The faults stop; everything that still exists is connected until nothing moves.
    pub(super) fn heal(&mut self) -> Check {
        self.audit()?;
        self.calm = true;
        self.hub.set_full(false);
        if !self.hub.is_on() {
            self.start_hub();
        }
        for n in 0..self.machines.len() {
            self.set_full(n, false);
            // Some of those turned away are invited again: a new key, the same disk.
            if self.machines[n].revoked && self.chance(0.5) {
                self.machines[n].fingerprint = msap_shared::id::Fingerprint::new(self.rng.random());
                self.machines[n].revoked = false;
            }
        }
        let survived = self.surviving_values();
        let mut converged = Ok(());
        for _ in 0..ROUNDS {
            self.approve()?;
            for n in 0..self.machines.len() {
                if !self.machines[n].revoked {
                    self.start_or_connect(n)?;
                    self.start_or_connect(n)?;
                }
            }
            self.settle()?;
            converged = self.check_converged();
            if converged.is_ok() {
                break;
            }
            for n in 0..self.machines.len() {
                self.disconnect(n)?;
            }
            self.break_lines();
            self.lines.clear();
            // The hub hears of it.
            self.hub.kill();
            self.start_hub();
        }
        converged?;
        self.go_on_live()?;
        self.audit()?;
        self.count_what_was_retired();
        self.check_everything_arrived()?;
        self.check_values(&survived)?;
        self.check_totals()?;
        self.settle_conflicts()?;
        self.check_converged()?;
        self.check_rebuild()
    }

    /// Whoever is connected counts once more: it is confirmed without another session.
    fn go_on_live(&mut self) -> Check {
        for machine in &mut self.machines {
            machine.clock_error_ms = 0;
        }
        // Those approved just now begin again as active ones.
        self.approve()?;
        self.settle()?;
        // Whoever the hub has asked to begin again does: of two that are one device, the first to
        // come is sent back once, which is how they show.
        for _ in 0..ROUNDS {
            if self.machines.iter().all(|machine| machine.revoked || machine.line.is_some()) {
                break;
            }
            for n in 0..self.machines.len() {
                if !self.machines[n].revoked {
                    self.start_or_connect(n)?;
                }
            }
            self.settle()?;
        }
        for n in 0..self.machines.len() {
            if self.machines[n].line.is_some() {
                self.tap(n)?;
            }
        }
        self.settle()?;
        self.check_converged()
    }

    /// Delivers until nothing is under way.
    pub(super) fn settle(&mut self) -> Check {
        for _ in 0..20_000 {
            let moving = self.lines.values().any(|line| {
                (line.hub_open && !line.up.is_empty())
                    || (line.machine_open && (!line.down.is_empty() || !line.hub_open))
            });
            if !moving {
                return Ok(());
            }
            self.deliver_up()?;
            self.deliver_down()?;
        }
        Err("the machines and the hub talk without end".to_owned())
    }

    fn count_what_was_retired(&mut self) {
        let count = |conn: &rusqlite::Connection, sql: &str| {
            conn.query_row(sql, [], |row| row.get::<_, u64>(0)).expect("one column")
        };
        for disk in self.machines.iter().filter_map(|machine| machine.disk()) {
            self.seen.refused += count(disk, "SELECT count(*) FROM retired WHERE reason > 0");
            self.seen.forked += count(disk, "SELECT count(*) FROM retired WHERE reason = 0");
            let registers = "SELECT count(*) FROM retired WHERE document NOT LIKE '%/visits/%' AND reason";
            self.seen.edits_refused += count(disk, &format!("{registers} > 0"));
            self.seen.edits_forked += count(disk, &format!("{registers} = 0"));
            self.seen.set_aside += count(disk, "SELECT count(*) FROM refusal WHERE times >= 3");
        }
        self.seen.taps += self.intents.len() as u64;
        self.seen.forks_alarmed += count(self.hub.disk(), "SELECT count(*) FROM device WHERE forked = 1");
    }

    /// Every fact on a disk that was connected is at the hub.
    fn check_everything_arrived(&self) -> Check {
        for (n, machine) in self.machines.iter().enumerate() {
            if machine.revoked {
                continue;
            }
            if let Some(missing) = machine.holds.difference(&self.hub.holds).next() {
                return Err(format!("machine {n} holds {missing:?}, the hub does not"));
            }
        }
        Ok(())
    }

    /// The views are what the changes amount to, and Automerge reads the same.
    fn check_rebuild(&mut self) -> Check {
        if !self.seed.is_multiple_of(8) {
            return Ok(());
        }
        let wall = self.wall();
        let Some(core) = self.hub.core() else { return Err("the hub is off".to_owned()) };
        let report = core.check(false, wall).map_err(|error| error.to_string())?;
        match report.problems.iter().chain(&report.differences).next() {
            Some(problem) => Err(format!("the check found: {problem}")),
            None => Ok(()),
        }
    }
}
