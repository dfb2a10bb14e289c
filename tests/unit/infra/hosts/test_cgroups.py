"""Control groups are found as the kernel describes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from headway.infra.hosts.cgroups import Mount, Trees, parse_mounts, parse_own_groups

HYBRID = """\
25 1 0:22 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
26 25 0:23 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
27 25 0:24 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct
28 25 0:25 / /sys/fs/cgroup/uni\\040fied rw,relatime - cgroup2 cgroup2 rw
"""


def test_hierarchies_are_found_among_other_mounts() -> None:
    memory, cpu, unified = parse_mounts(HYBRID)
    assert (memory.folder, memory.controllers, memory.is_unified) == (
        Path("/sys/fs/cgroup/memory"),
        frozenset({"rw", "memory"}),
        False,
    )
    assert {"cpu", "cpuacct"} <= cpu.controllers
    assert (unified.folder, unified.is_unified, unified.controllers) == (
        Path("/sys/fs/cgroup/uni fied"),
        True,
        frozenset[str](),
    )


def test_own_groups_are_found_by_controller() -> None:
    text = "9:name=systemd:/\n4:memory:/a/b\n2:cpu,cpuacct:/c\n0::/x.service\n"
    assert parse_own_groups(text) == {
        "name=systemd": "/",
        "memory": "/a/b",
        "cpu": "/c",
        "cpuacct": "/c",
        "": "/x.service",
    }


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
    mount = Mount(folder=Path("/cg"), root=root, controllers=frozenset(), is_unified=True)
    assert mount.place(group) == Path(place)


def test_a_run_has_a_folder_in_each_tree_that_there_is() -> None:
    trees = Trees(mount=Path("/cg"), unified=Path("/cg/headway/p"), pids=Path("/pids/headway/p"))
    assert trees.run("abc.1") == {
        "unified": "/cg/headway/p/abc.1",
        "memory": "",
        "pids": "/pids/headway/p/abc.1",
        "cpu": "",
    }
    assert trees.path_below_root("abc.1") == "/headway/p/abc.1"
    assert Trees().path_below_root("abc.1") == ""
    assert Trees().run("abc.1") == {"unified": "", "memory": "", "pids": "", "cpu": ""}


def test_what_bounds_is_named() -> None:
    trees = Trees(pids=Path("/pids"))
    assert (trees.bounds("memory"), trees.bounds("pids")) == ("rlimit", "cgroup v1")
