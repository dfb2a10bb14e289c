"""Commands alone: a start.sh, a Procfile, or nothing but the start command that is set."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Final

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan.plan import BuildPlan, Choice
from headway.drivers.buildplan.procfile import PROCFILE, WEB
from headway.drivers.buildplan.providers.contract import Provider
from headway.drivers.buildplan.settings import BuildSettings
from headway.drivers.buildplan.tree import Tree
from headway.kernel.artifacts import Process

START: Final = "start.sh"

_SHEBANG = re.compile(r"#!\s*(?:/\S*/)?(?:env\s+(?:-S\s+)?)?([A-Za-z0-9_.-]+)")
_SHELLS: Mapping[str, str] = {"sh": "sh", "dash": "sh", "bash": "bash", "zsh": "zsh", "ksh": "bash", "mksh": "bash"}


def _recognise(tree: Tree) -> str | None:
    return next((name for name in (START, PROCFILE) if name in tree), None)


def _plan(tree: Tree, settings: BuildSettings) -> BuildPlan:
    script = settings.package or START
    choices = (Choice(name="provider", value="shell", reason=_recognise(tree) or "nothing but commands is set"),)
    if settings.start is not None:
        return BuildPlan(provider="shell", choices=choices)
    if script not in tree:
        raise BuildError(
            f"Nothing says what is to be started: there is no {script}. Add a Procfile with a line such as "
            "'web: ./run', or set the start command (headway apps set APP --start LINE)."
        )
    found = _SHEBANG.match(tree.text(script))
    shell = _SHELLS.get(found[1], found[1]) if found else "sh"
    line = shlex.join([shell, script])
    reason = f"{script}, whose first line names {found[1]}" if found else f"{script}, whose first line names no shell"
    return BuildPlan(
        provider="shell",
        processes=(Process(name=WEB, command=line),),
        choices=(*choices, Choice(name="start", value=line, reason=reason)),
    )


PROVIDER: Final = Provider(name="shell", reads=(START, "*.sh"), recognise=_recognise, plan=_plan, faint=True)
