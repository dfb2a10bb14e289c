"""A program on a server as a stage of a run's command on the panel's machine: the far end of one OpenSSH client, which
carries what it reads and writes.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from types import MappingProxyType

from headway.core.deployments.run import RunFailed
from headway.drivers.dumps.base import INSIDE
from headway.features.services.application.stream_relay import way_to
from headway.infra.hosts import ssh_client
from headway.infra.hosts.anchor_start import CLEAN_PATH
from headway.infra.hosts.base import Host, HostUnreachable
from headway.infra.hosts.command import Account
from headway.infra.hosts.ssh import SshHost
from headway.kernel.dataclass import dataclass

ENV: Mapping[str, str] = MappingProxyType({"PATH": CLEAN_PATH, "LC_ALL": "C.UTF-8", "HOME": "/"})
_WAY = "server"


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteStage:
    """What a run starts on ``host``. ``files`` is the folder of the panel's machine with what opens that, ``mark`` what
    is found there of the run.
    """

    host: SshHost
    files: str
    mark: str

    @property
    def place(self) -> str:
        """The server's name."""
        return self.host.target.name

    def argv(self, argv: tuple[str, ...], account: Account | None = None) -> tuple[str, ...]:
        """The stage by which the program is started there, as root or an account, in a clean environment; its own is
        ``ENV``.
        """
        words = ssh_client.far_words(self.host.target, argv, mark=self.mark, account=account)
        return ssh_client.argv_of(self.files, _WAY, words)


async def lay_out(here: Host, far: SshHost, files: str, *, reads: bool) -> None:
    """Writes what opens a server into a folder of the panel's machine; ``reads``: most of what passes comes from there.
    Raises RunFailed, HostUnreachable.
    """
    if shutil.which(ssh_client.PROGRAM) is None:
        raise RunFailed(f"The panel's machine has no {ssh_client.PROGRAM}: apt-get install openssh-client.")
    await far.boot_id()  # from the first link on its key is known
    way = await way_to(far, reads=reads)
    for name, data in ssh_client.client_files(files, {_WAY: way}).items():
        await here.write_file(f"{files}/{name}", data, lasting=False)


def mark_of(deployment_id: str) -> str:
    """What everything that a run starts on a server carries, inside of containers too."""
    return f"{INSIDE}={deployment_id}"


async def end_there(host: Host, deployment_id: str) -> None:
    """Ends what a run has started on a server; where a link broke nobody there may have heard yet that it is over.
    Raises HostUnreachable.
    """
    if isinstance(host, SshHost):
        await host.end_marked(mark_of(deployment_id))


def away(error: HostUnreachable) -> RunFailed:
    """What a run that has begun nothing yet ends with where its server does not answer."""
    return RunFailed(f"{error.message} Look why, and start this again once the server answers.")
