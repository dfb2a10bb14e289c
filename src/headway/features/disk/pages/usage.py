"""The page of the disk: what is free, who holds what on each machine, what may go, and the way to let it go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from headway.pages.forms import Flash, Form, Question
from headway.pages.page import Asked, Page, Unknown, View, Visit
from headway.pages.words import cut, plural, size

if TYPE_CHECKING:
    from headway.features.disk.api.rows import Cleaned, HeldRow, MachineRow, ServerDiskRow, UsageRow
    from headway.features.services.api.service_rows import GlanceRow

PATH = "/disk"
USAGE: Asked[UsageRow] = Asked("disk.usage")
WASTE: Asked[Cleaned] = Asked("disk.waste")
SERVICES: Asked[list[GlanceRow]] = Asked("service.all")
CLEAN = "disk.clean"
_SECONDS = 35.0  # a server has thirty to say what it holds
_SECONDS_OF_NAMES = 2.0
_MOST = 100
_MOST_NAMED = 12
_WIDTH = 100
_KINDS: Mapping[str, tuple[str, str]] = {
    "release": ("release", "releases"),
    "image": ("image", "images"),
    "buildCache": ("build cache of Docker", "build caches of Docker"),
    "cache": ("cache of builds", "caches of builds"),
    "toolchain": ("toolchain", "toolchains"),
}


async def show(visit: Visit) -> View:
    """All of it, as it was measured a moment ago; with ``fresh`` in the address measured anew."""
    fresh = visit.query.get("fresh") == "true" or None
    found = await visit.ask_within(_SECONDS, USAGE, fresh=fresh)
    clean = {"label": "See what may go", "href": f"{PATH}/clean", "icon": "remove"}
    anew = {"label": "Measure anew", "href": f"{PATH}?fresh=true", "icon": "redeploy"}
    values: dict[str, object] = {
        "unknown_because": found if isinstance(found, Unknown) else None,
        "sees_servers": visit.may("server.one"),
        "actions": (anew, clean) if visit.may(CLEAN) else (anew,),
    }
    if not isinstance(found, Unknown):
        services = await visit.ask_within(_SECONDS_OF_NAMES, SERVICES)
        known = () if isinstance(services, Unknown) else {each["serviceId"] for each in services}
        values |= _told(found, known)
    return View(template="features/disk/pages/usage.html", values=values, title="Disk")


def _told(found: UsageRow, known: Collection[str]) -> Mapping[str, object]:
    machine, services = found["machine"], found["services"]
    names = {each["serverId"]: each["name"] for each in found["servers"]}
    largest = max((each["total"] for each in services), default=0)
    return {
        "measured_at": found["measuredAt"],
        "engine": found["engine"],
        "machine": machine,
        "is_low": machine is not None and machine["free"] < machine["floor"],
        "whose": None if machine is None else _bar(machine, _here(services)),
        "servers": found["servers"],
        "left": _left(found["servers"]),
        "lines": [_line(each, names, largest, known) for each in services[:_MOST]],
        "further": max(len(services) - _MOST, 0),
        "total": sum(each["total"] for each in services),
    }


def _here(services: Sequence[HeldRow]) -> int:
    """What services hold on the panel's machine; sources and logs lie there of every one."""
    return sum(each["total"] if each["serverId"] is None else each["sources"] + each["logs"] for each in services)


def _bar(machine: MachineRow, services: int) -> Sequence[Mapping[str, object]]:
    """Whose the disk is, as stretches of a bar: each with its beginning and width, and its words."""
    parts = [
        ("Services", services, "busy"),
        ("Shared layers", machine["shared"], "unknown"),
        ("Build cache", machine["cache"], "warn"),
        ("Docker's, of nobody here", machine["foreign"], "off"),
    ]
    other = max(machine["total"] - machine["free"] - sum(bytes_ for _, bytes_, _ in parts), 0)
    parts += [("Everything else", other, "wait"), ("Free", machine["free"], "good")]
    told, at = [], 0.0
    for label, bytes_, tone in parts:
        width = bytes_ * _WIDTH / max(machine["total"], 1)
        told.append({"label": label, "bytes": bytes_, "tone": tone, "at": f"{at:.2f}", "width": f"{width:.2f}"})
        at += width
    return told


