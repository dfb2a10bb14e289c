"""Whose turn it is today of what is too much for one run: another part each day, and all of it in so many days.

As a program (``python -m tests.support.panel.today DAYS FOLDER``) it names the files of tests below a folder that have
their turn.
"""

from __future__ import annotations

import os
import sys
import zlib
from collections.abc import Collection
from datetime import UTC, date, datetime
from pathlib import Path

VARIABLE = "TESTS_DAY"
"""A day (2026-01-31) to repeat another day's part; the head of a run tells its own."""


def today() -> date:
    """The day of this run, the same on all of its processes."""
    return date.fromisoformat(os.environ.setdefault(VARIABLE, datetime.now(UTC).date().isoformat()))


def turn(names: Collection[str], days: int) -> list[str]:
    """Those of the names whose turn it is, at least one where there are as many: each has one in any row of so many
    days.
    """
    shuffled = sorted(names, key=lambda name: (zlib.crc32(name.encode()), name))
    return sorted(name for place, name in enumerate(shuffled) if (place + today().toordinal()) % days == 0)


def main(days: int, folder: Path) -> None:
    """Names the files, one a line."""
    print("\n".join(turn([str(path) for path in folder.rglob("test_*.py")], days)))


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
