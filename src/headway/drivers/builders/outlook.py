"""What a native build of a workspace would do: the plan, by the rules that the application is planned by."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from types import ModuleType

from headway.drivers.builders import first_rules
from headway.drivers.builders.base import BuildSpec
from headway.drivers.builders.inspection import is_there, read_listing
from headway.drivers.builders.plan import Plan
from headway.drivers.builders.scale import scaled
from headway.drivers.buildplan.plan import BuildPlan, Site
from headway.drivers.buildplan.providers.refusals import OTHERS, LanguageRefused
from headway.drivers.buildplan.reader import on_own_threads, read_tree
from headway.drivers.buildplan.settings import FIRST
from headway.infra.hosts.work import Work
from headway.kernel.artifacts import Workspace

_STAYS = (
    "This application is planned by the rules of detection that it was released by before. The newer ones are taken "
    "once a setting of its build changes, or with headway apps set APP --detection newest; what they would do is "
    "shown by headway apps detect APP --detection newest."
)


async def plan_build(work: Work, workspace: Workspace, spec: BuildSpec) -> BuildPlan:
    """The plan, each process as often as it is to run. Raises BuildError."""
    if spec.settings.detection == FIRST:
        listing = await read_listing(work, workspace, spec)
        plan_then = await on_own_threads(partial(first_rules.detect, listing, spec))
        return _converted(plan_then, spec.settings.fallback)
    rules = await asyncio.to_thread(_rules)
    tree = await read_tree(work, workspace, rules.READS, rules.further)
    variables = {name: value.reveal() for name, value in spec.variables.items()}
    try:
        plan: BuildPlan = await on_own_threads(partial(rules.detect, tree, spec.settings, variables))
    except LanguageRefused as error:
        has_engine = spec.image is not None and await spec.image.api.answers()
        programs = [each for each in OTHERS if await is_there(work.host, each)]
        raise error.followed_by(error.ways(has_engine=has_engine, programs=programs)) from error
    return replace(plan, processes=scaled(plan.processes, spec.scale))


def _rules() -> ModuleType:
    from headway.drivers.buildplan import detection  # noqa: PLC0415 - its tables are a tenth of what a start would load

    return detection


def _converted(plan: Plan, fallback: bool | None) -> BuildPlan:  # noqa: FBT001 - as the setting has it
    """A plan of the first rules."""
    return BuildPlan(
        provider=plan.language,
        phases=plan.phases,
        processes=plan.processes,
        release_command=plan.release_command,
        site=Site(folders=plan.static_folders, fallback=fallback) if plan.static_folders else None,
        path=plan.path,
        env=plan.env,
        takes_requests=bool(plan.static_folders) or any(process.name == "web" for process in plan.processes),
        notes=(*plan.reasons, _STAYS),
    )
