"""What keeps a program up that is to live where no panel and no systemd looks after it."""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from headway.infra.daemons import confiner, respawn_guard
from headway.infra.daemons.confinement import Confinement
from headway.infra.hosts.private_file import write_privately
from headway.kernel.dataclass import dataclass

_MOST_TOLD = 20


@dataclass(frozen=True, slots=True)
class Minded:
    """A minder's files, below ``root``. The arguments stay the same over versions: an upgrade ends nothing."""

    root: Path

    def command_line(self, argv: tuple[str, ...], terms: Confinement | None) -> tuple[str, ...]:
        """The arguments of the minder of a program, which runs under these terms."""
        started = (
            argv if terms is None else replace(terms, dies_with_parent=True, script=self._confined).command_line(argv)
        )
        return (sys.executable, "-I", "-S", str(self.root / "minder.py"), str(self._journal), argv[0], *started)

    def lay_out(self) -> None:
        """Puts the minder, and what the program is started by, where they are started from."""
        for source, target in ((respawn_guard, self.root / "minder.py"), (confiner, self._confined)):
            write_privately(target, Path(source.__file__ or "").read_text())

    def ends(self) -> list[str]:
        """How the program has ended since this was asked last, by a status or a signal."""
        aside = self._journal.with_suffix(".told")
        with suppress(FileNotFoundError):
            self._journal.replace(aside)
            lines = aside.read_text().splitlines()
            return [line.partition(" ")[2] for line in lines[-_MOST_TOLD:]]
        return []

    @property
    def _confined(self) -> Path:
        return self.root / "confined.py"

    @property
    def _journal(self) -> Path:
        return self.root / "ends"
