"""Of each tree of a table the parts of its plan that matter, by way of all of detection."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan.detection import READS, detect, further
from headway.drivers.buildplan.plan import BuildPlan
from headway.drivers.buildplan.settings import BuildSettings
from headway.drivers.buildplan.tree import Tree, tree_of

PLANS = Path(__file__).parents[3] / "cases/plans"
CASES = [
    pytest.param(case, id=case["case"])
    for name in (
        *("parts", "foreign", "repositories", "golang", "node_parts", "node_applications"),
        *("django", "python_parts"),
    )
    for case in yaml.load((PLANS / f"{name}.yml").read_text(), Loader=yaml.CSafeLoader)
]


def tree(case: dict[str, Any]) -> Tree:
    """The tree of a case, of which no more is known than what detection reads."""
    whole = tree_of(case["files"])
    named = {name for pattern in READS for name in whole.matching(pattern)}
    read = Tree(names=whole.names, contents={name: whole.contents[name] for name in named})
    while more := {name for name in further(read) if name in whole} - read.contents.keys():
        contents = {**read.contents, **{name: whole.contents[name] for name in more}}
        read = Tree(names=whole.names, contents=contents)
    return read


def parts(found: BuildPlan) -> dict[str, Any]:
    """All that a case may name."""
    lines = {
        phase.name: phase.argv[2] if phase.argv[:2] == ("/bin/sh", "-c") else " ".join(phase.argv)
        for phase in found.phases
    }
    return {
        "provider": found.provider,
        "framework": found.framework,
        "web": next((each.command for each in found.processes if each.name == "web"), None),
        "worker": next((each.command for each in found.processes if each.name == "worker"), None),
        "release": found.release_command,
        "site": list(found.site.folders) if found.site is not None else None,
        "fallback": found.site.fallback if found.site is not None else None,
        "port": found.port,
        "phases": lines,
        "order": list(lines),
        "places": {phase.name: phase.folder for phase in found.phases},
        "follows": {phase.name: list(phase.follows) for phase in found.phases},
        "needs": {need.tool: need.wanted for need in found.needs},
        "keep": list(found.keep),
        "env": dict(found.env),
        "build_env": dict(found.build_env),
        "run_env": dict(found.run_env),
        "path": list(found.path),
        "reasons": {each.name: each.reason for each in found.choices},
        "set": [each.name for each in found.choices if each.is_set],
        "questions": [each.name for each in found.questions],
        "notes": list(found.notes),
    }


def planned(case: dict[str, Any]) -> BuildPlan:
    """The plan of a case."""
    return detect(tree(case), BuildSettings(**case.get("settings", {})), case.get("variables", {}))


@pytest.mark.parametrize("case", CASES)
def test_a_tree_is_planned_as_its_case_has_it(case: dict[str, Any]) -> None:
    if "refusal" in case:
        with pytest.raises(BuildError) as refused:
            planned(case)
        assert case["refusal"] in refused.value.message
        return
    found = parts(planned(case))
    wanted = case["plan"]
    for name, value in wanted.items():
        match name:
            case "notes":
                for word in value:
                    assert any(word in note for note in found["notes"]), (word, found["notes"])
            case "silent":
                assert [note for note in found["notes"] for word in value if word in note] == []
            case "phases" | "places" | "follows" | "reasons" | "env":
                assert {each: found[name].get(each) for each in value} == value
            case _:
                assert found[name] == value, name
