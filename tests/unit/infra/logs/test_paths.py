"""Paths of logs are made from ids only."""

from __future__ import annotations

from pathlib import Path

import pytest

from headway.infra.logs.paths import LogPaths, NoSuchLogName
from headway.kernel.ids import new_id


def test_a_log_and_what_belongs_to_it_lie_side_by_side() -> None:
    paths = LogPaths(Path("/logs"))
    names = [
        str(path) for path in (paths.log("a_-1"), paths.checkpoint("a_-1"), paths.steps("a_-1"), paths.lines("a_-1"))
    ]
    assert names == [f"/logs/a_-1.log{suffix}" for suffix in ("", ".checkpoint", ".steps", ".lines")]


def test_every_id_of_ours_is_one() -> None:
    for _ in range(100):
        LogPaths(Path("/logs")).log(new_id())


@pytest.mark.parametrize("id", ["", ".", "..", "a/b", "../a", "a.log", "a\n", "a\x00", "ä", "x" * 65, "/etc/passwd"])
def test_what_is_no_id_makes_no_path(id: str) -> None:
    with pytest.raises(NoSuchLogName):
        LogPaths(Path("/logs")).log(id)


async def test_removing_takes_all_that_belongs_to_a_log_and_nothing_else(tmp_path: Path) -> None:
    paths = LogPaths(tmp_path / "logs")
    paths.prepare()
    paths.prepare()
    assert (tmp_path / "logs").stat().st_mode & 0o777 == 0o700
    for file in (paths.log("a"), paths.checkpoint("a"), paths.steps("a"), paths.lines("a"), paths.log("a2")):
        file.write_bytes(b"x")
    await paths.remove("a")
    await paths.remove("a")
    assert [file.name for file in paths.root.iterdir()] == ["a2.log"]
