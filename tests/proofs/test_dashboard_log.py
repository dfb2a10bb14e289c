"""A log of a million lines is shown, jumped in and searched like a short one; and one of before is, after a moment."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from headway.infra.logs.logfile import close_log
from headway.infra.logs.mask import Masker
from headway.infra.logs.paths import LogPaths
from headway.infra.logs.pump import Pump
from tests.integration.logs.spool import Spool
from tests.support.panel.panel import Panel, git_repository, web

LINES = 1_000_000
NEEDLE = "the one needle of this log"
MOST_LINES_MS = 100
MOST_FIND_SECONDS = 1.9


@pytest.fixture
def panel() -> Iterator[Panel]:
    with tempfile.TemporaryDirectory(prefix="headway-lines-") as folder:
        Path(folder).chmod(0o711)
        panel = Panel(Path(folder) / "data")
        try:
            panel.start()
            yield panel
        finally:
            panel.clean_up()


@pytest.mark.parametrize("is_coloured", [False, True])
def test_a_million_lines(panel: Panel, tmp_path: Path, is_coloured: bool) -> None:  # noqa: FBT001
    application_id = panel.application(git_repository(tmp_path / "repository", web("x")))
    deployment_id = panel.deploy(application_id)
    panel.done(deployment_id)
    paths = LogPaths(panel.data_dir / "logs")
    asyncio.run(paths.remove(deployment_id))
    seconds = asyncio.run(_written(paths.log(deployment_id), tmp_path / "spool", is_coloured=is_coloured))
    size, beside = paths.log(deployment_id).stat().st_size, paths.lines(deployment_id).stat().st_size
    print(f"\n{size >> 20} MiB pumped in {seconds:.1f} s, its index has {beside >> 10} KiB; coloured: {is_coloured}")
    _look(panel, deployment_id)
    paths.lines(deployment_id).unlink()
    begun = time.monotonic()
    assert panel.get("deployment.lines", deploymentId=deployment_id, count=1)["total"] == LINES + 1
    print(f"the first lines of one without an index: {time.monotonic() - begun:.2f} s")
    assert paths.lines(deployment_id).exists()
    _look(panel, deployment_id)


def _look(panel: Panel, deployment_id: str) -> None:
    given = {"deploymentId": deployment_id}
    for what, asked in (("first", {"from": 1}), ("middle", {"around": 600_000}), ("last", {"count": 500})):
        found, times = panel.get("deployment.lines", **given, **asked), []
        for _ in range(20):
            begun = time.monotonic()
            panel.get("deployment.lines", **given, **asked)
            times.append(1000 * (time.monotonic() - begun))
        assert (len(found["rows"]), found["total"]) == (500, LINES + 1)
        if what == "middle":
            assert "".join(text for _, text in found["rows"][250]["runs"]).startswith("600000 ")
        print(f"500 lines, {what}: {statistics.median(times):.0f} ms (median of 20, the fastest {min(times):.0f})")
        assert min(times) < MOST_LINES_MS
    for text, is_regex, hits in ((NEEDLE, False, 1), ("need.e of (this|that)", True, 1), ("no such words", False, 0)):
        begun = time.monotonic()
        found = panel.get("deployment.find", **given, text=text, regex=str(is_regex).lower())
        took = time.monotonic() - begun
        assert (found["cut"], found["total"]) == (None, hits)
        assert found["hits"] == ([LINES - 1] if hits else [])
        print(f"search for {text!r} through all of it: {took:.2f} s")
        assert took < MOST_FIND_SECONDS
    found = panel.get("deployment.find", **given, text="compiling", direction="backward")
    print(f"a word in each line: {found['seconds']:.2f} s, {found['total']} lines; ended at line {found['cut']}")


async def _written(log: Path, spool: Path, *, is_coloured: bool) -> float:
    rest = "compiling a module of many, with a path that is long and words that say what is done, " * 3
    begin, end = ("\x1b[32m", "\x1b[0m") if is_coloured else ("", "")
    with spool.open("w") as file:
        for number in range(1, LINES + 1):
            said = f"{begin}the one{end} needle of this log" if number == LINES - 1 else rest
            file.write(f"{number} {begin}ok{end} {said}\n")
    begun, masker = time.monotonic(), Masker(["a-secret-that-is-never-printed"])
    pump = Pump(Spool(spool), log, masker, lambda _: None)
    await close_log(log, await pump.finish(), "Deployment done.", masker)
    return time.monotonic() - begun
