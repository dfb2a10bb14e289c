"""What a run starts inside of a database's container, which outlives the engine's command line when that is killed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from headway.core.deployments.run import Run, UndoContext
from headway.drivers.dumps.base import INSIDE, Server
from headway.features.services.application.remote_stage import end_there
from headway.infra.hosts import processes, procfs
from headway.infra.hosts.base import Host
from headway.kernel.errors import HeadwayError

UNDO_INSIDE = "programs inside a container"
_SECONDS = 20.0


async def mark_inside(run: Run, server: Server, since: str = "") -> None:
    """Notes, before anything is started in a container, that it has to be ended there, and so before what was noted
    until now is taken back. The notes of one run differ in ``since``.
    """
    if server.container is not None:
        noted = {"container": server.container}
        await run.undo(UNDO_INSIDE, {**noted, "since": since} if since else noted)


async def end_inside(undoing: UndoContext, hosts: Mapping[str, Host], noted: Mapping[str, str]) -> None:
    """Ends what the run has started in the container that was ``noted``, and on the server that it is on. Raises
    HostUnreachable where that does not answer: it is repeated when it does.
    """
    deployment_id = undoing.deployment.deployment_id
    async with undoing.fence():
        if undoing.deployment.release_host_id is not None:
            await end_there(hosts[undoing.deployment.release_host_id], deployment_id)
        elif not await asyncio.to_thread(_end, {INSIDE: deployment_id}, noted.get("container")):
            raise HeadwayError("Programs inside the database's container do not end although they were killed.")


def _end(marks: Mapping[str, str], container: str | None) -> bool:
    """Of what carries the marks, which are anybody's to choose, what is in the container; where an earlier version
    noted none, what is in any.
    """

    def among(pid: int) -> bool:
        return not procfs.counts_with_us(pid) if container is None else procfs.is_of_container(pid, container)

    return processes.end_marked(marks, _SECONDS, among)
