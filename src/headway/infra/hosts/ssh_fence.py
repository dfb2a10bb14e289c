"""Fences on a server: an epoch that one porter holds still, and what is asked meanwhile, which goes by no other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import field
from typing import TYPE_CHECKING

from headway.infra.hosts.epochs import EpochHeld, passed
from headway.infra.hosts.porter import PorterLost
from headway.infra.hosts.wire import Field
from headway.kernel.dataclass import dataclass
from headway.kernel.ids import new_id

if TYPE_CHECKING:
    from headway.infra.hosts.porter_link import Porter
    from headway.infra.hosts.ssh_session import SshSession

# What changes something on the server, and is done by a child of the porter, which may outlive it.
_EFFECTS = frozenset(
    {"make_folder", "write_file", "append", "remove_tree", "remove_files", "move", "make_guest", "end_guest"}
)


@dataclass(slots=True, kw_only=True, eq=False)
class SshFence:
    """An epoch held still by the porter of one connection of a session. ``name`` is that of the hold, like no other's:
    what is let go of is never what somebody else holds.
    """

    session: SshSession
    porter: Porter
    deployment_id: str
    epoch_file: str
    epoch: int
    name: str = field(default_factory=new_id)
    is_over: bool = False

    def guarded(self, verb: str, arguments: tuple[Field, ...]) -> tuple[str, tuple[Field, ...]]:
        """The question by which an effect happens only while the epoch is not passed, and which whoever raises it waits
        for, also where the link has broken meanwhile.
        """
        return ("under", (self.epoch_file, self.epoch, verb, *arguments)) if verb in _EFFECTS else (verb, arguments)

    def admitted(self, answer: list[bytes]) -> list[bytes]:
        """The answer to it. Raises EpochPassed, EpochHeld."""
        if answer[0] == b"passed":
            raise passed(self.deployment_id, self.epoch, int(answer[1]))
        if answer[0] == b"busy":
            raise EpochHeld(f"The run of deployment {self.deployment_id} is being taken over on its server.")
        return answer


_FENCES: ContextVar[tuple[SshFence, ...]] = ContextVar("fences", default=())


def fence_around(session: SshSession) -> SshFence | None:
    """The innermost fence of a session's server in which something is asked, None outside of one."""
    return next((each for each in reversed(_FENCES.get()) if each.session is session and not each.is_over), None)


@contextmanager
def within(fence: SshFence) -> Iterator[None]:
    """What is asked in the block, and in tasks that begin in it, is asked of the fence's porter. Lets go of the epoch
    at the end, where the link has not done so; also where its being held was never answered.
    """
    _FENCES.set((*_FENCES.get(), fence))
    try:
        yield
    finally:
        fence.is_over = True
        _FENCES.set(tuple(each for each in _FENCES.get() if each is not fence))
        with suppress(PorterLost):
            fence.porter.send("", "release", fence.name)
