"""What a language brings to detection."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from headway.seams.buildplan.plan import BuildPlan
from headway.seams.buildplan.settings import BuildSettings
from headway.seams.buildplan.tree import Tree


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """One language. ``reads`` are patterns (as of `Tree.matching`) of the files whose contents it looks at.

    ``recognise`` gives the sentence why a tree is of this language ("manage.py and pyproject.toml"), None where it is
    not. ``plan`` is called for those only. Where the settings have a command, it leaves that to detection and plans
    the rest; it raises BuildError, with what to add or change, where nothing says how the tree is built or started.
    Both are pure, deterministic, and bounded by what was read.
    """

    name: str
    reads: Sequence[str]
    recognise: Callable[[Tree], str | None]
    plan: Callable[[Tree, BuildSettings], BuildPlan]
