//! A hub, and the machine of the house whose turn it is, with a line between them now and then.

use std::collections::BTreeSet;

use jiff::Timestamp;
use msap_agent::command::house::{Decision, Disputed, House, Look, Seen};
use msap_agent::command::{Command, Reply};
use msap_agent::core::{Input, Output};
use msap_agent::replica::{Edited, NoCredentials, Replica};
use msap_agent::store::registers;
use msap_hub::accept::ConnId;
use msap_hub::admin::{self, Look as HubLook};
use msap_hub::almanac::Almanac;
use msap_hub::coordinate;
use msap_hub::core as hub;
use msap_hub::core::edit::{SiteEdit, SiteEdited};
use msap_hub::lang::Lang;
use msap_hub::site::{Kind, Site};
use msap_hub::store::history::Since;
use msap_hub::store::{StoreError, sites};
use msap_shared::document::register::{Author, Conflict, Edits, Facts};
use msap_shared::document::{DocId, DocKind};
use msap_shared::frame::Frame;
use msap_shared::schedule::DayPlan;
use msap_shared::time::Day;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rusqlite::Connection;

use super::{Fault, Side};
use crate::world::machine::{Machine, Power, fresh_from};
use crate::world::server::Server;
use crate::world::wire::{bytes_of, frame_of};

/// When all of it happens: the facts carry days of their own.
const NOW: &str = "2026-11-20T09:00:00Z";
/// Exchanges of one meeting; beyond, the two talk without end.
const EXCHANGES_MAX: usize = 40;

/// What somebody sees of days and conflicts.
pub(super) struct View {
    pub conflicts: Vec<Conflict>,
    pub plans: Vec<DayPlan>,
    pub weekly_minutes: Option<u32>,
}

/// Both sides.
pub(super) struct Pair {
    fault: Option<Fault>,
    rng: StdRng,
    server: Server,
    almanac: Almanac,
    machine: Machine,
    site: Site,
    line: Option<ConnId>,
    lines: u64,
}

fn now() -> Timestamp {
    NOW.parse().expect("an instant")
}

fn site_of(id: &str, department: &str) -> Site {
    let zone = "Europe/Paris".parse().expect("a zone");
    let id = id.parse().expect("an id of the list");
    Site { department: department.to_owned(), ..Site::new(id, "Maison".to_owned(), Kind::House, zone) }
}

