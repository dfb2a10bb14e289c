"""The panel's threads go before other work, and what they start does not."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PROGRAM = """
import os, subprocess, threading
from concurrent.futures import ThreadPoolExecutor
from headway.infra.panel.process import go_first

def niceness():
    return os.getpriority(os.PRIO_PROCESS, 0)

found = []
go_first()
found.append(niceness())
thread = threading.Thread(target=lambda: found.append(niceness()))
thread.start()
thread.join()
with ThreadPoolExecutor(1, initializer=go_first) as pool:
    found.append(pool.submit(niceness).result())
    started = ["sh", "-c", "cut -d ' ' -f 19 /proc/self/stat"]
    found.append(int(subprocess.check_output(started)))
    found.append(int(pool.submit(subprocess.check_output, started).result()))
print(*found)
"""


@pytest.mark.root
@pytest.mark.parametrize(("given", "found"), [(0, "-10 0 -10 0 0"), (7, "7 7 7 7 7"), (-2, "-2 -2 -2 -2 -2")])
def test_threads_that_answer_go_first_unless_somebody_has_chosen(given: int, found: str) -> None:
    argv = ["nice", "-n", str(given - os.getpriority(os.PRIO_PROCESS, 0)), sys.executable, "-c", PROGRAM]
    assert subprocess.check_output(argv, text=True, timeout=60).split() == found.split()
