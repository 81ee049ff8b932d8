"""Works out each figure of a hub from the documents that it exported, and compares.

    check.py DIRECTORY

`tests/tests/independent.rs` makes the directory: `world.json` says where the hub is, what `site show` tells, what
persons decided and which closures they put, `exports/<day>/` holds its documents as they were at the end of that day
of the hub. Nothing here is the product's: the rules are those of docs/VIEWS.md and docs/RECOMPUTE.md. Ends with 1 and the
differences if there are any.
"""

from __future__ import annotations

import csv
import json
import sys
from datetime import date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import automerge_file
import views
from api import SHOWN_MAX, Api
from completeness import World
from days import Calendar, day
from network import read_sites
from schedule import Around
from visits import Settlement, Visits, read_facts

ROOT = Path(__file__).resolve().parents[2]
Documents = dict[str, dict[str, list[str]]]


def exported(folder: Path) -> list[tuple[date, Documents]]:
    """The documents of each day's export."""
    found = []
    for of_day in sorted(folder.iterdir()):
        files = sorted(of_day.iterdir())
        documents = {unquote(file.name): automerge_file.standing(file.read_bytes()) for file in files}
        found.append((day(of_day.name), documents))
    return found


def read_world(told: dict[str, Any], exports: list[tuple[date, Documents]]) -> tuple[World, set[str]]:
    sites = read_sites(told["sites"], ROOT / "tests/data/departements.csv")
    with (ROOT / "tests/data/operators.csv").open(encoding="utf-8") as file:
        operators = {row["code"]: row for row in csv.DictReader(file)}
    settled = {
        (one["site"], one["tap"]): Settlement(one["verdict"] == "count", day(one["day"])) for one in told["settled"]
    }
    retired = {
        site.id: day(line["from"])
        for site in sites.values()
        for line in site.shown["history"]
        if line["field"] == "life" and line["value"] == "retired" and line["from"]
    }
    last = exports[-1][0]
    visits = Visits(read_facts(exports), set(operators), settled, retired, last)
    calendar = Calendar.read(ROOT / "shared/data")
    closures = told["closures"]
    around = {site.id: Around(site, calendar, closures) for site in sites.values()}
    schedules = {
        name.split("/")[1]: facts for name, facts in exports[-1][1].items() if name.endswith("/schedule")
    }
    now = datetime.fromisoformat(told["now"])
    world = World(sites, visits, schedules, around, now, told["late_days"])
    return world, {code for code, row in operators.items() if row["counts_as_social_or_employment"] == "1"}


def main(folder: Path) -> int:
    told = json.loads((folder / "world.json").read_text(encoding="utf-8"))
    exports = exported(folder / "exports")
    api = Api(told["url"], told["token"])
    world, social = read_world(told, exports)
    documents = exports[-1][1]
    for check in views.ALL:
        check(api, world, views.Beside(documents, social, [on for on, _ in exports], told))
    for view, number in sorted(api.compared.items()):
        print(f"{view}: {number} values compared")
    print(f"{len(api.differences)} differences")
    for line in api.differences[:SHOWN_MAX]:
        print(line)
    return 1 if api.differences else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
