"""The variables that somebody has to give a value before an application is of use, as its files tell of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from headway.drivers.buildplan.compose_variables import compose_note
from headway.drivers.buildplan.env_example import OF_PACKAGES, example, example_note
from headway.drivers.buildplan.plan import BuildPlan
from headway.drivers.buildplan.providers.node_prisma import server_variable
from headway.drivers.buildplan.tree import Tree

_ASKED: Final = "asks for variables that are not set"  # a file of another host
_NAME = re.compile(r"\b[A-Z][A-Z0-9_]{1,60}\b")


def needed(tree: Tree, plan: BuildPlan, variables: Mapping[str, str]) -> Iterator[str]:
    """What is to be said of them, of which those that are set, or that the plan gives, are known."""
    asked_for = (name for note in plan.notes if _ASKED in note for name in _NAME.findall(note))
    known = {*variables, *plan.env, *plan.run_env, *asked_for}
    if not plan.processes and not plan.is_built:
        return
    has_example = example(tree, plan) is not None
    asked = example_note(tree, plan, known) if has_example else compose_note(tree, known) if plan.processes else ""
    if asked:
        yield asked
    chosen = (each.value.strip("./") for each in plan.choices if each.name == "package")
    folders = dict.fromkeys((*chosen, *(phase.folder for phase in plan.phases), ""))
    found = server_variable(tree, folders) if plan.processes and plan.provider in OF_PACKAGES else None
    if found is None or found[0] in {*known, *_NAME.findall(asked)}:
        return
    variable, schema, kind = found
    yield (
        f"Prisma reads its database from {variable} ({schema}, {kind}), which is not set: headway env set APP "
        f"{variable}=..."
    )
