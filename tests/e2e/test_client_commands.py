"""The commands of the two clients whose procedures exist, driven; and the answer that the others get."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from script import clients as scripted
from script.clients_page import REFUSED as FIGURES
from script.clients_page import WHOLE_ROUTERS, WHY, clients_page, working
from tests.e2e.drives import DRIVES, REFUSED, UNAVAILABLE, UNKEPT, UNTOLD
from tests.e2e.driving import (
    driven,
    drives,
    drives_tool,
    hears_that_a_test_was_not_taken,
    hears_that_there_is_none,
)
from tests.e2e.npm_clients import Cli, Tool, mcp
from tests.e2e.stage import Stage
from tests.support.panel.panel import Panel
from tests.support.panel.permissions import PERMISSIONS
from tests.support.panel.today import turn

CALLED = scripted.procedures(scripted.kept()["@dokploy/cli"])
TOLD = [name for name in CALLED if name.partition(".")[0] in WHOLE_ROUTERS]
MISSING = [name for name in TOLD if name not in PERMISSIONS]
DAYS = 20
Json = Any


def test_every_command_whose_procedure_exists_is_driven() -> None:
    assert sorted({*DRIVES, *REFUSED, *UNAVAILABLE, *UNTOLD}) == sorted(set(CALLED) & working()), "tests/e2e/drives.py"
    assert UNKEPT.keys() == FIGURES & set(CALLED), "tests/e2e/drives.py"


def test_the_page_tells_of_every_command_of_these_routers_and_of_no_other_reason() -> None:
    told = clients_page()
    for name in TOLD:
        assert f"| `{scripted.command_of(name)}` |" in told, name
    assert set(TOLD) - working() >= set(WHY), "a reason for a command that works, or that nobody has"


@pytest.mark.slow
def test_the_commands_are_those_that_the_packages_have(clients: Path) -> None:
    assert scripted.read(clients) == scripted.kept(), "run script/clients"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, clients: Path) -> Iterator[tuple[Panel, Stage]]:
    with driven(tmp_path_factory.mktemp("driven")) as made:
        yield made


@pytest.fixture(scope="module")
def shapes(stage: tuple[Panel, Stage]) -> Json:
    return stage[0].get("settings.getOpenApiDocument")


@pytest.fixture(scope="module")
def tool(clients: Path, stage: tuple[Panel, Stage]) -> Iterator[Tool]:
    with mcp(clients, stage[0], DOKPLOY_REDACT_ENV="false") as call:
        yield call


@pytest.fixture
def cli(clients: Path, stage: tuple[Panel, Stage], tmp_path: Path) -> Cli:
    return Cli(clients, stage[0], tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("procedure", turn(DRIVES, DAYS))
def test_the_command_line_drives(procedure: str, cli: Cli, stage: tuple[Panel, Stage], shapes: Json) -> None:
    """Each starts a program; `script/prove client_commands` drives all of them."""
    drives(cli, stage[1], shapes, procedure)


@pytest.mark.slow
@pytest.mark.parametrize("router", sorted({name.partition(".")[0] for name in DRIVES}))
def test_the_mcp_server_drives(router: str, tool: Tool, stage: tuple[Panel, Stage], shapes: Json) -> None:
    for procedure in sorted(DRIVES):
        if procedure.startswith(f"{router}."):
            drives_tool(tool, stage[1], shapes, procedure)


@pytest.mark.slow
@pytest.mark.parametrize("procedure", turn(REFUSED, len(REFUSED) // 3))
def test_the_command_line_hears_that_there_is_none(procedure: str, cli: Cli) -> None:
    hears_that_there_is_none(cli, procedure)


@pytest.mark.slow
@pytest.mark.parametrize("procedure", sorted(UNAVAILABLE))
def test_the_command_line_hears_that_it_is_unavailable(procedure: str, cli: Cli) -> None:
    ended = cli.run(scripted.command_of(procedure), **UNAVAILABLE[procedure])
    assert (ended.returncode, ended.stderr.strip()) == (1, "Request failed with status code 503")


@pytest.mark.slow
@pytest.mark.parametrize("procedure", turn(UNTOLD, len(UNTOLD) // 2))
def test_the_command_line_hears_that_a_test_was_not_taken(procedure: str, cli: Cli) -> None:
    hears_that_a_test_was_not_taken(cli, procedure)


@pytest.mark.slow
@pytest.mark.parametrize("procedure", sorted(UNKEPT))
def test_the_command_line_hears_that_no_figures_are_kept(procedure: str, cli: Cli) -> None:
    ended = cli.run(scripted.command_of(procedure), **UNKEPT[procedure])
    assert (ended.returncode, ended.stderr.strip()) == (1, "Request failed with status code 400")


@pytest.mark.slow
@pytest.mark.parametrize("procedure", sorted((set(TOLD) & set(PERMISSIONS)) - working() - FIGURES))
def test_the_command_line_hears_that_it_sends_no_file(procedure: str, cli: Cli) -> None:
    ended = cli.run(scripted.command_of(procedure))
    assert (ended.returncode, ended.stderr.strip()) == (1, "Request failed with status code 415")


@pytest.mark.slow
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_command_without_a_procedure_gets_the_answer_that_the_page_tells(
    method: str, stage: tuple[Panel, Stage]
) -> None:
    client = stage[0].client
    for name in MISSING:
        plain = client.request(method, f"/{name}", json={} if method == "post" else None)
        assert (plain.status_code, plain.json()["message"]) == (404, "Not found"), name
        enveloped = client.request(method, f"/trpc/{name}", json={"json": {}} if method == "post" else None)
        message = enveloped.json()["error"]["json"]["message"]
        assert (enveloped.status_code, message) == (404, f'No procedure found on path "{name}"'), name
