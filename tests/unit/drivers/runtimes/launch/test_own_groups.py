"""Where a process finds the control groups that it has joined."""

from __future__ import annotations

import pytest

from headway.drivers.runtimes.launch.own_groups import trees_of
from headway.infra.hosts.procfs import read_groups, read_mounts

OWN = "headway/p/releases/r"
V2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
IN_A_CONTAINER = "30 23 0:26 /system.slice/box /sys/fs/cgroup rw - cgroup2 cgroup rw\n"
HYBRID = (
    "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n"
    "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
    "36 31 0:33 / /sys/fs/cgroup/devices rw - cgroup cgroup rw,devices\n"
    "40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n"
    "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
)
SPACED = [f"/my groups/{name}" for name in ("cpu,cpuacct", "devices", "systemd", "unified")]
JOINED = f"4:cpu,cpuacct:/{OWN}\n3:devices:/\n1:name=systemd:/system.slice/x.service\n0::/{OWN}\n"


@pytest.mark.parametrize(
    ("mountinfo", "joined", "trees"),
    [
        (V2, f"0::/{OWN}\n", {"/sys/fs/cgroup": OWN}),
        (V2, "0::/\n", {"/sys/fs/cgroup": ""}),
        (V2, "0::/system.slice/headway.service\n", {"/sys/fs/cgroup": ""}),
        (IN_A_CONTAINER, f"0::/system.slice/box/{OWN}\n", {"/sys/fs/cgroup": OWN}),
        (IN_A_CONTAINER, f"0::/system.slice/boxes/{OWN}\n", {"/sys/fs/cgroup": ""}),
        (
            HYBRID,
            JOINED,
            {
                "/sys/fs/cgroup/cpu,cpuacct": OWN,
                "/sys/fs/cgroup/devices": "",
                "/sys/fs/cgroup/systemd": "",
                "/sys/fs/cgroup/unified": OWN,
            },
        ),
        (HYBRID.replace("/sys/fs/cgroup", "/my\\040groups"), "", dict.fromkeys(SPACED, "")),
        ("1 1 0:1 / / rw - ext4 /dev/vda rw\n", JOINED, {}),
    ],
    ids=["one tree", "no group", "the panel's group", "container", "out of sight", "trees", "spaces", "none"],
)
def test_the_own_group_of_each_tree(mountinfo: str, joined: str, trees: dict[str, str]) -> None:
    assert trees_of(read_mounts(mountinfo), read_groups(joined)) == trees
