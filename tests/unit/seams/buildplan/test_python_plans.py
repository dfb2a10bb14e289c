"""What trees of Python are taken for: each case is a tree and the whole plan of it, or the sentence of its refusal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from headway.seams.builders.base import BuildError
from headway.seams.builders.languages import venv_maker
from headway.seams.buildplan.plan import BuildPlan
from headway.seams.buildplan.providers.python import PROVIDER
from headway.seams.buildplan.settings import BuildSettings
from headway.seams.buildplan.tree import tree_of

CASES = Path(__file__).parents[3] / "cases/plans/python.yml"
VENV_MAKER = Path(venv_maker.__file__).read_text()


def cases() -> list[Any]:
    return [pytest.param(case, id=case["case"]) for case in yaml.load(CASES.read_text(), Loader=yaml.CSafeLoader)]


def plan(files: dict[str, str | bytes], **settings: Any) -> BuildPlan:  # noqa: ANN401 - of any field
    tree = tree_of(files)
    assert PROVIDER.recognise(tree)
    return PROVIDER.plan(tree, BuildSettings(**settings))


def shown(found: BuildPlan) -> dict[str, Any]:
    """The plan as the cases write it: without what is as it mostly is, and the text that makes an environment."""
    dumped = json.loads(json.dumps(found.dump()).replace(json.dumps(VENV_MAKER), '"{venv maker}"'))
    return {name: without_defaults(value) for name, value in dumped.items()}


def without_defaults(value: Any) -> Any:  # noqa: ANN401 - a part of a plan
    match value:
        case list():
            return [without_defaults(each) for each in value]
        case dict():
            usual: tuple[object, ...] = ("", False, None, [], {})
            return {k: v for k, v in value.items() if v not in usual and (k, v) != ("scale", 1)}
        case _:
            return value


@pytest.mark.parametrize("case", cases())
def test_a_tree_has_this_plan(case: dict[str, Any]) -> None:
    tree = tree_of(case["files"])
    assert PROVIDER.recognise(tree) == case["seen"]
    found: dict[str, Any]
    try:
        found = {"plan": shown(PROVIDER.plan(tree, BuildSettings(**case.get("settings", {}))))}
    except BuildError as error:
        found = {"error": error.message}
    assert found == {name: case[name] for name in ("plan", "error") if name in case}


def test_requirements_that_windows_wrote_are_read() -> None:
    found = plan(
        {
            "requirements.txt": "flask\r\nwaitress\r\n".encode("utf-16"),
            "app.py": "from flask import Flask\napp = Flask(__name__)\n",
        }
    )
    assert found.processes[0].command == "waitress-serve --listen=127.0.0.1:$PORT app:app"


def test_no_command_listens_where_others_reach_it() -> None:
    plans = [case.get("plan", {}) for case in yaml.load(CASES.read_text(), Loader=yaml.CSafeLoader)]
    lines = [process["command"] for found in plans for process in found.get("processes", ())]
    assert len([line for line in lines if "$PORT" in line]) > 40
    assert [line for line in lines if "$PORT" in line and "127.0.0.1" not in line and "python3" not in line] == []


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"package.json": "{}", "main.py": "print(1)\n"}, "a script beside an application in Node"),
        ({"index.html": "", "build.py": "print(1)\n"}, "a script beside a site"),
        ({"pyproject.toml": "[tool.ruff]\nline-length = 120\n"}, "the settings of a linter"),
        ({"go.mod": "", "mkdocs.yml": "site_name: Shop\n", "docs/index.md": ""}, "a program in Go with its pages"),
        ({"README.md": "", "tests/test_it.py": "def test(): ...\n"}, "tests alone"),
        (
            {"a/requirements.txt": "flask\n", "b/requirements.txt": "flask\n", "a/app.py": "", "b/app.py": ""},
            "two projects",
        ),
    ],
)
def test_what_is_not_python_is_left_to_others(files: dict[str, str], reason: str) -> None:
    assert PROVIDER.recognise(tree_of(files)) is None, reason
