"""What the facts of visits amount to, from the documents as they were exported on several days.

docs/RECOMPUTE.md, "Raw facts": a fact is `<dd>|<tap>|<rev>` = `people|operator|help|age|requests`, or
`<dd>|close|<rev>` = `1` or `0`. Of a tap the highest revision counts, of several at that revision the latest day and
then the greater text; of a closing the highest revision, and reopened wins a tie. A fact was received on the day of
the hub of the first export that has it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import NamedTuple

HELPS = ("information", "online", "paperwork", "referral")
AGES = ("0-17", "18-24", "25-39", "40-49", "50-59", "60-69", "70+", "unknown")
COUNT_MAX = 99


class Cell(NamedTuple):
    """All that a visit is counted under."""

    site: str
    day: date
    operator: str
    help: str
    age: str


Sums = dict[Cell, tuple[int, int]]


@dataclass(frozen=True)
class Fact:
    """One fact of a site's month."""

    site: str
    day: date
    name: str
    rev: int
    value: str
    received: date


@dataclass(frozen=True)
class Settlement:
    """A person's decision on a flagged tap."""

    count: bool
    day: date


@dataclass
class Visits:
    """All that was ever received."""

    facts: list[Fact]
    operators: set[str]
    settled: dict[tuple[str, str], Settlement]
    retired: dict[str, date]
    last: date
    _known: dict[date, tuple[Sums, Sums]] = field(default_factory=dict)

    def standing(self, by: date) -> dict[tuple[str, str, str], tuple[Fact, bool]]:
        """What stands of each tap and each closing by the end of a day, and whether it is contested."""
        found: dict[tuple[str, str, str], list[Fact]] = {}
        for fact in self.facts:
            if fact.received <= by:
                month = fact.day.isoformat()[: 10 if fact.name == "close" else 7]
                found.setdefault((fact.site, month, fact.name), []).append(fact)
        standing = {}
        for key, facts in found.items():
            rev = max(fact.rev for fact in facts)
            highest = [fact for fact in facts if fact.rev == rev]
            if key[2] == "close":
                standing[key] = (min(highest, key=lambda fact: fact.value), False)
            else:
                standing[key] = (max(highest, key=lambda fact: (fact.day, fact.value)), len(highest) > 1)
        return standing

    def doubts(self, fact: Fact, contested: bool) -> set[str]:
        """Why a person should look at a tap: docs/RECOMPUTE.md, "What looks wrong"."""
        people, operator, help_, age, requests, *more = fact.value.split("|")
        doubts = {
            "operator": operator not in self.operators,
            "help": help_ not in HELPS,
            "age": age not in AGES,
            "count": abs(int(people)) > COUNT_MAX or abs(int(requests)) > COUNT_MAX,
            "day": fact.day > fact.received + timedelta(days=1),
            "clock": "clock" in more,
            "contested": contested,
            "retired": (people, requests) != ("0", "0") and fact.day >= self.retired.get(fact.site, date.max),
        }
        return {name for name, holds in doubts.items() if holds}

    def flagged(self) -> list[tuple[str, str, str, str]]:
        """Taps that nobody has settled: site, tap, reasons, value."""
        found = []
        for (site, _, name), (fact, contested) in self.standing(self.last).items():
            if name != "close" and (site, name) not in self.settled:
                doubts = self.doubts(fact, contested)
                if doubts:
                    found.append((site, name, ",".join(sorted(doubts)), fact.value))
        return sorted(found)

    def sums(self, by: date) -> tuple[Sums, Sums]:
        """People and requests by cell, as received and settled by the end of a day: counted, and apart."""
        if by not in self._known:
            counted: Sums = {}
            apart: Sums = {}
            for (site, _, name), (fact, contested) in self.standing(by).items():
                if name == "close":
                    continue
                settled = self.settled.get((site, name))
                settled = settled if settled and settled.day <= by else None
                if settled and not settled.count:
                    continue
                doubted = bool(self.doubts(fact, contested) - {"contested"})
                into = apart if doubted and not settled else counted
                people, operator, help_, age, requests = fact.value.split("|")[:5]
                cell = Cell(site, fact.day, operator, help_, age)
                before = into.get(cell, (0, 0))
                into[cell] = (before[0] + int(people), before[1] + int(requests))
            self._known[by] = (counted, apart)
        return self._known[by]

    def visited(self, by: date) -> set[tuple[str, date]]:
        """Sites and days on which anything counts or waits for a person."""
        some = [into.items() for into in self.sums(by)]
        return {(cell.site, cell.day) for cells in some for cell, sums in cells if sums != (0, 0)}

    def reported(self, by: date) -> dict[tuple[str, date], date]:
        """The days of which something is reported, and when the first word of each was received."""
        closed = {
            (site, fact.day)
            for (site, _, name), (fact, _) in self.standing(by).items()
            if name == "close" and fact.value == "1"
        }
        first: dict[tuple[str, date], date] = {}
        for fact in self.facts:
            if fact.received <= by:
                key = (fact.site, fact.day)
                first[key] = min(fact.received, first.get(key, date.max))
        return {key: first[key] for key in closed | self.visited(by)}


def read_facts(exports: list[tuple[date, dict[str, dict[str, list[str]]]]]) -> list[Fact]:
    """The facts of visits documents in these exports, the oldest first."""
    known: dict[tuple[str, str, str], Fact] = {}
    for received, documents in sorted(exports, key=lambda export: export[0]):
        for document, facts in documents.items():
            _, site, kind, *rest = document.split("/")
            if kind != "visits":
                continue
            for key, values in facts.items():
                number, name, rev = key.split("|")
                for value in values:
                    fact = Fact(site, date.fromisoformat(f"{rest[0]}-{number}"), name, int(rev), value, received)
                    known.setdefault((document, key, value), fact)
    return list(known.values())
