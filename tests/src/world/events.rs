//! What can happen in one step.

use msap_agent::command::{CommandError, Reply};
use msap_agent::core::{Input, Output};
use msap_hub::accept::ConnId;
use msap_hub::core as hub;
use msap_shared::frame::Frame;
use rand::RngExt as _;

use super::wire::{Line, bytes_of, frame_of};
use super::{Check, Fault, World, disk};

impl World {
    /// Draws an event and lets it happen.
    pub(super) fn event(&mut self) -> Check {
        self.now_ms += self.rng.random_range(0..120_000);
        if self.chance(0.03) {
            self.now_ms += self.rng.random_range(0..36 * 3_600_000);
        }
        let on: Vec<usize> = (0..self.machines.len()).filter(|n| self.machines[*n].is_on()).collect();
        let any: Vec<usize> = (0..self.machines.len()).collect();
        let one = self.pick(&on);
        // What only forks can show is given more of them.
        if let Some(n) = one
            && self.fault.is_some_and(Fault::wants_forks)
            && self.machines.len() < 8
            && self.chance(0.03)
        {
            return self.copy_memory(n);
        }
        // And so is what only files can show, to a hub that went back in time.
        if self.fault == Some(Fault::OutdatedAnswerTaken) {
            match one {
                _ if self.chance(0.2)
                    && let Some(n) = self.holds_an_outdated_answer() =>
                {
                    self.disconnect(n)?;
                    return self.import_at(n);
                }
                Some(n) if self.chance(0.2) => return self.carry_a_stick(n),
                _ if self.chance(0.05) => return self.hub_trouble(),
                _ if self.chance(0.02) => self.hub.backup(),
                _ => {}
            }
        }
        match self.rng.random_range(0..1_000) {
            0..390 => return self.deliver(),
            390..430 => return one.map_or(Ok(()), |n| self.carry_a_stick(n)),
            430..600 => return one.map_or(Ok(()), |n| self.at_the_desk(n)),
            600..690 => {
                let n = self.pick(&any).unwrap_or_default();
                self.start_or_connect(n)?;
            }
            690..720 => self.cut_a_line(),
            720..750 => self.hub_notices(),
            750..775 => one.into_iter().for_each(|n| self.kill(n)),
            775..790 => one.into_iter().for_each(|n| self.jump_clock(n)),
            790..840 if self.weather.disk_trouble => return self.disk_trouble(),
            840..870 if self.weather.hub_trouble => return self.hub_trouble(),
            870..890 => self.restart_hub(),
            890..900 => self.hub.backup(),
            900..915 if self.weather.copies_of_memory => return one.map_or(Ok(()), |n| self.copy_memory(n)),
            915..925 if self.weather.bad_changes => one.into_iter().for_each(|n| self.write_bad_change(n)),
            925..930 if self.weather.bad_changes => one.into_iter().for_each(|n| self.write_bad_edit(n)),
            930..945 if self.weather.bad_changes => self.curse_a_chain(),
            945..960 if self.weather.full_disks => one.into_iter().for_each(|n| self.toggle_full(n)),
            960..965 => one.into_iter().for_each(|n| self.revoke(n)),
            965..975 => self.hub.note_witness(),
            975..990 => return self.edit_at_the_hub(),
            990..1_000 => self.approve()?,
            _ => {}
        }
        Ok(())
    }

    /// Gives inputs to a machine, acts on what it says, and asks what it calls confirmed.
    pub(super) fn turn(&mut self, n: usize, inputs: Vec<Input>) -> Result<Vec<Result<Reply, CommandError>>, String> {
        let wall = self.wall();
        let mut replies = Vec::new();
        for output in self.machines[n].turn(inputs, wall, self.now_ms) {
            match output {
                Output::Reply(_, reply) => replies.push(reply),
                Output::Send(frame) => {
                    let line = self.machines[n].line.and_then(|conn| self.lines.get_mut(&conn));
                    if let Some(line) = line {
                        line.up.push_back(bytes_of(&frame));
                    }
                }
                Output::Hangup(why) => {
                    self.tell(|| format!("machine {n} hangs up: {why}"));
                    self.hang_up(n);
                }
            }
        }
        self.check_confirmed(n)?;
        Ok(replies)
    }

