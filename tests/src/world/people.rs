//! People at the desks: they tap, tap again when no answer came, undo and correct.

use msap_agent::command::{Command, CommandError, Correction, Count, Reply, TapRef};
use msap_agent::core::Input;
use msap_shared::code::{Age, Help, OPERATORS};
use msap_shared::id::TapId;
use msap_shared::time::Day;
use rand::RngExt as _;

use super::{Check, Fault, Intent, World};

impl World {
    /// A person at the desk.
    pub(super) fn at_the_desk(&mut self, n: usize) -> Check {
        if self.chance(0.2) {
            return self.edit_somewhere(n);
        }
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
        if !self.calm && self.chance(0.04) {
            self.kill(n);
            return Ok(None);
        }
        Ok(reply)
    }

    pub(super) fn tap(&mut self, n: usize) -> Check {
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
            Some(Err(CommandError::Invalid { field: "day", .. } | CommandError::NotKept | CommandError::DiskFull))
            | None => {}
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
}
