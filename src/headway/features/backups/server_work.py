"""How a run works on the server that what it backs up or restores is on, and what is said where that is away."""

from __future__ import annotations

from headway.core.deployments.run import Run, RunFailed
from headway.features.destinations.transfer import BackupTransfer
from headway.features.services.application.remote_stage import RemoteStage, lay_out, mark_of
from headway.infra.hosts.base import Exit, Host
from headway.infra.hosts.command import Command
from headway.infra.hosts.ssh import SshHost
from headway.infra.hosts.ssh_client import BROKEN, broken


async def remote_stage(run: Run, host: Host, transfer: BackupTransfer, *, reads: bool) -> RemoteStage | None:
    """What a run starts on a server, with what opens that in its own folder; None for the panel's machine. ``reads``:
    most of what passes comes from there. Raises RunFailed, HostUnreachable.
    """
    if not isinstance(host, SshHost):
        return None
    return await opened(run.host, host, await transfer.open_folder(run), run.deployment.deployment_id, reads=reads)


async def opened(here: Host, host: SshHost, files: str, deployment_id: str, *, reads: bool) -> RemoteStage:
    """The same with what opens the server in a folder of the panel's machine."""
    await lay_out(here, host, files, reads=reads)
    return RemoteStage(host=host, files=files, mark=mark_of(deployment_id))


async def require_end(run: Run, name: str, command: Command, ended: Exit, far: RemoteStage | None) -> None:
    """Raises RunFailed where a command has failed: its way to the server, or what it started."""
    if far is not None and BROKEN in ended.statuses:
        raise RunFailed(f"{name}: {broken(far.place)}")
    if not ended.succeeded:
        await run.command(name, command)  # is not started again: tells how it ended
