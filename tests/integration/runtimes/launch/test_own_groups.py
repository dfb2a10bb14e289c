"""What a process sees of the machine's control groups where they are one tree, in a container, and without its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from headway.drivers.runtimes.launch import launcher
from headway.infra.hosts import cgroups
from headway.kernel.ids import new_id
from tests.integration.runtimes.bench import ACCOUNT

FOUND = cgroups.unified_of(cgroups.hierarchies())
UNIFIED = "" if FOUND is None else str(FOUND.folder)
BOUND = "cgroup.max.descendants"
pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(
        not UNIFIED or not os.access(UNIFIED, os.W_OK), reason="no control groups of version 2 can be made here"
    ),
]

# Takes the place of a launcher where there is one tree, the machine's or that of a container; says what it sees then.
LAUNCHER = """
import ctypes, json, os, sys
source, top, is_container, groups, account = json.loads(sys.argv[1])
sys.path[:0] = [source]
from headway.drivers.runtimes.launch import launcher
libc = ctypes.CDLL(None)
os.umask(0o077)
assert launcher.part()
if is_container:
    open(f"{top}/cgroup.procs", "w").write("0")
    assert libc.unshare(0x02000000) == 0
assert libc.mount(top.encode(), b"/mnt", None, 0x1000, None) == 0
assert libc.umount2(b"/sys/fs/cgroup", 2) == 0
assert libc.mount(b"/mnt", b"/sys/fs/cgroup", None, 0x2000, None) == 0
launcher.join_groups(groups, account)
launcher.hide_groups({"uid": account}, parted=True)
os.setgroups([]); os.setgid(account); os.setuid(account)
here = open("/proc/self/cgroup").read().rpartition("0::")[2].strip().lstrip("/")
print(json.dumps({
    "below": [name for _, below, _ in os.walk("/sys/fs/cgroup") for name in below],
    "here": here,
    "alone": open("/sys/fs/cgroup/cgroup.procs").read().split() == [str(os.getpid())],
    "bound": open("/sys/fs/cgroup/" + BOUND).read().strip(),
    "mounts": len([line for line in open("/proc/self/mountinfo") if line.split()[4] == "/sys/fs/cgroup"]),
}))
""".replace("BOUND", repr(BOUND))


class Tree:
    """The machine's tree, or the part of it that a container sees, with the group of a neighbour."""

    def __init__(self, name: str) -> None:
        self.top, self.panel = Path(UNIFIED, name), f"headway/{new_id()}"
        self.neighbour = new_id()
        (self.top / self.panel / "releases" / self.neighbour).mkdir(parents=True)
        if name:
            (self.top / BOUND).write_text("99")

    def seen(self, *, joins: bool) -> dict[str, Any]:
        """By a process that joins a group of its own, or cannot have one."""
        own = {"tree": "/sys/fs/cgroup", "folder": f"{self.panel}/releases/own", "controllers": []}
        groups = [{**own, "bounds": {BOUND: "7"}}] if joins else []
        source = str(Path(launcher.__file__).parents[4])
        told = json.dumps([source, str(self.top).rstrip("/"), self.top != Path(UNIFIED), groups, ACCOUNT])
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", LAUNCHER, told], capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        seen: dict[str, Any] = json.loads(done.stdout)
        return seen

    def remove(self) -> None:
        """All of it that was made here."""
        for name in ("own", self.neighbour):
            if (folder := self.top / self.panel / "releases" / name).is_dir():
                folder.rmdir()
        for folder in (self.top / self.panel / "releases", self.top / self.panel):
            folder.rmdir()
        if self.top != Path(UNIFIED):
            (self.top / "headway").rmdir()
            self.top.rmdir()


@pytest.fixture
def tree(request: pytest.FixtureRequest) -> Iterator[Tree]:
    made = Tree(f"box-{new_id()}" if request.param else "")
    try:
        yield made
    finally:
        made.remove()


@pytest.mark.parametrize("tree", [False, True], ids=["the machine", "a container"], indirect=True)
def test_a_process_finds_itself_at_the_root_of_its_own_tree_and_its_bounds_there(tree: Tree) -> None:
    assert tree.seen(joins=True) == {"below": [], "here": "", "alone": True, "bound": "7", "mounts": 1}


@pytest.mark.parametrize("tree", [True], ids=["a container"], indirect=True)
def test_without_a_group_of_its_own_all_stays_as_it_is(tree: Tree) -> None:
    seen = tree.seen(joins=False)
    assert tree.neighbour in seen["below"]
    assert (seen["here"], seen["bound"]) == ("", "99")
