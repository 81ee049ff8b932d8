"""`GET /v1/visits`: docs/VIEWS.md, "Figures"."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from days import ONE, add_months, last_of_month, time_key
from network import Site
from visits import Cell, Sums, Visits

TIMES = ("day", "month", "quarter", "year")
PLACES = ("site", "department", "region", "bearer")
MATTERS = ("operator", "help", "age")
Row = tuple[str, ...]
Figure = tuple[int, int]


@dataclass(frozen=True)
class Question:
    """The parameters of a question."""

    first: date
    last: date
    by: tuple[str, ...] = ()
    filters: dict[str, tuple[str, ...]] = field(default_factory=dict)
    apart: bool = False
    as_of: date | None = None
    compare: str | None = None

    def query(self) -> dict[str, str]:
        query = {"from": f"{self.first}", "to": f"{self.last}"}
        query |= {name: ",".join(values) for name, values in self.filters.items()}
        if self.by:
            query["by"] = ",".join(self.by)
        if self.apart:
            query["antennas"] = "apart"
        if self.as_of:
            query["as_of"] = f"{self.as_of}"
        if self.compare:
            query["compare"] = self.compare
        return query

    def admits_place(self, site: Site, on: date) -> bool:
        """A house named means the antennas attached to it on the day as well, unless they stand apart."""
        named = self.filters.get("site", ())
        house = "" if self.apart else site.on("parent", on)
        return (
            (not named or site.id in named or house in named)
            and site.on("department", on) in self.filters.get("department", (site.on("department", on),))
            and site.region(on) in self.filters.get("region", (site.region(on),))
            and site.on("bearer", on) in self.filters.get("bearer", (site.on("bearer", on),))
        )

    def place(self, key: str, site: Site, on: date) -> str:
        if key == "region":
            return site.region(on)
        if key != "site":
            return site.on(key, on)
        house, named = site.on("parent", on), self.filters.get("site", ())
        # An antenna that is named without its house is asked for itself.
        return house if house and not self.apart and (not named or house in named) else site.id

    def counts_visits(self) -> bool:
        """One visit may make requests to several operators, of several kinds of help."""
        return not {"operator", "help"} & ({*self.by} | {*self.filters})


def whole_months(first: date, last: date) -> bool:
    return first.day == 1 and last == last_of_month(last)


def compared(question: Question) -> tuple[Question, int | timedelta] | None:
    """The question on the other period, and by how much its times are told later (months, or days)."""
    first, last, whole = question.first, question.last, whole_months(question.first, question.last)
    if question.compare == "year":
        months = 12
    elif question.compare == "previous" and whole:
        months = (last.year - first.year) * 12 + last.month - first.month + 1
    elif question.compare == "previous":
        length = last - first + ONE
        return replace(question, first=first - length, last=last - length, compare=None), length
    else:
        return None
    other = add_months(first, -months, 1)
    end = add_months(last, -months, 1)
    assert other and end
    begin = other.replace(day=min(first.day, last_of_month(other).day))
    end = last_of_month(end) if whole else end.replace(day=min(last.day, last_of_month(end).day))
    return replace(question, first=begin, last=end, compare=None), months


def told_on(on: date, shift: int | timedelta) -> date | None:
    """Under which day a day of the other period is told."""
    return add_months(on, shift) if isinstance(shift, int) else on + shift


def row_key(question: Question, cell: Cell, site: Site, shift: int | timedelta) -> Row | None:
    keys = []
    for key in question.by:
        if key in TIMES:
            # A month later the 31st may not be there; its month is.
            at = told_on(cell.day, shift) if key == "day" else told_on(cell.day.replace(day=1), shift)
            at = told_on(cell.day, shift) if isinstance(shift, timedelta) else at
            if at is None:
                return None
            keys.append(time_key(key, at))
        elif key in PLACES:
            keys.append(question.place(key, site, cell.day))
        else:
            keys.append(getattr(cell, key))
    return tuple(keys)


def summed(
    question: Question, sites: dict[str, Site], cells: Sums, shift: int | timedelta = timedelta()
) -> tuple[Figure, dict[Row, Figure], bool]:
    """The total, the rows, and whether anything was received. A cell below zero counts as 0."""
    total, rows, known = (0, 0), dict[Row, Figure](), False
    for cell, (people, requests) in cells.items():
        if not question.first <= cell.day <= question.last or not question.admits_place(sites[cell.site], cell.day):
            continue
        if any(getattr(cell, name) not in question.filters.get(name, (getattr(cell, name),)) for name in MATTERS):
            continue
        if (people, requests) == (0, 0):
            continue
        known = True
        part = (max(people, 0), max(requests, 0))
        total = (total[0] + part[0], total[1] + part[1])
        key = row_key(question, cell, sites[cell.site], shift)
        if key is not None and key:
            before = rows.get(key, (0, 0))
            rows[key] = (before[0] + part[0], before[1] + part[1])
    return total, rows, known


def percent(now: int, then: int) -> float | None:
    """In tenths, halves away from zero."""
    if then == 0:
        return None
    tenths, sign = abs(now - then) * 1000, 1 if now >= then else -1
    return sign * ((2 * tenths + then) // (2 * then)) / 10


def object_of(question: Question, now: Figure, then: Figure | None) -> dict[str, Any]:
    """A figure as it is told."""

    def pair(figure: tuple[Any, Any]) -> dict[str, Any]:
        return {"visits": figure[0] if question.counts_visits() else None, "requests": figure[1]}

    told = pair(now)
    if question.compare:
        told |= {"compared": None, "difference": None, "percent": None}
        if then is not None:
            told["compared"] = pair(then)
            told["difference"] = pair((now[0] - then[0], now[1] - then[1]))
            told["percent"] = pair((percent(now[0], then[0]), percent(now[1], then[1])))
    return told


def answer(question: Question, sites: dict[str, Site], visits: Visits) -> dict[str, Any]:
    """Everything that is told but for completeness."""
    by = question.as_of or visits.last
    counted, apart = visits.sums(by)
    total, rows, _ = summed(question, sites, counted)
    flagged, _, _ = summed(replace(question, by=()), sites, apart)
    other = compared(question)
    then: Figure | None = None
    then_rows: dict[Row, Figure] = {}
    if other:
        then_total, found, known = summed(other[0], sites, counted, other[1])
        then, then_rows = (then_total, found) if known else (None, {})
    objects = {}
    for key in sorted({*rows, *then_rows}):
        told = dict[str, Any](zip(question.by, key, strict=True))
        if "site" in told:
            told["site_name"] = sites[told["site"]].name
        objects[key] = told | object_of(question, rows.get(key, (0, 0)), then_rows.get(key))
    answered: dict[str, Any] = {
        "as_of": f"{by}",
        "from": f"{question.first}",
        "to": f"{question.last}",
        "by": list(question.by),
        "total": object_of(question, total, then),
        "flagged": object_of(replace(question, compare=None), flagged, None),
        "rows": objects,
    }
    if question.as_of:
        now, _, _ = summed(question, sites, visits.sums(visits.last)[0])
        answered["since"] = object_of(replace(question, compare=None), (now[0] - total[0], now[1] - total[1]), None)
    return answered
