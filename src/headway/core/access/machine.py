"""Who may use the machine itself, and which settings are a use of it: the table of powers."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from headway.core.access.model import Actor, Role
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import Forbidden

FIRST_FREE_PORT = 1_024
"""Those below are the machine's own: only root listens there."""

_GIVEN = (
    "That is for owners of the panel's first organisation, with a key for all projects, and for organisations that "
    "they have given the machine to (organization.grantMachine)."
)
_OF_A_SERVER = "That is for owners and admins of the organisation, with a key for all projects."


class Power(StrEnum):
    """What reaches a machine past an application's own accounts, files and network."""

    BIND = "bind"
    FOLDER = "folder"
    FETCH = "fetch"
    HOST = "host"
    LOOPBACK = "loopback"
    PORT = "port"
    ROUTING = "routing"
    SCHEDULE = "schedule"
    DESTINATION = "destination"


_SHOWN: Mapping[Power, str] = MappingProxyType(
    {
        Power.BIND: "A bind mount of {}",
        Power.FOLDER: "The folder {} as a repository",
        Power.FETCH: "What a Dockerfile lets the engine fetch (engineFetch)",
        Power.HOST: "The use of the host by a compose file (allowHostAccess)",
        Power.LOOPBACK: "Port {} of the loopback",
        Power.PORT: "The published port {}, which is below 1024,",
        Power.ROUTING: "A Traefik configuration of one's own",
        Power.SCHEDULE: "A schedule on a machine",
        Power.DESTINATION: "A destination in a folder of the machine",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """A setting's exact value that needs a power, on the panel's own machine or on a server of the organisation.
    Values that are long or secret are given as a digest.
    """

    power: Power
    value: str = ""
    server_id: str | None = None

    @property
    def shown(self) -> str:
        """It as the subject of a sentence."""
        return _SHOWN[self.power].format(self.value)


class MachineRefused(Forbidden):
    """A setting reaches the machine, which the caller was not given. ``what`` is the setting as a subject in the
    singular: "A bind mount of /srv".
    """

    def __init__(self, what: str, *, of_server: bool = False) -> None:
        which, whom = ("a server", _OF_A_SERVER) if of_server else ("the machine", _GIVEN)
        super().__init__(f"{what} reaches {which} itself. {whom}")


def may_use_the_machine(actor: Actor) -> bool:
    """Whether the caller may have settings that reach the machine: its files, its network, its root account.

    It is true for an owner of the first organisation, and for whom that owner granted it, with a key for all
    projects. A start does not ask this of whoever starts.
    """
    return actor.on_machine and actor.terms.projects is None


def require_machine(actor: Actor, what: str) -> None:
    """Raises MachineRefused where the caller may not use the machine."""
    if not may_use_the_machine(actor):
        raise MachineRefused(what)


def may_have(actor: Actor, need: Need) -> bool:
    """Whether the caller may save this. A server is the organisation's own: who adds and sets up servers has root on
    them already.
    """
    if need.server_id is None:
        return may_use_the_machine(actor)
    return actor.role >= Role.ADMIN and actor.terms.projects is None


def require_need(actor: Actor, need: Need) -> None:
    """See ``may_have``. Raises MachineRefused."""
    if not may_have(actor, need):
        raise MachineRefused(need.shown, of_server=need.server_id is not None)
