"""A program in Python and a server of pages beside it: which of them answers is asked."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan.detection import detect
from headway.drivers.buildplan.plan import BuildPlan, Confidence, Question
from headway.drivers.buildplan.settings import BuildSettings
from headway.drivers.buildplan.tree import tree_of

UVICORN = "uvicorn main:app --host 127.0.0.1 --port $PORT"
PYTHON = {"requirements.txt": "fastapi\nuvicorn\n", "main.py": "from fastapi import FastAPI\napp = FastAPI()\n"}
SCRIPTS = {"build": "next build", "start": "next start"}
NEXT = {"package.json": json.dumps({"scripts": SCRIPTS, "dependencies": {"next": "15", "react": "19"}})}
EXPORTED = {**NEXT, "next.config.js": "module.exports = {output: 'export'}\n"}
KIT = {
    "package.json": json.dumps(
        {
            "scripts": {"build": "vite build"},
            "devDependencies": {"@sveltejs/kit": "2", "@sveltejs/adapter-node": "5", "vite": "6"},
        }
    ),
    "svelte.config.js": "import adapter from '@sveltejs/adapter-node'\nexport default {kit: {adapter: adapter()}}\n",
}
SERVERS = "There are two servers, and one answers at the address: "


def at(folder: str, files: Mapping[str, str]) -> dict[str, str]:
    return {f"{folder}/{name}": text for name, text in files.items()}


def plan(files: Mapping[str, str], *, start: str | None = None, provider: str | None = None) -> BuildPlan:
    return detect(tree_of(files), BuildSettings(start=start, provider=provider), {})


def test_pages_in_a_folder_that_is_built_with_it_are_asked_for_by_the_start_command() -> None:
    found = plan({**PYTHON, **at("frontend", NEXT)})
    assert (found.provider, found.confidence) == ("python", Confidence.GUESSED)
    assert found.questions == (
        Question(
            name="start",
            text=f"{SERVERS}FastAPI ({UVICORN}) and Next in frontend/ (next start). Which is it? For both, make an "
            "application of each, with --build-path frontend for the second.",
            choices=(UVICORN, "cd frontend && exec next start"),
            means=("FastAPI answers, and Next does not run", "Next answers, and FastAPI does not run"),
        ),
    )
    for choice in found.questions[0].choices:
        answered = plan({**PYTHON, **at("frontend", NEXT)}, start=choice)
        assert ([each.command for each in answered.processes], answered.questions) == ([choice], ())


def test_both_at_the_build_path_are_asked_for_with_their_commands() -> None:
    (asked,) = plan({**PYTHON, **NEXT}).questions
    assert (asked.name, asked.choices) == ("start", (UVICORN, "next start"))
    assert (plan({**PYTHON, **NEXT}, start="next start").provider, plan({**PYTHON, **NEXT}).provider) == (
        "node",
        "python",
    )


@pytest.mark.parametrize(
    ("files", "line", "choices"),
    [
        ({**at("backend", PYTHON), **NEXT}, "next start", ("/", "/backend")),
        ({**at("api", PYTHON), **at("apps/web", KIT)}, f"cd api && exec {UVICORN}", ("/", "/apps/web")),
    ],
)
def test_what_lies_where_nothing_is_built_is_asked_for_by_the_build_path(
    files: Mapping[str, str], line: str, choices: tuple[str, ...]
) -> None:
    found = plan(files)
    (asked,) = found.questions
    assert ([each.command for each in found.processes], asked.name, asked.choices) == ([line], "buildPath", choices)
    assert (asked.option, asked.setting) == ("headway apps set APP --build-path FOLDER", "customGitBuildPath")
    assert asked.text.endswith(f"--provider {found.provider}.")
    assert plan(files, provider=found.provider).questions == ()


def test_two_folders_and_nothing_at_the_build_path_are_named_with_their_commands() -> None:
    with pytest.raises(BuildError) as refused:
        plan({**at("backend", PYTHON), **at("frontend", NEXT)})
    told = f"Two of them are servers, FastAPI in backend/ ({UVICORN}) and Next in frontend/ (next start): for both,"
    assert told in refused.value.message
    assert "--build-path backend" in refused.value.message


@pytest.mark.parametrize(
    "files",
    [
        pytest.param({**PYTHON, **at("frontend", EXPORTED)}, id="pages that are exported"),
        pytest.param({**PYTHON, **at("docs", NEXT)}, id="a site of the documentation"),
        pytest.param({**PYTHON, **at("frontend", NEXT), "Procfile": f"web: {UVICORN}\n"}, id="the Procfile says it"),
        pytest.param(
            {
                **at("backend", PYTHON),
                "package.json": NEXT["package.json"].replace('"next start"', "\"concurrently 'next start' ./api\""),
            },
            id="the script starts both",
        ),
        pytest.param({**NEXT, "tools/requirements.txt": "requests\n"}, id="tools in Python"),
    ],
)
def test_one_server_is_asked_nothing(files: Mapping[str, str]) -> None:
    assert plan(files).questions == ()
