"""The kind of work that the simulation deploys: commands, effects outside the anchor, and what takes them back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from headway.core.deployments.model import Deployment
from headway.core.deployments.run import Frozen, Json, Run, Success, Undo, UndoContext
from headway.infra.db.transaction import Tx
from headway.infra.hosts.base import Host
from headway.infra.hosts.command import command
from tests.simulation.border import Border
from tests.simulation.host import SimHost


@dataclass(slots=True)
class Effects:
    """What deployments have brought about outside their anchors: releases that lie there, and the one that serves."""

    releases: set[str] = field(default_factory=set)
    serving: dict[str, str | None] = field(default_factory=dict)


class Work:
    """Fits ``core.deployments.run.Kind``. The plan names the words of each command, in their order."""

    name = "work"
    repeatable_until: str | None = "migrate"

    def __init__(
        self, effects: Effects, border: Border, version: int = 1, undo_seconds: Callable[[], float] = lambda: 0.0
    ) -> None:
        self.version = version
        self._undo_seconds = undo_seconds
        self._effects = effects
        self._border = border

    def freeze(self, tx: Tx, deployment: Deployment) -> Frozen:
        """See ``Kind.freeze``."""
        self._border.strike("freeze")
        return Frozen(plan=dict(deployment.input), mask=("s3cret-of-the-plan",))

    async def perform(self, run: Run) -> Success:
        """See ``Kind.perform``."""
        performed = _Performed(run, self._effects)
        await run.say("Deploying")
        await run.step("prepare", performed.prepare)
        await run.step("fetch", lambda: performed.command("fetch"))
        # A command between two steps: what the step before it has made ready must not be made anew while it runs.
        await performed.command("build")
        await run.undo("release", {})
        await run.step("release", performed.release)
        await run.step("migrate", lambda: performed.command("migrate"))
        previous = await run.step("look", performed.look)
        await run.undo("route", previous)
        await run.step("route", performed.route)
        return Success(message="It serves.")

    @property
    def undos(self) -> Mapping[str, Undo]:
        """See ``Kind.undos``."""
        return {name: partial(self._undo, name) for name in ("release", "route")}

    async def _undo(self, name: str, undoing: UndoContext, data: Json) -> None:
        deployment = undoing.deployment
        if seconds := self._undo_seconds():
            await asyncio.sleep(seconds)

        def take_back() -> None:
            if name == "release":
                self._effects.releases.discard(deployment.deployment_id)
            elif self._effects.serving.get(deployment.subject_id) == deployment.deployment_id:
                self._effects.serving[deployment.subject_id] = data["serving"]

        async with undoing.fence():
            await _sim(undoing.host).change(f"undo {name}", take_back)


class _Performed:
    """The steps of one run; each stands being repeated."""

    def __init__(self, run: Run, effects: Effects) -> None:
        self._run = run
        self._effects = effects

    async def command(self, name: str) -> Json:
        words: Mapping[str, list[str]] = self._run.plan["commands"]
        await self._run.say(f"{name} begins")
        await self._run.command(name, command("sim", *words[name]))
        await self._run.say(f"{name} is done")
        return None

    async def prepare(self) -> Json:
        await self._run.say("prepared without a command")

    async def release(self) -> Json:
        mine = self._run.deployment.deployment_id
        async with self._run.fence():
            await _sim(self._run.host).change("release", lambda: self._effects.releases.add(mine))

    async def look(self) -> Json:
        await asyncio.sleep(0)
        return {"serving": self._effects.serving.get(self._run.deployment.subject_id)}

    async def route(self) -> Json:
        deployment = self._run.deployment
        serving = {deployment.subject_id: deployment.deployment_id}
        async with self._run.fence():
            await _sim(self._run.host).change("route", lambda: self._effects.serving.update(serving))


def _sim(host: Host) -> SimHost:
    assert isinstance(host, SimHost)
    return host
