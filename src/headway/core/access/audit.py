"""The audit log: for each mutation a row of who did what to what, written with the commit of the mutation itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar

from sqlalchemy import delete, insert

from headway.core.access.model import Actor
from headway.core.access.policy import RULES, Noun
from headway.infra.db.engine import Database
from headway.infra.db.tables.access import audit_log
from headway.infra.db.transaction import Tx, companion
from headway.kernel.ids import new_id

T = TypeVar("T")

_LONGEST_NAME = 200
# What a call was given and is told in full; of everything else only that it was given, for it may hold a secret.
_TOLD = frozenset(
    {
        "accessedProjects",
        "accessedServices",
        "appName",
        "email",
        "environmentId",
        "expiresIn",
        "name",
        "projects",
        "role",
        "scopes",
        "title",
    }
)


class Entry:
    """One mutation under way, as the log will tell it. ``given`` is its input by the names of the wire."""

    def __init__(self, actor: Actor, procedure: str, given: Mapping[str, Any]) -> None:
        self.actor = replace(actor, witness=self._witness)
        self.procedure = procedure
        self.settled = False
        self._given = given
        self._project_id: str | None = None

    def accompany(self, tx: Tx, result: object) -> None:
        """Writes the row with the first transaction that is committed; none where an earlier call had done it all."""
        if self.settled:
            return
        if not tx.repeats:
            tx.execute(insert(audit_log).values(self._row(tx, result)))
        tx.after(self._settle)

    def _settle(self) -> None:
        self.settled = True

    def _witness(self, project_id: str) -> None:
        self._project_id = self._project_id or project_id

    def _row(self, tx: Tx, result: object) -> dict[str, Any]:
        made = result[0] if isinstance(result, tuple) and result else result
        noun = RULES[self.procedure].noun
        subject_id = self._given.get(noun.field) or getattr(made, _attribute(noun), None)
        name = getattr(made, "name", None) or self._given.get("name")
        return {
            "audit_log_id": new_id(),
            "organization_id": self.actor.organization_id,
            "user_id": self.actor.user_id,
            "user_name": self.actor.name,
            "user_email": self.actor.email,
            "user_role": self.actor.role.word,
            "api_key_id": self.actor.api_key_id,
            "api_key_name": self.actor.api_key_name,
            "procedure": self.procedure,
            "subject_type": noun.field.removesuffix("Id"),
            "subject_id": subject_id,
            "subject_name": name[:_LONGEST_NAME] if name else None,
            "project_id": subject_id if noun is Noun.PROJECT else self._project_id,
            "details": self._details(made),
            "created_at": tx.now,
        }

    def _details(self, made: object) -> dict[str, Any]:
        told = {name: value for name, value in self._given.items() if name in _TOLD}
        queued = getattr(made, "deployment_id", None)
        return {"given": sorted(self._given), **told} | ({"deploymentId": queued} if queued else {})


class Audit:
    """Keeps the log."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def kept(self, entry: Entry, work: Callable[[Actor], Awaitable[T]]) -> T:
        """What ``work`` gives, which is handed the entry's actor. The row is committed with its first transaction, so
        that neither is there without the other; where it made none, the row follows it. Nothing is written about work
        that fails before it has changed anything.
        """
        token = companion.set(entry.accompany)
        try:
            result = await work(entry.actor)
            if not entry.settled:
                await self._db.run(lambda _tx: None)
        finally:
            companion.reset(token)
        return result


def forget_old(tx: Tx, kept_for: timedelta) -> None:
    """Removes the rows that are older."""
    tx.execute(delete(audit_log).where(audit_log.c.created_at < tx.now - kept_for))


def _attribute(noun: Noun) -> str:
    """What records call the id of such a thing."""
    return f"{noun.value.lower().replace(' ', '_')}_id"
