"""A panel that ends itself with SIGKILL at a crash point, the n-th or one of a name, or writes down which it passed.
Another signal does what that does; SIGSTOP pauses it there.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Collection
from pathlib import Path

from headway.cli.machine import facts
from headway.kernel.settings import Settings
from headway.panel import Panel


class CrashPoints:
    """Counts the points from the first claim on, but for those called one of ``uncounted``; ``at`` 0 never crashes, and
    neither does ``named`` "" at a name. ``passed`` gets each name that is counted, one a line.
    """

    def __init__(
        self,
        at: int,
        passed: Path,
        named: str = "",
        number: int = signal.SIGKILL,
        uncounted: Collection[str] = (),
    ) -> None:
        self._at = at
        self._uncounted = uncounted
        self._named = named
        self._signal = number
        self._passed = passed.open("a")
        self._count = 0

    def __call__(self, name: str) -> None:
        if (self._count == 0 and name != "claimed") or name in self._uncounted:
            return
        self._count += 1
        self._passed.write(f"{name}\n")
        self._passed.flush()
        if self._count == self._at or name == self._named:
            self._named = ""  # a run that is paused there may come by once more
            os.kill(os.getpid(), self._signal)


async def main() -> None:
    """Serves as ``headway serve`` does, with crash points."""
    given = os.environ
    number = signal.Signals[given.get("CRASH_SIGNAL", "SIGKILL")]
    named, uncounted = given.get("CRASH_NAMED", ""), given.get("CRASH_UNCOUNTED", "").split(",")
    points = CrashPoints(int(given["CRASH_AT"]), Path(given["CRASH_POINTS"]), named, number, uncounted)
    settings = Settings.from_env(os.environ, facts(), data_dir=sys.argv[1])
    panel = await Panel.open(settings, points)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, panel.stop)
    try:
        await panel.run()
    finally:
        panel.close()


if __name__ == "__main__":
    asyncio.run(main())
