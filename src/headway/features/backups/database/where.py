"""On which machine what is backed up is, and how its programs are started there: on the panel's own as they are, on a
server by OpenSSH's client, which carries what they read and write.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from headway.core.deployments.hosts import LOCAL_HOST
from headway.drivers.dumps.base import Server, Typed, Whole
from headway.features.backups.database.model import Backup, BackupForm
from headway.features.services import store as services_store
from headway.features.services.application.remote_stage import ENV, RemoteStage
from headway.features.services.database import store as databases
from headway.infra.db.transaction import Tx
from headway.infra.hosts.environment_transfer import ahead, taking
from headway.kernel.vault import Vault


def host_of(tx: Tx, backup: Backup, vault: Vault) -> str:
    """The host that what is backed up is on: the panel's own machine for what is reached over the network."""
    if backup.form is BackupForm.COMPOSE:
        return services_store.host_of(tx, backup.service_id or "") or LOCAL_HOST
    if backup.form is not BackupForm.DATABASE:
        return LOCAL_HOST
    database = databases.find(tx, backup.service_id or "", vault)
    return LOCAL_HOST if database is None or database.settings.elsewhere is not None else database.runs.host_id


@dataclass(frozen=True, slots=True, kw_only=True)
class ReachedDatabase:
    """A database server, and how its programs are started. ``far`` is their end on the server that it is on; None: on
    the panel's machine.
    """

    server: Server = field(repr=False)
    far: RemoteStage | None = None

    @property
    def place(self) -> str:
        """The server's name, "" for the panel's machine."""
        return "" if self.far is None else self.far.place

    def typed(self, what: Typed) -> Typed:
        """What is typed for the database server, as it is typed on the panel's machine."""
        if self.far is None:
            return what
        return Typed(argv=self.far.argv(taking(what.argv)), env=ENV, stdin=ahead(what.env) + what.stdin)

    def read_by(self, whole: Whole) -> Whole:
        """The programs that read a dump, likewise; there it is one, which reads the whole of it."""
        if self.far is None or not whole.programs:
            return whole
        (argv,) = whole.programs
        far = self.typed(Typed(argv=argv, env=whole.env))
        return replace(whole, programs=(far.argv,), env=far.env, ahead=far.stdin, place=self.place)
