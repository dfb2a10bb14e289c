"""Requests through the edge whose answers name the release and the revision of the route file that led to it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping

from headway.drivers.edge.entrances import Held
from headway.drivers.edge.route_file import PROBE, PROBE_HEADER, RELEASE_HEADER, REVISION_HEADER, THROUGH
from headway.drivers.edge.traefik import NOBODY, Https
from headway.infra import http_request
from headway.kernel.artifacts import Entrance, Route, Way
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import HeadwayError

# What the edge says when it could not reach the release, with the length of its words, and what leads from it into a
# swarm: no proof that the route leads there. What a release says itself with such a status has more headers.
_NOT_REACHED: Mapping[int, str] = {502: "11", 504: "15"}
_OF_THE_EDGE = frozenset({"content-length", "content-type", "date", "connection"})
_FORWARDER: Mapping[str, str] = {"server": "Caddy", "content-length": "0"}
PROOF_SECONDS = 10.0
_SHORTEST_SECONDS = 0.1
_HANDSHAKE_SECONDS = 2.0
_KNOCK_SECONDS = 1.0
_NOT_FOUND = 404
_FIRST_PAUSE = 0.005
_LONGEST_PAUSE = 0.1
_GROWTH = 1.1


class RouteNotProven(HeadwayError):
    """A route was written, and requests through the edge do not end at its release."""


class NotReached(RouteNotProven):
    """The edge leads to a release, and nobody answers there."""


class Wait:
    """A wait for a fact: how long it may take, and pauses between looks that grow longer."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds
        self._pause = _FIRST_PAUSE

    @property
    def left_seconds(self) -> float:
        return self._end - time.monotonic()

    @property
    def is_over(self) -> bool:
        return self.left_seconds <= 0

    async def pause(self) -> None:
        await asyncio.sleep(self._pause)
        self._pause = min(self._pause * _GROWTH, _LONGEST_PAUSE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One request: by which way, to the release or (``through``) only past what stands before it, over HTTPS or not."""

    way: Way
    through: bool
    secure: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What came back: in words, and what the answer named; ``is_led`` where it says that the edge leads there, and that
    nobody is there, ``is_silent`` where no answer came.
    """

    words: str
    release_id: str | None = None
    revision: str | None = None
    is_led: bool = False
    is_silent: bool = False


@dataclass(slots=True, kw_only=True)
class Prober:
    """Asks the edge that answers on ``host``; ``secret`` opens the probes of its route files. Where its entrances are
    ``held`` and shut, we come in by ports of our own.
    """

    host: str
    port: int
    https: Https | None
    secret: str = ""
    held: Held | None = None

    def probes(self, route: Route) -> Iterator[Probe]:
        """What proves that the route leads to its release."""
        guarded = bool(route.redirects or route.logins or route.own)
        for way in route.ways:
            yield Probe(way=way, through=False)
            if guarded or way.entrance is Entrance.HTTPS:
                yield from self._past(way)

    def passages(self, route: Route) -> Iterator[Probe]:
        """What proves that the edge has taken the route up, whether the release answers or not."""
        for way in route.ways:
            yield from self._past(way)

    async def ask(self, probe: Probe, patience: float) -> Seen:
        """One try."""
        way, word = probe.way, THROUGH if probe.through else PROBE
        headers = {"Host": way.host, PROBE_HEADER: f"{self.secret}.{word}", "User-Agent": "Headway-Probe"}
        secure = probe.secure and self.https is not None
        try:
            answer = await http_request.get(
                reachable(self.host),
                self.https.port if secure and self.https is not None else self.port,
                way.path,
                headers=headers,
                timeout_seconds=max(_SHORTEST_SECONDS, round(patience, 1)),  # it is named where nothing came
                tls_name=way.host if secure else None,
                own_port=None if self.held is None else self.held.own_port,
            )
        except http_request.NoAnswer as silence:
            return Seen(words=str(silence), is_silent=True)
        named = answer.headers.get(RELEASE_HEADER.lower())
        revision = answer.headers.get(REVISION_HEADER.lower())
        if _is_the_edges_own(answer):
            words = f"the edge could not reach the release (status {answer.status})"
            return Seen(words=words, release_id=named, revision=revision, is_led=True)
        words = f"they end at {named or 'no release'} (status {answer.status})"
        return Seen(words=words, release_id=named, revision=revision)

    async def knows(self, path: str) -> bool:
        """Whether it has read the file that is ``telling`` of the path. Raises NoAnswer."""
        own_port = None if self.held is None else self.held.own_port
        headers = {"Host": NOBODY}
        answer = await http_request.get(
            reachable(self.host), self.port, path, headers=headers, timeout_seconds=_KNOCK_SECONDS, own_port=own_port
        )
        return answer.status != _NOT_FOUND

    async def certificate_for(self, host: str) -> bytes | None:
        """The certificate that who asks for the host is shown, None where there is none to be seen."""
        if self.https is None:
            return None
        try:
            return await http_request.certificate(
                reachable(self.host), self.https.port, tls_name=host, timeout_seconds=_HANDSHAKE_SECONDS
            )
        except http_request.NoAnswer:
            return None

    def _past(self, way: Way) -> Iterator[Probe]:
        yield Probe(way=way, through=True)
        if self.https is not None and way.entrance is Entrance.HTTPS:
            yield Probe(way=way, through=True, secure=True)


def not_proven(probe: Probe, seen: Seen, seconds: float, *, to_release: bool) -> RouteNotProven:
    """What to raise for a probe that was answered so for so long."""
    host = probe.way.host
    if not to_release:
        return RouteNotProven(f"The edge has not taken up the route for {host} within {seconds:g} s: {seen.words}.")
    kind = NotReached if seen.is_led else RouteNotProven
    return kind(
        f"Requests for {host} did not reach the new release within {seconds:g} s: {seen.words}. Look whether "
        "it still answers on its port, then deploy again."
    )


def _is_the_edges_own(answer: http_request.Answer) -> bool:
    if answer.status not in _NOT_REACHED:
        return False
    if _FORWARDER.items() <= answer.headers.items():
        return True
    said = answer.headers.keys() - {RELEASE_HEADER.lower(), REVISION_HEADER.lower()}
    return answer.headers.get("content-length") == _NOT_REACHED[answer.status] and said <= _OF_THE_EDGE


def reachable(host: str) -> str:
    """An address at which what listens on ``host`` answers."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104 - told apart, not bound
