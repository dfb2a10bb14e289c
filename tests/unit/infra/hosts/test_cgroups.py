"""Control groups are found as the kernel describes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from headway.infra.hosts.cgroups import Hierarchy, LocalTrees, Trees, of_mounts, unified_of
from headway.infra.hosts.procfs import read_mounts

HYBRID = """\
25 1 0:22 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
26 25 0:23 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
27 25 0:24 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct
28 25 0:25 / /sys/fs/cgroup/uni\\040fied rw,relatime - cgroup2 cgroup2 rw
"""


def test_hierarchies_are_found_among_other_mounts() -> None:
    found = of_mounts(read_mounts(HYBRID))
    memory, cpu, unified = found
    assert (memory.folder, memory.controllers, memory.is_unified) == (
        Path("/sys/fs/cgroup/memory"),
        frozenset({"rw", "memory"}),
        False,
    )
    assert {"cpu", "cpuacct"} <= cpu.controllers
    assert unified_of(found) is unified
    assert (unified.folder, unified.is_unified, unified.controllers) == (
        Path("/sys/fs/cgroup/uni fied"),
        True,
        frozenset[str](),
    )


@pytest.mark.parametrize(
    ("root", "group", "place"),
    [
        ("/", "/", "/cg"),
        ("/", "/system.slice/x.service", "/cg/system.slice/x.service"),
        ("/docker/abc", "/docker/abc", "/cg"),
        ("/docker/abc", "/docker/abc/sub", "/cg/sub"),
        ("/docker/abc", "/docker/abcdef", "/cg"),
        ("/docker/abc", "/elsewhere", "/cg"),
    ],
)
def test_a_group_is_found_in_a_mount_that_shows_a_part_of_the_hierarchy(root: str, group: str, place: str) -> None:
    seen = Hierarchy(folder=Path("/cg"), root=root, controllers=frozenset(), is_unified=True)
    assert seen.place(group) == Path(place)
    assert seen.is_whole is (root == "/")


def test_a_run_has_a_folder_in_each_tree_that_there_is() -> None:
    trees = Trees(mount=Path("/cg"), unified=Path("/cg/headway/p"), pids=Path("/pids/headway/p"))
    assert trees.run("abc.1") == {
        "unified": "/cg/headway/p/abc.1",
        "memory": "",
        "pids": "/pids/headway/p/abc.1",
        "cpu": "",
    }
    assert trees.folders_of("abc.1") == ["/cg/headway/p/abc.1", "/pids/headway/p/abc.1"]
    assert trees.path_below_root("abc.1") == "/headway/p/abc.1"
    assert Trees().path_below_root("abc.1") == ""
    assert Trees().run("abc.1") == {"unified": "", "memory": "", "pids": "", "cpu": ""}


def test_what_bounds_is_named() -> None:
    trees = LocalTrees(pids=Path("/pids"))
    assert (trees.bounds("memory"), trees.bounds("pids")) == ("rlimit", "cgroup v1")
