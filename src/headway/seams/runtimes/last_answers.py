"""The last answers of a Traefik whose place another takes: each asks its client to come again by a new connection.

A Traefik that ends closes the connections on which nothing is under way, and what a client sends on one of them in that
very moment is lost. So those who ask often are sent away first, each with an answer.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from headway.seams.runtimes.private_file import write_privately
from headway.seams.runtimes.route_file import RECORD

_ASKING_SECONDS = 0.5  # who has asked nothing for as long will hardly ask in the one moment that matters


async def send_away(routes: Path, *, beside: Path, reader: int | None) -> None:
    """Has every route of the folder ask for new connections, and returns once those who ask often have been told."""
    if await asyncio.to_thread(_mark_all, routes, beside, reader):
        await asyncio.sleep(_ASKING_SECONDS)


def _mark_all(routes: Path, beside: Path, reader: int | None) -> bool:
    marked = {path: _marked(path) for path in routes.glob("*.yml")}
    for path, text in marked.items():
        if text is not None:
            write_privately(path, text, beside=beside, reader=reader)
    return any(marked.values())


def _marked(path: Path) -> str | None:
    """The file with the mark on each of its routers; None where it is of another form, or gone."""
    name = f"{path.stem}.last"
    try:
        record, _, rest = path.read_text().partition("\n")
        if not record.startswith(RECORD):
            return None
        held = json.loads(rest)
        for router in held["http"]["routers"].values():
            router["middlewares"] = [name, *router.get("middlewares", [])]
        held["http"]["middlewares"][name] = {"headers": {"customResponseHeaders": {"Connection": "close"}}}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return f"{record}\n{json.dumps(held, indent=1)}"
