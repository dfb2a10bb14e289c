"""The release command of an image: a container beside the one that is about to start, with all that it has, which ends
before that starts.

It is started by a command of the run, which is begun once and keeps how it ended, and not by a request of ours: a panel
that goes on with the run waits for what runs, or reads its end, and starts nothing a second time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

from headway.core.deployments.run import Run, RunFailed
from headway.core.deployments.status import Reason
from headway.core.engine import explanations
from headway.drivers.builders.plan_dockerfile import STARTER
from headway.drivers.runtimes.container.body import container_name
from headway.drivers.runtimes.container.cancel_shield import finished
from headway.drivers.runtimes.container.state import unwrapped
from headway.drivers.runtimes.contract.last_output import LAST_LINES
from headway.features.services.application.plan import ApplicationPlan
from headway.features.services.application.tools import ApplicationContext
from headway.infra.docker import labels
from headway.infra.docker.api import DockerApi, EngineAway, EngineRefused
from headway.infra.docker.memory import ran_out_of_memory
from headway.infra.hosts.base import Cause, Exit
from headway.infra.hosts.command import Command, Stage
from headway.kernel.artifacts import ReleaseSpec
from headway.kernel.failures.explanation import Explanation, on_own_threads, told
from headway.kernel.failures.rule import Phase
from headway.kernel.phrase import phrase

RUNTIME = "container"
_COMMAND = "release command"
_AWAY_SECONDS = 60.0  # in which an engine that was restarted answers again
_LOOK_AGAIN_SECONDS = 0.5
_CONTEXT = 400  # lines before the last ones, since a secret of several lines may have begun there
_LOST = (
    " The connection to the engine was lost as it ran: where the engine was stopped (journalctl -u docker says so), "
    "deploy again."
)
# Process 1 is as in the release itself: where the deployment is cancelled, it asks what it started to end, and lets it.
_LINE = f'{STARTER}/bin/sh -c "$1" &\nwait $!\n'


async def carry_out(run: Run, tools: ApplicationContext, plan: ApplicationPlan, spec: ReleaseSpec, line: str) -> None:
    """Carries the line out to its end, its output in the log. Raises RunFailed where it does not end well. What it was
    carried out in is left then, and where the panel ends: the undo "running" of the runtime for containers removes it.
    """
    await tools.runtimes.of(RUNTIME).prepare(run, spec)
    api, prepared = tools.imaging.api, f"/containers/{container_name(spec)}"
    container = f"/containers/{_name(spec)}"
    async with run.fence():
        await finished(_make(api, spec, line))
    command = _starting(tools, plan, spec, (await api.get(f"{container}/json"))["Id"])
    ended = await run.command(_COMMAND, command, check=False)
    if not ended.succeeded:
        seconds = plan.settings.deadlines.step_seconds or run.deadlines.step.total_seconds()
        end = await _end(api, container, seconds) if ended.cause is None else None
        ran_out = end is not None and end.status != 0 and await ran_out_of_memory(api, _name(spec), end.status)
        if ran_out:
            raise RunFailed("The release command used more memory than its bound.", Reason.OUT_OF_MEMORY)
        if end is None or (end.status == ended.status and not end.outlived):
            await run.command(_COMMAND, command)  # which is not started again: this says how it ended
        else:
            await _judge(run, api, container, end.status)
    async with run.fence():
        for each in (container, prepared):  # the other one is made again for the start
            await api.delete(each, force=True, v=True)


class _End(NamedTuple):
    """How it ended; ``outlived``: it, or its engine's absence, went on after its client had ended."""

    status: int
    outlived: bool


async def _end(api: DockerApi, container: str, seconds: float) -> _End | None:
    """How it ended by the engine's own word, once it has: a client that has lost the engine ends too, and what it
    started goes on. None where nothing was started. Raises EngineAway, and RunFailed where it takes too long.
    """
    deadline = time.monotonic() + seconds
    answered, outlived = time.monotonic(), False
    while True:
        try:
            found = await api.find(f"{container}/json")
        except EngineAway:
            outlived = True
            if time.monotonic() > answered + _AWAY_SECONDS:
                raise
        else:
            answered = time.monotonic()
            state: Mapping[str, Any] | None = None if found is None else found["State"]
            if state is None or state["Status"] == "created":
                return None
            if not state["Running"]:
                return _End(int(state["ExitCode"]), outlived)
            outlived = True
            if answered > deadline:
                late = Exit(statuses=(), cause=Cause.STEP_TIMEOUT)
                raise RunFailed(explanations.command_failed(_COMMAND, late, Explanation(line="")), Reason.TIMED_OUT)
        await asyncio.sleep(_LOOK_AGAIN_SECONDS)


async def _judge(run: Run, api: DockerApi, container: str, exit_code: int) -> None:
    """Says what it wrote last, which the log may lack, and returns where it ended well. Raises RunFailed."""
    output = await api.read(f"{container}/logs", stdout=True, stderr=True, tail=str(LAST_LINES + _CONTEXT))
    lines = run.masked(unwrapped(output, has_terminal=False)).splitlines()[-LAST_LINES:]
    await run.say(phrase("The connection to the engine was lost as the release command ran. Its last lines:"))
    for line in lines:
        await run.say(phrase("  {}", line))
    if exit_code:
        said = await on_own_threads(partial(told, "\n".join(lines), Phase.START))
        sentence = explanations.command_failed(_COMMAND, Exit(statuses=(exit_code,)), said)
        raise RunFailed(f"{sentence.rstrip('.')}.{_LOST}")


async def _make(api: DockerApi, spec: ReleaseSpec, line: str) -> None:
    """Makes the container, unless a panel before has made it."""
    prepared = await api.get(f"/containers/{container_name(spec)}/json")
    name = _name(spec)
    try:
        await api.post("/containers/create", _body(prepared, line), name=name)
    except EngineRefused as refused:
        made = await api.find(f"/containers/{name}/json") if refused.status == 409 else None
        if made is None or (made["Config"]["Labels"] or {}).get(labels.RELEASE) != spec.release_id:
            raise


def _name(spec: ReleaseSpec) -> str:
    return f"{container_name(spec)}-release"


def _body(prepared: Any, line: str) -> dict[str, Any]:  # noqa: ANN401 - as the engine says it
    """What is asked for: the container that is prepared, which starts something else and is reached by nobody."""
    host = {**prepared["HostConfig"], "PortBindings": {}, "RestartPolicy": {"Name": "no"}, "AutoRemove": False}
    told = {
        "Entrypoint": ["/bin/sh", "-c", _LINE, "headway"],
        "Cmd": [line],
        "ExposedPorts": {},
        "Healthcheck": {"Test": ["NONE"]},
        "HostConfig": host,
    }
    return {**prepared["Config"], "Hostname": "", **told}


def _starting(tools: ApplicationContext, plan: ApplicationPlan, spec: ReleaseSpec, container_id: str) -> Command:
    """Starts it, and tells what it writes until it has ended."""
    typed = tools.imaging.cli(spec.deployment_id).start(container_id)
    return Command(
        stages=(Stage(argv=typed.argv),),
        env=typed.env,
        step_seconds=plan.settings.deadlines.step_seconds,
        inactivity_seconds=plan.settings.deadlines.inactivity_seconds,
    )
