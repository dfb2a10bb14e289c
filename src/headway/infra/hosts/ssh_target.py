"""Where a server is and how it is entered, and what it means to be refused there; SSH itself is not loaded for this."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import field, replace

from headway.infra import outward_connections
from headway.infra.hosts.base import HostUnreachable
from headway.kernel.dataclass import dataclass
from headway.kernel.secret import Secret

CONNECT_SECONDS = 10.0
KEEPALIVE_SECONDS = 5
KEEPALIVE_COUNT = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class SshTarget:
    """Where a server is and how it is entered. ``host_key`` is the public key that it showed the first time (OpenSSH's
    one line), None before that; ``jump`` is the server through which it is reached. One that is ``guarded``, and is
    reached from here, is of the internet.
    """

    name: str
    address: str
    port: int
    username: str
    private_key: Secret = field(repr=False)
    host_key: str | None = None
    jump: SshTarget | None = None
    guarded: bool = False

    @property
    def place(self) -> str:
        """The server as sentences name it."""
        return f"{self.name} ({self.username}@{self.address}:{self.port})"


class HostRefused(HostUnreachable):
    """The server answers, and does not let Headway work: somebody has to change something."""


class HostKeyChanged(HostRefused):
    """The server shows another key than the one that was pinned."""

    def __init__(self, target: SshTarget, shown: str | None) -> None:
        now = f" It now shows {shown}." if shown else ""
        super().__init__(
            f"The host key of {target.place} has changed from {fingerprint(target.host_key or '')}.{now} Either the "
            "machine was set up anew, or somebody is between it and Headway: compare the fingerprint on the machine "
            "(ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub), then let Headway forget the old key."
        )


async def judged(target: SshTarget) -> SshTarget:
    """The same, at an address that was looked up and judged where that is asked for. Raises HostRefused, OSError,
    TimeoutError.
    """
    if target.jump is not None:
        return replace(target, jump=await judged(target.jump))
    if not target.guarded:
        return target
    try:
        return replace(target, address=await outward_connections.judged(target.address, target.port))
    except outward_connections.LeadsNear as near:
        raise HostRefused(f"{target.place} is not connected to. {near.message}") from near


def fingerprint(host_key: str) -> str:
    """A public key as people compare it: the SHA256 of its blob, as ``ssh-keygen -l`` writes it."""
    try:
        _, blob, *_ = host_key.split()
        digest = hashlib.sha256(base64.b64decode(blob, validate=True)).digest()
    except ValueError:
        return "an unknown key"
    return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"
