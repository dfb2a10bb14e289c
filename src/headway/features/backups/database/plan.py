"""What a run of a backup works from, fixed when it is let in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from headway.core.access.machine_store import first_organization, is_guarded
from headway.core.deployments.hosts import LOCAL_HOST
from headway.core.deployments.model import Deployment
from headway.core.deployments.run import Frozen, RunFailed
from headway.core.deployments.status import Reason
from headway.drivers.dumps.base import ARCHIVE, Engine
from headway.drivers.dumps.registry import DUMPERS
from headway.features.backups.database import store
from headway.features.backups.database.model import WEB_SERVER, Backup, BackupForm, BackupSettings, Connection
from headway.features.backups.database.where import host_of
from headway.features.destinations.stored_backup_model import checked_path, checked_prefix, path_of
from headway.features.destinations.transfer import BackupTransfer, ObjectPlace
from headway.features.servers import store as servers
from headway.features.services.database import store as databases
from headway.features.services.database.probe import server_of
from headway.infra.db.transaction import Tx
from headway.kernel.errors import HeadwayError, InvalidInput
from headway.kernel.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupPlan:
    """The backup as it was when the run began. ``service_id`` is the compose service or the database that its server
    runs in, ``host_id`` the host that it is on, called ``host_name``; ``place`` is where its object goes or comes from,
    ``target`` the database that a restore fills, ``over`` whether what it holds is replaced, ``trusted`` whether who
    restores may use the machine.
    """

    backup_id: str
    form: BackupForm
    engine: Engine | None
    database: str
    service_id: str | None
    service_name: str | None
    connection: Connection = field(repr=False)
    place: ObjectPlace = field(repr=False)
    host_id: str = LOCAL_HOST
    host_name: str = ""
    target: str = ""
    over: bool = False
    trusted: bool = False
    with_logs: bool = True
    drill_days: int | None = None

    def dump(self) -> dict[str, Any]:
        """The JSON that ``load`` reads."""
        return {**asdict(self), "place": self.place.dump()}

    @staticmethod
    def load(values: Mapping[str, Any]) -> BackupPlan:
        """The plan that ``dump`` wrote."""
        engine = values["engine"]
        made = {
            "form": BackupForm(values["form"]),
            "engine": None if engine is None else Engine(engine),
            "connection": Connection(**values["connection"]),
            "place": ObjectPlace.load(values["place"]),
        }
        return BackupPlan(**{**values, **made})

    @property
    def said(self) -> str:
        """What is backed up, in words."""
        if self.engine is None:
            return "Headway's own data"
        where = self.connection.host if self.form is BackupForm.CONNECTION else f"service {self.service_name}{self.at}"
        return f"the database {self.database} ({self.engine}, {where})"

    @property
    def at(self) -> str:
        """The server that it is on, as the end of a phrase; "" for what is on none."""
        return "" if self.host_id == LOCAL_HOST else f" on the server {self.host_name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupPlanner:
    """Makes the plans."""

    keeping: BackupTransfer

    def backup(self, tx: Tx, deployment: Deployment) -> Frozen:
        """Of a run that makes a backup. Raises RunFailed (refused)."""
        try:
            backup = store.find(tx, deployment.subject_id, self.keeping.vault)
            self.keeping.require_allowed(tx, backup.destination_id)
            prefix = checked_prefix(backup.settings.prefix)
            path = path_of(backup.app_name, prefix, tx.now, deployment.deployment_id, _suffix(backup))
            return self._frozen(tx, deployment, backup, path)
        except HeadwayError as error:
            raise RunFailed(error.message, Reason.REFUSED) from error

    def restore(self, tx: Tx, deployment: Deployment) -> Frozen:
        """Of a run that restores a file, for good or on trial. Raises RunFailed (refused)."""
        given = deployment.input
        try:
            backup = store.find(tx, deployment.subject_id, self.keeping.vault)
            return self._frozen(
                tx,
                deployment,
                backup,
                checked_path(given["file"]),
                destination_id=given["destination_id"],
                target=given["target"],
                over=given["over"],
                trusted=given.get("trusted", backup.organization_id == first_organization(tx)),
            )
        except HeadwayError as error:
            raise RunFailed(error.message, Reason.REFUSED) from error

    def _frozen(
        self,
        tx: Tx,
        deployment: Deployment,
        backup: Backup,
        path: str,
        *,
        destination_id: str | None = None,
        target: str = "",
        over: bool = False,
        trusted: bool = False,
    ) -> Frozen:
        settings, form, connection, service_name = self._reached(tx, backup)
        host_id = self._host(tx, deployment, backup)
        password = None if settings.password is None else Secret(settings.password)
        where = destination_id or backup.destination_id
        plan = BackupPlan(
            backup_id=backup.backup_id,
            form=form,
            engine=backup.engine,
            database=settings.database,
            service_id=backup.service_id,
            service_name=service_name,
            connection=connection,
            place=self.keeping.place(tx, where, path, password),
            host_id=host_id,
            host_name="" if host_id == LOCAL_HOST else servers.find(tx, host_id).name,
            target=target,
            over=over,
            trusted=trusted,
            with_logs=settings.with_logs,
            drill_days=settings.drill_days,
        )
        known = (connection.password, settings.password or "", *self.keeping.secrets(tx, where))
        return Frozen(plan=plan.dump(), mask=tuple(each for each in known if each))

    def _reached(self, tx: Tx, backup: Backup) -> tuple[BackupSettings, BackupForm, Connection, str | None]:
        """How the server is reached: of a database as it is set now. Raises InvalidInput."""
        settings = backup.settings
        if backup.form is not BackupForm.DATABASE:
            guarded = is_guarded(tx, backup.organization_id, settings.connection.guarded)
            return settings, backup.form, replace(settings.connection, guarded=guarded), settings.service_name
        database = databases.find(tx, backup.service_id or "", self.keeping.vault)
        if database is None:
            raise InvalidInput("The database of this backup was removed. Its files are there; restore them by hand.")
        server = server_of(database.kind, database.settings)
        connection = Connection(host=server.host, port=server.port, username=server.username, password=server.password)
        if database.settings.elsewhere is not None:
            guarded = is_guarded(tx, backup.organization_id, database.settings.elsewhere.guarded)
            return settings, BackupForm.CONNECTION, replace(connection, guarded=guarded), None
        return settings, BackupForm.DATABASE, connection, database.name

    def _host(self, tx: Tx, deployment: Deployment, backup: Backup) -> str:
        """The host that the run was asked to work on. Raises InvalidInput where what it is of is on another by now."""
        host_id = deployment.release_host_id or LOCAL_HOST
        if host_of(tx, backup, self.keeping.vault) != host_id:
            raise InvalidInput("What is backed up is on another machine than when this was asked for. Start it again.")
        return host_id


def _suffix(backup: Backup) -> str:
    if backup.engine is None:
        return f"{ARCHIVE}.tar.gz"
    return f"{DUMPERS[backup.engine].suffix}.zst"


def engine_of(plan: BackupPlan) -> str:
    """What the stream says that it is of."""
    return WEB_SERVER if plan.engine is None else plan.engine.value
