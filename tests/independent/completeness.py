"""Which days were to be reported, and which were: docs/VIEWS.md, "How complete figures are"."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from days import ONE, each, ranges, time_key
from figures import TIMES, Question, Row
from network import SERVING, Site
from registers import Facts
from schedule import Around, Plan, plan
from visits import Visits

PARIS = ZoneInfo("Europe/Paris")
MOVING = ("bus", "itinerante")
FIELDS = ("expected", "reported", "late", "missing", "unexpected")


@dataclass
class Days:
    """Days of sites of one row."""

    expected: int = 0
    reported: int = 0
    late: int = 0
    unexpected: int = 0
    idle: set[str] = field(default_factory=set)

    def fields(self) -> dict[str, Any]:
        """The rate is rounded down, to four decimals: all days are never claimed where one is missing."""
        missing = self.expected - self.reported
        rate = self.reported * 10_000 // self.expected / 10_000 if self.expected else None
        numbers = (self.expected, self.reported, self.late, missing, self.unexpected)
        return dict(zip(FIELDS, numbers, strict=True)) | {"rate": rate, "not_expected": len(self.idle)}


@dataclass
class World:
    """All that completeness follows from."""

    sites: dict[str, Site]
    visits: Visits
    schedules: dict[str, Facts]
    around: dict[str, Around]
    now: datetime
    late_days: int
    _plans: dict[tuple[str, date], Plan] = field(default_factory=dict)

    def plan(self, site: str, on: date) -> Plan:
        if (site, on) not in self._plans:
            self._plans[site, on] = plan(self.schedules.get(site, {}), on, self.around[site])
        return self._plans[site, on]

    def yesterday(self, site: Site, as_of: date | None) -> date:
        """By the site's own clock, at the end of the day of `as_of` by the hub's."""
        now = self.now
        if as_of:
            end = datetime.combine(as_of + ONE, datetime.min.time(), PARIS).astimezone(UTC) - timedelta(seconds=1)
            now = min(now, end)
        return now.astimezone(site.zone).date() - ONE

    def idle_reason(self, site: Site, on: date) -> str | None:
        """Why nothing is expected of a day."""
        life = site.on("life", on)
        begins = site.reports_from()
        if life not in SERVING:
            return "retired" if life == "retired" else "project"
        if begins is None:
            return "never_enrolled"
        if on < begins:
            return "before_reports_from"
        plan = self.plan(site.id, on)
        if plan.opens() is None:
            if plan.is_contradicted():
                return "conflict"
            return "itinerant" if site.today("format") in MOVING else "no_hours"
        return None


@dataclass
class Answer:
    """Days by row, in all, and the sites behind them."""

    total: Days
    rows: dict[Row, Days]
    missing: list[dict[str, Any]]
    idle: list[dict[str, Any]]

    def lists(self) -> dict[str, Any]:
        return {"missing_sites": self.missing, "not_expected": self.idle}


def answer(question: Question, world: World) -> Answer:
    """What people ask for, and at which age, has no say: a day is reported whole."""
    by = question.as_of or world.visits.last
    reported, visited = world.visits.reported(by), world.visits.visited(by)
    total, rows = Days(), dict[Row, Days]()
    missing: list[dict[str, Any]] = []
    idle: list[dict[str, Any]] = []
    keys = [key for key in question.by if key not in ("operator", "help", "age")]
    for site in world.sites.values():
        lacking: list[date] = []
        heard: set[date] = set()
        reasons: dict[str, list[date]] = {}
        last = min(question.last, world.yesterday(site, question.as_of))
        for on in each(question.first, last):
            if not question.admits_place(site, on):
                continue
            one, why = Days(), world.idle_reason(site, on)
            if why:
                reasons.setdefault(why, []).append(on)
                one.idle = {site.id}
            elif not world.plan(site.id, on).opens():
                one.unexpected = int((site.id, on) in visited)
            else:
                first = reported.get((site.id, on))
                one.expected, one.reported = 1, int(first is not None)
                one.late = int(first is not None and first > on + timedelta(days=world.late_days))
                lacking += [on] if first is None else []
                heard |= {on} if first else set()
            key = tuple(time_key(key, on) if key in TIMES else question.place(key, site, on) for key in keys)
            for into in (total, *([rows.setdefault(key, Days())] if key and one != Days() else [])):
                into.expected += one.expected
                into.reported += one.reported
                into.late += one.late
                into.unexpected += one.unexpected
                into.idle |= one.idle
        named = {"site": site.id, "name": site.name}
        if lacking:
            missing.append(named | {"count": len(lacking), "days": ranges(lacking, heard)})
        for why, days in sorted(reasons.items()):
            idle.append(named | {"count": len(days), "days": ranges(days, None), "reason": why})
    return Answer(total, rows, missing, idle)
