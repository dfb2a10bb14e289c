"""How a kept file is restored into a database that is empty or may be written over."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from headway.core.deployments.run import Json, RunFailed
from headway.core.deployments.status import Reason
from headway.drivers.dumps.base import Engine
from headway.features.backups.base import RestoreSink
from headway.features.backups.database.container_processes import mark_inside
from headway.features.backups.database.model import BackupForm
from headway.features.backups.database.plan import DatabaseBackupPlan
from headway.features.backups.database.requests import FILL, scratch_name
from headway.features.backups.database.servers import DatabaseState, QueriedServer
from headway.kernel.phrase import phrase

UNDO_MADE = "database that was made"


async def sink_of(asked: QueriedServer, plan: DatabaseBackupPlan) -> RestoreSink:
    """Looks at the database, says what will be overwritten, and refuses where that may not be."""
    held = await asked.held(plan.target)
    await asked.run.say(_plan_of(plan, held))
    require_bounded(plan, held)
    _require_free(plan, held)
    return RestoreSink(engine=plan.what, proof=asked.whole(), fill=partial(_restored, asked, plan, held))


async def _restored(asked: QueriedServer, plan: DatabaseBackupPlan, held: DatabaseState) -> str:
    if not held.exists:
        await _make_named(asked, plan)
    elif held.tables and plan.engine is not Engine.POSTGRES:
        await _rehearse(asked, plan)
    tables = await fill(asked, plan, over=held.tables > 0)
    return f"{plan.target}: {tables} tables."


async def _rehearse(asked: QueriedServer, plan: DatabaseBackupPlan) -> None:
    """A server that cannot take back a restore that fails half-way is asked first whether it would succeed."""
    scratch: str = await asked.run.step("name a database for the trial", _named)
    await make(asked, plan, scratch)
    trial = replace(plan, target=scratch)
    await asked.run.step("try", lambda: _fill(asked, trial, "restore on trial", over=False, on_trial=True))
    await asked.drop(scratch)


async def make(asked: QueriedServer, plan: DatabaseBackupPlan, target: str) -> None:
    """Makes an empty database of a name that nobody else has; whoever ends the run removes it."""
    await _note_made(asked, plan, target)
    await mark_inside(asked.run, asked.reached.server, since=target)
    await asked.create(target)


async def _make_named(asked: QueriedServer, plan: DatabaseBackupPlan) -> None:
    """The same of a name that somebody else may give to a database meanwhile: that one is nobody's to remove."""
    mark = f"Made by Headway for the restore {asked.run.deployment.deployment_id}"
    if asked.dumper.marks:
        await _note_made(asked, plan, plan.target, mark)
        await mark_inside(asked.run, asked.reached.server, since=plan.target)
        await asked.create(plan.target, mark)
    else:
        await asked.create(plan.target)
        await _note_made(asked, plan, plan.target)
        await mark_inside(asked.run, asked.reached.server, since=plan.target)


async def _note_made(asked: QueriedServer, plan: DatabaseBackupPlan, target: str, mark: str = "") -> None:
    sealed = await asked.run.step(f"note the way to {target}", partial(_sealed, asked, plan))
    noted = {"target": target, "mark": mark, "server": plan.server_known_as, "plan": sealed}
    await asked.run.undo(UNDO_MADE, noted)


async def _sealed(asked: QueriedServer, plan: DatabaseBackupPlan) -> Json:
    """The way there as it is now, whatever it is when the database is to be removed."""
    return asked.transfer.vault.seal(plan.dump())


async def fill(asked: QueriedServer, plan: DatabaseBackupPlan, *, over: bool, on_trial: bool = False) -> int:
    """Fills the database; how many tables it has then."""
    await asked.run.step(FILL, lambda: _fill(asked, plan, "restore", over=over, on_trial=on_trial))
    return await asked.tables(plan.target, "count what is there now")


def require_bounded(plan: DatabaseBackupPlan, held: DatabaseState) -> None:
    """Raises RunFailed where a dump would be carried out with powers over the machine of the database server."""
    if held.powers and plan.form is BackupForm.CONNECTION and not plan.trusted:
        raise RunFailed(
            f"{plan.connection.username} is a superuser of {plan.connection.host}, or may read files or start programs"
            " there, and so may whatever a dump says to it. Give the backup a user that owns the database and no more;"
            " with another only owners of the panel's first organisation restore, and whom they gave the machine to.",
            Reason.REFUSED,
        )


def _require_free(plan: DatabaseBackupPlan, held: DatabaseState) -> None:
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


def _plan_of(plan: DatabaseBackupPlan, held: DatabaseState) -> str:
    """What a restore will overwrite, for the log's first line."""
    if not held.exists:
        return phrase("Restoring {} into {}, which is made for it.", plan.place.path, plan.target)
    if held.tables == 0:
        return phrase("Restoring {} into {}, which is empty.", plan.place.path, plan.target)
    return phrase(
        "Restoring {} into {}, which has {} tables: those that are in the backup are replaced by it, others stay.",
        *(plan.place.path, plan.target, held.tables),
    )


async def _named() -> Json:
    return scratch_name()


async def _fill(asked: QueriedServer, plan: DatabaseBackupPlan, name: str, *, over: bool, on_trial: bool) -> Json:
    filling = asked.restore(plan.target, over=over, on_trial=on_trial)
    await asked.transfer.fetch(asked.run, name, plan.place, plan.what, filling)
    return None
