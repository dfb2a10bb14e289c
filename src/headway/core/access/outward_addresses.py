"""Where addresses that callers save may lead: to the internet, unless they may use the machine."""

from __future__ import annotations

import re

from headway.core.access.machine import may_use_the_machine
from headway.core.access.model import Actor
from headway.kernel.addresses import near_host
from headway.kernel.errors import Forbidden


class NearRefused(Forbidden):
    """An address leads to the machine or to a network that only it reaches, which the caller was not given."""

    def __init__(self, what: str, host: str) -> None:
        super().__init__(
            f"{what} leads to {host}, this machine or a private network. That is for owners of the panel's first "
            "organisation, with a key for all projects, and for organisations that they have given the machine to "
            "(organization.grantMachine)."
        )


_HOST = re.compile(r"[\w.:-]+|\[[0-9A-Fa-f:.]+\]")


def require_outward_host(actor: Actor, host: str, what: str) -> None:
    """The same of what is a host and nothing else: to clients of databases a path is a socket of this machine, and a
    list are several hosts.
    """
    if host and not may_use_the_machine(actor) and not _HOST.fullmatch(host):
        raise NearRefused(what, host)
    require_outward(actor, host, what)


def require_outward(actor: Actor, address: str | None, what: str) -> None:
    """Raises NearRefused where the caller may not have this address. What a name leads to is judged when it is used."""
    if address and not may_use_the_machine(actor) and (host := near_host(address)) is not None:
        raise NearRefused(what, host)
