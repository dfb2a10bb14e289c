"""How a kept file is restored: proven first, then into a database that is empty or may be written over; and how it is
tried in a database that is made for that and thrown away.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from headway.core.deployments.model import Deployment
from headway.core.deployments.run import Frozen, Json, Run, RunFailed, Success, Undo, Undoing
from headway.core.deployments.status import Reason
from headway.drivers.dumps.base import Engine
from headway.drivers.dumps.registry import DUMPERS
from headway.features.backups.database.container_processes import UNDO_INSIDE, end_inside, mark_inside
from headway.features.backups.database.model import BackupForm
from headway.features.backups.database.plan import BackupPlan, BackupPlanner, engine_of
from headway.features.backups.database.run import require_engine
from headway.features.backups.database.servers import DatabaseServers, DatabaseState, QueriedServer
from headway.features.destinations import stored_backup_store
from headway.features.destinations.transfer import BackupTransfer
from headway.features.services.database.server_queries import ask_beside
from headway.infra.db.transaction import Tx
from headway.kernel.ids import new_id
from headway.kernel.phrase import phrase

RESTORE, DRILL = "backup.restore", "backup.drill"
VERSION = 5
UNDO_MADE = "database that was made"
_FILL = "fill the database"  # from here on a restore of another version is not begun again


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreKind:
    """Restores a kept file into a database; fits ``core.deployments.run.Kind``."""

    planner: BackupPlanner
    keeping: BackupTransfer
    servers: DatabaseServers
    name: str = RESTORE
    version: int = VERSION
    repeatable_until: str | None = _FILL

    def freeze(self, tx: Tx, deployment: Deployment) -> Frozen:
        """The backup as it is now, and what is to be restored of it. Raises RunFailed (refused)."""
        return self.planner.restore(tx, deployment)

    async def perform(self, run: Run) -> Success:
        """Looks at the target, says what will be overwritten, proves the file, then fills the target."""
        plan = BackupPlan.load(run.plan)
        require_engine(plan)
        asked = await self.servers.find(run, plan)
        held = await asked.held(plan.target)
        await run.say(_plan_of(plan, held))
        _require_bounded(plan, held)
        _require_free(plan, held)
        await run.step("open a folder", lambda: _open(self.keeping, run))
        await _prove(self.keeping, run, plan, asked)
        if not held.exists:
            await _make(run, asked, plan.target)
        elif held.tables and plan.engine is not Engine.POSTGRES:
            await self._rehearse(run, plan, asked)
        await run.step(_FILL, lambda: _fill(self.keeping, run, plan, asked, over=held.tables > 0))
        tables = await asked.tables(plan.target, "count what is there now")
        await self.keeping.close_folder(run)
        return Success(message=f"{plan.place.path} is restored into {plan.target}: {tables} tables.")

    async def _rehearse(self, run: Run, plan: BackupPlan, asked: QueriedServer) -> None:
        """A server that cannot take back a restore that fails half-way is asked first whether it would succeed."""
        scratch: str = await run.step("name a database for the trial", _named)
        await _make(run, asked, scratch)
        trial = replace(plan, target=scratch)
        await run.step("try", lambda: _fill(self.keeping, run, trial, asked, over=False, name="restore on trial"))
        await asked.drop(scratch)

    @property
    def undos(self) -> Mapping[str, Undo]:
        """What takes back each effect."""
        return _undos(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillKind:
    """Restores a kept file on trial; fits ``core.deployments.run.Kind``."""

    planner: BackupPlanner
    keeping: BackupTransfer
    servers: DatabaseServers
    name: str = DRILL
    version: int = VERSION
    repeatable_until: str | None = None

    def freeze(self, tx: Tx, deployment: Deployment) -> Frozen:
        """The backup as it is now, and what is to be tried of it. Raises RunFailed (refused)."""
        return self.planner.restore(tx, deployment)

    async def perform(self, run: Run) -> Success:
        """Makes a database, fills it, counts its tables, and throws it away."""
        plan = BackupPlan.load(run.plan)
        require_engine(plan)
        asked = await self.servers.find(run, plan)
        if not plan.trusted and plan.engine is Engine.POSTGRES:
            _require_bounded(plan, await asked.held(plan.database))
        await run.say(
            phrase("Restoring {} on trial into {}, which is removed afterwards.", plan.place.path, plan.target)
        )
        await run.step("open a folder", lambda: _open(self.keeping, run))
        await _make(run, asked, plan.target)
        await run.step(_FILL, lambda: _fill(self.keeping, run, plan, asked, over=False))
        tables = await asked.tables(plan.target, "count what is there now")
        await asked.drop(plan.target)
        await self.keeping.close_folder(run)
        return Success(
            message=f"{plan.place.path} can be restored: {tables} tables.",
            settle=lambda tx: stored_backup_store.prove(tx, plan.place.destination_id, plan.place.path),
        )

    @property
    def undos(self) -> Mapping[str, Undo]:
        """What takes back each effect."""
        return _undos(self)


def _plan_of(plan: BackupPlan, held: DatabaseState) -> str:
    """What a restore will overwrite, for the log's first line."""
    if not held.exists:
        return phrase("Restoring {} into {}, which is made for it.", plan.place.path, plan.target)
    if held.tables == 0:
        return phrase("Restoring {} into {}, which is empty.", plan.place.path, plan.target)
    return phrase(
        "Restoring {} into {}, which has {} tables: those that are in the backup are replaced by it, others stay.",
        *(plan.place.path, plan.target, held.tables),
    )


