"""`GET /v1/network`: how many houses and antennas there are at each step of their life."""

from __future__ import annotations

from datetime import date
from typing import Any

from network import SERVING, Site

LIVES = ("candidate", "project", "open", "labelled", "retired")


def life(site: Site, on: date) -> str:
    """A label that nothing dates but the list has the list's date."""
    lines = [line for line in site.shown["history"] if line["field"] == "life"]
    before = {line["value"] for line in lines if line["from"] is None or line["from"] <= f"{on}"}
    is_dated = bool(before - {"labelled"})
    is_early = (site.shown["label_date"] or "") > f"{on}"
    return "open" if site.on("life", on) == "labelled" and is_early and not is_dated else site.on("life", on)


def size(sites: list[Site], on: date) -> dict[str, Any]:
    """Serving are open or labelled; a department counts that has a house in service."""
    kinds = {}
    for kind, plural in (("house", "houses"), ("antenna", "antennas")):
        lives = [life(site, on) for site in sites if site.kind == kind]
        kinds[plural] = {life: lives.count(life) for life in LIVES}
        kinds[plural]["serving"] = sum(lives.count(life) for life in SERVING)
    houses = [site for site in sites if site.kind == "house" and site.on("life", on) in SERVING]
    return kinds | {"departments": len({site.on("department", on) for site in houses} - {""})}


def rows(sites: dict[str, Site], days: list[date], by: list[str]) -> dict[tuple[str, ...], dict[str, Any]]:
    """By these keys, at the ends of months (one that is not over: today)."""
    found = {}
    for on in days:
        groups: dict[tuple[str, ...], list[Site]] = {}
        for site in sites.values():
            values = {"region": site.region(on), "month": f"{on}"[:7]}
            key = tuple(values[key] if key in values else site.on(key, on) for key in by)
            groups.setdefault(key, []).append(site)
        for key, among in groups.items():
            found[key] = dict(zip(by, key, strict=True)) | {"day": f"{on}"} | size(among, on)
    return found
