"""Errors across the link: the kinds that callers tell apart keep their kind, all of them their sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headway.drivers.edge.edge import CertificateNotShown, HostTaken
from headway.drivers.edge.entrances import EdgeBroken
from headway.drivers.edge.route_probe import NotReached, RouteNotProven
from headway.drivers.runtimes.contract.machine import ProgramAway
from headway.drivers.runtimes.contract.runtime import NotRunning, PortTaken, Unhealthy, UnknownRelease
from headway.drivers.runtimes.process.rpc import SupervisordAway
from headway.infra.docker.api import EngineAway
from headway.kernel.errors import Conflict, HeadwayError, InvalidInput, OutOfMemory, Unavailable

_KINDS: Mapping[str, type[HeadwayError]] = {
    kind.__name__: kind
    for kind in (
        *(Conflict, InvalidInput, OutOfMemory, Unavailable),
        *(NotRunning, PortTaken, Unhealthy, UnknownRelease, SupervisordAway, ProgramAway),
        *(CertificateNotShown, EdgeBroken, HostTaken, NotReached, RouteNotProven),
    )
}


def told(error: HeadwayError) -> dict[str, str]:
    """An error as it is sent."""
    kinds = (kind.__name__ for kind in type(error).__mro__ if kind.__name__ in _KINDS)
    kind = EngineAway.__name__ if isinstance(error, EngineAway) else next(kinds, HeadwayError.__name__)
    return {"kind": kind, "message": error.message}


def heard(said: Mapping[str, Any], place: str) -> HeadwayError:
    """The error that was sent; it names the server, where the sentence would else be read as about the panel's own
    machine.
    """
    message = str(said.get("message", ""))
    kind = _KINDS.get(str(said.get("kind")), Unavailable if said.get("kind") == EngineAway.__name__ else HeadwayError)
    if issubclass(kind, Unavailable):
        message = f"On {place}: {message}"
    return kind(message)
