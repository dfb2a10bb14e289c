"""The commands of npm's clients, each called as its users would on a panel that has what it is about."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from script import clients as scripted
from tests.e2e.drives import DRIVES, REFUSED, UNTOLD
from tests.e2e.npm_clients import NO_RESULT, Cli, Tool
from tests.e2e.provider_drives import FORGES
from tests.e2e.stage import Stage
from tests.integration.http.schemas import misfits
from tests.support.forges.forge_apis import forge_api
from tests.support.panel.panel import Panel, git_repository, panel, web

Json = Any


@contextmanager
def driven(folder: Path) -> Iterator[tuple[Panel, Stage]]:
    """A panel, and what the commands are called about."""
    url = git_repository(folder / "repository", web("driven"))
    with panel(folder / "data", HEADWAY_DOCKER_HOST=f"unix://{folder}/nowhere.sock") as running, ExitStack() as stack:
        apis = {forge: stack.enter_context(forge_api(forge)).url for forge in FORGES}
        yield running, Stage(running, url, apis)


def drives(cli: Cli, stage: Stage, shapes: Json, procedure: str) -> None:
    """The command line calls the procedure, and prints what the document says."""
    answer = cli(scripted.command_of(procedure), **_texts(DRIVES[procedure](stage)))
    _tidy(stage, procedure)
    shape = _shape(shapes, procedure)
    assert answer == NO_RESULT if shape is None else misfits(shape, answer, shapes) == [], procedure


def drives_tool(tool: Tool, stage: Stage, shapes: Json, procedure: str) -> None:
    """The same for the MCP server."""
    answer = tool(scripted.tool_of(procedure), **DRIVES[procedure](stage))
    _tidy(stage, procedure)
    shape = _shape(shapes, procedure)
    assert answer == "" if shape is None else misfits(shape, answer, shapes) == [], procedure


def hears_that_there_is_none(cli: Cli, procedure: str) -> None:
    """The command line is told that what it names is not there."""
    ended = cli.run(scripted.command_of(procedure), **REFUSED[procedure])
    assert (ended.returncode, ended.stderr.strip()) == (1, "Request failed with status code 404")


def hears_that_a_test_was_not_taken(cli: Cli, procedure: str) -> None:
    """The command line is told that a channel did not take its test."""
    ended = cli.run(scripted.command_of(procedure), **_texts(UNTOLD[procedure]))
    assert (ended.returncode, ended.stderr.strip()) == (1, "Request failed with status code 400")


def _tidy(stage: Stage, procedure: str) -> None:
    if procedure.startswith("notification."):
        stage.tell_nobody()


def _texts(given: Mapping[str, Json]) -> Mapping[str, Json]:
    """Lists and objects are JSON on a command line."""
    return {name: json.dumps(value) if isinstance(value, list | dict) else value for name, value in given.items()}


def _shape(shapes: Json, procedure: str) -> Json:
    """What the answer must be like, None where there is none."""
    (operation,) = shapes["paths"][f"/{procedure}"].values()
    content = operation["responses"]["200"].get("content")
    return None if content is None else content["application/json"]["schema"]
