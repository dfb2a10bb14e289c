"""The mark by which the kernel knows copies in a swarm: for how much of what runs it holds, and for how long."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from headway.drivers.runtimes.gates import mark_code, panel_gates, places
from headway.drivers.runtimes.gates.panel_gates import Gates, gates_of
from headway.drivers.runtimes.gates.table_content import Ports, own_addresses
from headway.infra.hosts import cgroups

pytestmark = pytest.mark.root
PANEL_ID = f"marks-{os.getpid()}"
PORT = 21_910
CLOUD = ("169.254.169.254", 80)
DENIED, LET_GO = "PermissionError", "OSError"  # to nowhere: its network has no way out
# Goes into groups, writes settings, and tries addresses, in a network of its own.
PROGRAM = """
import ctypes, socket, sys
ctypes.CDLL(None).unshare(0x40000000)
for what, *said in (each.split("=") for each in sys.argv[1:]):
    if what == "group":
        open(f"{said[0]}/cgroup.procs", "w").write("0")
    elif what == "mark":
        open("/proc/sys/net/ipv4/conf/lo/tag", "w").write(said[0])
    else:
        try:
            socket.create_connection((said[0], int(said[1])), 3)
        except OSError as error:
            print(type(error).__name__)
"""


@pytest.fixture
def group() -> Iterator[Path]:
    """One such as an engine makes for a copy."""
    root = places.root()
    if root is None or gates().mark(ruled=False) is None:
        pytest.skip("the kernel of this machine judges no copies")
    made = root / f"{PANEL_ID}/copy"
    (made / "headway-run/deeper").mkdir(parents=True)
    yield made
    gates().clear()
    cgroups.remove([made.parent])


def gates() -> Gates:
    """What a process of the panel sees to them by."""
    made = gates_of(PANEL_ID, range(1_990_000_120, 1_990_000_130), Ports())
    assert made is not None
    return made


def mark(*, ruled: bool) -> str:
    return f"mark={mark_code.mark(PANEL_ID, ruled=ruled)}"


def tried(*words: str, to: Sequence[tuple[str, int]] = (CLOUD,)) -> list[str]:
    """What came of it for a process that does this and then goes to these addresses."""
    ways = [f"go={host}={port}" for host, port in to]
    ran = subprocess.run([sys.executable, "-c", PROGRAM, *words, *ways], capture_output=True, check=True, timeout=30)
    return ran.stdout.decode().split()


def machine() -> tuple[str, int]:
    """A service of this machine that is not open to all."""
    return next(each for each in sorted(own_addresses()) if not each.startswith("127.") and ":" not in each), PORT


def test_what_enters_a_group_within_is_judged_as_what_began_there(group: Path) -> None:
    assert tried(f"group={group}", mark(ruled=False)) == [DENIED]
    assert tried(f"group={group}/headway-run") == [DENIED]
    assert tried(f"group={group}/headway-run/deeper") == [DENIED]
    assert tried(f"group={group.parent}") == [LET_GO], "what is beside it goes where it likes"


def test_what_is_ruled_stays_so_whatever_is_written_after(group: Path) -> None:
    assert tried(f"group={group}", mark(ruled=False), to=[machine()]) == [LET_GO]
    assert tried(f"group={group}", mark(ruled=False), mark(ruled=True), to=[machine()]) == [DENIED]
    assert tried(f"group={group}", mark(ruled=False), to=[machine()]) == [DENIED]
    assert tried(f"group={group}/headway-run", mark(ruled=False), to=[machine()]) == [DENIED]


def test_what_an_earlier_version_knew_is_known_to_the_next_panel_from_its_first_look(
    group: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr(panel_gates, "_version", lambda: "of before")
        earlier.setattr(mark_code, "_MOST_DEPTH", 1)  # which the group lies below
        assert gates().mark(ruled=False) is not None
        assert tried(f"group={group}", mark(ruled=False)) == [LET_GO]
    assert tried(f"group={group}/headway-run") == [LET_GO]
    gates().keep(())  # whatever the engine is at
    assert tried(f"group={group}/headway-run") == [DENIED]
    assert tried(f"group={group}") == [DENIED]
