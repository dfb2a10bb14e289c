"""The sidecar says once where a step began and ended."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from headway.infra.logs.steps import StepEvent, StepMark, mark_step, read_steps

NOW = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)


def _mark(name: str, event: StepEvent, offset: int) -> StepMark:
    return StepMark(name=name, event=event, offset=offset, time=NOW)


async def test_marks_are_kept_in_their_order_and_the_first_of_each_stays(tmp_path: Path) -> None:
    file = tmp_path / "steps"
    marks = [
        _mark("fetch", StepEvent.BEGUN, 0),
        _mark("fetch", StepEvent.ENDED, 10),
        _mark("büild", StepEvent.BEGUN, 10),
    ]
    for mark in marks:
        await mark_step(file, mark)
    await mark_step(file, _mark("fetch", StepEvent.ENDED, 99))
    assert await read_steps(file) == tuple(marks)
    assert file.stat().st_mode & 0o777 == 0o600


async def test_a_line_cut_off_by_a_crash_is_written_over(tmp_path: Path) -> None:
    file = tmp_path / "steps"
    await mark_step(file, _mark("fetch", StepEvent.BEGUN, 0))
    whole = file.read_bytes()
    file.write_bytes(whole + b'{"name": "build", "offset": 1, "time"' + b" " * 200)
    assert await read_steps(file) == (_mark("fetch", StepEvent.BEGUN, 0),)
    await mark_step(file, _mark("build", StepEvent.BEGUN, 7))
    assert await read_steps(file) == (_mark("fetch", StepEvent.BEGUN, 0), _mark("build", StepEvent.BEGUN, 7))
    assert file.read_bytes().count(b"\n") == 2


async def test_a_log_without_steps_has_none(tmp_path: Path) -> None:
    assert await read_steps(tmp_path / "steps") == ()
