"""Measures a start: until the panel's first answer, and the memory that is its own at rest.

Prints medians of the seconds on the clock and of the processor; beside them those of an interpreter that only loads the
libraries, the floor. tests/e2e/test_start_cost.py bounds the same, in times of that floor.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from tests.e2e.test_start_cost import LIBRARIES, private_mb, processor_seconds, seconds_of
from tests.support.panel.panel import Panel, panel

ROUNDS = 9
RESTS_SECONDS = 2.0


def main() -> None:
    """Starts a panel again and again, whose database is there."""
    with tempfile.TemporaryDirectory(prefix="headway-bench-") as folder, panel(Path(folder) / "data") as stopped:
        stopped.stop()
        stopped.loaded = False  # each loads itself, as a person's does
        turns = [(seconds_of(LIBRARIES), *start(stopped)) for _ in range(ROUNDS)]
    libraries, clock, processor, memory = (statistics.median(each) for each in zip(*turns, strict=True))
    print(f"first answer after {clock:.2f} s, {processor:.2f} s of processor; the libraries alone: {libraries:.2f}")
    print(f"at rest: {memory:.0f} MB of its own")


def start(stopped: Panel) -> tuple[float, float, float]:
    """Seconds until it answers, those of the processor, and the MB that nobody shares with it once it is at rest."""
    begun = time.perf_counter()
    stopped.start()  # which sees it a twentieth of that too late at most
    clock = time.perf_counter() - begun
    assert stopped.process is not None
    processor = processor_seconds(stopped.process.pid)
    time.sleep(RESTS_SECONDS)
    memory = private_mb(stopped.process.pid)
    stopped.stop()
    return clock, processor, memory


if __name__ == "__main__":
    main()
