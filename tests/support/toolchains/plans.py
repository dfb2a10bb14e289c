"""Cases of plans: small trees, each with the plan that it has, or the sentence that refuses it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan.providers.contract import Provider
from headway.drivers.buildplan.settings import BuildSettings
from headway.drivers.buildplan.tree import Tree, tree_of

FOLDER = Path(__file__).parents[2] / "cases" / "plans"


def cases(*names: str) -> list[Any]:
    """The cases of these files, each as a parameter of a test under its own name."""
    found = [json.loads((FOLDER / f"{name}.json").read_text()).items() for name in names]
    return [pytest.param(case, id=title) for items in found for title, case in items]


def planned(case: dict[str, Any], providers: Sequence[Provider]) -> dict[str, Any]:
    """What the first provider that recognises the tree of a case says of it, written as the case is."""
    tree = tree_of(case["files"], case.get("more", ()))
    provider = next(each for each in providers if each.recognise(tree) is not None)
    try:
        plan = provider.plan(tree, BuildSettings(**case.get("settings", {})))
    except BuildError as error:
        return {"refusal": str(error)}
    return {"plan": json.loads(json.dumps(_filled(plan.dump())))}


def expected(case: dict[str, Any]) -> dict[str, Any]:
    """What is to be said of it."""
    return {name: case[name] for name in ("plan", "refusal") if name in case}


def read_of(provider: Provider, tree: Tree) -> Tree:
    """The tree as the provider gets it: with the contents of those files alone that it says that it reads, and of those
    that these refer to.
    """
    read = {name for pattern in provider.reads for name in tree.matching(pattern)}
    while True:
        contents = {name: data for name, data in tree.contents.items() if name in read}
        found = Tree(names=tree.names, contents=contents, is_cut=tree.is_cut)
        more = set(provider.further(found)) & tree.contents.keys()
        if more <= read:
            return found
        read |= more


def _filled(value: Any) -> Any:  # noqa: ANN401 - any part of a plan
    """Without what is empty, so that a case shows what is said."""
    if isinstance(value, dict):
        return {name: _filled(each) for name, each in value.items() if each not in (None, (), {}, "", [])}
    return [_filled(each) for each in value] if isinstance(value, (list, tuple)) else value
