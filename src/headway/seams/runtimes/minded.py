"""What keeps a program up that is to live where no panel and no systemd looks after it."""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from headway.seams.runtimes import minder
from headway.seams.runtimes.private_file import write_privately

_MOST_TOLD = 20


@dataclass(frozen=True, slots=True)
class Minded:
    """A minder's files, below ``root``. The arguments stay the same over versions: an upgrade ends nothing."""

    root: Path

    def command_line(self, argv: tuple[str, ...]) -> tuple[str, ...]:
        """The arguments of the minder of a program."""
        return (sys.executable, "-I", "-S", str(self.root / "minder.py"), str(self._journal), *argv)

    def lay_out(self) -> None:
        """Puts the minder where it is started from."""
        write_privately(self.root / "minder.py", Path(minder.__file__).read_text())

    def ends(self) -> list[str]:
        """How the program has ended since this was asked last, by a status or a signal."""
        aside = self._journal.with_suffix(".told")
        with suppress(FileNotFoundError):
            self._journal.replace(aside)
            lines = aside.read_text().splitlines()
            return [line.partition(" ")[2] for line in lines[-_MOST_TOLD:]]
        return []

    @property
    def _journal(self) -> Path:
        return self.root / "ends"
