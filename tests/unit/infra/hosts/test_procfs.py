"""What the kernel tells of processes is read as it means it, whatever they call themselves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from headway.infra.hosts import procfs
from headway.infra.hosts.procfs import read_groups, read_mounts


def test_a_program_whose_name_looks_like_a_line_of_the_table_is_read(tmp_path_factory: pytest.TempPathFactory) -> None:
    program = tmp_path_factory.mktemp("p") / ") R 1 1 ("
    program.symlink_to("/bin/sleep")
    odd = subprocess.Popen([program, "1000"])
    process = procfs.look(odd.pid)
    assert process
    assert (process.parent, process.dead) == (os.getpid(), False)
    odd.kill()
    odd.wait()


@pytest.mark.parametrize("part", ["\f", "\r", "\v", "\x1c"])
def test_a_process_is_nobody_elses_by_the_name_that_it_gives_itself(part: str) -> None:
    code = "open('/proc/self/comm', 'w', newline='').write(sys.argv[1]); print(flush=True); sys.stdin.read()"
    argv = [sys.executable, "-I", "-S", "-c", f"import sys; {code}", f"{part}Uid: 7 7 7 7"]
    named = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with named:
        assert named.stdout
        assert named.stdout.readline() == b"\n"
        assert procfs.name(named.pid).endswith("Uid: 7 7 7 7")
        assert procfs.owner(named.pid) == os.geteuid()
        assert named.stdin
        named.stdin.close()


def test_what_is_told_of_a_process_is_this_ones() -> None:
    here = os.getpid()
    assert here in procfs.pids()
    assert procfs.argv(here)[0] == os.fsdecode(Path("/proc/self/cmdline").read_bytes().split(b"\0")[0])
    assert procfs.owner(here) == os.geteuid()
    assert procfs.status(here, "NSpid")[-1] == str(os.getpid())
    assert procfs.namespace(procfs.folder_of(here), "mnt") == procfs.namespace(procfs.SELF, "mnt")
    assert procfs.groups(procfs.folder_of(here)) == procfs.groups()
    assert ("/proc", "proc") in {(each.place, each.filesystem) for each in procfs.mounts(procfs.folder_of(here))}
    assert procfs.boot_id() == Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def test_of_a_process_that_is_gone_nothing_is_told() -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    assert procfs.look(gone.pid) is None
    assert procfs.start_time(gone.pid) is None
    assert (procfs.argv(gone.pid), procfs.name(gone.pid), procfs.owner(gone.pid)) == ((), "", None)
    assert (procfs.status(gone.pid, "Uid"), procfs.threads_of(gone.pid)) == ([], set())
    assert procfs.initial_environment(gone.pid) == b""
    with pytest.raises(OSError):  # noqa: PT011 - of whatever number
        procfs.namespace(procfs.folder_of(gone.pid), "pid")


def test_one_that_has_ended_and_is_not_buried_yet_has_no_start_time_any_more() -> None:
    ended = subprocess.Popen(["true"], stdout=subprocess.PIPE)
    assert ended.stdout
    assert ended.stdout.read() == b""
    os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
    process = procfs.look(ended.pid)
    assert process
    assert (process.dead, procfs.start_time(ended.pid)) == (True, None)
    ended.stdout.close()
    ended.wait()


def test_what_is_open_is_found_by_its_number_wherever_it_lies_by_now(tmp_path: Path) -> None:
    with (tmp_path / "old").open("w") as file:
        file.write("kept")
        file.flush()
        (tmp_path / "old").unlink()
        assert Path(procfs.opened(file.fileno())).read_text() == "kept"


def test_groups_are_found_by_controller() -> None:
    text = "9:name=systemd:/\n4:memory:/a/b\n2:cpu,cpuacct:/c\n0::/x.service:y\f\n"
    assert read_groups(text) == {
        "name=systemd": "/",
        "memory": "/a/b",
        "cpu": "/c",
        "cpuacct": "/c",
        "": "/x.service:y\f",
    }


@pytest.mark.parametrize(
    ("line", "mount"),
    [
        (
            "24 1 8:1 / /my\\040disk rw shared:9 master:2 - ext4 /dev/sda1 rw,discard",
            ("8:1", "/", "/my disk", "ext4", "rw,discard"),
        ),
        ("25 1 0:22 /a\\134b /x rw - tmpfs  rw", ("0:22", "/a\\b", "/x", "tmpfs", "rw")),
        ("26 1 0:23 / /a\fb rw - tmpfs none rw", ("0:23", "/", "/a\fb", "tmpfs", "rw")),
    ],
    ids=["spaces", "no source", "a form feed"],
)
def test_a_line_of_mounts_is_read(line: str, mount: tuple[str, ...]) -> None:
    (read,) = read_mounts(f"{line}\n")
    assert (read.device, read.root, read.place, read.filesystem, read.options) == mount


def test_a_launcher_loads_little_with_it() -> None:
    source = str(Path(procfs.__file__).parents[3])
    code = (
        "import json, sys; sys.path.insert(0, sys.argv[1]); "
        "from headway.drivers.runtimes.launch import layer, overlay, own_groups; print(json.dumps(sorted(sys.modules)))"
    )
    argv = [sys.executable, "-I", "-S", "-c", code, source]
    loaded = set(json.loads(subprocess.run(argv, capture_output=True, check=True, text=True).stdout))
    assert "headway.infra.hosts.procfs" in loaded
    assert loaded & {"asyncio", "dataclasses", "headway.kernel.errors", "inspect", "pathlib", "subprocess"} == set()
