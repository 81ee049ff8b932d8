"""Sites as they were on each day, from `msap-hub site show --json`.

docs/VIEWS.md, "Figures": each visit counts for the house, department and bearer that its site had on that day;
names are today's. A field without a history has always been what it is. The region is the department's.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from days import day

SERVING = ("open", "labelled")


@dataclass(frozen=True)
class Site:
    """One site; the regions of all departments beside it."""

    shown: dict[str, Any]
    regions: dict[str, str]

    @property
    def id(self) -> str:
        return str(self.shown["id"])

    @property
    def name(self) -> str:
        return str(self.shown["name"])

    @property
    def kind(self) -> str:
        return str(self.shown["kind"])

    def today(self, field: str) -> str:
        return str(self.shown[field])

    def on(self, field: str, on: date) -> str:
        """Life, parent, department or bearer of a day; empty for none."""
        lines = [line for line in self.shown["history"] if line["field"] == field]
        held = [line for line in lines if line["from"] is None or day(line["from"]) <= on]
        if lines:
            return str(max(held, key=lambda line: line["from"] or "")["value"]) if held else ""
        return str(self.shown[field] or "")

    def region(self, on: date) -> str:
        return self.regions.get(self.on("department", on), "")

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.today("timezone"))

    def reports_from(self) -> date | None:
        """What was set, else the day on which its first machine joined, by the hub's clock."""
        named = [line["value"] for line in self.shown["history"] if line["field"] == "reports_from"]
        if named and named[-1]:
            return day(named[-1])
        days = [day(device["enrolled"][:10]) for device in self.shown["devices"] if device["standing"] != "pending"]
        return min(days, default=None)


def read_sites(shown: list[dict[str, Any]], departments: Path) -> dict[str, Site]:
    with departments.open(encoding="utf-8") as file:
        regions = {row["dep_code"]: row["reg_code"] for row in csv.DictReader(file)}
    return {one["id"]: Site(one, regions) for one in sorted(shown, key=lambda one: one["id"])}