def _require_bounded(plan: BackupPlan, held: DatabaseState) -> None:
    """Raises RunFailed where a dump would be carried out with powers over the machine of the database server."""
    if held.powers and plan.form is BackupForm.CONNECTION and not plan.trusted:
        raise RunFailed(
            f"{plan.connection.username} is a superuser of {plan.connection.host}, or may read files or start programs"
            " there, and so may whatever a dump says to it. Give the backup a user that owns the database and no more;"
            " with another only owners of the panel's first organisation restore, and whom they gave the machine to.",
            Reason.REFUSED,
        )


def _require_free(plan: BackupPlan, held: DatabaseState) -> None:
    """Raises RunFailed where a restore would overwrite what nobody said may be, or what is in use."""
    if held.tables and not plan.over:
        raise RunFailed(
            f"{plan.target} has {held.tables} tables. Name an empty or a new database, or say that what it holds may be"
            " overwritten (overwrite).",
            Reason.REFUSED,
        )
    if held.sessions:
        raise RunFailed(
            f"{plan.target} is in use by {held.sessions} connections. Stop what uses it and restore again, or restore "
            "into another database.",
            Reason.REFUSED,
        )


async def _open(keeping: BackupTransfer, run: Run) -> Json:
    await keeping.open_folder(run)
    return None


async def _prove(keeping: BackupTransfer, run: Run, plan: BackupPlan, asked: QueriedServer) -> None:
    """Reads all of the file before anything is touched."""
    await keeping.fetch(run, "prove the file", plan.place, engine_of(plan), asked.whole())


async def _make(run: Run, asked: QueriedServer, target: str) -> None:
    await run.undo(UNDO_MADE, {"target": target})
    await mark_inside(run, asked.reached.server, since=target)
    await asked.create(target)


async def _named() -> Json:
    return scratch_name()


async def _fill(
    keeping: BackupTransfer, run: Run, plan: BackupPlan, asked: QueriedServer, *, over: bool, name: str = "restore"
) -> Json:
    await keeping.fetch(run, name, plan.place, engine_of(plan), asked.restore(plan.target, over=over))
    return None


def _undos(kind: RestoreKind | DrillKind) -> Mapping[str, Undo]:
    return {
        **kind.keeping.undos,
        UNDO_INSIDE: lambda undoing, _data: end_inside(undoing, kind.servers.hosts),
        UNDO_MADE: lambda undoing, data: _drop(kind, undoing, data["target"]),
    }


async def _drop(kind: RestoreKind | DrillKind, undoing: Undoing, target: str) -> None:
    """Removes the database that was made for a run, unless its backup is gone, and with it the way to the server."""
    try:
        frozen = await undoing.write(lambda tx: kind.planner.restore(tx, undoing.deployment))
    except RunFailed:
        return
    plan = BackupPlan.load(frozen.plan)
    try:
        reached = await kind.servers.beside(plan, undoing)
        async with undoing.fence():
            await ask_beside(reached.typed(DUMPERS[reached.server.engine].drop(reached.server, plan.database, target)))
    finally:
        await undoing.host.remove_tree(kind.keeping.own_folder(undoing.deployment.deployment_id))


def scratch_name() -> str:
    """The name of a database that is thrown away."""
    return f"headway_drill_{new_id().lower().replace('-', '_')[:12]}"


def can_be_restored(engine: Engine | None) -> bool:
    """Whether this version restores what such a server dumps."""
    return engine in {Engine.POSTGRES, Engine.MARIADB, Engine.MYSQL}
