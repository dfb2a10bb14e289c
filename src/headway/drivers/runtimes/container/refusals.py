"""What an engine says when it does not make or start a container, in sentences that lead to the mend."""

from __future__ import annotations

import re

from headway.drivers.runtimes.contract.runtime import PortTaken, Unhealthy
from headway.infra.docker.api import EngineRefused

_PORT = re.compile(r"(?:(?<![0-9.])[0-9.]++|\[[0-9a-f:]*\]):(\d+)")
_TAKEN = ("port is already allocated", "address already in use")
# A path that is longer than Linux takes is refused in other words.
_NO_PROGRAM = re.compile(r'exec: "([^"]*)": (executable file not found|stat .{0,4200}no such file|permission denied)')
_NO_SPACE_FOR_NETWORKS = ("non-overlapping IPv4 address pool", "fully subnetted")


def translated(refused: EngineRefused) -> Unhealthy:
    """The refusal as an error of the release."""
    said = refused.message
    if any(word in said for word in _TAKEN):
        found = _PORT.search(said)
        port = f"Port {found[1]}" if found else "One of its ports"
        return PortTaken(
            f"{port} of this machine is taken already, so the release cannot have it. End what holds it, or publish "
            "another port; a port that Headway chose is another one at the next deploy."
        )
    if program := _NO_PROGRAM.search(said):
        return Unhealthy(
            f"The container cannot be started: the image has no program {program[1]!r} that can be run. Correct the "
            "command, or the image."
        )
    if any(word in said for word in _NO_SPACE_FOR_NETWORKS):
        return Unhealthy(
            "Docker has no addresses left for the network of this project. Remove networks that nobody needs (docker "
            "network prune), or give it more (default-address-pools in /etc/docker/daemon.json)."
        )
    return Unhealthy(f"The container cannot be started. {said}")
