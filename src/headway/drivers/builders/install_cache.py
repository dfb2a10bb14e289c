"""What installations made before, kept for builds of the same application whose lock files have not changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from headway.drivers.builders.base import BuildError, BuildSpec
from headway.drivers.builders.inspection import PATH
from headway.drivers.buildplan.plan import Phase
from headway.infra.hosts.base import Cause, Exit
from headway.infra.hosts.command import Command, Stage
from headway.infra.hosts.work import Work
from headway.kernel.artifacts import Workspace
from headway.kernel.dataclass import dataclass
from headway.kernel.phrase import phrase

FOLDER = "installed"
SCRIPT = Path(__file__).with_name("install_cache_script.py").read_text()
_PYTHON = "/usr/bin/python3"
_FORM = 2  # of what is kept; another one is another key
_MOST = 3  # of one application
_MOST_BYTES = 2 << 30
_MOST_SECONDS = 30 * 86_400.0
_LEAST_FREE = 1 << 30
_LATEST = 253_402_300_799  # the last second of the year 9999

_KILLED = "killed"  # what is said in the place of a script that was ended before it answered

Named = tuple[str, Phase]


@dataclass(frozen=True, slots=True)
class Recalled:
    """What came of a look for what was kept: ``is_there`` says that it is in its place, ``key`` under which what is
    made now may be kept (None: it may not).
    """

    is_there: bool = False
    key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallCache:
    """What lies in the build account's own folder, for one application, written and read as that account. ``context``
    is all that an installation depends on beside its phases and the files that these follow.
    """

    work: Work
    workspace: Workspace
    spec: BuildSpec
    run: str
    context: Mapping[str, Any]

    async def recall(self, group: Sequence[Named]) -> Recalled:
        """Puts what a group of phases makes where they would, if that was made before of the same; the log says so."""
        if not is_kept(group):
            return Recalled()
        name, files = group[-1][0], _files(group)
        if self.spec.fresh:
            await self.work.say(phrase("{}: what was kept is not used, since cleanCache is set.", name))
        said = await self._ask("recall", group, {"do": "take", "most_seconds": _MOST_SECONDS})
        if _KILLED in said:
            said = await self._cleared(group, said[_KILLED])
        if isinstance(made := said.get("made"), int) and 0 <= made <= _LATEST:
            day = datetime.fromtimestamp(made, UTC)
            await self.work.say(
                phrase(
                    "{}: nothing to do, {} unchanged since the build of {}.", name, files, f"{day:%Y-%m-%d %H:%M} UTC"
                )
            )
            return Recalled(is_there=True)
        if "why" in said:
            await self.work.say(phrase("{}: what was kept cannot be used and is dropped ({}).", name, said["why"]))
        key = said.get("key")
        return Recalled(key=key if isinstance(key, str) else None)

    async def keep(self, group: Sequence[Named], recalled: Recalled) -> None:
        """Keeps what the group has made. Where that cannot be, the log says why, and the build goes on."""
        if recalled.key is None:
            return
        bounds = {"most": _MOST, "most_bytes": _MOST_BYTES, "most_seconds": _MOST_SECONDS, "least_free": _LEAST_FREE}
        said = await self._ask("keep", group, {"do": "keep", "key": recalled.key, "run": self.run, **bounds})
        if why := said.get("why") or said.get(_KILLED):
            await self.work.say(phrase("{}: not kept for the next build ({}).", group[-1][0], why))

    async def _cleared(self, group: Sequence[Named], how: str) -> Mapping[str, Any]:
        """Has what a recall that was ended from outside left removed. Raises BuildError where that cannot be."""
        said = await self._ask("clear", group, {"do": "clear"})
        if why := said.get("why") or said.get(_KILLED):
            raise BuildError(
                f"What an installation made before could not be copied ({how}), and the half of it that lies in the "
                f"build path could not be removed ({why}). Deploy again, with cleanCache if it happens again."
            )
        return {**said, "why": how}

    async def _ask(self, verb: str, group: Sequence[Named], asked: Mapping[str, Any]) -> Mapping[str, Any]:
        phases = [phase for _, phase in group]
        told = {
            "cache": f"{self.spec.cache_folder}/{FOLDER}",
            "base": self._base(phases),
            "follows": sorted({each for phase in phases for each in phase.follows}),
            "makes": sorted({each for phase in phases for each in phase.makes}),
            "fresh": self.spec.fresh,
            **asked,
        }
        command = Command(
            stages=(Stage(argv=(_PYTHON, "-I", "-c", SCRIPT), account=self.spec.account),),
            env={"PATH": PATH, "LC_ALL": "C.UTF-8", "HOME": self.spec.cache_folder},
            cwd=self.workspace.folder,
            stdin=json.dumps(told).encode(),
            capture=True,
            limits=self.spec.limits,
            step_seconds=self.spec.step_seconds,
        )
        ended = await self.work.command(f"{verb} {group[-1][0]}", command, check=False)
        if not ended.succeeded:
            return {_KILLED: _told(ended)}
        try:
            said = json.loads(ended.output)
        except ValueError:
            said = {"why": "no answer"}
        return said if isinstance(said, dict) else {}

    def _base(self, phases: Sequence[Phase]) -> str:
        what = [[phase.name, phase.argv, phase.folder, dict(phase.env)] for phase in phases]
        variables = {name: value.reveal() for name, value in self.spec.variables.items()}
        text = json.dumps([_FORM, what, self.context, variables], sort_keys=True, default=list)
        return hashlib.sha256(text.encode()).hexdigest()


def _told(ended: Exit) -> str:
    """How a script ended that has not answered."""
    if ended.cause in {Cause.STEP_TIMEOUT, Cause.INACTIVITY_TIMEOUT, Cause.TOTAL_TIMEOUT}:
        return "it took too long"
    if ended.cause is Cause.OUT_OF_MEMORY:
        return "it took more memory than a build may have"
    status = next((each for each in ended.statuses if each), 0)
    return f"it was ended by signal {-status}" if status < 0 else f"it ended with status {status}"


def groups_of(phases: Sequence[Named]) -> Iterator[list[Named]]:
    """The phases in their order: those that are kept together when they follow one another, every other by itself."""
    for together, group in groupby(phases, key=lambda each: is_kept([each])):
        mine = [*group]
        yield from [mine] if together else [[each] for each in mine]


def is_kept(group: Sequence[Named]) -> bool:
    """Whether what a group of phases makes can be used again."""
    return all(phase.follows and phase.makes for _, phase in group)


def _files(group: Sequence[Named]) -> str:
    """What they follow, as it is said."""
    names = list(dict.fromkeys(each for _, phase in group for each in phase.follows))
    shown = ", ".join(each[:80] for each in names[:3])
    return (
        f"{shown} {'is' if len(names) == 1 else 'are'}" if len(names) <= len(names[:3]) else f"{shown} and others are"
    )