impl Pair {
    /// A hub that knows these sites, by id and department.
    pub(super) fn new<'a>(fault: Option<Fault>, known: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let mut rng = StdRng::seed_from_u64(2_481);
        let mut server = Server::new(&mut rng);
        let today: Day = "2026-11-20".parse().expect("a day");
        let core = server.core().expect("it was started");
        let put = core.store().write(|conn, _| {
            for (id, department) in known {
                sites::put(conn, &site_of(id, department), Since::learnt(today), today)?;
            }
            Ok::<_, StoreError>(())
        });
        put.expect("a store in memory");
        let site = site_of("none", "");
        let machine = Machine::new(0, site.id.clone(), &mut rng, 0);
        Self { fault, rng, server, almanac: Almanac::default(), machine, site, line: None, lines: 0 }
    }

    /// Another house's turn: its machine is new.
    pub(super) fn begin(&mut self, site: &str) -> Result<(), String> {
        let id = site.parse().map_err(|_| "no id".to_owned())?;
        let found = sites::find(self.server.disk(), &id).map_err(|error| error.to_string())?;
        (self.site, _) = found.ok_or("the hub does not know it")?;
        self.machine = Machine::new(0, id, &mut self.rng, 0);
        self.machine.start(&mut self.rng, 0, None);
        Ok(())
    }

    pub(super) fn house_author(&self) -> Author {
        Author::device(self.machine.fingerprint.device())
    }

    fn document(&self) -> DocId {
        DocId::registers(self.site.id.clone(), DocKind::Schedule).expect("a kind of registers")
    }

    fn disk(&self, side: Side) -> &Connection {
        match side {
            Side::House => self.machine.disk().expect("it was started"),
            Side::Hub => self.server.disk(),
        }
    }

    /// The values that stand under each key.
    pub(super) fn standing(&self, side: Side) -> Facts {
        let values = registers::values(self.disk(side), &self.document()).expect("the tables of both programs");
        values.into_iter().collect()
    }

    pub(super) fn edit_at_the_house(&mut self, facts: &Edits) -> Result<(), String> {
        let mut fresh = fresh_from(&mut self.rng, None);
        let Power::On(core) = &self.machine.power else { return Err("the machine is off".to_owned()) };
        let mut writer = core.writer();
        let tx = core.connection().unchecked_transaction().map_err(|error| error.to_string())?;
        let mut replica =
            Replica { conn: &tx, writer: &mut writer, fresh: &mut fresh, credentials: &mut NoCredentials };
        match replica.edit(DocKind::Schedule, facts) {
            Ok(Edited::Kept) => tx.commit().map_err(|error| error.to_string()),
            other => Err(format!("an edit at the house was answered by {other:?}")),
        }
    }

    pub(super) fn edit_at_the_hub(&mut self, facts: &Edits) -> Result<(), String> {
        if facts.is_empty() {
            return Ok(());
        }
        let (site, facts) = (self.site.id.clone(), facts.clone());
        let edit = SiteEdit { site, kind: DocKind::Schedule, facts, detail: "un essai".to_owned() };
        let core = self.server.core().ok_or("the hub is off")?;
        match core.edit(&edit, now()) {
            Ok(SiteEdited::Kept) => {
                core.drain_outputs();
                Ok(())
            }
            other => Err(format!("an edit at the hub was answered by {other:?}")),
        }
    }

    fn ask(&mut self, house: House) -> Result<Seen, String> {
        let outputs = self.machine.turn(vec![Input::Command(1, Command::House(Box::new(house)))], now(), 0);
        let reply = outputs.into_iter().find_map(|output| match output {
            Output::Reply(1, reply) => Some(reply),
            _ => None,
        });
        match reply {
            Some(Ok(Reply::House(seen))) => Ok(*seen),
            other => Err(format!("the house answers {other:?}")),
        }
    }

    /// Settles a conflict as `conflict resolve` does. What was written.
    pub(super) fn settle_at_the_house(&mut self, id: &str, version: usize) -> Result<Edits, String> {
        match self.ask(House::Decide(Decision::Settle { id: id.to_owned(), version }))? {
            Seen::Decided(decided) => Ok(decided.facts),
            other => Err(format!("the house answers {other:?}")),
        }
    }

    /// Settles a conflict as `POST /v1/conflicts/{id}` does. What was written.
    pub(super) fn settle_at_the_hub(&mut self, id: &str, version: usize) -> Result<Edits, String> {
        let core = self.server.core().ok_or("the hub is off")?;
        let settled = coordinate::settle_conflict(core, &Author::National, &self.site, id, version, now());
        drop(core.drain_outputs());
        settled.map(|written| written.facts).map_err(|error| error.to_string())
    }

    /// What people at the house see of these days.
    pub(super) fn seen_at_the_house(&mut self, from: Day, to: Day) -> Result<View, String> {
        let schedule = match self.ask(House::Look(Look::Schedule { from: Some(from), to: Some(to) }))? {
            Seen::Schedule(view) => *view,
            other => return Err(format!("the house answers {other:?}")),
        };
        let mut conflicts: Vec<Conflict> = match self.ask(House::Look(Look::Conflicts))? {
            Seen::Conflicts(all) => all.into_iter().map(|Disputed { conflict, .. }| conflict).collect(),
            other => return Err(format!("the house answers {other:?}")),
        };
        if self.fault == Some(Fault::HouseHidesOne) {
            conflicts.pop();
        }
        let weekly_minutes = schedule.weekly_minutes;
        Ok(View { conflicts, plans: schedule.plans, weekly_minutes })
    }

    /// What coordinators see of these days.
    pub(super) fn seen_at_the_hub(&self, from: Day, to: Day) -> Result<View, String> {
        let pages = self.almanac.open(self.server.disk()).map_err(|error| error.to_string())?;
        let book = pages.book(&self.site.id).ok_or("the hub has no hours of it")?;
        let days = (0..=to.number() - from.number()).map(|n| from.plus_days(n));
        Ok(View {
            conflicts: book.conflicts().map(|(_, conflict)| conflict.clone()).collect(),
            plans: days.filter_map(|day| pages.plan(&self.site, day)).collect(),
            weekly_minutes: msap_shared::schedule::weekly_minutes(&book.schedule, from),
        })
    }

    /// The ids that `msap-hub conflict list` gives, of the whole network.
    pub(super) fn listed_at_the_hub(&self) -> BTreeSet<String> {
        let look = HubLook::Conflicts { filters: Vec::new() };
        let reply =
            admin::look(self.server.disk(), &self.almanac, &look, Lang::Fr, now()).expect("a question without filters");
        let admin::Reply::Conflicts(all) = reply else { return BTreeSet::new() };
        all.iter().filter_map(|conflict| conflict["id"].as_str().map(str::to_owned)).collect()
    }

    /// The line is cut, orderly.
    pub(super) fn part(&mut self) -> Result<(), String> {
        let Some(conn) = self.line.take() else { return Ok(()) };
        self.at_the_hub(vec![hub::Input::Closed(conn)])?;
        let gone = Input::Disconnected { state: "offline", why: None, attempt: None };
        self.machine.turn(vec![gone], now(), 0);
        Ok(())
    }

    /// The machine connects, and both say all they have to say.
    pub(super) fn meet(&mut self) -> Result<(), String> {
        self.lines += 1;
        let conn = ConnId::new(self.lines);
        self.line = Some(conn);
        let (fingerprint, site) = (self.machine.fingerprint, self.site.id.clone());
        let mut down = self.at_the_hub(vec![hub::Input::Opened { conn, fingerprint, site, transport: "quic" }])?;
        let mut up = self.at_the_house(vec![Input::Connected { transport: "quic" }])?;
        for _ in 0..EXCHANGES_MAX {
            if up.is_empty() && down.is_empty() {
                self.plant();
                return Ok(());
            }
            let arrived = carried(&up).map(|frame| hub::Input::Frame(conn, frame)).collect();
            let mut answers = self.at_the_hub(arrived)?;
            let lost = self.fault == Some(Fault::LostOnTheWay);
            let arrived = carried(&down).filter(|frame| !lost || !matches!(frame, Frame::Edits(_)));
            let arrived = std::iter::once(Input::Drained).chain(arrived.map(Input::Frame)).collect();
            up = self.at_the_house(arrived)?;
            answers.extend(self.at_the_hub(vec![hub::Input::Drained(conn)])?);
            down = answers;
        }
        Err("the house and the hub talk without end".to_owned())
    }

    fn at_the_hub(&mut self, inputs: Vec<hub::Input>) -> Result<Vec<Frame>, String> {
        let core = self.server.core().ok_or("the hub is off")?;
        let outputs = core.turn(inputs, now()).map_err(|error| error.to_string())?;
        let frames = outputs.into_iter().map(|output| match output {
            hub::Output::Send(_, frame) => Ok(frame),
            hub::Output::Close(_, code) => Err(format!("the hub closes: {code:?}")),
        });
        frames.collect()
    }

    fn at_the_house(&mut self, inputs: Vec<Input>) -> Result<Vec<Frame>, String> {
        let outputs = self.machine.turn(inputs, now(), 0).into_iter();
        let frames = outputs.filter_map(|output| match output {
            Output::Send(frame) => Some(Ok(frame)),
            Output::Hangup(why) => Some(Err(format!("the house hangs up: {why}"))),
            Output::Reply(..) => None,
        });
        frames.collect()
    }

    fn plant(&mut self) {
        if self.fault == Some(Fault::HubKeepsOneOfTwo) {
            let sql = "DELETE FROM register AS r WHERE EXISTS (SELECT 1 FROM register o WHERE o.document = r.document
                       AND o.key = r.key AND (o.counter, o.writer) > (r.counter, r.writer))";
            self.server.disk().execute(sql, []).expect("the hub's tables");
        }
    }
}

/// Frames as they arrive: through their bytes.
fn carried(frames: &[Frame]) -> impl Iterator<Item = Frame> {
    frames.iter().filter_map(|frame| frame_of(&bytes_of(frame)))
}
