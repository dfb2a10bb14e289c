"""Under which terms a program of ours runs that handles what strangers send."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn, Protocol

from headway.infra.daemons import confiner
from headway.kernel.dataclass import dataclass

# The home of a program that works there: what lies above may let its account not pass, and it could not look it up.
AT_HOME = "."


class Handed(Protocol):
    """Sockets that a program is handed: which are ``wanted``, each with its address and port, and the ``file`` that
    says who holds them.
    """

    @property
    def wanted(self) -> tuple[tuple[str, str, int], ...]: ...

    @property
    def file(self) -> Path: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Confinement:
    """The account of the program, and the empty folder that is its home and where it works. It is handed
    ``entrances``; with ``dies_with_parent`` it ends when whoever starts it does. ``script`` is what a process of its
    own is started by.
    """

    uid: int
    folder: Path
    entrances: Handed | None = None
    dies_with_parent: bool = False
    memory_bytes: int | None = None
    script: Path = Path(confiner.__file__)

    def command_line(self, argv: tuple[str, ...]) -> tuple[str, ...]:
        """The arguments of a process that becomes the program."""
        return (sys.executable, "-I", "-S", str(self.script), json.dumps(self._terms()), *argv)

    def become(self, argv: tuple[str, ...], env: Mapping[str, str]) -> NoReturn:
        """Turns this process into it. Raises OSError."""
        confiner.become(self._terms(), argv, env)

    def _terms(self) -> dict[str, Any]:
        return {
            "uid": self.uid,
            "folder": str(self.folder),
            "entrances": [] if self.entrances is None else list(self.entrances.wanted),
            "holding": None if self.entrances is None else str(self.entrances.file),
            "dies_with_parent": self.dies_with_parent,
            "memory": self.memory_bytes,
        }
