"""Days, months and the keys of time; CSV lists of the calendar."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

ONE = timedelta(days=1)
Span = tuple[date, date]


def day(text: str) -> date:
    return date.fromisoformat(text)


def each(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first += ONE


def add_months(on: date, months: int, number: int | None = None) -> date | None:
    """The day of the same number (or of this one) so many months later, if that month has it."""
    year, month = divmod(on.year * 12 + on.month - 1 + months, 12)
    try:
        return date(year, month + 1, on.day if number is None else number)
    except ValueError:
        return None


def last_of_month(on: date) -> date:
    following = add_months(on, 1, 1)
    assert following
    return following - ONE


def time_key(key: str, on: date) -> str:
    """What a key of time is on a day."""
    return {
        "day": on.isoformat(),
        "month": on.isoformat()[:7],
        "quarter": f"{on.year:04}-Q{(on.month + 2) // 3}",
        "year": f"{on.year:04}",
    }[key]


def ranges(days: list[date], breaks: set[date] | None) -> list[str]:
    """Days as intervals, ends included: side by side, or, with breaks, with none of them between."""
    found: list[list[date]] = []
    for on in sorted(days):
        last = found[-1][1] if found else None
        if last is None:
            goes_on = False
        elif breaks is None:
            goes_on = last + ONE == on
        else:
            goes_on = not any(last < other < on for other in breaks)
        if goes_on:
            found[-1][1] = on
        else:
            found.append([on, on])
    return [f"{one}" if one == two else f"{one}/{two}" for one, two in found]


@dataclass(frozen=True)
class Calendar:
    """Public holidays by zone, school holidays by school zone: the lists that the hub is built with."""

    public: dict[tuple[str, date], str]
    school: dict[str, list[tuple[date, date]]]

    @staticmethod
    def read(folder: Path) -> Calendar:
        with (folder / "holidays.csv").open(encoding="utf-8") as file:
            public = {(row["holiday_zone"], day(row["date"])): row["name"] for row in csv.DictReader(file)}
        school: dict[str, list[tuple[date, date]]] = {}
        with (folder / "school_holidays.csv").open(encoding="utf-8") as file:
            for row in csv.DictReader(file):
                school.setdefault(row["school_zone"], []).append((day(row["start"]), day(row["end_exclusive"])))
        return Calendar(public, school)

    def is_school_holiday(self, zone: str, on: date) -> bool:
        return any(start <= on < end for start, end in self.school.get(zone, []))
