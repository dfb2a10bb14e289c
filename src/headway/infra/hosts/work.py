"""What a piece of a run (a source, a builder, a runtime) may ask of the run that it works in."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from headway.infra.hosts.base import Exit, Host
from headway.infra.hosts.command import Command


class Work(Protocol):
    """The part of a run that the drivers see; `core.deployments.run.Run` fits it."""

    host: Host

    async def command(self, name: str, command: Command, *, check: bool = True) -> Exit:
        """Runs a command once in the life of the run; with ``check`` a failure ends the run with an error that names
        it, its exit status or signal and the last line that it wrote.
        """
        ...

    async def say(self, text: str) -> None:
        """Adds a line to the log; the n-th call within a step says its line once, also when repeated."""
        ...

    def masked(self, text: str) -> str:
        """``text`` as the log would show it. What is to be cut or taken apart is masked before: a piece of a secret is
        not known for one.
        """
        ...

    async def undo(self, name: str, data: Any) -> None:  # noqa: ANN401 - any JSON value
        """Records, before an effect, what takes it back if the run ends as ``error``."""
        ...

    def fence(self) -> AbstractAsyncContextManager[None]:
        """Guards an effect outside the anchor; refused when the run is no longer ours."""
        ...