def _line(row: HeldRow, names: Mapping[str, str], largest: int, known: Collection[str]) -> Mapping[str, object]:
    """A service with what it holds, the largest parts first. A preview holds something too, and is no service."""
    parts = sorted(((held, label) for held, label in _parts(row) if held), reverse=True)
    return {
        "row": row,
        "href": f"/services/{row['serviceId']}" if row["serviceId"] in known else None,
        "server": None if row["serverId"] is None else names.get(row["serverId"], row["serverId"]),
        "parts": [{"bytes": size_, "label": label} for size_, label in parts],
        "width": f"{row['total'] * _WIDTH / max(largest, 1):.2f}",
    }


def _parts(row: HeldRow) -> Sequence[tuple[int, str]]:
    return (
        (row["images"], "images"),
        (row["volumes"], "volumes"),
        (row["files"], "own files"),
        (row["releases"], "releases"),
        (row["cache"], "cache of builds"),
        (row["containers"], "written in containers"),
        (row["sources"], "sources"),
        (row["logs"], "logs"),
    )


def _left(servers: Sequence[ServerDiskRow]) -> int:
    return sum(each["left"] or 0 for each in servers)


async def _ask(visit: Visit) -> Question:
    found = await visit.ask_within(_SECONDS, WASTE)
    return Question(
        title="Remove what nobody needs?",
        consequences=(
            *_goes(found),
            "Volumes stay, and so do all releases that are kept and whatever one of those needs.",
            "The panel does the same by itself once an hour. On a server it may take minutes.",
        ),
        button="Remove it",
        danger=True,
    )


def _goes(found: Cleaned | Unknown) -> Sequence[str]:
    """What goes, and how much of the disk with it."""
    if isinstance(found, Unknown):
        return (f"What goes is not known now. {found.why}",)
    away = [f"{cut(each['name'], 80)} is left out: {each['away']}" for each in found["servers"] if each["away"]]
    if not found["items"]:
        return ("There is nothing that nobody needs: nothing would be removed.", *away)
    named = [
        f"{cut(each['name'], 120)}{_freed(each['bytes'])}: {cut(each['why'], 200)}"
        for each in found["items"][:_MOST_NAMED]
    ]
    further = len(found["items"]) - len(named)
    return (
        f"{_kinds(found)} would go, and {size(found['bytes'])} with that.",
        *named,
        *([f"And {plural(further, 'thing')} more."] if further > 0 else ()),
        *away,
    )


def _freed(bytes_: int | None) -> str:
    return "" if bytes_ is None else f" ({size(bytes_)})"


def _kinds(found: Cleaned) -> str:
    counted = Counter(each["kind"] for each in found["items"])
    return ", ".join(plural(number, *_KINDS[kind]) for kind, number in counted.items())


def _did(_visit: Visit, answer: object) -> Flash:
    told = answer if isinstance(answer, dict) else {}
    items, servers = told.get("items", ()), told.get("servers", ())
    away = [f"{cut(each['name'], 80)} was left out: {each['away']}" for each in servers if each["away"]]
    if not items:
        return Flash(text=" ".join(("Nothing was there that nobody needs.", *away)), good=not away)
    done = f"Removed {plural(len(items), 'thing')}: {size(told['bytes'])} of the disk are free again."
    return Flash(text=" ".join((done, *away)), good=not away)


PAGE = Page(
    path=PATH,
    permission=USAGE.name,
    show=show,
    forms={
        "clean": Form(
            operation=lambda _visit: CLEAN,
            given=lambda _visit: {},
            asks=_ask,
            did=_did,
            then=lambda _visit, _answer: PATH,
        )
    },
)
