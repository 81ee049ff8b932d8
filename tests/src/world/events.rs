//! What can happen in one step.

use msap_agent::command::{Command, CommandError, Correction, Count, Reply, TapRef};
use msap_agent::core::{Input, Output};
use msap_agent::replica::Replica;
use msap_agent::store::chains::{self, Doc};
use msap_agent::store::retire::{self, Cause};
use msap_hub::accept::ConnId;
use msap_hub::core as hub;
use msap_shared::code::{Age, Help, OPERATORS};
use msap_shared::document::DocId;
use msap_shared::frame::{Ack, Frame, Mark, Push, Refused, Version};
use msap_shared::id::{TapId, WriterId};
use msap_shared::time::Day;
use rand::RngExt as _;
use rusqlite::Connection;

use super::machine::{Power, fresh_from};
use super::oracle::BAD_KEY;
use super::wire::{Line, bytes_of, frame_of};
use super::{Check, Fault, Intent, World, disk};

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
        match self.rng.random_range(0..1_000) {
            0..430 => return self.deliver(),
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
            915..930 if self.weather.bad_changes => one.into_iter().for_each(|n| self.write_bad_change(n)),
            930..945 if self.weather.bad_changes => self.curse_a_chain(),
            945..960 if self.weather.full_disks => one.into_iter().for_each(|n| self.toggle_full(n)),
            960..965 => one.into_iter().for_each(|n| self.revoke(n)),
            965..985 => self.hub.note_witness(),
            985..1_000 => self.approve()?,
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

    fn hang_up(&mut self, n: usize) {
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
        self.turn(n, vec![Input::Disconnected { state: "offline", why: None }])?;
        Ok(())
    }

    /// What a planted fault, or a stricter hub, does to a frame before the hub's core sees it.
    fn on_the_way_up(&mut self, conn: ConnId, frame: Frame) -> Option<Frame> {
        match frame {
            Frame::Hello(mut hello) => {
                if matches!(self.fault, Some(Fault::NoCommitTag)) {
                    // The host compares numbers alone: whatever the tag was, it is the right one.
                    hello.seen = hello.seen.map(|seen| self.same_number(seen));
                }
                if matches!(self.fault, Some(Fault::EpochUnchangedOnRestore)) {
                    hello.seen = None;
                }
                Some(Frame::Hello(hello))
            }
            Frame::Push(push) => {
                if let Some(from) = self.cursed.get(&push.writer).copied()
                    && push.last_seq().is_some_and(|last| last >= from)
                {
                    let seq = from.max(push.first_seq);
                    let (document, writer) = (push.document.clone(), push.writer);
                    let refused = Refused { document, writer, seq, reason: 4, last_hash: push.last_hash };
                    self.host_answers.push((conn, Frame::Refused(refused)));
                    return None;
                }
                if self.fault == Some(Fault::PendingDeviceAcknowledged) && self.is_pending(conn) {
                    self.acknowledge(conn, &push);
                }
                if self.fault == Some(Fault::ForkAccepted) && self.is_fork(&push) {
                    self.acknowledge(conn, &push);
                    return None;
                }
                Some(Frame::Push(push))
            }
            other => Some(other),
        }
    }

    /// A planted acknowledgement of whatever was pushed.
    fn acknowledge(&mut self, conn: ConnId, push: &Push) {
        let Some(now) = self.hub.core().map(|core| core.now()) else { return };
        let seq = push.last_seq().unwrap_or(push.first_seq);
        let version = Version { writer: push.writer, seq, hash: push.last_hash };
        let held = vec![(push.document.clone(), version)];
        let ack = Ack { epoch: now.epoch, mark: now.mark, held, in_sync: false };
        self.host_answers.push((conn, Frame::Ack(ack)));
    }

    fn is_pending(&self, conn: ConnId) -> bool {
        let Some(line) = self.lines.get(&conn) else { return false };
        let fingerprint = self.machines[line.machine].fingerprint;
        let device = msap_hub::store::devices::find(self.hub.disk(), &fingerprint).expect("a row or none");
        device.is_some_and(|device| device.standing == msap_hub::store::devices::Standing::Pending)
    }

    fn is_fork(&self, push: &Push) -> bool {
        let Some(seq) = push.last_seq() else { return false };
        let held = hash_held(self.hub.disk(), &push.document, &push.writer, seq);
        held.is_some_and(|held| held != *push.last_hash.as_bytes())
    }

    /// The mark of this database with the same number.
    fn same_number(&self, seen: Mark) -> Mark {
        let sql = "SELECT tag FROM mark WHERE n = ?1";
        let tag: Result<i64, _> = self.hub.disk().query_row(sql, [seen.commit], |row| row.get(0));
        tag.map_or(seen, |tag| Mark { commit: seen.commit, tag: u64::from_be_bytes(tag.to_be_bytes()) })
    }

    /// What a planted fault does to a frame before the agent's core sees it.
    fn on_the_way_down(&mut self, n: usize, frame: Frame) -> Result<Option<Frame>, String> {
        let Some(disk) = self.machines[n].disk() else { return Ok(Some(frame)) };
        let known_epoch = msap_agent::store::meta::epoch(disk).expect("an epoch or none");
        Ok(match (self.fault, frame) {
            (Some(Fault::ConfirmedShownForOlderEpoch), Frame::Welcome(mut welcome)) => {
                welcome.epoch = known_epoch.unwrap_or(welcome.epoch);
                Some(Frame::Welcome(welcome))
            }
            (Some(Fault::ConfirmedShownForOlderEpoch), Frame::Ack(mut ack)) => {
                ack.epoch = known_epoch.unwrap_or(ack.epoch);
                Some(Frame::Ack(ack))
            }
            (Some(Fault::ConfirmedShownForOlderEpoch), Frame::Digests(mut digests)) => {
                digests.epoch = known_epoch.unwrap_or(digests.epoch);
                Some(Frame::Digests(digests))
            }
            (Some(Fault::ConfirmedShownForOlderEpoch), Frame::Have(mut have)) => {
                have.held = have.held.map(|(epoch, mark)| (known_epoch.unwrap_or(epoch), mark));
                Some(Frame::Have(have))
            }
            (Some(Fault::NoHashInAcknowledgement), Frame::Ack(mut ack)) => {
                for (document, version) in &mut ack.held {
                    believe(disk, document, version);
                }
                Some(Frame::Ack(ack))
            }
            (Some(Fault::NoHashInAcknowledgement), Frame::Have(mut have)) => {
                for version in &mut have.versions {
                    believe(disk, &have.document, version);
                }
                Some(Frame::Have(have))
            }
            (Some(fault @ (Fault::RefusedTailNotEnteredAgain | Fault::RelayDropsRefusedTail)), Frame::Refused(refused)) => {
                let own = self.was_written_here(n, &refused);
                if own == (fault == Fault::RefusedTailNotEnteredAgain) {
                    self.drop_tail(n, &refused);
                    None
                } else {
                    Some(Frame::Refused(refused))
                }
            }
            (_, frame) => Some(frame),
        })
    }

    /// Whether the tail was tapped on this machine: then its taps are in the machine's own log.
    fn was_written_here(&self, n: usize, refused: &Refused) -> bool {
        let Some(disk) = self.machines[n].disk() else { return false };
        let sql = "SELECT count(*) FROM tap t JOIN chain c ON c.id = t.chain WHERE c.writer = ?1";
        disk.query_row(sql, [refused.writer.as_bytes()], |row| row.get::<_, i64>(0)).expect("one column") > 0
    }

    /// Planted: the tail goes, and nothing of it is entered again.
    fn drop_tail(&mut self, n: usize, refused: &Refused) {
        let Power::On(core) = &mut self.machines[n].power else { return };
        let conn = core.connection();
        let Refused { document, writer, seq, reason, .. } = refused;
        let row = chains::document_row(conn, document).expect("a lookup");
        let Some(doc) = row.map(|row| Doc { row, name: document }) else { return };
        if let Some(chain) = chains::chain(conn, doc.row, writer).expect("a lookup")
            && chain.tip.seq >= *seq
        {
            retire::take_out(conn, doc, writer, &chain, *seq, Cause::Refused(*reason)).expect("a tail");
        }
        core.reload().expect("a machine that has joined");
        self.hang_up(n);
    }

    /// A person at the desk.
    pub(super) fn at_the_desk(&mut self, n: usize) -> Check {
        let site = self.machines[n].site.clone();
        let here: Vec<usize> = (0..self.intents.len()).filter(|i| self.intents[*i].site == site).collect();
        let unanswered: Vec<usize> = here.iter().copied().filter(|i| !self.intents[*i].answered).collect();
        match self.rng.random_range(0..100) {
            0..55 => self.tap(n),
            55..70 => match self.pick(&unanswered).or_else(|| self.pick(&here)) {
                Some(intent) => self.ask(n, intent, true),
                None => Ok(()),
            },
            70..88 => match self.pick(&here) {
                Some(intent) => self.undo(n, intent),
                None => Ok(()),
            },
            88..96 => match self.pick(&here) {
                Some(intent) => self.correct(n, intent),
                None => Ok(()),
            },
            _ => {
                let closed = self.chance(0.6);
                self.command(n, Command::Close { day: None, closed }).map(drop)
            }
        }
    }

    /// Carries out a command; sometimes the power goes before the answer is seen.
    fn command(&mut self, n: usize, command: Command) -> Result<Option<Result<Reply, CommandError>>, String> {
        let reply = self.turn(n, vec![Input::Command(1, command)])?.pop();
        if self.chance(0.04) {
            self.kill(n);
            return Ok(None);
        }
        Ok(reply)
    }

    fn tap(&mut self, n: usize) -> Check {
        let day = Day::at(self.wall(), &"Europe/Paris".parse().expect("a zone"));
        let day = if self.chance(0.1) { day.plus_days(-1) } else { day };
        let intent = Intent {
            site: self.machines[n].site.clone(),
            day,
            id: TapId::new(self.rng.random()),
            people: self.rng.random_range(1..=3),
            operator: OPERATORS[self.rng.random_range(0..6)].code,
            names: Default::default(),
            undone_by: Default::default(),
            answered: false,
            undo_asked: false,
        };
        self.intents.push(intent);
        self.ask(n, self.intents.len() - 1, false)
    }

    /// Counts a tap, for the first time or again.
    fn ask(&mut self, n: usize, intent: usize, again: bool) -> Check {
        if again && self.fault == Some(Fault::TapIdDrawnAgainOnRetry) {
            self.intents[intent].id = TapId::new(self.rng.random());
        }
        let Intent { id, day, people, operator, .. } = self.intents[intent];
        self.intents[intent].names.insert(id.name());
        self.by_name.insert(id.name(), intent);
        let count = self.count(id, operator, people, day);
        match self.command(n, Command::Count(count))? {
            Some(Ok(_)) => self.intents[intent].answered = true,
            // A clock that is behind says that the day has not come; a full disk says so.
            Some(Err(CommandError::Invalid { field: "day", .. } | CommandError::NotKept)) | None => {}
            Some(Err(error)) => return Err(format!("the desk was refused: {error}")),
        }
        Ok(())
    }

    fn count(&self, id: TapId, operator: &str, people: i16, day: Day) -> Count {
        Count {
            id,
            operator: operator.parse().expect("a code of the catalogue"),
            help: Help::Online.code(),
            age: Age::UNKNOWN.code(),
            people,
            day: Some(day),
            same_visit: false,
            reason: (people < 0).then(|| "annulation".to_owned()),
        }
    }

    fn undo(&mut self, n: usize, intent: usize) -> Check {
        self.intents[intent].undo_asked = true;
        if self.fault == Some(Fault::UndoAsNewTap) {
            let Intent { operator, people, day, .. } = self.intents[intent];
            let id = TapId::new(self.rng.random());
            self.intents[intent].undone_by.insert(id.name());
            self.by_name.insert(id.name(), intent);
            let count = self.count(id, operator, -people, day);
            return self.command(n, Command::Count(count)).map(drop);
        }
        let id = self.intents[intent].id;
        match self.command(n, Command::Undo(Some(TapRef::Id(id))))? {
            Some(Ok(Reply::Tap(view))) if !view.undone => Err("an undo that was kept still counts".to_owned()),
            _ => Ok(()),
        }
    }

    fn correct(&mut self, n: usize, intent: usize) -> Check {
        let name = self.intents[intent].id.name();
        let age = Age::ALL[self.rng.random_range(0..Age::ALL.len())].code();
        let correction = Correction { age: Some(age), ..Correction::default() };
        self.command(n, Command::Correct(TapRef::Name(name), correction)).map(drop)
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
        drop(self.turn(machine, vec![Input::Disconnected { state: "offline", why: None }]));
    }

    fn hub_notices(&mut self) {
        let stale: Vec<ConnId> =
            self.lines.iter().filter(|(_, l)| !l.machine_open && l.hub_open).map(|(conn, _)| *conn).collect();
        let Some(conn) = self.pick(&stale) else { return };
        self.lines.remove(&conn);
        drop(self.hub_turn(vec![hub::Input::Closed(conn)]));
    }

    fn kill(&mut self, n: usize) {
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

    /// The machine is suspended and copied with its memory, to a second one.
    fn copy_memory(&mut self, n: usize) -> Check {
        self.audit()?;
        let Power::On(core) = &self.machines[n].power else { return Ok(()) };
        let (image, writer) = (disk::image(core.connection()), core.writer());
        let copy = self.second(n, &image);
        self.seen.memory_copies += 1;
        // Either the clock shows it, and the copy draws its own writer, or nothing does.
        let shown = self.fault.is_none_or(|fault| !fault.wants_forks()) && self.chance(0.5);
        let writer = if shown { None } else { Some(writer) };
        self.copied_writers.extend(writer);
        let Self { machines, rng, now_ms, .. } = self;
        machines[copy].start(rng, *now_ms, writer);
        Ok(())
    }

    /// A machine with the same identity and this disk.
    pub(super) fn second(&mut self, n: usize, image: &[u8]) -> usize {
        let site = self.machines[n].site.clone();
        self.new_machine(site);
        let copy = self.machines.len() - 1;
        let (fingerprint, holds) = (self.machines[n].fingerprint, self.machines[n].holds.clone());
        let (welcomed, revoked) = (self.machines[n].welcomed, self.machines[n].revoked);
        let clone = &mut self.machines[copy];
        (clone.fingerprint, clone.holds, clone.welcomed, clone.revoked) = (fingerprint, holds, welcomed, revoked);
        clone.power = Power::Off(disk::from_image(image));
        copy
    }

    /// An agent with a defect writes a change that no hub can accept, between good ones.
    fn write_bad_change(&mut self, n: usize) {
        let document = DocId::visits(self.machines[n].site.clone(), Day::at(self.wall(), &"Europe/Paris".parse().expect("a zone")).month());
        self.bad_taps += 1;
        let key = format!("01|{BAD_KEY}-{}|0", self.bad_taps);
        let mut fresh = fresh_from(&mut self.rng, None);
        let Power::On(core) = &mut self.machines[n].power else { return };
        let mut writer = core.writer();
        let tx = core.connection().unchecked_transaction().expect("no other transaction");
        let mut replica = Replica { conn: &tx, writer: &mut writer, fresh: &mut fresh };
        // A full disk may refuse; then the defect did not happen.
        if replica.enter(&document, &key, "1|CNAF|online|25-39|1").is_ok() {
            tx.commit().ok();
        }
    }

    /// From here on the hub's host refuses one chain from a number on that the hub does not
    /// hold: as a stricter hub would, for author and relay alike.
    fn curse_a_chain(&mut self) {
        let mut tails: Vec<(WriterId, u64)> = Vec::new();
        for machine in &self.machines {
            let Some(conn) = machine.disk() else { continue };
            for ((document, writer, seq), _, facts) in disk::changes(conn) {
                let document: DocId = document.parse().expect("a document's name");
                let bad = facts.iter().any(|(key, _)| key.contains(BAD_KEY));
                if !bad && hash_held(self.hub.disk(), &document, &writer, seq).is_none() {
                    tails.push((writer, seq));
                }
            }
        }
        if let Some((writer, seq)) = self.pick(&tails) {
            self.cursed.entry(writer).or_insert(seq);
        }
    }
}

/// The hash that a hub's database holds for one change.
fn hash_held(conn: &Connection, document: &DocId, writer: &WriterId, seq: u64) -> Option<[u8; 32]> {
    let sql = "SELECT h.hash FROM change h JOIN chain c ON c.id = h.chain JOIN document d ON d.id = c.document
               WHERE d.name = ?1 AND c.writer = ?2 AND h.seq = ?3";
    conn.query_row(sql, (document.to_string(), writer.as_bytes(), seq), |row| row.get(0)).ok()
}

/// Planted: whatever is kept here under that number is taken for what the hub holds.
fn believe(disk: &Connection, document: &DocId, version: &mut Version) {
    if let Some(hash) = hash_held(disk, document, &version.writer, version.seq) {
        version.hash = msap_shared::id::ChangeHash::new(hash);
    }
}
