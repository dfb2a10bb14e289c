"""What a visitor is answered through the edge at the first address of a release that has just come to serve."""

from __future__ import annotations

import time
from dataclasses import dataclass

from headway.kernel.artifacts import Route
from headway.seams.runtimes import requests
from headway.seams.runtimes.proving import Prober, reachable

_SECONDS = 5.0
_FAILS = 500
# What programs say to who asks for a host that is none of theirs.
REFUSES_HOST = frozenset({400, 421})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """How ``path`` was answered, and after how many milliseconds; ``status`` is None where nobody did in time."""

    path: str
    status: int | None
    ms: int

    @property
    def warning(self) -> str | None:
        """What is to be said of it, None where it is as it should be."""
        if self.status is None:
            return f"GET {self.path} through the edge got no answer within {self.ms / 1000:.0f} s."
        if self.status < _FAILS and self.status not in REFUSES_HOST:
            return None
        return f"GET {self.path} through the edge answers {self.status} (after {self.ms} ms)."


async def first_answer(prober: Prober, route: Route) -> Answered:
    """Asks as a visitor does, once."""
    way = route.ways[0]
    began = time.monotonic()
    try:
        answer = await requests.get(
            reachable(prober.host),
            prober.port,
            way.path,
            headers={"Host": way.host, "User-Agent": "Headway-Visitor", "Accept": "*/*"},
            timeout_seconds=_SECONDS,
            own_port=None if prober.held is None else prober.held.own_port,
        )
        status = answer.status
    except requests.NoAnswer:
        status = None
    return Answered(path=way.path, status=status, ms=round((time.monotonic() - began) * 1000))
