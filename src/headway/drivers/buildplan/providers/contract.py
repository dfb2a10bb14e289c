"""What a language brings to detection."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from headway.drivers.buildplan.plan import BuildPlan
from headway.drivers.buildplan.settings import BuildSettings
from headway.drivers.buildplan.tree import Tree
from headway.kernel.dataclass import dataclass


def names_none(tree: Tree) -> Iterable[str]:  # noqa: ARG001 - as those of languages whose files name others
    """No further file."""
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """One language. ``reads`` are patterns (as of `Tree.matching`) of the files whose contents it looks at, ``further``
    gives the names of those that what was read of them refers to.

    ``recognise`` gives the sentence why a tree is of this language ("manage.py and pyproject.toml"), None where it is
    not. ``plan`` is called for those only. Where the settings have a command, it leaves that to detection and plans
    the rest; it raises BuildError, with what to add or change, where nothing says how the tree is built or started.
    Both are pure, deterministic, and bounded by what was read.

    The setting ``install`` takes the place of the phases whose names begin with ``install``, ``build`` of those that
    begin with ``build``; the others stay where they are (``venv`` before, ``static files`` after). What does not take
    requests is named ``worker``. One that is ``faint`` is told by so little that any other goes before it; one that is
    ``foreign`` only says, before anything is installed, that Headway does not build it.
    """

    name: str
    reads: Sequence[str]
    recognise: Callable[[Tree], str | None]
    plan: Callable[[Tree, BuildSettings], BuildPlan]
    faint: bool = False
    foreign: bool = False
    further: Callable[[Tree], Iterable[str]] = names_none
