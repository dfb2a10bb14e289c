"""Each provider has its table of trees and whole plans, and a tree that is mixed of all tables has one answer, soon."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan.detection import detect
from headway.drivers.buildplan.providers import refusals
from headway.drivers.buildplan.providers.registry import PROVIDERS
from headway.drivers.buildplan.settings import BuildSettings
from headway.drivers.buildplan.tree import Tree, tree_of
from tests.support.toolchains.plans import FOLDER, cases, expected, planned, read_of

TABLE = cases(*(f"others/{name}" for name in ("go", "hugo", "static", "shell")))
NODE = cases(*(f"node/{path.stem}" for path in sorted(Path(FOLDER, "node").glob("*.json"))))
PYTHON = [("python", each) for each in yaml.load((FOLDER / "python.yml").read_text(), Loader=yaml.CSafeLoader)]
ALL: list[dict[str, Any]] = [each.values[0] for each in (*TABLE, *NODE)] + [each for _, each in PYTHON]
FEWEST = 7  # of a provider that builds
SECONDS = 2.0


@pytest.mark.parametrize("case", TABLE)
def test_a_tree_has_the_plan_of_its_case(case: dict[str, Any]) -> None:
    assert planned(case, PROVIDERS) == expected(case)


def test_a_plan_needs_no_file_but_those_that_its_provider_says_it_reads() -> None:
    others = {}
    for each in TABLE:
        case = each.values[0]
        tree = tree_of(case["files"], case.get("more", ()))
        provider = next(one for one in PROVIDERS if one.recognise(tree) is not None)
        read = read_of(provider, tree)
        rest = {**case, "files": dict(read.contents), "more": sorted(tree.names)}
        if planned(rest, PROVIDERS) != expected(case):
            others[each.id] = provider.name
    assert others == {"what its image starts it with": "go"}, "a Dockerfile is read for every provider"


def test_each_provider_that_builds_has_its_table() -> None:
    refused = {each.name for each in (*refusals.FIRST, refusals.RUST, *refusals.LAST, *refusals.FAINT)}
    counts = Counter(case["plan"]["provider"] for case in ALL if "plan" in case)
    thin = {each.name: counts[each.name] for each in PROVIDERS if each.name not in refused}
    assert {name: count for name, count in thin.items() if count < FEWEST} == {}


def _answer(tree: Tree) -> str:
    try:
        return json.dumps(detect(tree, BuildSettings(), {}).dump())
    except BuildError as error:
        return error.message


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 1 << 20), count=st.integers(2, 4))
def test_a_tree_that_is_mixed_of_several_has_one_answer_and_soon(seed: int, count: int) -> None:
    chance = random.Random(seed)
    files: dict[str, str | bytes] = {}
    for case in chance.sample(ALL, count):
        above = chance.choice(["", "", "api/", "web/", "packages/a/"])
        files |= {f"{above}{name}": text for name, text in case["files"].items()}
    cut = chance.choice([None, None, *files])
    if cut is not None:
        whole = files[cut]
        files[cut] = whole[: chance.randrange(len(whole) + 1)]
    began = time.process_time()
    found = _answer(tree_of(files))
    assert time.process_time() - began < SECONDS
    backwards = dict(sorted(files.items(), reverse=True))
    assert _answer(tree_of(backwards)) == found
