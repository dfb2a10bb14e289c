"""Databases and Headway itself, as what backups are of."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from headway.core.access.machine_store import first_organization
from headway.core.deployments import pending_undos
from headway.core.deployments.hosts import LOCAL_HOST
from headway.core.deployments.model import Deployment, Request, SubjectType
from headway.core.deployments.run import Json, Run, RunFailed, Undo, UndoContext
from headway.drivers.dumps.base import ARCHIVE, Whole
from headway.drivers.dumps.registry import DUMPERS
from headway.features.backups.base import BackupJob, BackupSource, RestoreSink
from headway.features.backups.database.container_processes import UNDO_INSIDE, end_inside
from headway.features.backups.database.model import WEB_SERVER, DatabaseBackup
from headway.features.backups.database.plan import DatabaseBackupPlan, reached
from headway.features.backups.database.requests import DATABASE_JOB, backup_request, host_of
from headway.features.backups.database.restore import UNDO_MADE, sink_of
from headway.features.backups.database.servers import DatabaseServers, ReachedDatabase
from headway.features.backups.plan import name_of_host
from headway.features.destinations.transfer import BackupStream, BackupTransfer, ObjectPlace
from headway.features.services import store
from headway.features.services.database.server_queries import ask_beside
from headway.infra.db.transaction import Tx
from headway.infra.hosts.command import Command, Stage
from headway.infra.panel.archive import check_archive
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import HeadwayError, InvalidInput, NotFound
from headway.kernel.phrase import phrase

log = logging.getLogger(__name__)

_SERVICES = frozenset({SubjectType.COMPOSE, SubjectType.DATABASE})


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelArchive:
    """How Headway's own data becomes one file: the arguments before the file's name, and the environment."""

    argv: tuple[str, ...]
    env: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseTarget:
    """Fits ``BackupTarget``."""

    transfer: BackupTransfer
    servers: DatabaseServers
    archive: PanelArchive
    job: BackupJob[DatabaseBackup] = DATABASE_JOB

    def request(self, tx: Tx, backup: DatabaseBackup) -> Request | None:
        """A run that makes the backup; None where the database or the compose service that it is in was deleted."""
        if backup.service_id is not None and store.find(tx, backup.service_id, _SERVICES) is None:
            return None
        return backup_request(tx, backup, self.transfer.vault)

    def name(self, backup: DatabaseBackup) -> tuple[str, str]:
        """(folder, suffix) of an object at its destination."""
        if backup.engine is None:
            return backup.app_name, f"{ARCHIVE}.tar.gz"
        return backup.app_name, f"{DUMPERS[backup.engine].suffix}.zst"

    def plan(
        self,
        tx: Tx,
        deployment: Deployment,
        backup: DatabaseBackup,
        place: Callable[[], ObjectPlace],
        given: Mapping[str, Any],
    ) -> DatabaseBackupPlan:
        """What a run works from. Raises InvalidInput."""
        settings = backup.settings
        form, connection, service_name = reached(tx, backup, self.transfer.vault)
        host_id = deployment.release_host_id or LOCAL_HOST
        if host_of(tx, backup, self.transfer.vault) != host_id:
            raise InvalidInput("What is backed up is on another machine than when this was asked for. Start it again.")
        trusts = bool(given) and backup.organization_id == first_organization(tx)
        plan = DatabaseBackupPlan(
            backup_id=backup.backup_id,
            form=form,
            engine=backup.engine,
            database=settings.database,
            service_id=backup.service_id,
            service_name=service_name,
            connection=connection,
            place=place(),
            host_id=host_id,
            host_name=name_of_host(tx, host_id),
            target=given.get("target", ""),
            over=given.get("over", False),
            trusted=given.get("trusted", trusts),
            with_logs=settings.with_logs,
            drill_days=settings.drill_days,
        )
        if plan.target:
            self._require_nothing_owed(tx, deployment, plan)
        return plan

    def load(self, values: Mapping[str, Any]) -> DatabaseBackupPlan:
        """The plan that its ``dump`` wrote."""
        return DatabaseBackupPlan.load(values)

    async def source(self, run: Run, plan: DatabaseBackupPlan) -> BackupSource:
        """A dump of the database, or an archive of Headway's own data."""
        await run.say(phrase("Backing up {} to {}.", plan.said, plan.place.path))
        if plan.engine is None:
            return BackupSource(stream=await self._own_data(run, plan))
        asked = await self.servers.find(run, plan)
        dump = asked.dump()
        stream = BackupStream(
            programs=(dump.argv,),
            env=dump.env,
            stdin=dump.stdin,
            engine=plan.engine,
            whole=asked.whole(),
            place=asked.reached.place,
            account=dump.account,
        )
        return BackupSource(stream=stream)

    async def sink(self, run: Run, plan: DatabaseBackupPlan) -> RestoreSink:
        """A database that is empty, or may be written over."""
        require_engine(plan)
        return await sink_of(await self.servers.find(run, plan), plan)

    @property
    def undos(self) -> Mapping[str, Undo]:
        """What takes back each effect of its own, of whichever run."""
        return {UNDO_INSIDE: lambda undoing, data: end_inside(undoing, self.servers.hosts, data)}

    @property
    def undos_of_restore(self) -> Mapping[str, Undo]:
        """And of one that restores."""
        return {UNDO_MADE: self._drop}

    async def _own_data(self, run: Run, plan: DatabaseBackupPlan) -> BackupStream:
        """The archive is made beside, for its database has to be copied at one moment, and looked through before it is
        sent: what then arrives with the same sum is whole.
        """
        await run.step("open a folder", lambda: self.transfer.open_folder(run))
        file = f"{self.transfer.own_folder(run.deployment.deployment_id)}/headway.tar.gz"
        argv = (*self.archive.argv, "--logs" if plan.with_logs else "--no-logs", "--", file)
        await run.command("archive", Command(stages=(Stage(argv=argv),), env=self.archive.env))
        await run.step("look through the archive", lambda: _looked_through(Path(file)))
        return BackupStream(programs=(("cat", file),), env={}, engine=WEB_SERVER, whole=Whole(), plain=True)

    async def _drop(self, undoing: UndoContext, made: Mapping[str, Json]) -> None:
        """Removes the database that was made for a run, unless its backup is gone, and with it the way there."""
        if "plan" not in made:
            # Of a version that noted a name before there was anything of it: it may be somebody else's.
            log.warning("the database %s, which a restore may have made, is left as it is", made["target"])
            return
        plan = await undoing.write(lambda tx: self._way_back(tx, undoing.deployment, made["plan"]))
        if plan is None:
            return
        try:
            there = await self.servers.beside(plan, undoing)
            async with undoing.fence():
                await _drop_by_a_way(there, plan.database, made["target"], made["mark"])
        finally:
            await undoing.host.remove_tree(self.transfer.own_folder(undoing.deployment.deployment_id))

    def _way_back(self, tx: Tx, deployment: Deployment, sealed: str) -> DatabaseBackupPlan | None:
        """The plan that a database was made by, with what opens its server now; None where nothing leads there."""
        vault = self.transfer.vault
        plan = DatabaseBackupPlan.load(vault.open(sealed))
        try:
            backup = self.job.store.find(tx, deployment.subject_id, vault)
            form, connection, service_name = reached(tx, backup, vault)
        except (NotFound, InvalidInput):
            return None
        now = replace(plan, form=form, connection=connection, service_name=service_name)
        return now if now.server_known_as == plan.server_known_as else plan

    def _require_nothing_owed(self, tx: Tx, deployment: Deployment, plan: DatabaseBackupPlan) -> None:
        """Raises InvalidInput where a database of that name is still to be removed there, that another run made."""
        for owing, noted in pending_undos.noted(tx, UNDO_MADE):
            here = noted.get("target") == plan.target and noted.get("server") == plan.server_known_as
            if here and owing != deployment.deployment_id:
                raise InvalidInput(
                    f"What an earlier restore has made of {plan.target} is still to be removed there. Start this again"
                    " in a minute, or restore into another database."
                )


def require_engine(plan: DatabaseBackupPlan) -> None:
    """Raises RunFailed for Headway's own data, which a running panel cannot put in its own place."""
    if plan.engine is None:
        raise RunFailed(
            "Headway's own data is restored on a machine where no panel runs: headway restore FILE, with the file from"
            " the destination."
        )


async def _drop_by_a_way(there: ReachedDatabase, database: str, target: str, mark: str) -> None:
    """Drops by way of a database that lets one in. Raises what the first has said where none does."""
    dumper = DUMPERS[there.server.engine]
    refused: HeadwayError | None = None
    for way in dumper.ways(database):
        try:
            await ask_beside(there.typed(dumper.drop(there.server, way, target, mark)))
        except HeadwayError as error:
            refused = refused or error
        else:
            return
    if refused is not None:
        raise refused


async def _looked_through(archive: Path) -> Json:
    await asyncio.to_thread(check_archive, archive)
    return None
