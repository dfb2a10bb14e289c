"""A log as bytes for whoever downloads it: opened once, at the size that it had then."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path

from headway.infra.logs.logfile import in_thread
from headway.kernel.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedLog:
    """An open log, which grows on while it is read, and stays readable when it is removed; of no file, it is empty."""

    size: int
    _file: int | None = None

    async def read(self, offset: int, limit_bytes: int) -> bytes:
        """The bytes from ``offset``, at most so many; b"" behind the end. Raises OSError."""
        file = self._file
        return b"" if file is None else await in_thread(lambda: os.pread(file, limit_bytes, offset))

    def close(self) -> None:
        """Gives the file back; nothing is read after it."""
        if self._file is not None:
            os.close(self._file)


async def open_log(path: Path) -> OpenedLog:
    """Opens a log; one that there is not yet is empty. Raises OSError."""
    with ExitStack() as kept:  # who is cancelled here has opened it all the same
        opened = await in_thread(lambda: _open(path, kept))
        kept.pop_all()
    return opened


def _open(path: Path, kept: ExitStack) -> OpenedLog:
    """The log; ``kept`` gives it back."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return OpenedLog(size=0)
    opened = OpenedLog(size=os.fstat(file).st_size, _file=file)
    kept.callback(opened.close)
    return opened
