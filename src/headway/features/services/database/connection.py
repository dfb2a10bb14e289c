"""The deployment of a database that runs elsewhere: it is asked whether it answers, and takes the name and password."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from headway.core.access.machine_store import is_guarded
from headway.core.deployments.model import Deployment
from headway.core.deployments.run import Frozen, Run, RunFailed, Success, Undo
from headway.core.deployments.status import Reason
from headway.features.destinations.address_check import require_outward_now
from headway.features.services.database import store
from headway.features.services.database.kinds import KINDS
from headway.features.services.database.model import DatabaseKind, DatabaseSettings
from headway.features.services.database.probe import probe
from headway.infra.db.transaction import Tx
from headway.infra.hosts.command import Account, Command, led
from headway.infra.hosts.privileges import stage
from headway.kernel.dataclass import dataclass
from headway.kernel.phrase import phrase
from headway.kernel.vault import Vault

KIND = "database.connect"
VERSION = 2  # raised with every change to the steps below: a run of another version is not resumed
_SECONDS = 40.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectKind:
    """Asks a database that runs elsewhere; fits ``core.deployments.run.Kind``. ``outward`` is the group of what reaches
    the internet only.
    """

    vault: Vault
    outward: int | None = None
    name: str = KIND
    version: int = VERSION
    repeatable_until: str | None = None

    def freeze(self, tx: Tx, deployment: Deployment) -> Frozen:
        """How it is reached now. Raises RunFailed (refused) where it is gone."""
        database = store.find(tx, deployment.subject_id, self.vault)
        where = None if database is None else database.settings.elsewhere
        if database is None or where is None:
            raise RunFailed("Database not found", Reason.REFUSED)
        led = replace(where, guarded=is_guarded(tx, database.runs.organization_id, where.guarded))
        plan: dict[str, Any] = {"kind": database.kind, "settings": replace(database.settings, elsewhere=led).dump()}
        plan["uid"] = database.runs.run_uid  # whatever answers there is not asked by root
        return Frozen(plan=plan, mask=tuple(each for each in (database.settings.password,) if each))

    async def perform(self, run: Run) -> Success:
        """One question, by the server's own programs on the panel's machine."""
        kind, given = DatabaseKind(run.plan["kind"]), DatabaseSettings.load(run.plan["settings"])
        where, facts = given.elsewhere, KINDS[kind]
        if where is None:
            raise AssertionError("frozen without a connection")
        at = f"{where.host}:{where.port or facts.port}"
        await run.say(phrase("Asking {} at {} as {}.", facts.title, at, given.username or "nobody"))
        if where.guarded:
            await require_outward_now(where.host)
        uid = run.plan["uid"]
        account = None if uid is None else Account(uid=uid, gid=uid)
        asked = probe(kind, given, led(account, self.outward if where.guarded else None))
        command = Command(
            stages=(stage(asked.argv, asked.account),),
            env=asked.env,
            stdin=asked.stdin,
            capture=True,
            step_seconds=_SECONDS,
        )
        await run.command("connect", command)
        return Success(message=f"Deployment done: {facts.title} at {at} answers.")

    @property
    def undos(self) -> Mapping[str, Undo]:
        """There is nothing to take back."""
        return {}
