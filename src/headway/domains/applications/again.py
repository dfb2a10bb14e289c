"""A second try of something within one run: its commands have names of their own, so that they are started anew."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from headway.core.deployments.run import Json
from headway.infra.hosts.base import Exit, Host
from headway.infra.hosts.command import Command
from headway.infra.hosts.work import Work


class Again:
    """The same work, in which no command has run yet; fits ``infra.hosts.work.Work``."""

    def __init__(self, work: Work) -> None:
        self.host: Host = work.host
        self._work = work

    async def command(self, name: str, command: Command, *, check: bool = True) -> Exit:
        """See ``Work.command``."""
        return await self._work.command(f"{name}-again", command, check=check)

    async def say(self, text: str) -> None:
        """See ``Work.say``."""
        await self._work.say(text)

    async def undo(self, name: str, data: Json) -> None:
        """See ``Work.undo``."""
        await self._work.undo(name, data)

    def fence(self) -> AbstractAsyncContextManager[None]:
        """See ``Work.fence``."""
        return self._work.fence()
