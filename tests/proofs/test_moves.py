"""Proof: whatever happens in the middle of a move, each end has the whole artifact or nothing of it, nothing goes on,
and the status is true.
"""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.boxes import boxed_web, images
from tests.e2e.test_build_servers import Yard, connected
from tests.support.docker.docker_engine import BASE_IMAGE, lacks_docker
from tests.support.machines.server_roots import MISSING, FarEngine, RootedServer, engine_on
from tests.support.panel.panel import git_repository, until, web

pytestmark = [
    pytest.mark.root,
    pytest.mark.timeout(900),
    pytest.mark.skipif(bool(MISSING), reason=f"needs {', '.join(MISSING)}"),
    pytest.mark.skipif(bool(lacks_docker()), reason=str(lacks_docker())),
]
Json = Any
AWAY_SECONDS = 30
BALLAST = "head -c 400M /dev/urandom > ballast"
BOXED = f'FROM {BASE_IMAGE}\nRUN {BALLAST}\nCOPY app.py /app.py\nEXPOSE 3000\nCMD ["python3", "-u", "/app.py"]\n'


@dataclass(frozen=True)
class Works:
    """A yard whose servers have engines."""

    yard: Yard
    of_builder: FarEngine
    of_target: FarEngine

    def moving(self, folder: Path, kind: str) -> tuple[str, str]:
        """A new application and its deploy, which is in the middle of its move."""
        name = f"{kind} {folder.name}"[:60]
        if kind == "bundle":
            url = git_repository(folder / "r", web(kind))
            application_id = self.yard.application(url, name, builder="native", buildCommand=BALLAST)
        else:
            url = git_repository(folder / "r", boxed_web(kind, BOXED))
            application_id = self.yard.application(url, name, builder="dockerfile")
        deployment_id = self.yard.panel.deploy(application_id)
        until(lambda: moves(deployment_id), 240, what=self.yard.panel.deployment_log(deployment_id))
        time.sleep(0.7)
        assert moves(deployment_id), "the move was over before it could be disturbed"
        return application_id, deployment_id

    def nothing_is_left(self, application_id: str, deployment_id: str) -> None:
        """Of a move that did not come to its end, anywhere, now and a little later."""
        assert (moves(deployment_id), images(self.of_target, application_id)) == ([], [])
        until(lambda: not self.yard.left(deployment_id), 20)
        time.sleep(5)
        assert (moves(deployment_id), self.yard.left(deployment_id)) == ([], [])
        assert (images(self.of_builder, application_id), images(self.of_target, application_id)) == ([], [])


@pytest.fixture(scope="module")
def works(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Works]:
    with ExitStack() as stack:
        yard = stack.enter_context(connected(tmp_path_factory.mktemp("moves")))
        engines = [stack.enter_context(engine_on(server)) for server in (yard.builder, yard.target)]
        yield Works(yard, *engines)


def moves(deployment_id: str) -> list[int]:
    """The processes, on all machines, that have to do with a deployment's move."""
    wanted = (f"HEADWAY_MOVE={deployment_id}".encode(), f"HEADWAY_DEPLOYMENT_ID={deployment_id}-move".encode())
    found = []
    for entry in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if any(each in entry.read_bytes() for each in wanted):
                found.append(int(entry.parent.name))
    return found


both = pytest.mark.parametrize("kind", ["bundle", "image"])
ends = pytest.mark.parametrize("end", ["builder", "target"])


@both
def test_a_kill_reaches_both_ends(works: Works, tmp_path: Path, kind: str) -> None:
    application_id, deployment_id = works.moving(tmp_path, kind)
    began = time.monotonic()
    works.yard.panel.post("deployment.killProcess", deploymentId=deployment_id)
    print(f"\nkilled in the middle of the move of a {kind}: {time.monotonic() - began:.2f} s")
    assert works.yard.panel.one(deployment_id)["reason"] == "killed"
    works.nothing_is_left(application_id, deployment_id)
    works.yard.panel.post("application.delete", applicationId=application_id)


