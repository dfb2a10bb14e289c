"""The release command of an image: a container beside the one that is about to start, with all that it has, which ends
before that starts.
"""

from __future__ import annotations

from typing import Any

from headway.core.deployments.run import Run, RunFailed
from headway.core.deployments.status import Reason
from headway.domains.applications.plan import Plan
from headway.domains.applications.tools import Tools
from headway.infra.hosts.command import Command, Stage
from headway.kernel.artifacts import ReleaseSpec
from headway.seams.runtimes.container_body import container_name
from headway.seams.runtimes.container_state import unwrapped

RUNTIME = "container"
_STOP_SECONDS = 30.0


async def carry_out(run: Run, tools: Tools, plan: Plan, spec: ReleaseSpec, line: str) -> None:
    """Carries the line out to its end, its output in the log. Raises RunFailed where it does not end well. The undo
    "running" of the runtime for containers removes what a run that was cut off has left.
    """
    await tools.runtimes.of(RUNTIME).prepare(run, spec)
    api = tools.imaging.api
    prepared = f"/containers/{container_name(spec)}"
    found = await api.get(f"{prepared}/json")
    async with run.fence():
        made = await api.post("/containers/create", _body(found, line), name=f"{container_name(spec)}-release")
    container = f"/containers/{made['Id']}"
    try:
        async with run.fence():
            await api.post(f"{container}/start")
        await run.command("release command", _following(tools, plan, spec, made["Id"]))
        await _require_success(run, tools, container)
    finally:
        for each in (container, prepared):  # the other one is made again for the start
            await api.delete(each, force=True, v=True)


def _body(prepared: Any, line: str) -> dict[str, Any]:  # noqa: ANN401 - as the engine says it
    """What is asked for: the container that is prepared, which starts something else and is reached by nobody."""
    host = {**prepared["HostConfig"], "PortBindings": {}, "RestartPolicy": {"Name": "no"}, "AutoRemove": False}
    told = {
        "Entrypoint": ["/bin/sh", "-c"],
        "Cmd": [line],
        "ExposedPorts": {},
        "Healthcheck": {"Test": ["NONE"]},
        "HostConfig": host,
    }
    return {**prepared["Config"], "Hostname": "", **told}


def _following(tools: Tools, plan: Plan, spec: ReleaseSpec, container_id: str) -> Command:
    """Tells what it writes until it has ended."""
    typed = tools.imaging.cli(spec.deployment_id).logs(container_id)
    return Command(
        stages=(Stage(argv=typed.argv),),
        env=typed.env,
        step_seconds=plan.settings.step_seconds,
        inactivity_seconds=plan.settings.inactivity_seconds,
    )


async def _require_success(run: Run, tools: Tools, container: str) -> None:
    ended = await tools.imaging.api.post(f"{container}/wait", seconds=_STOP_SECONDS)
    status = ended["StatusCode"]
    if not status:
        return
    state = (await tools.imaging.api.get(f"{container}/json"))["State"]
    if state.get("OOMKilled"):
        raise RunFailed("The release command used more memory than its bound.", Reason.OUT_OF_MEMORY)
    data = await tools.imaging.api.read(f"{container}/logs", stdout=True, stderr=True, tail="20")
    said = [each for each in run.masked(unwrapped(data, has_terminal=False)).split("\n") if each.strip()]
    raise RunFailed(f"release command ended with exit status {status}" + (f": {said[-1]}" if said else "."))
