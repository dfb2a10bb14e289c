"""Every command of the two clients whose procedure exists, driven; and the answer that the others get."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from headway.core.access.policy import RULES
from script import clients as scripted
from script.clients_page import WHOLE_ROUTERS, WHY, clients_page, working
from tests.e2e.drives import DRIVES, REFUSED, UNAVAILABLE, UNTOLD
from tests.e2e.npm_clients import NO_RESULT, Cli, Tool, mcp
from tests.e2e.provider_drives import FORGES
from tests.e2e.stage import Stage
from tests.forge_apis import forge_api
from tests.integration.http.schemas import misfits
from tests.panel import Panel, git_repository, panel, web

CALLED = scripted.procedures(scripted.kept()["@dokploy/cli"])
TOLD = [name for name in CALLED if name.partition(".")[0] in WHOLE_ROUTERS]
MISSING = [name for name in TOLD if name not in RULES]
Json = Any


def test_every_command_whose_procedure_exists_is_driven() -> None:
    assert sorted({*DRIVES, *REFUSED, *UNAVAILABLE, *UNTOLD}) == sorted(set(CALLED) & working()), "tests/e2e/drives.py"


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
    folder = tmp_path_factory.mktemp("driven")
    url = git_repository(folder / "repository", web("driven"))
    with panel(folder / "data", HEADWAY_DOCKER_HOST=f"unix://{folder}/nowhere.sock") as running, ExitStack() as stack:
        apis = {forge: stack.enter_context(forge_api(forge)).url for forge in FORGES}
        yield running, Stage(running, url, apis)


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
@pytest.mark.parametrize("procedure", sorted(DRIVES))
def test_the_command_line_drives(procedure: str, cli: Cli, stage: tuple[Panel, Stage], shapes: Json) -> None:
    answer = cli(scripted.command_of(procedure), **_texts(DRIVES[procedure](stage[1])))
    shape = _shape(shapes, procedure)
    assert answer == NO_RESULT if shape is None else misfits(shape, answer, shapes) == []


@pytest.mark.slow
@pytest.mark.parametrize("procedure", sorted(DRIVES))
def test_the_mcp_server_drives(procedure: str, tool: Tool, stage: tuple[Panel, Stage], shapes: Json) -> None:
    answer = tool(scripted.tool_of(procedure), **DRIVES[procedure](stage[1]))
    shape = _shape(shapes, procedure)
    assert answer == "" if shape is None else misfits(shape, answer, shapes) == []


@pytest.mark.slow
@pytest.mark.parametrize("procedure", sorted(REFUSED))
def test_the_command_line_hears_that_there_is_none(procedure: str, cli: Cli) -> None:
    ended = cli.run(scripted.command_of(procedure), **REFUSED[procedure])
    assert (ended.returncode, ended.stderr.strip()) == (1, "Request failed with status code 404")


@pytest.mark.slow
@pytest.mark.parametrize("procedure", sorted(UNAVAILABLE))
def test_the_command_line_hears_that_it_is_unavailable(procedure: str, cli: Cli) -> None:
    ended = cli.run(scripted.command_of(procedure), **UNAVAILABLE[procedure])
    assert (ended.returncode, ended.stderr.strip()) == (1, "Request failed with status code 503")


@pytest.mark.slow
@pytest.mark.parametrize("procedure", sorted(UNTOLD))
def test_the_command_line_hears_that_a_test_was_not_taken(procedure: str, cli: Cli) -> None:
    ended = cli.run(scripted.command_of(procedure), **_texts(UNTOLD[procedure]))
    assert (ended.returncode, ended.stderr.strip()) == (1, "Request failed with status code 400")


@pytest.mark.slow
@pytest.mark.parametrize("procedure", sorted((set(TOLD) & set(RULES)) - working()))
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


def _texts(given: Mapping[str, Json]) -> Mapping[str, Json]:
    """Lists and objects are JSON on a command line."""
    return {name: json.dumps(value) if isinstance(value, list | dict) else value for name, value in given.items()}


def _shape(shapes: Json, procedure: str) -> Json:
    """What the answer must be like, None where there is none."""
    (operation,) = shapes["paths"][f"/{procedure}"].values()
    content = operation["responses"]["200"].get("content")
    return None if content is None else content["application/json"]["schema"]
