"""The panel's threads go before other work, and what they start does not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

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


SESSIONS = """
import subprocess
from headway.infra.panel.process import go_first

show = ["cat", "/proc/self/autogroup"]
go_first()
for apart in (False, True):
    print(subprocess.check_output(show, text=True, start_new_session=apart).split()[-1])
"""


@pytest.mark.root
@pytest.mark.skipif(not Path("/proc/self/autogroup").exists(), reason="this kernel does not group by session")
@pytest.mark.parametrize(
    ("begun_by", "given", "found"),
    [((), 0, "-10 0"), ((), 7, "0 0"), (("sh", "-c", '"$@"; exit $?', "sh"), 0, "0 0")],
    ids=["panel", "chosen", "guest"],
)
def test_the_session_of_a_panel_goes_first_and_no_other(begun_by: tuple[str, ...], given: int, found: str) -> None:
    niceness = str(given - os.getpriority(os.PRIO_PROCESS, 0))
    argv = ["nice", "-n", niceness, *begun_by, sys.executable, "-c", SESSIONS]
    assert subprocess.check_output(argv, text=True, timeout=60, start_new_session=True).split() == found.split()
