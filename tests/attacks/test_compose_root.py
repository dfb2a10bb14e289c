"""Compose begins containers as root: nothing that a tenant has written or named is read, or acted on, by it then."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from headway.drivers.runtimes.compose.commands import Composing, Docker, Reader
from headway.drivers.runtimes.compose.conversion import with_inert_variables
from headway.features.services.compose.model import Record
from headway.features.services.compose.tools import ComposeContext
from headway.infra.hosts.command import Command, Limits
from tests.support.docker.docker_engine import lacks_docker

pytestmark = pytest.mark.skipif(lacks_docker() is not None, reason=lacks_docker() or "")

SERVICES = {"web": {"image": "x", "configs": [{"source": "c"}], "secrets": [{"source": "s"}]}}


def composing(folder: Path, file: Mapping[str, Any], variables: Mapping[str, str]) -> Composing:
    """The commands of a compose service, as everything gets them."""
    docker = Docker(address="unix:///nowhere.sock", config_folder=str(folder / "docker"))
    tools: Any = SimpleNamespace(
        engine=SimpleNamespace(docker=docker), folders=SimpleNamespace(own=lambda _: str(folder))
    )
    return ComposeContext.composing(
        tools, "c", "shop", Record(file=dict(file), variables=variables, secrets=(), host=())
    )


def ran(command: Command) -> str:
    """All that it says."""
    argv, env = command.stages[0].argv, dict(command.env)
    ended = subprocess.run(argv, env=env, input=command.stdin, capture_output=True, timeout=60, check=False)
    return (ended.stdout + ended.stderr).decode()


@pytest.mark.parametrize("begins", ["up", "more"])
def test_no_file_of_variables_beside_is_read(tmp_path: Path, begins: str) -> None:
    (tmp_path / "key").write_text("MACHINE-SECRET with no sign of equality\n")
    (tmp_path / ".env").symlink_to(tmp_path / "key")
    one = composing(tmp_path, {"name": "shop", "services": {"web": {"image": "x"}}}, {})
    command = one.up(["web"]) if begins == "up" else one.up_beside({"web": 2})
    said = ran(command)
    assert "MACHINE-SECRET" not in said
    assert "nowhere.sock" in said, "the engine is asked"


def test_no_variable_of_a_secret_is_acted_on_by_compose(tmp_path: Path) -> None:
    variables = {"LD_DEBUG": "libs", "LD_DEBUG_OUTPUT": str(tmp_path / "written"), "TOKEN": "t", "HEADWAY_VALUE_0": "v"}
    named = {f"s{number}": {"environment": name} for number, name in enumerate(variables)}
    file = {"name": "shop", "services": {"web": {"image": "x", "secrets": list(named)}}, "secrets": named}
    ran(composing(tmp_path, file, variables).up(["web"]))
    assert list(tmp_path.glob("written*")) == [], "the loader of programs has written as root"


def test_what_they_are_made_of_stays(tmp_path: Path) -> None:
    variables = {"LD_PRELOAD": "l", "TOKEN": "t", "HEADWAY_VALUE_0": "v", "PATH": "p"}
    named = {"configs": {"c": {"environment": "LD_PRELOAD"}, "f": {"file": "/f"}, "n": None}}
    named |= {"secrets": {name: {"environment": name} for name in variables}}
    file, given = with_inert_variables({"services": SERVICES, **named}, variables)
    assert {name: given[each["environment"]] for name, each in file["secrets"].items()} == variables
    assert given[file["configs"]["c"]["environment"]] == "l"
    assert (file["configs"]["f"], file["configs"]["n"]) == ({"file": "/f"}, None)
    assert given.keys() & {"LD_PRELOAD", "PATH"} == set()
    same, told = with_inert_variables({"secrets": {"TOKEN": {"environment": "TOKEN"}}}, {"TOKEN": "t"})
    assert (same, told) == ({"secrets": {"TOKEN": {"environment": "TOKEN"}}}, {"TOKEN": "t"})


def test_the_file_is_checked_with_what_it_runs_with(tmp_path: Path) -> None:
    one = composing(tmp_path, {"name": "shop", "services": {"web": {"image": "a$$b"}}}, {})
    command = one.check(Reader(home=str(tmp_path), account=None, limits=Limits()))
    assert "--env-file=/dev/null" in command.stages[0].argv
    assert json.loads(command.stdin)["services"]["web"]["image"] == "a$$b"
