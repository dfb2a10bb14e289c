"""The release command of an image: a container beside the one that is about to start, with all that it has, which ends
before that starts.

It is started by a command of the run, which is begun once and keeps how it ended, and not by a request of ours: a panel
that goes on with the run waits for what runs, or reads its end, and starts nothing a second time.
"""

from __future__ import annotations

from typing import Any

from headway.core.deployments.run import Run, RunFailed
from headway.core.deployments.status import Reason
from headway.drivers.builders.plan_dockerfile import STARTER
from headway.drivers.runtimes.cancel_shield import finished
from headway.drivers.runtimes.container_body import container_name
from headway.features.services.application.plan import ApplicationPlan
from headway.features.services.application.tools import ApplicationContext
from headway.infra.docker import labels
from headway.infra.docker.api import DockerApi, EngineRefused
from headway.infra.hosts.command import Command, Stage
from headway.kernel.artifacts import ReleaseSpec

RUNTIME = "container"
_COMMAND = "release command"
# Process 1 is as in the release itself: where the deployment is cancelled, it asks what it started to end, and lets it.
_LINE = f'{STARTER}/bin/sh -c "$1" &\nwait $!\n'


async def carry_out(run: Run, tools: ApplicationContext, plan: ApplicationPlan, spec: ReleaseSpec, line: str) -> None:
    """Carries the line out to its end, its output in the log. Raises RunFailed where it does not end well. What it was
    carried out in is left then, and where the panel ends: the undo "running" of the runtime for containers removes it.
    """
    await tools.runtimes.of(RUNTIME).prepare(run, spec)
    api, prepared = tools.imaging.api, f"/containers/{container_name(spec)}"
    container = f"{prepared}-release"
    async with run.fence():
        await finished(_make(api, spec, line))
    command = _starting(tools, plan, spec, (await api.get(f"{container}/json"))["Id"])
    ended = await run.command(_COMMAND, command, check=False)
    if not ended.succeeded:
        found = await api.find(f"{container}/json")
        if ended.cause is None and found is not None and found["State"].get("OOMKilled"):
            raise RunFailed("The release command used more memory than its bound.", Reason.OUT_OF_MEMORY)
        await run.command(_COMMAND, command)  # which is not started again: this says how it ended
    async with run.fence():
        for each in (container, prepared):  # the other one is made again for the start
            await api.delete(each, force=True, v=True)


async def _make(api: DockerApi, spec: ReleaseSpec, line: str) -> None:
    """Makes the container, unless a panel before has made it."""
    prepared = await api.get(f"/containers/{container_name(spec)}/json")
    name = f"{container_name(spec)}-release"
    try:
        await api.post("/containers/create", _body(prepared, line), name=name)
    except EngineRefused as refused:
        made = await api.find(f"/containers/{name}/json") if refused.status == 409 else None
        if made is None or (made["Config"]["Labels"] or {}).get(labels.RELEASE) != spec.release_id:
            raise


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
        step_seconds=plan.settings.step_seconds,
        inactivity_seconds=plan.settings.inactivity_seconds,
    )
