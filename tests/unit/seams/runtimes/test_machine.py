"""Reading what the kernel and log files say: mounts, sockets, processes, last lines."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from ipaddress import ip_address
from pathlib import Path

import pytest

from headway.seams.runtimes import app_logs, ports, processes
from headway.seams.runtimes.cgroups import Hierarchies, ReleaseGroups, find_hierarchies

MIXED = """31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
33 31 0:30 / /sys/fs/cgroup/cpu,pids rw,relatime shared:4 - cgroup cgroup rw,cpu,pids
34 31 0:31 / /sys/fs/cgroup/with\\040space rw,relatime - cgroup2 cgroup2 rw
"""
TCP = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 0:0 0:0 0 0 0 111 1 0 100 0 0 10 0
   1: 00000000:0050 00000000:0000 0A 0:0 0:0 0 0 0 222 1 0 100 0 0 10 0
   2: 0100007F:1F90 0100007F:ABCD 01 0:0 0:0 0 0 0 333 1 0 100 0 0 10 0
"""
TCP6 = """  sl  local_address remote_address st tx rx tr tm uid timeout inode
   0: 00000000000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 444 1 0 100 0 0 10 0
   1: 0000000000000000FFFF00000100007F:1F91 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 555 1 0 100 0 0 10 0
"""


def test_trees_are_found_in_mountinfo() -> None:
    assert find_hierarchies(MIXED) == Hierarchies(
        unified="/sys/fs/cgroup/with space",
        memory="/sys/fs/cgroup/memory",
        pids="/sys/fs/cgroup/cpu,pids",
        cpu="/sys/fs/cgroup/cpu,pids",
    )
    assert find_hierarchies("").mounted == ()


def test_bounds_go_where_a_controller_is(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("cpu memory pids\n")
    groups = ReleaseGroups(Hierarchies(unified=str(tmp_path)), "p")
    (group,) = groups.plan("r", memory_bytes=100, process_limit=7)
    assert group.folder == "headway/p/releases/r"
    assert group.controllers == ("memory", "pids", "cpu")
    assert group.bounds == {"memory.max": "100", "memory.swap.max": "0", "pids.max": "7"}
    (tmp_path / "cgroup.controllers").write_text("\n")
    old = ReleaseGroups(Hierarchies(unified=str(tmp_path), memory="/m", pids="/p"), "p")
    bounds = [dict(group.bounds) for group in old.plan("r", memory_bytes=100, process_limit=7)]
    assert bounds == [{}, {"memory.limit_in_bytes": "100"}, {"pids.max": "7"}]
    assert not any(group.bounds for group in old.plan("r", memory_bytes=None, process_limit=None))


@pytest.mark.skipif(sys.byteorder != "little", reason="the texts are those of a little-endian machine")
def test_listening_sockets_are_read() -> None:
    found = ports.read_table(TCP) + ports.read_table(TCP6)
    assert [(listener.address, listener.port, listener.inode) for listener in found] == [
        (ip_address("127.0.0.1"), 8080, 111),
        (ip_address(0), 80, 222),
        (ip_address("::1"), 8080, 444),
        (ip_address("::ffff:127.0.0.1"), 8081, 555),
    ]
    assert [listener.takes_loopback for listener in found] == [True, True, False, True]


def test_a_socket_is_traced_to_its_holder() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        (listener,) = (listener for listener in ports.listeners() if listener.port == port)
        assert listener.inode in ports.sockets_of([os.getpid()])
        assert ports.holder_of(listener.inode) == os.getpid()
        assert not ports.is_free("127.0.0.1", port)
    assert ports.is_free("127.0.0.1", port)


def test_processes_are_found_by_variable_argument_and_descent() -> None:
    child = subprocess.Popen(
        ["/bin/sh", "-c", "sleep 600; true", "a-word", "a-marked-word"],
        env={"MARK": "here", "PATH": os.environ["PATH"]},
    )
    try:
        assert child.pid in {pid for pid, value in processes.carrying("MARK").items() if value == "here"}
        assert processes.called_with("a-word", "a-marked-word") >= {child.pid}  # its own child, before it becomes sleep
        assert processes.called_with("a-marked-word", "a-word") == set()
        family = processes.with_descendants([child.pid])
        while len(family) < 2:  # the shell may not have started its child yet
            family = processes.with_descendants([child.pid])
        assert processes.with_descendants([os.getpid()]) >= family
        processes.kill_until_gone(lambda: {pid for pid in family if processes.start_time(pid) is not None})
        assert processes.start_time(child.pid) is None
    finally:
        child.kill()
        child.wait()


def test_last_lines_go_on_into_rotated_files(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    assert app_logs.last_lines(log, 5) == []
    log.write_text("5\n6\n")
    (tmp_path / "web.log.1").write_text("3\n4\n")
    (tmp_path / "web.log.2").write_text("1\n2\n")
    assert app_logs.last_lines(log, 1) == ["6"]
    assert app_logs.last_lines(log, 3) == ["4", "5", "6"]
    assert app_logs.last_lines(log, 100) == ["1", "2", "3", "4", "5", "6"]


def test_last_lines_of_a_long_log_are_read_from_its_end(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    log.write_bytes(b"".join(b"%d\n" % number for number in range(200_000)) + b"cut \xff off")
    assert app_logs.last_lines(log, 3) == ["199998", "199999", "cut \ufffd off"]
    assert len(app_logs.last_lines(log, 100_000)) == 100_000
