"""An application in the folder that a command line goes into, where nothing at the build path says what that is."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from headway.drivers.buildplan.plan import BuildPlan, Phase
from headway.drivers.buildplan.providers.contract import Provider
from headway.drivers.buildplan.providers.python_folder import manifests, named_folder
from headway.drivers.buildplan.settings import BuildSettings
from headway.drivers.buildplan.tree import Tree

_GOES = re.compile(r"cd\s+[\"']?(?:\./)?(\w[\w./-]{0,200}?)/?[\"']?\s*(?:&&|;)\s*(?=\S)")
_PYTHON: Final = "python"


def named_provider(
    tree: Tree, line: str, language: str | None, providers: Sequence[Provider]
) -> tuple[Provider, str] | None:
    """Who plans the application in the folder that a line names, of the ``language`` that it is in where it is of one,
    and the file that it is seen by; None where there is none.
    """
    folder = named_folder(tree, line) if language == _PYTHON else None
    if folder is not None and (found := manifests(tree.below(folder))):
        return next(each for each in providers if each.name == _PYTHON), f"{folder}/{found[0]}"
    match = _GOES.match(line)
    if match is None or ".." in match[1].split("/"):
        return None
    folder = posixpath.normpath(match[1])
    inner = tree.below(folder)
    seen = [(each, why) for each in providers if not each.faint and (why := each.recognise(inner)) is not None]
    mine = next((each for each in seen if each[0].name == language), None if language else next(iter(seen), None))
    if mine is None or mine[0].foreign:
        return None
    return _in_folder(mine[0], folder), f"{folder}/{mine[1]}"


def _in_folder(provider: Provider, folder: str) -> Provider:
    """The provider, for what lies in a folder of the tree."""

    def plan(tree: Tree, settings: BuildSettings) -> BuildPlan:
        start = _GOES.sub("", settings.start, count=1) if settings.start is not None else None
        return _placed(provider.plan(tree.below(folder), replace(settings, start=start)), folder)

    return replace(provider, plan=plan)


def _placed(plan: BuildPlan, folder: str) -> BuildPlan:
    """The plan with all its places as they are seen from the build path."""
    return replace(
        plan,
        phases=tuple(_phase_in(each, folder) for each in plan.phases),
        path=tuple(f"{folder}/{each}" for each in plan.path),
        keep=tuple(f"{folder}/{each}" for each in plan.keep),
    )


def _phase_in(phase: Phase, folder: str) -> Phase:
    follows, makes = (tuple(f"{folder}/{each}" for each in names) for names in (phase.follows, phase.makes))
    return replace(phase, folder=posixpath.join(folder, phase.folder).rstrip("/"), follows=follows, makes=makes)
