//! Files on sticks: made at machines and at the hub, delivered late, twice, in another order.
//!
//! Nothing is lost from a stick: whatever was written may be read at any later time, by whoever
//! has the identity that it is for. Signatures are left out here; who may read what is not.

use msap_agent::bundle::Answer;
use msap_agent::command::{Command, CommandError, Reply};
use msap_agent::core::Input;
use msap_agent::store::meta;
use msap_hub::accept::ConnId;
use msap_hub::core::file::{FileRefused, FromDevice};
use msap_shared::id::{Fingerprint, SessionToken, SiteId};
use msap_shared::io::bundle::Frames;
use rand::RngExt as _;

use super::{Check, Fault, World};

/// Most sticks either way; then the oldest are lost.
const STICKS_MAX: usize = 24;
/// What comes by file comes over no line.
const NO_LINE: ConnId = ConnId::new(0);

/// A file to the hub.
#[derive(Clone)]
pub(super) struct Up {
    fingerprint: Fingerprint,
    site: SiteId,
    token: Option<SessionToken>,
    frames: Frames,
}

/// A file to a machine.
#[derive(Clone)]
pub(super) struct Down {
    fingerprint: Fingerprint,
    /// Of the hub, when it made the file.
    generation: u64,
    answer: Answer,
}

/// All sticks.
#[derive(Default)]
pub(super) struct Sticks {
    up: Vec<Up>,
    down: Vec<Down>,
}

fn put<T>(on: &mut Vec<T>, stick: T) {
    if on.len() == STICKS_MAX {
        on.remove(0);
    }
    on.push(stick);
}

impl World {
    /// Somebody does one thing with a stick, or carries one all the way.
    pub(super) fn carry_a_stick(&mut self, n: usize) -> Check {
        match self.rng.random_range(0..5) {
            0 => self.export_at(n),
            1 => self.import_at_the_hub(),
            2 => {
                self.answer_for(n);
                Ok(())
            }
            3 => self.import_at(n),
            _ => {
                self.export_at(n)?;
                self.import_at_the_hub()?;
                self.answer_for(n);
                self.import_at(n)
            }
        }
    }

    fn export_at(&mut self, n: usize) -> Check {
        let all = self.chance(0.2);
        for reply in self.turn(n, vec![Input::Command(1, Command::Export { all })])? {
            match reply {
                Ok(Reply::Draft(draft)) => {
                    let (fingerprint, site) = (self.machines[n].fingerprint, self.machines[n].site.clone());
                    let up = Up { fingerprint, site, token: draft.header.token, frames: draft.frames };
                    put(&mut self.sticks.up, up);
                }
                Err(CommandError::NotKept | CommandError::DiskFull) => {}
                other => return Err(format!("an export was answered by {other:?}")),
            }
        }
        Ok(())
    }

    fn import_at_the_hub(&mut self) -> Check {
        // Mostly the latest, now and then any.
        let sticks = self.sticks.up.clone();
        let Some(up) = (if self.chance(0.6) { sticks.last().cloned() } else { self.pick(&sticks) }) else {
            return Ok(());
        };
        let mut frames = Frames::default();
        for frame in up.frames.iter() {
            if let Some(frame) = self.on_the_way_up(NO_LINE, frame) {
                frames.push(&frame).map_err(|error| error.to_string())?;
            }
        }
        self.host_answers.clear();
        let wall = self.wall();
        let Some(core) = self.hub.core() else { return Ok(()) };
        let Up { fingerprint, site, token, .. } = &up;
        let file = FromDevice { fingerprint: *fingerprint, site, spki: &[], token: *token, frames: &frames };
        let taken = core.take_in(file, wall);
        let outputs = core.drain_outputs();
        match taken {
            Ok(taken) => {
                self.tell(|| format!("the hub takes in a file: {taken:?}"));
                self.seen.files_taken += u64::from(taken.changed);
                self.hub_says(outputs);
                Ok(())
            }
            Err(FileRefused::Revoked) => Ok(()),
            Err(FileRefused::Store(error)) if error.is_passing() => Ok(()),
            Err(error) => Err(format!("the hub does not take a file: {error}")),
        }
    }

    fn answer_for(&mut self, n: usize) {
        let (fingerprint, generation, wall) = (self.machines[n].fingerprint, self.hub.generation, self.wall());
        let hash = format!("{:x}", self.rng.random::<u64>());
        let Some(core) = self.hub.core() else { return };
        // A full disk notes no export; then there is none.
        let Ok(Some(made)) = core.answer(fingerprint.device(), None, wall) else { return };
        let answer = Answer { token: made.token, created: String::new(), hash, frames: made.frames };
        put(&mut self.sticks.down, Down { fingerprint, generation, answer });
    }

    /// A machine that has been welcomed since the hub lost something, with an answer from before.
    pub(super) fn holds_an_outdated_answer(&self) -> Option<usize> {
        let outdated = |fingerprint: &Fingerprint| {
            self.sticks.down.iter().any(|d| d.fingerprint == *fingerprint && d.generation < self.hub.generation)
        };
        let now = self.hub.generation;
        self.machines.iter().position(|one| one.is_on() && one.welcomed == now && outdated(&one.fingerprint))
    }

    pub(super) fn import_at(&mut self, n: usize) -> Check {
        let own = self.machines[n].fingerprint;
        let sticks: Vec<Down> = self.sticks.down.iter().filter(|down| down.fingerprint == own).cloned().collect();
        let Some(mut down) = (if self.chance(0.6) { sticks.last().cloned() } else { self.pick(&sticks) }) else {
            return Ok(());
        };
        let mut frames = Frames::default();
        for frame in down.answer.frames.iter() {
            if let Some(frame) = self.on_the_way_down(n, frame)? {
                frames.push(&frame).map_err(|error| error.to_string())?;
            }
        }
        down.answer.frames = frames;
        let planted = self.fault == Some(Fault::OutdatedAnswerTaken);
        if planted && let Some(disk) = self.machines[n].disk() {
            // Whatever it answers, the machine takes it for what it waits for.
            let token = SessionToken::new([7; 16]);
            if meta::set_file_token(disk, token).is_ok() {
                down.answer.token = Some(token);
            }
        }
        let welcomed = self.machines[n].welcomed;
        // What it confirms is asked of the database that made it.
        if !planted {
            self.machines[n].welcomed = 0;
        }
        let import = Command::Import(Box::new(down.answer));
        for reply in self.turn(n, vec![Input::Command(1, import)])? {
            self.tell(|| format!("machine {n} reads an answer: {reply:?}"));
            match reply {
                Ok(Reply::Imported(imported)) => {
                    self.seen.answers_taken += u64::from(!imported.again);
                    self.machines[n].welcomed = if imported.again || planted { welcomed } else { down.generation };
                }
                Err(CommandError::Invalid { .. }) => {
                    self.seen.answers_outdated += 1;
                    self.machines[n].welcomed = welcomed;
                }
                Err(CommandError::NotKept | CommandError::DiskFull) => self.machines[n].welcomed = welcomed,
                other => return Err(format!("an import was answered by {other:?}")),
            }
        }
        self.check_confirmed(n)
    }
}
