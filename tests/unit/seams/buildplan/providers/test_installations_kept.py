"""Which installations may be kept for the next build: those of which all that they follow and make is known."""

from __future__ import annotations

import json

import pytest

from headway.seams.buildplan.detection import detect
from headway.seams.buildplan.plan import BuildPlan
from headway.seams.buildplan.settings import BuildSettings
from headway.seams.buildplan.tree import tree_of


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
