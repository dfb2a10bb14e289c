"""The page of what a service writes: the last lines of its processes or containers, which can be had alone."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from headway.features.services.pages.service_actions import ONE, router_of
from headway.features.services.pages.service_topics import FOLDER, LOG, framed, path_of, service_of
from headway.kernel.ansi import plain, runs_of
from headway.pages.list_view import chip, list_address
from headway.pages.page import Asked, Page, Unknown, View, Visit
from headway.pages.words import cut

PATH = "/services/{serviceId}/log"
_LINES: Mapping[str, int] = {"200": 200, "1000": 1_000, "5000": 5_000}
_SECONDS = 5.0
_LED = re.compile(r"([A-Za-z0-9][A-Za-z0-9_.-]{0,100}) \| ")
_MOST_BYTES = 1 << 20  # of what is shown: a page is no place for more


async def show(visit: Visit) -> View:
    """All of it."""
    service = await service_of(visit)
    return framed(visit, service, LOG, "output.html", await _values(visit))


async def lines(visit: Visit) -> View:
    """The lines."""
    return View(template=f"{FOLDER}/output_lines.html", values=await _values(visit))


async def _values(visit: Visit) -> Mapping[str, object]:
    service = await service_of(visit)
    router, path = router_of(service), path_of(service, LOG)
    wanted = visit.query.get("lines", "200")
    wanted = wanted if wanted in _LINES else "200"
    text, of = visit.query.get("find", "").strip()[:500], visit.query.get("of", "").strip()[:200]
    logs: Asked[str] = Asked(f"{router}.readLogs")
    found = await visit.ask_within(_SECONDS, logs, **{f"{router}Id": service["serviceId"]}, tail=_LINES[wanted])
    read = () if isinstance(found, Unknown) else _lines_of(found)
    names = sorted({led[1] for line in read if (led := _LED.match(plain(line)))})
    query = {name: value for name, value in (("lines", wanted), ("find", text), ("of", of)) if value}
    kept = [line for line in read if _is_wanted(line, text.casefold(), of)]
    return {
        "service": service,
        "rows": [{"runs": runs} for runs in runs_of(kept)],
        "log_unknown": found if isinstance(found, Unknown) else None,
        "was_written": bool(read),
        "find": text,
        "of": of,
        "lines": wanted,
        "sizes": tuple(_LINES),
        "names": names[:100],
        "here": path,
        "chips": _chips(path, query),
        "lines_pull": list_address(f"{path}/-/lines", query),
        "live": service["wanted"] == "up" and service["serving"] is not None and not isinstance(found, Unknown),
    }


def _lines_of(text: str) -> Sequence[str]:
    """The last lines, as far as a page has room for them."""
    kept = text[-_MOST_BYTES:]
    found = kept.split("\n")
    if len(kept) < len(text):
        found = found[1:]  # it begins in the middle
    return found[:-1] if found and not found[-1] else found


def _is_wanted(line: str, text: str, of: str) -> bool:
    shown = plain(line)
    return text in shown.casefold() and (not of or shown.startswith(f"{of} | "))


def _chips(path: str, query: Mapping[str, str]) -> Sequence[Mapping[str, str]]:
    """The filters that are set; how many lines are looked at is none."""
    labels = {"find": "Holds", "of": "Of"}
    return [chip(path, query, {name}, labels[name], cut(query[name], 120)) for name in labels if name in query]


PAGE = Page(
    path=PATH,
    permission=ONE.name,
    show=show,
    parts={"lines": lines},
    topics=lambda visit: (f"service:{visit.path['serviceId']}",),
)
