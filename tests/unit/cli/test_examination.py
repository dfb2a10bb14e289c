"""What the doctor finds of a machine: here a folder, with programs of the test in the places where it looks."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from headway.cli import examination
from headway.cli.diagnosis import Examined
from headway.drivers.buildplan.toolchains import inventory
from tests.support.applications.kept import open_folder
from tests.support.docker.told_engine import told_engine

SAYS = "#!/bin/sh\necho {}\n"
BUILDX = '#!/bin/sh\n[ "$*" = "buildx version" ]\n'
FAILS = "#!/bin/sh\necho v1.2.3\nexit 1\n"
ENGINE = {
    "/version": {"Version": "26.1.5", "Arch": "amd64", "ApiVersion": "1.45"},
    "/info": {"Swarm": {"LocalNodeState": "active", "ControlAvailable": True, "Nodes": 3, "Managers": 1}},
}


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A machine without anything: every place where languages and programs are looked for is in it."""
    with open_folder() as root:
        script = inventory.SCRIPT
        for place in ("~/", "/usr/", "/opt/", '/bin"'):
            script = script.replace(f'"{place}', f'"{root}/{place.removeprefix("~").removeprefix("/")}')
        monkeypatch.setattr(examination, "SCRIPT", script)
        monkeypatch.setattr(examination, "CLEAN_PATH", f"{root}/usr/local/bin:{root}/usr/bin")
        yield root


def install(machine: Path, programs: Mapping[str, str]) -> None:
    for place, text in programs.items():
        program = machine / place
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(text)
        program.chmod(0o755)


def examined(machine: Path) -> Examined:
    return examination.examine({"HEADWAY_DOCKER_HOST": f"unix://{machine}/engine.sock"}, machine / "data")


async def test_what_a_machine_has_is_found_with_its_version_and_its_place(machine: Path) -> None:
    programs = {
        "usr/local/bin/node": SAYS.format("v22.1.0"),
        "usr/bin/npm": SAYS.format("10.8.1"),
        "usr/bin/git": SAYS.format("git"),
        "usr/bin/docker": BUILDX,
        "usr/bin/railpack": SAYS.format("railpack"),
        "usr/bin/python3.12": SAYS.format("3.12.4"),
        "opt/pyenv/versions/3.11.9/bin/python3": SAYS.format("3.11.9"),
    }
    install(machine, programs)
    async with told_engine(machine, ENGINE.get):
        found = await asyncio.to_thread(examined, machine)

    assert (found.node, found.npm) == (f"22.1.0 {machine}/usr/local/bin/node", f"10.8.1 {machine}/usr/bin/npm")
    assert found.languages == (
        f"Python 3.12.4 (this machine, {machine}/usr)",
        f"Python 3.11.9 (pyenv, {machine}/opt/pyenv/versions/3.11.9)",
        f"Node 22.1.0 (this machine, {machine}/usr/local)",
    )
    assert {name: path for name, path in found.programs.items() if path} == {"git": f"{machine}/usr/bin/git"}
    docker = found.docker
    assert (docker.program, docker.has_buildx, docker.is_old) == (f"{machine}/usr/bin/docker", True, False)
    assert (docker.engine, docker.problem, docker.builders) == ("26.1.5 for amd64", None, ("railpack",))
    assert docker.swarm == "manager of a swarm of 3 machines, 1 of them managers; applications may have replicas"


def test_what_a_machine_lacks_is_not_found(machine: Path) -> None:
    found = examined(machine)
    assert (found.node, found.npm, found.languages) == (None, None, ())
    assert set(found.programs.values()) == {None}
    docker = found.docker
    assert (docker.program, docker.has_buildx, docker.engine, docker.swarm) == (None, False, None, None)
    assert (docker.problem, docker.builders) == ("No such file or directory", ())


def test_what_is_there_and_does_not_run_is_not_taken_for_one_that_does(machine: Path) -> None:
    install(machine, {f"usr/bin/{name}": FAILS for name in ("node", "npm", "python3", "docker")})
    found = examined(machine)
    assert (found.node, found.npm, found.languages) == (None, None, ())
    assert (found.docker.program, found.docker.has_buildx) == (f"{machine}/usr/bin/docker", False)
