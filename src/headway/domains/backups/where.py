"""On which machine what is backed up is, and how its programs are started there: on the panel's own as they are, on a
server by OpenSSH's client, which carries what they read and write.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from headway.core.deployments.hosts import LOCAL_HOST
from headway.core.deployments.run import RunFailed
from headway.domains.applications.streaming import way_to
from headway.domains.backups.model import Backup, Form
from headway.domains.composes import store as composes
from headway.domains.databases import store as databases
from headway.infra.db.transaction import Tx
from headway.infra.hosts import ssh_client
from headway.infra.hosts.base import Host
from headway.infra.hosts.handing import ahead, taking
from headway.infra.hosts.opening import CLEAN_PATH
from headway.infra.hosts.ssh import SshHost
from headway.kernel.vault import Vault
from headway.seams.dumps.base import INSIDE, Server, Typed, Whole

_WAY = "server"
_ENV: Mapping[str, str] = MappingProxyType({"PATH": CLEAN_PATH, "LC_ALL": "C.UTF-8", "HOME": "/"})


def host_of(tx: Tx, backup: Backup, vault: Vault) -> str:
    """The host that what is backed up is on: the panel's own machine for what is reached over the network."""
    if backup.form is Form.COMPOSE:
        return composes.host_of(tx, backup.service_id or "") or LOCAL_HOST
    if backup.form is not Form.DATABASE:
        return LOCAL_HOST
    database = databases.find(tx, backup.service_id or "", vault)
    return LOCAL_HOST if database is None or database.settings.elsewhere is not None else database.runs.host_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """A database server, and how its programs are started. ``far`` is the server that it is on, ``files`` the folder of
    the panel's machine with what opens that, ``mark`` what is found there of the run; None: on the panel's machine.
    """

    server: Server = field(repr=False)
    far: SshHost | None = None
    files: str = ""
    mark: str = ""

    @property
    def place(self) -> str:
        """The server's name, "" for the panel's machine."""
        return "" if self.far is None else self.far.target.name

    def typed(self, what: Typed) -> Typed:
        """What is typed for the database server, as it is typed on the panel's machine."""
        if self.far is None:
            return what
        words = ssh_client.far_words(self.far.target, taking(what.argv), mark=self.mark)
        argv = ssh_client.argv_of(self.files, _WAY, words)
        return Typed(argv=argv, env=_ENV, stdin=ahead(what.env) + what.stdin)

    def read_by(self, whole: Whole) -> Whole:
        """The programs that read a dump, likewise; there it is one, which reads the whole of it."""
        if self.far is None or not whole.programs:
            return whole
        (argv,) = whole.programs
        far = self.typed(Typed(argv=argv, env=whole.env))
        return replace(whole, programs=(far.argv,), env=far.env, ahead=far.stdin, place=self.place)


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
