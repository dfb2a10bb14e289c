"""Makes the plans of runs, from the backup as it is when a run is let in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from headway.core.deployments.hosts import LOCAL_HOST
from headway.core.deployments.model import Deployment
from headway.core.deployments.run import Frozen, RunFailed
from headway.core.deployments.status import Reason
from headway.features.backups.base import BackupTarget, P
from headway.features.backups.model import B
from headway.features.destinations import stored_backup_store
from headway.features.destinations.stored_backup_model import checked_path, checked_prefix, path_of
from headway.features.servers import store
from headway.infra.db.transaction import Tx
from headway.kernel.errors import HeadwayError, InvalidInput
from headway.kernel.secret import Secret


def plan_backup(target: BackupTarget[B, P], tx: Tx, deployment: Deployment) -> Frozen:
    """Of a run that makes a backup. Raises RunFailed (refused)."""
    with _refused():
        backup = target.job.store.find(tx, deployment.subject_id, target.transfer.vault)
        target.transfer.require_allowed(tx, backup.destination_id)
        prefix = checked_prefix(backup.settings.prefix)
        folder, suffix = target.name(backup)
        path = path_of(folder, prefix, tx.now, deployment.deployment_id, suffix)
        return _frozen(target, tx, deployment, backup, destination_id=backup.destination_id, path=path, given={})


def plan_restore(target: BackupTarget[B, P], tx: Tx, deployment: Deployment) -> Frozen:
    """Of a run that restores a file, for good or on trial. Raises RunFailed (refused)."""
    given = deployment.input
    with _refused():
        backup = target.job.store.find(tx, deployment.subject_id, target.transfer.vault)
        path, where = checked_path(given["file"]), given["destination_id"]
        kept = stored_backup_store.at(tx, where, path)
        if kept is not None and kept.sealed and backup.settings.password is None:
            raise InvalidInput(
                f"{path} is encrypted, and its backup has no encryptionPassword: set the one that it was made with."
            )
        sealed = kept is None or kept.sealed  # of a file that nobody knows the backup tells
        return _frozen(target, tx, deployment, backup, destination_id=where, path=path, given=given, sealed=sealed)


def name_of_host(tx: Tx, host_id: str) -> str:
    """The name of a server, "" for the panel's own machine. Raises NotFound."""
    return "" if host_id == LOCAL_HOST else store.find(tx, host_id).name


@contextmanager
def _refused() -> Iterator[None]:
    try:
        yield
    except HeadwayError as error:
        raise RunFailed(error.message, Reason.REFUSED) from error


def _frozen(
    target: BackupTarget[B, P],
    tx: Tx,
    deployment: Deployment,
    backup: B,
    *,
    destination_id: str,
    path: str,
    given: Mapping[str, Any],
    sealed: bool = True,
) -> Frozen:
    password = Secret(backup.settings.password) if sealed and backup.settings.password is not None else None
    place = partial(target.transfer.place, tx, destination_id, path, password)
    plan = target.plan(tx, deployment, backup, place, given)
    known = (*plan.secrets, backup.settings.password or "", *target.transfer.secrets(tx, destination_id))
    return Frozen(plan=plan.dump(), mask=tuple(each for each in known if each))
