"""Reading how programs ended out of supervisord's log."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from headway.drivers.runtimes.process.exits import Exit, ExitLog, read_line

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)


def line(second: int, program: str = "ra-web", status: str = "exit status 1; not expected") -> str:
    return f"2024-05-06 07:08:{second:02},123 WARN exited: {program} ({status})\n"


@pytest.mark.parametrize(
    ("text", "how"),
    [
        (line(1), "exit status 1"),
        (line(1, status="exit status 0; expected"), "exit status 0"),
        (line(1, status="terminated by SIGKILL; not expected"), "signal SIGKILL"),
        (line(1, status="terminated by SIGSEGV (core dumped); not expected"), "signal SIGSEGV (core dumped)"),
    ],
)
def test_an_end_is_read(text: str, how: str) -> None:
    at = datetime(2024, 5, 6, 7, 8, 1, 123000, tzinfo=UTC)
    assert read_line(text) == Exit(program="ra-web", at=at, how=how)


@pytest.mark.parametrize(
    "text",
    [
        "2024-05-06 07:08:01,123 WARN stopped: ra-web (terminated by SIGTERM)",
        "2024-05-06 07:08:01,123 INFO spawned: 'ra-web' with pid 1",
        "exited: ra-web (exit status 1; not expected)",
        "",
    ],
)
def test_everything_else_is_not(text: str) -> None:
    assert read_line(text) is None


def test_the_log_is_followed_through_lines_that_come_in_pieces(tmp_path: Path) -> None:
    path = tmp_path / "supervisord.log"
    log = ExitLog(path)
    assert log.of(["ra-web"], since=BEGIN) == []
    path.write_text(line(1) + line(2)[:30])
    assert len(log.of(["ra-web"], since=BEGIN)) == 1
    with path.open("a") as file:
        file.write(line(2)[30:] + line(3, program="rb-web"))
    assert len(log.of(["ra-web"], since=BEGIN)) == 2
    assert len(log.of(["ra-web", "rb-web"], since=BEGIN)) == 3


def test_the_log_is_followed_through_its_rotation(tmp_path: Path) -> None:
    path = tmp_path / "supervisord.log"
    path.write_text(line(1))
    log = ExitLog(path)
    assert len(log.of(["ra-web"], since=BEGIN)) == 1
    with path.open("a") as file:
        file.write(line(2))
    path.rename(tmp_path / "supervisord.log.1")
    path.write_text(line(3))
    assert [end.at.second for end in log.of(["ra-web"], since=BEGIN)] == [1, 2, 3]
    assert [end.at.second for end in ExitLog(path).of(["ra-web"], since=BEGIN)] == [1, 2, 3]


def test_only_ends_since_a_moment_count(tmp_path: Path) -> None:
    path = tmp_path / "supervisord.log"
    path.write_text(line(1) + line(5))
    since = datetime(2024, 5, 6, 7, 8, 3, tzinfo=UTC)
    assert [end.at.second for end in ExitLog(path).of(["ra-web"], since=since)] == [5]


def test_programs_that_are_dropped_are_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "supervisord.log"
    path.write_text(line(1))
    log = ExitLog(path)
    assert log.of(["ra-web"], since=BEGIN)
    log.drop(["ra-web", "never-there"])
    assert log.of(["ra-web"], since=BEGIN) == []


@pytest.mark.parametrize(
    ("how", "killed"), [("signal SIGKILL", True), ("exit status 137", True), ("exit status 1", False)]
)
def test_a_kill_is_told_from_an_end(how: str, killed: bool) -> None:  # noqa: FBT001 - a case
    assert Exit(program="p", at=BEGIN, how=how).killed is killed
