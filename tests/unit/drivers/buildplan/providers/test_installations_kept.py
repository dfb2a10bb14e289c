"""Which installations may be kept for the next build: those of which all that they follow and make is known."""

from __future__ import annotations

import json

import pytest

from headway.drivers.buildplan.detection import detect
from headway.drivers.buildplan.plan import BuildPlan
from headway.drivers.buildplan.settings import BuildSettings
from headway.drivers.buildplan.tree import tree_of


def node(scripts: dict[str, str], *schemas: str) -> BuildPlan:
    package = {
        "dependencies": {"@prisma/client": "6.1.0"},
        "devDependencies": {"prisma": "6.1.0"},
        "scripts": {"start": "node .", **scripts},
    }
    files = {"package.json": json.dumps(package), "package-lock.json": "{}", "index.js": ""}
    return detect(tree_of({**files, **dict.fromkeys(schemas, "")}), BuildSettings())


def is_kept(plan: BuildPlan) -> bool:
    phase = next(each for each in plan.phases if each.name == "install")
    return bool(phase.follows and phase.makes)


@pytest.mark.parametrize(
    "script",
    ["prisma generate", "npx prisma generate && patch-package", "playwright install", "npx playwright install"],
)
@pytest.mark.parametrize("hook", ["postinstall", "prepare"])
def test_what_a_script_makes_beside_the_packages_keeps_nothing(hook: str, script: str) -> None:
    assert not is_kept(node({hook: script}))
    assert is_kept(node({hook: "patch-package"}))


@pytest.mark.parametrize("scripts", [{}, {"db:generate": "prisma generate"}, {"generate": "prisma generate"}])
def test_a_client_that_no_build_generates_is_generated_after_each_installation(scripts: dict[str, str]) -> None:
    plan = node(scripts, "prisma/schema.prisma")
    assert [phase.name for phase in plan.phases] == ["install", "prisma generate"]
    assert is_kept(plan)
    built = node({"build": "prisma generate && tsc", **scripts}, "prisma/schema.prisma")
    assert [phase.name for phase in built.phases] == ["install", "build"]


COMMIT = "0123456789" * 4


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("flask==3.0", True),
        ("--extra-index-url https://example.org/simple", True),
        (f"git+https://example.org/x.git@{COMMIT}#egg=x", True),
        (f"x @ git+https://example.org/x.git@{COMMIT}", True),
        (f"x @ https://example.org/x.zip#sha256={COMMIT}{COMMIT[:24]}", True),
        ("git+https://example.org/x.git#egg=x", False),
        ("-e git+https://example.org/x.git@main#egg=x", False),
        ("x @ git+ssh://git@example.org/x.git@v1.0", False),
        ("x @ https://example.org/x.zip", False),
        ("https://example.org/x.zip", False),
    ],
)
def test_what_may_be_another_tomorrow_at_the_same_address_is_not_kept(line: str, *, kept: bool) -> None:
    files = {"requirements.txt": f"flask\n{line}\n", "app.py": "from flask import Flask\napp = Flask(__name__)\n"}
    assert is_kept(detect(tree_of(files), BuildSettings())) == kept
    if not line.startswith(("-", "git+", "http")):
        project = f'[project]\nname = "shop"\nversion = "1"\ndependencies = [\n  "flask",\n  "{line}",\n]\n'
        assert is_kept(detect(tree_of({"pyproject.toml": project, "main.py": ""}), BuildSettings())) == kept
        locked = {"pyproject.toml": project, "uv.lock": "version = 1\n", "main.py": ""}
        assert is_kept(detect(tree_of(locked), BuildSettings()))


@pytest.mark.parametrize(
    ("source", "kept"),
    [
        ('"^3"', True),
        ('{ git = "https://example.org/x.git", branch = "main" }', False),
        ('{ url = "https://example.org/x.zip" }', False),
    ],
)
def test_a_source_of_poetry_without_its_lock_is_not_kept(source: str, *, kept: bool) -> None:
    text = f'[tool.poetry]\npackage-mode = false\n[tool.poetry.dependencies]\npython = "^3.12"\nx = {source}\n'
    files = {"pyproject.toml": text, "main.py": ""}
    assert is_kept(detect(tree_of(files), BuildSettings())) == kept
    assert is_kept(detect(tree_of({**files, "poetry.lock": ""}), BuildSettings()))