    pub(super) fn hang_up(&mut self, n: usize) {
        if let Some(line) = self.machines[n].line.take().and_then(|conn| self.lines.get_mut(&conn)) {
            line.machine_open = false;
            line.down.clear();
        }
    }

    /// Gives inputs to the hub and acts on what it says.
    pub(super) fn hub_turn(&mut self, inputs: Vec<hub::Input>) -> Check {
        let wall = self.wall();
        let lost_commit = self.fault == Some(Fault::AcknowledgeBeforeCommit) && self.chance(0.05);
        let before = lost_commit.then(|| disk::image(self.hub.disk()));
        let Some(core) = self.hub.core() else { return Ok(()) };
        let outputs = core.turn(inputs, wall).map_err(|error| format!("the hub failed: {error}"))?;
        self.hub_says(outputs);
        if let Some(image) = before {
            self.hub.kill();
            self.hub.power = super::server::Power::Off(disk::from_image(&image));
            self.hub.witness = None;
            self.start_hub();
            self.break_lines();
        }
        Ok(())
    }

    pub(super) fn hub_says(&mut self, outputs: Vec<hub::Output>) {
        for output in outputs {
            match output {
                hub::Output::Send(conn, frame) => {
                    if let Some(line) = self.lines.get_mut(&conn).filter(|line| line.machine_open) {
                        line.down.push_back(bytes_of(&frame));
                    }
                }
                hub::Output::Close(conn, code) => {
                    self.tell(|| format!("the hub closes {conn:?}: {code:?}"));
                    if let Some(line) = self.lines.get_mut(&conn) {
                        line.hub_open = false;
                        line.up.clear();
                    }
                }
            }
        }
    }

    fn deliver(&mut self) -> Check {
        if self.chance(0.5) { self.deliver_up() } else { self.deliver_down() }
    }

    /// Some frames arrive at the hub, of several lines in one turn.
    pub(super) fn deliver_up(&mut self) -> Check {
        let waiting = |line: &Line| line.hub_open && !line.up.is_empty();
        let ready: Vec<ConnId> = self.lines.iter().filter(|(_, line)| waiting(line)).map(|(conn, _)| *conn).collect();
        if !self.hub.is_on() || ready.is_empty() {
            return Ok(());
        }
        let mut inputs = Vec::new();
        let mut drained = Vec::new();
        for _ in 0..self.rng.random_range(1..=3) {
            let Some(conn) = self.pick(&ready) else { break };
            for _ in 0..self.rng.random_range(1..=3) {
                let Some(line) = self.lines.get_mut(&conn) else { break };
                let Some(bytes) = line.up.pop_front() else { break };
                if line.up.is_empty() && line.machine_open {
                    drained.push(line.machine);
                }
                match frame_of(&bytes) {
                    Some(frame) => {
                        self.tell(|| format!("{conn:?} → hub: {frame:?}"));
                        let frame = self.on_the_way_up(conn, frame);
                        inputs.extend(frame.map(|frame| hub::Input::Frame(conn, frame)));
                    }
                    None => {
                        // Cut in the middle: the line is over.
                        line.hub_open = false;
                        line.up.clear();
                        inputs.push(hub::Input::Closed(conn));
                    }
                }
            }
        }
        self.hub_turn(inputs)?;
        for (conn, frame) in std::mem::take(&mut self.host_answers) {
            self.hub_says(vec![hub::Output::Send(conn, frame)]);
        }
        for machine in drained {
            self.turn(machine, vec![Input::Drained])?;
        }
        Ok(())
    }

    /// Some frames arrive at a machine.
    pub(super) fn deliver_down(&mut self) -> Check {
        let waiting = |line: &Line| line.machine_open && !line.down.is_empty();
        let ready: Vec<ConnId> = self.lines.iter().filter(|(_, line)| waiting(line)).map(|(conn, _)| *conn).collect();
        let Some(conn) = self.pick(&ready) else {
            self.notice_closed_lines()?;
            return Ok(());
        };
        let Some(line) = self.lines.get_mut(&conn) else { return Ok(()) };
        let machine = line.machine;
        let Some(bytes) = line.down.pop_front() else { return Ok(()) };
        let (empty, hub_open, generation) = (line.down.is_empty(), line.hub_open, line.generation);
        if let Some(frame) = frame_of(&bytes) {
            self.tell(|| format!("hub → machine {machine}: {frame:?}"));
            if let Frame::Welcome(_) = &frame {
                self.machines[machine].welcomed = generation;
            }
            if let Some(frame) = self.on_the_way_down(machine, frame)? {
                self.turn(machine, vec![Input::Frame(frame)])?;
            }
        }
        if empty && hub_open {
            self.hub_turn(vec![hub::Input::Drained(conn)])?;
        }
        Ok(())
    }