@both
def test_a_panel_that_dies_begins_the_move_again(works: Works, tmp_path: Path, kind: str) -> None:
    application_id, deployment_id = works.moving(tmp_path, kind)
    works.yard.panel.kill()
    works.yard.panel.start()
    works.yard.panel.done(deployment_id, 240)
    assert (works.yard.visit(application_id).text, moves(deployment_id)) == (kind, [])
    works.yard.panel.post("application.delete", applicationId=application_id)


@ends
@both
def test_a_link_that_breaks_is_waited_for(works: Works, tmp_path: Path, kind: str, end: str) -> None:
    application_id, deployment_id = works.moving(tmp_path, kind)
    cable = _server(works, end).cable
    assert cable is not None
    cable.pull()
    time.sleep(AWAY_SECONDS)
    away = works.yard.panel.one(deployment_id)
    cable.plug()
    assert (away["status"], away["outOfReachSince"] is not None) == ("running", True)
    works.yard.panel.done(deployment_id, 300)
    assert (works.yard.visit(application_id).text, moves(deployment_id)) == (kind, [])
    works.yard.panel.post("application.delete", applicationId=application_id)


@both
def test_a_kill_while_the_target_is_away_is_carried_out_when_it_is_back(
    works: Works, tmp_path: Path, kind: str
) -> None:
    application_id, deployment_id = works.moving(tmp_path, kind)
    cable = works.yard.target.cable
    assert cable is not None
    cable.pull()
    answer = works.yard.panel.client.post("/deployment.killProcess", json={"deploymentId": deployment_id})
    row = works.yard.panel.one(deployment_id)
    cable.plug()
    assert (answer.status_code, row["status"]) == (503, "running"), answer.text
    assert row["killRequestedAt"] is not None
    assert works.yard.panel.ended(deployment_id, 120)["reason"] == "killed"
    works.nothing_is_left(application_id, deployment_id)
    works.yard.panel.post("application.delete", applicationId=application_id)


def test_a_server_that_loses_its_power_ends_the_deployment(works: Works, tmp_path: Path) -> None:
    for number, end in enumerate(("builder", "target")):
        folder = tmp_path / end
        folder.mkdir()
        application_id, deployment_id = works.moving(folder, "bundle")
        server = _server(works, end)
        server.stop()
        server.boot_id.write_text(f"0000000{number}-0000-4000-8000-000000000000\n")
        server.start()
        row = works.yard.panel.ended(deployment_id, 120)
        assert (row["status"], row["reason"]) == ("error", "lost"), (end, row["errorMessage"])
        until(lambda: not moves(deployment_id) and not works.yard.left(deployment_id), 60)  # noqa: B023 - used at once
        works.yard.panel.post("application.delete", applicationId=application_id)


@both
def test_a_target_whose_disk_is_full_says_so(works: Works, tmp_path: Path, kind: str) -> None:
    """Full is only where what arrives is written, for whoever looks before finds room on the disk."""
    application_id, first = works.moving(tmp_path, kind)
    works.yard.panel.done(first, 240)
    within: tuple[str, ...] = ()
    if kind == "image":
        full = works.of_target.folder / "data/tmp"
    else:
        (full,), within = works.yard.target.root.glob("var/lib/headway/*.work/arriving"), _inside(works.yard.target)
    mount = ("mount", "-t", "tmpfs", "-o", "size=64m,mode=711", "tmpfs", str(full))
    subprocess.run([*within, *mount], check=True)
    try:
        row = works.yard.panel.ended(works.yard.panel.deploy(application_id), 240)
    finally:
        subprocess.run([*within, "umount", str(full)], check=True)
    print(f"\na full disk, {kind}: {row['errorMessage']}")
    assert (row["status"], row["reason"]) == ("error", "failed")
    assert "No space left" in row["errorMessage"] or "no space left" in row["errorMessage"]
    assert works.yard.visit(application_id).text == kind
    assert len(images(works.of_target, application_id)) == int(kind == "image")
    until(lambda: not works.yard.left(row["deploymentId"]), 20)
    works.yard.panel.post("application.delete", applicationId=application_id)


def _server(works: Works, end: str) -> RootedServer:
    return works.yard.builder if end == "builder" else works.yard.target


def _inside(server: RootedServer) -> tuple[str, ...]:
    """The words that start a program among a server's mounts, outside of its root."""
    assert server.process is not None
    child = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()[0]
    return ("nsenter", f"--target={child}", "--mount")
