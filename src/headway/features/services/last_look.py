"""Looks once more, before what was replaced ends, whether what is in its place still answers."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from datetime import timedelta
from typing import Never, Protocol

from headway.core.engine.background import while_standing
from headway.drivers.edge.route_probe import RouteNotProven
from headway.features.services.routing import ServiceRouting
from headway.kernel.artifacts import Route
from headway.kernel.errors import Unavailable

LONGEST = timedelta(seconds=60)
"""How long a release may answer nobody before the one that it replaced serves again. A program with one worker answers
nobody for as long as it works on one request."""
_SILENT = "The release stopped answering"
_PAUSE = _AT_ONCE = 1.0


class Replaced(Protocol):
    """What was replaced and runs yet, beside what is in its place."""

    @property
    def routing(self) -> ServiceRouting:
        """Who asks."""
        ...

    async def route(self) -> Route | None:
        """By which ways requests have to arrive at what is in its place; None where nothing is asked."""
        ...

    async def fallen(self) -> str | None:
        """What of that has ended by itself, as the beginning of a sentence; None where nothing has."""
        ...

    async def keep(self, time: timedelta) -> None:
        """Leaves it for so long yet, for whoever asks meanwhile what there is to go back to."""
        ...

    async def hand_back(self, what: str) -> bool:
        """Leads requests to what was replaced, where it runs; whether it serves again. ``what`` is the beginning of the
        sentence that says why.
        """
        ...


class _EndedMeanwhile(Exception):
    """What is looked at has ended by itself; the message is how, as the beginning of a sentence."""


async def may_end(replaced: Replaced) -> bool:
    """Whether what was replaced may end: requests arrive at what is in its place. Until they do it stays, since that is
    what there is to go back to: it serves again where the other ends by itself, or answers nobody for ``LONGEST``.
    Raises HeadwayError where it is the edge that does not answer.
    """
    began, is_kept = time.monotonic(), False
    while (route := await replaced.route()) is not None:
        try:
            await while_standing(replaced.routing.proven(route), lambda: _ended(replaced))
            if time.monotonic() > began + _AT_ONCE:  # it may answer since it was started again
                await _require_standing(replaced)
        except _EndedMeanwhile as ended:
            await replaced.keep(2 * LONGEST)  # its drain is over, and what is over is nothing to go back to
            return not await replaced.hand_back(str(ended))
        except RouteNotProven:
            await replaced.routing.taken_up(route)  # else it is the edge that is silent
            if time.monotonic() > began + LONGEST.total_seconds():
                return not await replaced.hand_back(_SILENT)
        else:
            return True
        if not is_kept:
            await replaced.keep(2 * LONGEST)
            is_kept = True
        await asyncio.sleep(_PAUSE)
    return True


async def _ended(replaced: Replaced) -> Never:
    while True:
        await asyncio.sleep(_PAUSE)  # what was started again and answers at once is not gone back from
        with suppress(Unavailable):  # nobody knows then
            await _require_standing(replaced)


async def _require_standing(replaced: Replaced) -> None:
    if (what := await replaced.fallen()) is not None:
        raise _EndedMeanwhile(what)
