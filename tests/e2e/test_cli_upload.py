"""A folder that no git repository holds, from the command line to an address, and what a deploy would make of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.test_cli import headway, succeed
from tests.panel import Panel, panel, web

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    with panel(tmp_path_factory.mktemp("panel") / "data") as started:
        yield started


def test_a_folder_in_no_repository_is_uploaded_and_serves(running: Panel, tmp_path: Path) -> None:
    folder = tmp_path / "plain"
    for name, text in {**web("one"), "node_modules/left.js": "x"}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)

    done = headway(running, "deploy", cwd=folder)

    assert done.returncode == 0, (done.stdout, done.stderr)
    assert done.stderr.startswith(f"Uploading 2 files of {folder} (")
    assert "without node_modules" in done.stderr
    assert running.visit("plain").text == "one"

    (folder / "app.py").write_text(web("two")["app.py"])
    row = json.loads(succeed(running, "deploy", str(folder), "--title", "mine", "--json", "-e", "A=1"))
    assert (row["status"], row["title"]) == ("done", "mine")
    assert running.visit("plain").text == "two"

    shown = succeed(running, "apps", "detect", "plain")
    assert "Start: web" in shown
    tried = json.loads(succeed(running, "apps", "detect", "plain", "--start-command", "sleep 1", "--json"))
    assert tried["problem"] is None

    (folder / "Procfile").unlink()
    (folder / "app.py").rename(folder / "README")
    failed = headway(running, "deploy", str(folder))
    assert (failed.returncode, "No way to build this was found" in failed.stderr) == (1, True)
    looked = headway(running, "apps", "detect", "plain")
    assert (looked.returncode, "Problem" in looked.stdout) == (1, True), looked.stdout