    /// Machines notice that the hub has closed.
    fn notice_closed_lines(&mut self) -> Check {
        let closed: Vec<usize> = self
            .lines
            .values()
            .filter(|line| line.machine_open && !line.hub_open && line.down.is_empty())
            .map(|line| line.machine)
            .collect();
        for n in closed {
            self.disconnect(n)?;
        }
        self.lines.retain(|_, line| !line.is_over() || !line.up.is_empty());
        Ok(())
    }

    pub(super) fn disconnect(&mut self, n: usize) -> Check {
        self.hang_up(n);
        self.turn(n, vec![Input::Disconnected { state: "offline", why: None, attempt: None }])?;
        Ok(())
    }

    pub(super) fn start_or_connect(&mut self, n: usize) -> Check {
        if !self.machines[n].is_on() {
            let keep = self.fault == Some(Fault::WriterKeptAcrossRestarts);
            let writer = self.machines[n].last_writer.filter(|_| keep);
            let Self { machines, rng, now_ms, .. } = self;
            machines[n].start(rng, *now_ms, writer);
            return Ok(());
        }
        if !self.hub.is_on() || self.machines[n].line.is_some() {
            return Ok(());
        }
        let conn = ConnId::new(self.next_conn);
        self.next_conn += 1;
        self.lines.insert(conn, Line::new(n, self.hub.generation));
        self.machines[n].line = Some(conn);
        let (fingerprint, site) = (self.machines[n].fingerprint, self.machines[n].site.clone());
        self.hub_turn(vec![hub::Input::Opened { conn, fingerprint, site, transport: "quic" }])?;
        self.turn(n, vec![Input::Connected { transport: "quic" }])?;
        Ok(())
    }

    /// A line breaks: the machine knows at once, the hub later or never; what was under way
    /// arrives, or in part, or not.
    fn cut_a_line(&mut self) {
        let open: Vec<ConnId> = self.lines.iter().filter(|(_, l)| l.machine_open).map(|(conn, _)| *conn).collect();
        let Some(conn) = self.pick(&open) else { return };
        let kept = self.rng.random_range(0..4);
        let half = self.chance(0.3);
        let Some(line) = self.lines.get_mut(&conn) else { return };
        let machine = line.machine;
        self.seen.cuts += 1;
        line.up.truncate(kept);
        if half && let Some(last) = line.up.back_mut() {
            last.truncate(last.len() / 2);
        }
        self.hang_up(machine);
        // The agent's host tells it, unless the agent is gone.
        drop(self.turn(machine, vec![Input::Disconnected { state: "offline", why: None, attempt: None }]));
    }

    fn hub_notices(&mut self) {
        let stale: Vec<ConnId> =
            self.lines.iter().filter(|(_, l)| !l.machine_open && l.hub_open).map(|(conn, _)| *conn).collect();
        let Some(conn) = self.pick(&stale) else { return };
        self.lines.remove(&conn);
        drop(self.hub_turn(vec![hub::Input::Closed(conn)]));
    }

    pub(super) fn kill(&mut self, n: usize) {
        self.seen.kills += 1;
        self.hang_up(n);
        self.machines[n].kill();
    }

    fn jump_clock(&mut self, n: usize) {
        let hours = self.rng.random_range(-30..30);
        self.seen.clock_jumps += 1;
        self.machines[n].clock_error_ms = hours * 3_600_000;
    }

    fn toggle_full(&mut self, n: usize) {
        let full = !self.machines[n].full;
        self.seen.full_disks += 1;
        self.machines[n].full = full;
        self.set_full(n, full);
        let hub_full = self.chance(0.3);
        self.hub.set_full(hub_full);
    }

    pub(super) fn set_full(&mut self, n: usize, full: bool) {
        let pages = if full { "PRAGMA max_page_count = 1" } else { "PRAGMA max_page_count = 1000000" };
        if let Some(disk) = self.machines[n].disk() {
            disk.query_row(pages, [], |_| Ok(())).expect("a pragma that answers");
        }
        self.machines[n].full = full;
    }
}
