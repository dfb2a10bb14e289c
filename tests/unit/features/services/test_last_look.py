"""What was replaced serves again where what is in its place ends before it was seen to answer."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import cast

from headway.features.services.last_look import may_end
from headway.features.services.routing import ServiceRouting
from headway.kernel.artifacts import Route

ROUTE = Route(application_id="shop", app_name="shop", release_id="new", ways=(), upstreams=())


class Silent:
    """An edge behind which nobody answers, and nobody says no."""

    async def proven(self, route: Route) -> None:
        assert route is ROUTE
        await asyncio.Event().wait()


class Drained:
    """What was replaced, whose drain is over: there is something to go back to once it is kept for longer."""

    def __init__(self) -> None:
        self.routing = cast("ServiceRouting", Silent())
        self.kept = timedelta()
        self.why = ""

    async def route(self) -> Route:
        return ROUTE

    async def fallen(self) -> str:
        return "The release ended by itself"

    async def keep(self, time: timedelta) -> None:
        self.kept = time

    async def hand_back(self, what: str) -> bool:
        self.why = what if self.kept else ""
        return bool(self.kept)


async def test_what_ends_while_the_edge_still_waits_for_its_answer_is_gone_back_from() -> None:
    replaced = Drained()
    assert not await asyncio.wait_for(may_end(replaced), 10)
    assert replaced.why == "The release ended by itself"
