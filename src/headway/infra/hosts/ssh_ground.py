"""A server below an anchor: everything goes by its porter."""

from __future__ import annotations

import os
from urllib.parse import unquote_to_bytes

from headway.infra.hosts import ground
from headway.infra.hosts.base import AnchorGone, Exit, Handle
from headway.infra.hosts.command import Command
from headway.infra.hosts.epochs import passed
from headway.infra.hosts.ground import Care
from headway.infra.hosts.link import Link
from headway.infra.hosts.local_ground import LEAVING_SECONDS
from headway.infra.hosts.run_folder import run_name
from headway.infra.hosts.ssh_session import SshSession
from headway.infra.hosts.wire import SPARE_BYTES, read_exit
from headway.kernel.errors import HeadwayError

_MOST_EXITS_BYTES = 32 << 20  # a run has some dozens of commands, and few whose output is kept with their end


class SshGround:
    """Fits ``Ground``; ``tidy`` and ``sweep`` are the host's."""

    def __init__(self, session: SshSession, *, epoch_file: str, tidy: Care, sweep: Care) -> None:
        self.tidy = tidy
        self.sweep = sweep
        self._session = session
        self._epoch_file = epoch_file

    async def connect(self, handle: Handle) -> Link:
        link = Link()
        await self._session.dial(handle.run_folder, "socket", link)
        if self._is_of_another_boot(handle):
            link.close()
            raise ground.other_boot(handle)
        return link

    async def go(self, handle: Handle) -> str:
        _, *said = await self._session.ask("go", _name(handle))
        return said[0].decode() if said else ""

    def abandon(self, handle: Handle) -> None:
        """See ``Ground``. Nobody waits for it: where the link is gone the anchor has ended by that."""
        self._session.tell("abandon", _name(handle))

    def check_accounts(self, command: Command) -> None:
        """See ``Ground``: the porter is root."""

    async def check_epoch(self, handle: Handle, epoch: int) -> None:
        _, current = await self._session.ask("epoch", self._epoch_file)
        if int(current) > epoch:
            raise passed(handle.deployment_id, epoch, int(current))

    async def exits(self, handle: Handle) -> dict[str, Exit]:
        return await exits(self._session, handle)

    async def read(self, handle: Handle, epoch: int, offset: int, limit: int) -> bytes:
        asked = (handle.run_folder, offset, limit, self._epoch_file, epoch)
        word, answer = await self._session.ask("read_held", *asked, most_bytes=limit + SPARE_BYTES)
        if word == b"passed":
            raise passed(handle.deployment_id, epoch, int(answer))
        return answer

    async def size(self, handle: Handle) -> int:
        return int((await self._session.ask("size", handle.run_folder))[1])

    async def gone(self, handle: Handle) -> AnchorGone | None:
        found = await looked(self._session, handle)
        return ground.other_boot(handle) if self._is_of_another_boot(handle) else found

    async def await_death(self, handle: Handle) -> bool:
        asked = ("await_death", handle.pid, handle.start_time, LEAVING_SECONDS)
        return (await self._session.ask(*asked))[1] == b"1"

    def _is_of_another_boot(self, handle: Handle) -> bool:
        """Whether the server was started again since: what has the anchor's process number there is somebody else. To
        be asked of the connection that answered.
        """
        return handle.boot_id != self._session.boot_id


async def exits(session: SshSession, handle: Handle) -> dict[str, Exit]:
    """The recorded ends of a run's commands."""
    _, *found = await session.ask("exits", handle.run_folder, most_bytes=_MOST_EXITS_BYTES)
    ends = {}
    for name, record in zip(found[::2], found[1::2], strict=True):
        try:
            ends[os.fsdecode(unquote_to_bytes(name.decode().removesuffix(".exit")))] = read_exit(record)
        except ValueError:  # a power cut may leave a file without its content; it is no record
            continue
    return ends


async def looked(session: SshSession, handle: Handle) -> AnchorGone | None:
    """What became of an anchor, None for one that lives."""
    word, *rest = await session.ask("look", handle.run_folder, handle.pid, handle.start_time)
    if word != b"ok":
        raise HeadwayError(f"The anchor of deployment {handle.deployment_id} cannot be looked at.")
    match rest:
        case [b"alive"]:
            return None
        case [b"never_started"]:
            return ground.never_started(handle)
        case _:
            return ground.gone(handle, rest[-1].decode(errors="replace") if len(rest) > 1 else "")


def _name(handle: Handle) -> str:
    return run_name(handle.deployment_id, handle.epoch)
