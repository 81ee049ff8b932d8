"""Which hours a day has, and who comes: docs/RECOMPUTE.md, "How a day is decided".

At each place the narrowest dated exception of the house decides, then a closure of the network, then a public
holiday, then the weightiest rule of the week. What contradicts is tried in every combination.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from days import ONE, Calendar, day
from network import Site
from registers import TAKEN_BACK, Chosen, Facts, choices

WEEKDAYS = ("mo", "tu", "we", "th", "fr", "sa", "su")
NTH = ("1st", "2nd", "3rd", "4th", "5th")
KINDS = ("hours", "permanence", "on", "off", "absence")
HERE, EVERYWHERE = "-", "*"


class Slot(NamedTuple):
    """Part of a day: minutes from midnight."""

    start: int
    end: int
    access: str
    agents: int | None


class Coming(NamedTuple):
    """A partner's presence, or why it does not take place."""

    start: int
    end: int
    operator: str
    place: str
    access: str
    cancelled: str | None


class Closing(NamedTuple):
    """Why a place is shut."""

    kind: str
    reason: str
    label: str | None


@dataclass
class Plan:
    """One day as it is known."""

    state: str
    openings: list[tuple[Slot, str]] = field(default_factory=list)
    comings: list[Coming] = field(default_factory=list)
    closings: list[Closing] = field(default_factory=list)
    holiday: str | None = None
    versions: list[Plan] = field(default_factory=list)

    def told(self) -> tuple[Any, ...]:
        """What people hear of it."""
        return (self.state, self.openings, [(*one[:5], one.cancelled is not None) for one in self.comings])

    def minutes(self) -> int | None:
        if self.versions:
            said = [version.minutes() for version in self.versions]
            return said[0] if alike(said) else None
        return None if self.state == "unknown" else length(union([slot[:2] for slot, _ in self.openings]))

    def opens(self) -> bool | None:
        if self.versions:
            known = [version.opens() for version in self.versions]
            return known[0] if alike(known) else None
        return True if self.openings else {"open": True, "shut": False}.get(self.state)

    def is_contradicted(self) -> bool:
        """Whether people contradict each other on whether it opens at all."""
        return bool(self.versions) and len({version.opens() for version in self.versions}) > 1


def alike(values: list[Any]) -> bool:
    return all(value == values[0] for value in values)


