"""The variables that somebody has to give a value before an application is of use, as its files tell of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from headway.drivers.buildplan.compose_variables import compose_note
from headway.drivers.buildplan.env_example import example, example_note
from headway.drivers.buildplan.plan import BuildPlan
from headway.drivers.buildplan.tree import Tree


def needed(tree: Tree, plan: BuildPlan, variables: Mapping[str, str]) -> Iterator[str]:
    """What is to be said of them, of which those that are set, or that the plan gives, are known."""
    known = {*variables, *plan.env, *plan.run_env}
    if not plan.processes and not plan.is_built:
        return
    has_example = example(tree, plan) is not None
    asked = example_note(tree, plan, known) if has_example else compose_note(tree, known) if plan.processes else ""
    if asked:
        yield asked
