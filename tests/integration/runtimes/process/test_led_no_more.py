"""What a process has in hand is seen though its first thread has left, or another has files of its own."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from headway.drivers.runtimes.container import exec_session
from headway.drivers.runtimes.launch import layer
from headway.drivers.runtimes.process import disks, layers
from headway.drivers.runtimes.process.layers import Layers
from headway.drivers.runtimes.process.programs import Layout
from headway.infra.hosts import anchor, cgroups, porter, processes, procfs, sockets
from tests.support.applications.led_no_more import LED_NO_MORE, led_no_more

pytestmark = pytest.mark.root

# With mounts of its own, which a child shares: listens, holds a file that was removed, maps another, and has a thread
# that holds a third by itself.
HOLDS = """
import mmap, socket, sys
ctypes.CDLL(None).unshare(0x20000)
child = subprocess.Popen(["sleep", "7758"], stdout=subprocess.DEVNULL)
server = socket.create_server(("127.0.0.1", 0))

def removed(name):
    file = open(f"{sys.argv[1]}/{name}", "w+b", buffering=0)
    file.write(bytes(8192))
    os.unlink(file.name)
    found[name] = os.fstat(file.fileno()).st_ino
    return file

def part():
    ctypes.CDLL(None).unshare(0x400)
    kept.append(removed("its own"))
    parted.set()
    time.sleep(1000)

found, kept, parted = {}, [], threading.Event()
threading.Thread(target=part).start()
parted.wait()
kept.append(removed("held"))
mapped = removed("mapped")
kept.append(mmap.mmap(mapped.fileno(), 8192))
mapped.close()
said = json.dumps({"port": server.getsockname()[1], "socket": os.fstat(server.fileno()).st_ino, "child": child.pid,
                   "files": found})
"""


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Any]]:
    """Its pid, and what it holds."""
    with led_no_more(HOLDS, None, str(tmp_path_factory.mktemp("held"))) as (process, said):
        told = json.loads(said)
        try:
            yield process.pid, told
        finally:
            processes.kill_until_gone(lambda: processes.with_descendants([told["child"]]))


def test_its_layer_stays_until_it_ends(tmp_path: Path) -> None:
    with led_no_more("") as (process, _):
        place = Path(layer.folder_of(str(tmp_path), "r1", "web", process.pid))
        (place / "upper").mkdir(parents=True)
        Layers(layout=Layout(root=tmp_path)).watch()
        assert place.is_dir()
        assert process.pid in layer.all_started()
    Layers(layout=Layout(root=tmp_path)).watch()
    assert not place.exists()


def test_those_in_its_mounts_are_ended_with_it(left: tuple[int, Any]) -> None:
    pid, told = left
    assert layers._in_mounts_of(pid, {}) == {pid, told["child"]}


def test_files_that_it_removed_are_counted_whichever_thread_holds_them(left: tuple[int, Any]) -> None:
    pid, told = left
    removed = {seen.st_ino for seen in disks._open_files(pid) if seen.st_nlink == 0}
    assert removed >= set(told["files"].values()), told["files"]


def test_it_is_seen_to_listen(left: tuple[int, Any]) -> None:
    pid, told = left
    assert told["socket"] in sockets.sockets_of([pid])
    assert f"127.0.0.1:{told['port']}" in (sockets.listening_in(pid) or [])
    assert sockets.untaken(told["port"], pid) == 0


def test_files_of_a_thread_alone_are_counted_while_the_first_lives(tmp_path: Path) -> None:
    found, opened, ended = list[int](), Event(), Event()

    def part() -> None:
        ctypes.CDLL(None).unshare(0x400)
        with (tmp_path / "gone").open("w") as file:
            (tmp_path / "gone").unlink()
            found.append(os.fstat(file.fileno()).st_ino)
            opened.set()
            ended.wait(10)

    thread = Thread(target=part)
    thread.start()
    try:
        assert opened.wait(10)
        assert found[0] in {seen.st_ino for seen in disks._open_files(os.getpid()) if seen.st_nlink == 0}
    finally:
        ended.set()
        thread.join()


@contextmanager
def in_a_group(tree: cgroups.Hierarchy) -> Iterator[tuple[Path, subprocess.Popen[str]]]:
    group = tree.folder / f"headway-{os.getpid()}"
    group.mkdir()
    try:
        with led_no_more("import sys; open(sys.argv[1], 'w').write('0')", None, f"{group}/cgroup.procs") as (left, _):
            yield group, left
    finally:
        assert cgroups.remove([group])


def test_it_is_seen_in_the_group_of_its_container() -> None:
    counts = max(cgroups.hierarchies(), key=lambda each: "pids" in each.controllers)
    with in_a_group(counts) as (group, left):
        assert procfs.is_of_container(left.pid, group.name)


def on_a_server(group: Path) -> bool:
    """Ends it as a porter does; whether it did."""
    own = (files(porter) / "trees.pl").read_bytes()
    ends = b"exit !Headway::Trees::end_all( 5, @ARGV );"
    program = b"".join([*map(anchor.part, porter.SHARED), anchor.enclosed("trees", own), ends])
    return subprocess.run(("perl", "-w", "-", group), input=program, check=False).returncode == 0


def test_nobody_is_waited_for_who_shows_an_account_nothing() -> None:
    own = (files(porter) / "runs.pl").read_bytes()
    ends = b"my %found = Headway::Runs::marked('MARK=nobody');"
    program = b"".join([*map(anchor.part, porter.SHARED), anchor.enclosed("runs", own), ends])
    pause = b"select undef, undef, undef, 0.0005;"
    assert program.count(pause) == 1
    patient = program.replace(pause, b"select undef, undef, undef, 0.5;")  # a hundred times, for each of all there are
    as_nobody = ("setpriv", "--reuid=64203", "--clear-groups", "perl", "-w", "-")
    subprocess.run(as_nobody, input=patient, check=True, timeout=30)


@pytest.mark.parametrize("end", [lambda group: cgroups.end_all([group], 5), on_a_server], ids=["here", "on a server"])
def test_the_end_of_its_group_is_its_end(end: Callable[[Path], bool]) -> None:
    found = cgroups.hierarchies()
    with in_a_group(cgroups.unified_of(found) or found[0]) as (group, left):
        assert end(group)
        assert left.wait(5) == -signal.SIGKILL


def test_a_look_from_within_a_container_finds_and_ends_it() -> None:
    lines = (
        f"HEADWAY_INSIDE=r1 {LED_NO_MORE} &",
        'until grep -q "^State:.Z" /proc/$!/status; do sleep 0.01; done',
        'sh -c "$1" headway HEADWAY_INSIDE=r1 && wait $!',
    )
    apart = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", "\n".join(lines), "sh")
    ended = subprocess.run((*apart, exec_session._SWEEP), check=False, timeout=5)
    assert ended.returncode == 128 + signal.SIGKILL