def union(intervals: list[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in sorted(intervals):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


def length(intervals: list[tuple[int, int]]) -> int:
    return sum(end - start for start, end in intervals)


def minute(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:])


def clock(at: int) -> str:
    return f"{at // 60:02}:{at % 60:02}"


def slots(text: str) -> list[Slot]:
    """`09:00-12:00/appointment/2,14:00-17:00`, or `closed`."""
    found = []
    for part in text.split(",") if text not in ("closed", "") else []:
        hours, access, agents = [*part.split("/"), "", ""][:3]
        start, end = hours.split("-")
        found.append(Slot(minute(start), minute(end), access or "free", int(agents) if agents else None))
    return found


def weight(variant: str, on: date, is_school: bool) -> tuple[int, int, int] | None:
    """How much a variant says of a day: kind, how narrow, how late it begins; none where it says nothing."""
    nth = (on.day - 1) // 7
    last = (on + 7 * ONE).month != on.month
    odd = on.isocalendar().week % 2 == 1
    plain = {
        "every": (0, True),
        "odd": (1, odd),
        "even": (1, not odd),
        "last": (3, last),
        "school": (4, is_school),
    } | {name: (2, at == nth) for at, name in enumerate(NTH)}
    if variant in plain:
        kind, holds = plain[variant]
        return (kind, 0, 0) if holds else None
    if variant == "holiday":
        return None
    first, end = variant.split("..")
    if len(first) == 10:
        one, two = day(first), day(end)
        return (6, (one - two).days, one.toordinal()) if one <= on <= two else None
    # Every year: 2000 has every day that any year has.
    at, begin, close = (day(f"2000-{text}").timetuple().tm_yday for text in (on.isoformat()[5:], first, end))
    if begin <= close:
        return (5, begin - close, begin) if begin <= at <= close else None
    return (5, begin - 366 - close, begin if at >= begin else begin - 366) if at >= begin or at <= close else None


@dataclass(frozen=True)
class Around:
    """What a day depends on besides the document."""

    site: Site
    calendar: Calendar
    closures: list[dict[str, Any]]

    def closure(self, on: date) -> dict[str, Any] | None:
        """The first closure of the network on a day; it concerns a site by where that lies today."""
        mine = {"national", f"region:{self.site.today('region')}", f"department:{self.site.today('department')}"}
        held = [one for one in self.closures if one["scope"] in mine and day(one["from"]) <= on <= day(one["to"])]
        return min(held, key=lambda one: (one["from"], one["to"], one["id"]), default=None)


@dataclass
class Day:
    """A day, once every contradiction is settled in one way."""

    on: date
    chosen: Chosen
    around: Around

    def __post_init__(self) -> None:
        site, calendar = self.around.site, self.around.calendar
        self.public = calendar.public.get((site.today("holiday_zone"), self.on))
        self.school = calendar.is_school_holiday(site.today("school_zone"), self.on)
        self.network = self.around.closure(self.on)

    def of(self, kind: str) -> list[tuple[list[str], str]]:
        """Keys, without their first field, and bodies; facts taken back among them."""
        return [(key.split("|")[1:], said.body) for key, said in self.chosen.items() if key.split("|")[0] == kind]

    def steps(self, kind: str, subject: tuple[str, ...] | None = None) -> dict[tuple[str, ...], str]:
        """What holds today under each rule: the last step that has begun, taken back or not."""
        latest: dict[tuple[str, ...], tuple[str, str]] = {}
        for (start, *rule), body in self.of(kind):
            key = tuple(rule)
            mine = subject is None or (*key[:-3], key[-1]) == subject
            if mine and day(start) <= self.on and latest.get(key, ("", ""))[0] < start:
                latest[key] = (start, body)
        return {key: body for key, (_, body) in latest.items() if body != TAKEN_BACK}

    def rule(self, kind: str, subject: tuple[str, ...], on_holiday: bool) -> list[Slot] | None:
        """The slots of the weightiest rule of a place, or of a partner at a place."""
        weighed = []
        for key, body in self.steps(kind, subject).items():
            variant, weekday = key[-3], key[-2]
            if weekday == "-":
                found = (0, 0, 0) if on_holiday else None
            else:
                usual = not on_holiday and weekday == WEEKDAYS[self.on.weekday()]
                found = weight(variant, self.on, self.school) if usual else None
            if found is not None:
                weighed.append((found, body))
        return slots(max(weighed)[1]) if weighed else None

    def exception(self, place: str) -> tuple[list[str] | None, list[str]]:
        """What decides at a place, and the hours that are added there."""
        held = []
        for (days, where), body in self.of("on"):
            first, last = (day(text) for text in days.split(".."))
            if body != TAKEN_BACK and first <= self.on <= last and where in (place, EVERYWHERE):
                held.append((((first - last).days, first, where != EVERYWHERE), body.split("|")))
        deciding = max((one for one in held if one[1][0] != "extra"), default=None)
        extras = [(rank, body) for rank, body in held if body[0] == "extra"]
        if deciding:
            extras = [(rank, body) for rank, body in extras if rank[0] >= deciding[0][0]]
        return (deciding[1] if deciding else None), [body[2] for _, body in extras]

    def shut_by(self, deciding: list[str] | None) -> Closing | None:
        if deciding:
            return Closing("closed", deciding[1], None) if deciding[0] == "closed" else None
        return Closing("network_closure", self.network["reason"], self.network["label"]) if self.network else None

    def plan(self) -> Plan:
        plan = Plan("unknown", holiday=self.public)
        known = bool(self.steps("hours"))
        places = {rest[-1] for rest, _ in self.of("hours")} | {HERE}
        for (days, where), _ in self.of("on"):
            first, last = (day(text) for text in days.split(".."))
            if first <= self.on <= last and where != EVERYWHERE:
                places.add(where)
        for place in sorted(places):
            deciding, extras = self.exception(place)
            closing = self.shut_by(deciding)
            to, hours = place, None
            if closing:
                plan.closings += [closing] if closing not in plan.closings else []
            elif deciding and deciding[0] == "hours":
                hours = slots(deciding[2])
            else:
                if deciding:
                    to = deciding[2]
                instead = deciding[3] if deciding else ""
                hours = slots(instead) if instead else self.rule("hours", (place,), self.public is not None)
            said = closing or (deciding and (deciding[0] == "hours" or deciding[3]))
            known = known or bool(said and place == HERE)
            plan.openings += [(slot, to) for slot in hours or []]
            plan.openings += [(slot, place) for more in extras for slot in slots(more)]
        plan.openings = sorted(set(plan.openings), key=lambda one: (one[0][:2], one[1] != HERE, str(one)))
        plan.comings = self.comings()
        if known:
            plan.state = "open" if plan.openings else "shut"
        return plan

    def comings(self) -> list[Coming]:
        """Who comes. A public holiday and a closure cancel; what is said of this one day comes before a holiday."""
        offs = {tuple(key[1:]): body.split("|") for key, body in self.of("off") if key[0] == f"{self.on}"}
        offs = {of: body for of, body in offs.items() if body != [TAKEN_BACK]}
        found = []
        for of in sorted({(rest[1], rest[-1]) for rest, _ in self.of("permanence")} | {*offs}):
            off, cancelled = offs.get(of), None
            if off and off[0] == "hours":
                hours: list[Slot] | None = slots(off[2])
            else:
                hours = self.rule("permanence", of, True) if self.public else None
                if hours is None:
                    cancelled = "public_holiday" if self.public else None
                    hours = self.rule("permanence", of, False)
            deciding, _ = self.exception(of[1])
            closing = self.shut_by(deciding)
            if off and off[0] == "cancelled":
                cancelled = off[1]
            elif closing:
                cancelled = closing.reason
            to = deciding[2] if deciding and deciding[0] == "moved" else of[1]
            found += [Coming(slot.start, slot.end, of[0], to, slot.access, cancelled) for slot in hours or []]
        return sorted(found)


def plan(facts: Facts, on: date, around: Around) -> Plan:
    """The plan of a day; where people contradict each other and it matters, with each version."""
    found: list[Plan] = []
    for chosen in choices(facts, KINDS):
        one = Day(on, chosen, around).plan()
        if all(one.told() != other.told() for other in found):
            found.append(one)
    if len(found) == 1:
        return found[0]
    comings = [one for one in found[0].comings if all(one in other.comings for other in found)]
    return Plan("conflict", comings=comings, versions=found)


def object_of(on: date, plan: Plan) -> dict[str, Any]:
    """A day of `GET /v1/sites/{id}/schedule`, as far as it is checked."""
    return {
        "day": f"{on}",
        "state": plan.state,
        "minutes": plan.minutes(),
        "public_holiday": plan.holiday,
        "intervals": [
            {"from": clock(slot.start), "to": clock(slot.end), "place": place, "access": slot.access,
             "agents": slot.agents}
            for slot, place in plan.openings
        ],
        "permanences": [
            {"operator": one.operator, "from": clock(one.start), "to": clock(one.end), "place": one.place,
             "access": one.access, "cancelled": one.cancelled}
            for one in plan.comings
        ],
        "versions": len(plan.versions),
    }
