"""A run of a schedule, or of a command that somebody runs once: looks where it is to run, hands the script over there,
and ends all that it has left.
"""

from __future__ import annotations

import asyncio
import os
import pwd
import shlex
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, replace

from headway.core.deployments import pending_undos
from headway.core.deployments.model import Deployment
from headway.core.deployments.run import Frozen, Json, Run, RunFailed, Success, Undo, UndoContext
from headway.core.deployments.status import Intent, Reason
from headway.core.engine.background import beside
from headway.drivers.runtimes.container.exec_session import ExecSession
from headway.drivers.runtimes.container.script import GO, handed_over, let_in
from headway.drivers.runtimes.contract.inner_places import InContainer, InFolder, Inside
from headway.features.schedules.model import ScheduleTarget
from headway.features.schedules.plan import SchedulePlan, freeze
from headway.features.schedules.subject import KIND, VERSION
from headway.features.services.application import runs
from headway.features.services.application.tools import ApplicationContext, ApplicationContexts
from headway.features.services.kinds import ServiceKinds
from headway.infra.db.transaction import Tx
from headway.infra.docker.cli import Docker
from headway.infra.hosts.command import Command, Limits
from headway.kernel.dataclass import dataclass
from headway.kernel.phrase import phrase

INSIDE = "inside"
SCRIPT = "script"
_END = "end"
_LONGEST_TITLE = 200
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleKind:
    """How a schedule is performed, or what ``freezes`` otherwise. ``grace_seconds`` is what a script has between
    SIGTERM and SIGKILL when its run is cancelled; ``use_groups`` whether control groups may be made.
    """

    kinds: ServiceKinds
    contexts: ApplicationContexts
    grace_seconds: float
    use_groups: bool
    name: str = KIND
    version: int = VERSION
    freezes: Callable[[Tx, Deployment, ServiceKinds], Frozen] = freeze
    repeatable_until: str | None = SCRIPT  # who knows what half a script has done

    def freeze(self, tx: Tx, deployment: Deployment) -> Frozen:
        return self.freezes(tx, deployment, self.kinds)

    async def perform(self, run: Run) -> Success:
        plan = SchedulePlan.load(run.plan)
        if plan.command:
            await run.describe(title=_one_line(run.masked(shlex.join(plan.command))))
        inside = await self._inside(run, plan)
        if isinstance(inside, InContainer):
            within = await self._enter(run, inside)
            ended = await run.step(_work(plan), lambda: self._run_in_container(run, plan, within))
            await _require_success(run, plan, ended)
            await self._tools(run.deployment).visits.end(within, 0.0)
            await run.host.remove_tree(within.gate)
        else:
            ended = await run.step(_work(plan), lambda: self._run_on_host(run, plan, inside))
            await _require_success(run, plan, ended)
        return Success(message=f"{plan.name} has ended with exit status 0")

    @property
    def undos(self) -> Mapping[str, Undo]:
        return {INSIDE: self._undo_inside}

    async def _undo_inside(self, undoing: UndoContext, data: Json) -> None:
        """Ends what a run has started in a container that goes on."""
        deployment_id = undoing.deployment.deployment_id
        intent = await undoing.write(lambda tx: pending_undos.find(tx, deployment_id).intent)
        grace = self.grace_seconds if intent is Intent.CANCEL else 0.0
        await self._tools(undoing.deployment).visits.end(ExecSession(**data), grace)
        await undoing.host.remove_tree(data["gate"])

    def _tools(self, deployment: Deployment) -> ApplicationContext:
        """Those of the machine where it runs."""
        return self.contexts.at(deployment.host_id)

    async def _inside(self, run: Run, plan: SchedulePlan) -> Inside:
        """Where the script is to run."""
        inside = ScheduleTarget(plan.target).subject_type
        if inside is not None:
            return await self.kinds.by_type[inside].scripts.enter(run.deployment.host_id, plan.dump())
        if plan.target == ScheduleTarget.PANEL:
            return InFolder(folder="/", account=None, env=_of_this_machine(), limits=Limits())
        env = {"PATH": _PATH, "HOME": plan.home or "/", "LANG": "C.UTF-8"}
        return InFolder(folder="/", account=None, env=env, limits=Limits())

    async def _enter(self, run: Run, inside: InContainer) -> ExecSession:
        """The visit to the container, the same after a crash; what ends it is recorded before it begins."""

        async def enter() -> Json:
            tools, deployment_id = self._tools(run.deployment), run.deployment.deployment_id
            within = await tools.visits.begin(
                *(inside.container_id, inside.pid, deployment_id),
                gate=f"{_gates(tools)}/{deployment_id}",
                use_group=self.use_groups,
            )
            await run.host.make_folder(_gates(tools))
            await run.undo(INSIDE, asdict(within))
            await run.say(phrase("Runs in the container {}.", within.container_id[:12]))
            return asdict(within)

        return ExecSession(**await run.step("enter", enter))

    async def _run_in_container(self, run: Run, plan: SchedulePlan, within: ExecSession) -> Json:
        text, tools = plan.text.encode(), self._tools(run.deployment)
        if plan.command:
            argv, text = let_in(plan.command), GO
        else:
            argv = handed_over(plan.shell, text, within.run_id)
        docker = Docker(host=tools.imaging.host, configuration=_gates(tools)).with_engine({})
        command = within.command(argv, text, docker, _seconds(run, plan))
        async with beside(tools.visits.let_in(within)) as door, beside(_carried_out(run, plan, command)) as work:
            await asyncio.wait({door, work}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                await door
            return await work

    async def _run_on_host(self, run: Run, plan: SchedulePlan, inside: InFolder) -> Json:
        text, seconds = plan.text.encode(), _seconds(run, plan)
        argv, env = plan.command, inside.env
        if not argv:
            argv = handed_over(plan.shell, text, run.deployment.deployment_id)
            env = {**env, "HEADWAY_SCHEDULE_ID": run.deployment.subject_id}
        command = replace(inside, env=env).command(argv, text=text, seconds=seconds, silent_seconds=seconds)
        return await _carried_out(run, plan, command)


def _gates(tools: ApplicationContext) -> str:
    """The folder of the files that open gates, which only the panel enters."""
    return f"{tools.folders.work}/gates"


def _work(plan: SchedulePlan) -> str:
    """What the step and its command are called."""
    return runs.COMMAND if plan.command else SCRIPT


def _one_line(text: str) -> str:
    return " ".join(text.split())[:_LONGEST_TITLE]


async def _carried_out(run: Run, plan: SchedulePlan, command: Command) -> Json:
    """How it has ended, where it did by itself; with a message where that was a failure."""
    ended = await run.command(_work(plan), command, check=False)
    try:
        await run.command(_work(plan), command)  # which it is not a second time: this says why it has failed
    except RunFailed as failed:
        if ended.cause is None:
            return {"exitStatus": ended.status, "message": failed.message}
        if failed.reason is not Reason.TIMED_OUT:
            raise
        raise RunFailed(
            f"The {_work(plan)} took longer than the {_seconds(run, plan):g} s that it has. Let it do less, or raise "
            "its timeoutSeconds.",
            Reason.TIMED_OUT,
        ) from failed
    return {"exitStatus": 0}


async def _require_success(run: Run, plan: SchedulePlan, ended: Json) -> None:
    """Raises RunFailed. Of what runs once it is said before where in the log its output has ended: a step begins."""
    if plan.command:
        await run.step(_END, _nothing)
    if ended and "message" in ended:
        raise RunFailed(ended["message"])


async def _nothing() -> Json:
    return None


def _seconds(run: Run, plan: SchedulePlan) -> float:
    """A script may be silent, and be its own only step, for as long as its run may take."""
    return plan.timeout_seconds or run.deadlines.total.total_seconds()


def _of_this_machine() -> Mapping[str, str]:
    """The variables of a script on the panel's machine: nothing of the panel's own."""
    home = "/"
    with suppress(KeyError):
        home = pwd.getpwuid(os.geteuid()).pw_dir
    return {"PATH": _PATH, "HOME": home, "LANG": "C.UTF-8"}
