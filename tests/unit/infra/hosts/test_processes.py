"""A process is told from another that has had the same pid."""

from __future__ import annotations

import os
import signal
import subprocess
from importlib.resources import files
from pathlib import Path

import pytest

from headway.infra.hosts import anchor, porter, processes, procfs
from tests.support.applications.led_no_more import led_no_more


@pytest.fixture
def sleeper() -> subprocess.Popen[bytes]:
    return subprocess.Popen(["sleep", "1000"], env={"PATH": os.environ["PATH"], "MARK": "one", "OTHER": "two"})


def test_a_process_is_signalled_only_if_it_is_the_one_that_was_seen(sleeper: subprocess.Popen[bytes]) -> None:
    process = procfs.look(sleeper.pid)
    assert process
    assert process.parent == os.getpid()
    assert not processes.send(signal.SIGKILL, sleeper.pid, process.start_time - 1)
    assert processes.is_alive(sleeper.pid, process.start_time)
    assert not processes.is_alive(sleeper.pid, process.start_time - 1)
    assert processes.send(signal.SIGKILL, sleeper.pid, process.start_time)
    assert processes.await_death(sleeper.pid, process.start_time, 5)  # dead, though we have not buried it yet
    sleeper.wait()
    assert procfs.look(sleeper.pid) is None
    assert not processes.send(signal.SIGKILL, sleeper.pid, process.start_time)


def test_a_death_is_waited_for_no_longer_than_said(sleeper: subprocess.Popen[bytes]) -> None:
    process = procfs.look(sleeper.pid)
    assert process
    assert not processes.await_death(sleeper.pid, process.start_time, 0.05)
    assert processes.is_alive(sleeper.pid, process.start_time)
    sleeper.kill()
    sleeper.wait()


def test_the_marked_are_those_with_all_marks_and_what_is_below_them(sleeper: subprocess.Popen[bytes]) -> None:
    other = subprocess.Popen(["sleep", "1000"], env={"PATH": os.environ["PATH"], "MARK": "one"})
    marks = {"MARK": "one", "OTHER": "two"}
    assert [process.pid for process in processes.find_marked(marks)] == [sleeper.pid]
    assert processes.end_marked(marks, 5)
    assert sleeper.wait() == -9
    assert other.poll() is None
    other.kill()
    other.wait()


def found_by_a_server(mark: str) -> set[int]:
    """The same as a porter sees it."""
    own = (files(porter) / "runs.pl").read_bytes()
    ends = b"my %found = Headway::Runs::marked(@ARGV); print join ' ', keys %found;"
    program = b"".join([*map(anchor.part, porter.SHARED), anchor.enclosed("runs", own), ends])
    said = subprocess.run(("perl", "-w", "-", mark), input=program, capture_output=True, check=True)
    assert said.stderr == b""
    return {int(pid) for pid in said.stdout.split()}


def test_a_process_that_its_first_thread_has_left_lives_on() -> None:
    env = {"PATH": os.environ["PATH"], "MARK": "led no more"}
    with led_no_more('subprocess.Popen(["sleep", "7755"], env={}, stdout=subprocess.DEVNULL)', env) as (left, _):
        try:
            process = procfs.look(left.pid)
            assert process
            assert not process.dead
            assert procfs.start_time(left.pid) == process.start_time
            found = processes.with_descendants({left.pid})
            assert len(found) == 2, "the process itself, and what is below it"
            assert {each.pid for each in processes.find_marked({"MARK": "led no more"})} == found
            assert found_by_a_server("MARK=led no more") == found
            assert processes.marked_with("MARK") == {left.pid: "led no more"}
            processes.kill_until_gone(lambda: processes.with_descendants(found))
            assert not any(Path(f"/proc/{pid}/exe").exists() for pid in found)
            assert left.wait(5) == -signal.SIGKILL
            assert processes.with_descendants({left.pid}) == set()
        finally:
            processes.end_marked({"MARK": "led no more"}, 5)


def looked_at_by_a_server(pid: int, *, may_open: bool) -> str:
    """What a porter makes of an anchor, or what it complains of."""
    own = (files(porter) / "runs.pl").read_bytes()
    fills = b"my @held; while ( open my $handle, '<', '/dev/null' ) { push @held, $handle }"
    looks = b"print eval { join ' ', Headway::Runs::look( '/nowhere', @ARGV ) } // $@;"
    program = b"".join([*map(anchor.part, porter.SHARED), anchor.enclosed("runs", own), fills * (not may_open), looks])
    argv = ("sh", "-c", f"ulimit -n 20; exec perl -w - {pid} 1")
    return subprocess.run(argv, input=program, capture_output=True, check=True).stdout.decode()


def test_a_process_that_cannot_be_looked_at_is_not_gone(sleeper: subprocess.Popen[bytes]) -> None:
    sleeper.kill()
    sleeper.wait()
    assert looked_at_by_a_server(sleeper.pid, may_open=True).startswith("gone")
    assert "Too many open files" in looked_at_by_a_server(os.getpid(), may_open=False)
