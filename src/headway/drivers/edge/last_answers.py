"""The last answers of a Traefik whose place another takes: each asks its client to come again by a new connection.

A Traefik that ends closes the connections on which nothing is under way, and what a client sends on one of them in that
very moment is lost. A connection that it has taken and heard nothing on yet it forgets: its client waits in vain. So
those who are connected are sent away first, each with an answer, and it ends when it has heard everybody.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import field
from functools import partial

from headway.drivers.edge.file_text import written
from headway.drivers.edge.route_file import RECORD
from headway.drivers.edge.route_folder import RouteFolder
from headway.drivers.edge.route_probe import Prober, Wait
from headway.drivers.edge.traefik import telling
from headway.infra import http_request
from headway.infra.hosts import sockets
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput

_TAKING_UP_SECONDS = 2.0
_ASKING_SECONDS = 2.0  # who has asked nothing for as long will hardly ask in the one moment that matters
_HEARING_SECONDS = 1.0
_ANSWERING_SECONDS = 0.3  # what takes longer is under way, and Traefik ends that


@dataclass(slots=True, kw_only=True)
class LastAnswers:
    """Those of a Traefik that answers by the routes of ``files``; ``prober`` asks it."""

    files: RouteFolder
    prober: Prober
    _staying: frozenset[int] = field(default=frozenset())

    async def send_away(self) -> None:
        """Has every route ask for new connections, and returns once all who were connected have been told, or asked
        nothing for some time.
        """
        path = await asyncio.to_thread(self._mark_all)
        if path is None:
            return
        wait = Wait(_TAKING_UP_SECONDS)
        with contextlib.suppress(http_request.NoAnswer):
            while not await self.prober.knows(path) and not wait.is_over:
                await wait.pause()
        before = (await self._look()).taken
        wait = Wait(_ASKING_SECONDS)
        while (staying := before & (await self._look()).taken) and not wait.is_over:
            await wait.pause()
        self._staying = staying

    async def given(self) -> None:
        """Returns once whoever came before the doors were shut has been heard; what they wait for may take longer."""
        wait = Wait(_HEARING_SECONDS)
        while not wait.is_over:
            seen = await self._look()
            answered = seen.taken <= self._staying or wait.left_seconds < _HEARING_SECONDS - _ANSWERING_SECONDS
            if answered and not seen.some_unheard:
                return
            await wait.pause()

    async def _look(self) -> sockets.Visits:
        https = self.prober.https
        of = {self.prober.port, *(() if https is None else (https.port,))}
        return await asyncio.to_thread(sockets.visits, of)

    def _mark_all(self) -> str | None:
        """A path that is known once all of the marks are."""
        known = None
        for name in sorted(self.files.marks()):
            with contextlib.suppress(OSError, ValueError, InvalidInput):  # it is of no form of ours
                if self.files.change(name, partial(_marked, name)):
                    known = _known_by(name)
        return known


def _marked(application_id: str, text: str) -> str | None:
    """The file with the mark on each of its routers, and a router more, which tells that it is read; None where it is
    of no form of ours. Those of the first version have no record.
    """
    name = f"{application_id}.last"
    record, _, rest = text.partition("\n") if text.startswith(RECORD) else ("", "", text)
    try:
        held = json.loads(rest)
        http = held["http"]
        for router in http["routers"].values():
            router["middlewares"] = [name, *(each for each in router.get("middlewares", []) if each != name)]
        http["middlewares"][name] = {"headers": {"customResponseHeaders": {"Connection": "close"}}}
        http["routers"][name] = telling(_known_by(application_id))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    marked = written(held, indent=1)
    return f"{record}\n{marked}" if record else marked


def _known_by(application_id: str) -> str:
    return f"/last/{application_id}"
