"""What a visitor is answered through the edge at the first address of a release that has just come to serve."""

from __future__ import annotations

import time
from enum import StrEnum
from urllib.parse import urlsplit

from headway.drivers.edge.route_probe import Prober, reachable
from headway.infra import http_request
from headway.kernel.artifacts import Entrance, Route, Way
from headway.kernel.dataclass import dataclass

_SECONDS = 5.0
_FAILS = 500
_BAD, _MISDIRECTED = 400, 421
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class Trouble(StrEnum):
    """What a program seems not to know of where it is: its own host; that its address has no HTTPS, where it sends
    everybody; or that who is sent there has come by HTTPS already.
    """

    HOST = "host"
    HTTPS = "https"
    LOOP = "loop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """How ``path`` was answered, and after how many milliseconds; ``status`` is None where nobody did in time."""

    path: str
    status: int | None
    ms: int
    trouble: Trouble | None = None

    @property
    def warning(self) -> str | None:
        """What is to be said of it, None where it is as it should be."""
        if self.status is None:
            return f"GET {self.path} through the edge got no answer within {self.ms / 1000:.0f} s."
        if self.status < _FAILS and self.trouble is None:
            return None
        return f"GET {self.path} through the edge answers {self.status} (after {self.ms} ms)."


async def first_answer(prober: Prober, route: Route) -> Answered:
    """Asks as a visitor does, once: by HTTPS where requests come in by that alone."""
    way = route.ways[0]
    https = prober.https if way.entrance is Entrance.HTTPS else None
    status, trouble = None, None
    began = time.monotonic()
    try:
        answer = await http_request.get(
            reachable(prober.host),
            prober.port if https is None else https.port,
            way.path,
            headers={"Host": way.host, "User-Agent": "Headway-Visitor", "Accept": "*/*"},
            timeout_seconds=_SECONDS,
            tls_name=None if https is None else way.host,
            own_port=None if prober.held is None else prober.held.own_port,
        )
        status = answer.status
        has_https = prober.https is not None and way.entrance is not Entrance.HTTP
        trouble = _trouble(answer, way, is_secure=https is not None, has_https=has_https)
    except http_request.NoAnswer:
        pass
    return Answered(path=way.path, status=status, ms=round((time.monotonic() - began) * 1000), trouble=trouble)


def _trouble(answer: http_request.Answer, way: Way, *, is_secure: bool, has_https: bool) -> Trouble | None:
    """What the answer shows. One in JSON is an API's, which may answer so to everybody who asks for nothing."""
    is_json = "json" in answer.headers.get("content-type", "").partition(";")[0]
    if answer.status == _MISDIRECTED or (answer.status == _BAD and not is_json):
        return Trouble.HOST
    if answer.status not in _REDIRECTS:
        return None
    try:
        to = urlsplit(answer.headers.get("location", ""))
        is_same = to.scheme == "https" and to.hostname == way.host
    except ValueError:
        return None
    if is_same and is_secure:
        return Trouble.LOOP if (to.path or "/") == way.path and not to.query else None
    return Trouble.HTTPS if is_same and not has_https else None
