"""The audit log: for each mutation a row of who did what to what, written with the commit of the mutation itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, delete, false, func, insert, not_, or_, select

from headway.core.access.model import Actor, Joined
from headway.core.access.policy import Noun, Permission, permit
from headway.core.access.topics import AUDIT_LOGS, topics_of, topics_of_services, whose
from headway.infra.db.engine import Database
from headway.infra.db.tables.access import audit_log
from headway.infra.db.transaction import Tx, companion
from headway.kernel.dataclass import dataclass
from headway.kernel.events import Events, Whose
from headway.kernel.ids import new_id

T = TypeVar("T")

came_from: ContextVar[str] = ContextVar("came_from", default="")
"""The address of whoever makes the call that is under way, "" where that is unknown."""

_c = audit_log.c
_ACTIONS = (
    *((start, "create") for start in ("create", "add", "invite", "generate", "accept")),
    *((start, "delete") for start in ("delete", "remove", "clear")),
    *((start, "cancel") for start in ("cancel", "kill", "cleanqueues")),
    ("deploy", "deploy"),
    ("redeploy", "redeploy"),
    ("signin", "login"),
    ("codefailed", "login"),
    ("passkeyfailed", "login"),
    ("signout", "logout"),
)
_OTHER = "update"
_RESOURCES: Mapping[str, str] = {
    "application": "service",
    "compose": "service",
    **dict.fromkeys(("postgres", "mysql", "mariadb", "mongo", "redis", "libsql"), "service"),
    "apiKey": "user",
    "invitation": "user",
    "member": "user",
    "organization": "settings",
}
_LONGEST_NAME = 200
_INSERT = insert(audit_log)  # built once: every mutation waits for it
# What a call was given and is told in full; of everything else only that it was given, for it may hold a secret.
_TOLD = frozenset(
    {
        "accessedProjects",
        "accessedServices",
        "appName",
        "email",
        "environmentId",
        "expiresIn",
        "least",
        "name",
        "projects",
        "role",
        "scopes",
        "title",
    }
)

# What records call the id of things that are alike.
_SHARED: Mapping[Noun, str] = {
    Noun.APPLICATION: "service_id",
    Noun.COMPOSE: "service_id",
    Noun.VOLUME_BACKUP: "backup_id",
}


class Entry:
    """One mutation under way, as the log will tell it. ``given`` is its input by the names of the wire."""

    def __init__(self, actor: Actor, permission: Permission, given: Mapping[str, Any]) -> None:
        self.actor = replace(actor, witness=self._witness)
        self.permission = permission
        self.settled = False
        self._given = given
        self._project_id: str | None = None
        self._service_id: str | None = None
        self._address = came_from.get()  # the row is written on another thread

    def accompany(self, tx: Tx, result: object) -> None:
        """Writes the row with the first transaction that is committed; none where an earlier call had done it all."""
        if self.settled:
            return
        if not tx.repeats:
            tx.execute(_INSERT, self._row(tx, result))
        tx.after(self._settle)

    def _settle(self) -> None:
        self.settled = True

    def changes(self, result: object) -> tuple[Whose, tuple[str, ...]]:
        """What a transaction of it that gives this has changed: the topics, and who may know of it."""
        made, noun = _made_of(result), self.permission.noun
        subject_id = self._subject_id(made)
        topics = topics_of(noun, subject_id)
        if self._service_id is not None:
            topics = tuple(dict.fromkeys((*topics, *topics_of_services(self._service_id))))
        actor = made.actor if isinstance(made, Joined) else self.actor
        return whose(actor, self.permission, self._project_of(subject_id), self._service_id), topics

    def _witness(self, project_id: str, service_id: str | None) -> None:
        self._project_id = self._project_id or project_id
        self._service_id = self._service_id or service_id

    def _subject_id(self, made: object) -> str | None:
        noun = self.permission.noun
        made_id = next(filter(None, (getattr(made, name, None) for name in _ids_of(noun))), None)
        return self._given.get(noun.field) or made_id

    def _project_of(self, subject_id: str | None) -> str | None:
        return subject_id if self.permission.noun is Noun.PROJECT else self._project_id

    def _row(self, tx: Tx, result: object) -> dict[str, Any]:
        made = _made_of(result)
        actor = made.actor if isinstance(made, Joined) else self.actor
        noun = self.permission.noun
        subject_id = self._subject_id(made)
        name = getattr(made, "name", None) or self._given.get("name")
        return {
            **_who(actor),
            "procedure": self.permission.name,
            "subject_type": noun.field.removesuffix("Id"),
            "subject_id": subject_id,
            "subject_name": name[:_LONGEST_NAME] if name else None,
            "project_id": self._project_of(subject_id),
            "details": self._details(made),
            "created_at": tx.now,
        }

    def _details(self, made: object) -> dict[str, Any]:
        told = {name: value for name, value in self._given.items() if name in _TOLD}
        queued = getattr(made, "deployment_id", None)
        also = {"deploymentId": queued, "address": self._address}
        return {"given": sorted(self._given), **told} | {name: value for name, value in also.items() if value}


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """A row of the log; ``seq`` is its place in it. Id and name of the key are those of the ``credential``."""

    seq: int
    audit_log_id: str
    organization_id: str
    user_id: str
    user_name: str
    user_email: str | None
    user_role: str
    credential: str
    api_key_id: str
    api_key_name: str
    procedure: str
    subject_type: str
    subject_id: str | None
    subject_name: str | None
    project_id: str | None
    details: Mapping[str, Any]
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Which rows: those that fit all that is given, older than the row ``before``, without the newest ``offset``."""

    user_id: str | None = None
    user_email: str | None = None
    procedure: str | None = None
    action: str | None = None
    resource: str | None = None
    subject_id: str | None = None
    subject_name: str | None = None
    project_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None
    offset: int = 0
    limit: int = 50


def note(tx: Tx, actor: Actor, procedure: str, noun: Noun, subject_id: str | None, **details: Any) -> None:  # noqa: ANN401 - any JSON
    """Writes a row about what no operation does, with the transaction that does it."""
    tx.execute(
        _INSERT,
        {
            **_who(actor),
            "procedure": procedure,
            "subject_type": noun.field.removesuffix("Id"),
            "subject_id": subject_id,
            "subject_name": None,
            "project_id": None,
            "details": {"given": sorted(details), **details},
            "created_at": tx.now,
        },
    )


def was_noted(tx: Tx, user_id: str, procedure: str, lately: timedelta) -> bool:
    """Whether there is such a row about the user of so lately."""
    mine = _c.user_id == user_id, _c.procedure == procedure, _c.created_at > tx.now - lately
    return tx.scalar(select(_c.seq).where(*mine).limit(1)) is not None


class Audit:
    """Keeps the log, and tells of what was changed."""

    def __init__(self, db: Database, events: Events) -> None:
        self._db = db
        self._events = events

    async def kept(self, entry: Entry, work: Callable[[Actor], Awaitable[T]]) -> T:
        """What ``work`` gives, which is handed the entry's actor. The row is committed with its first transaction, so
        that neither is there without the other; where it made none, the row follows it. Nothing is written about work
        that fails before it has changed anything.

        What may be another now is told after each of its transactions, and once more when it is over: not all that
        it does is in the database.
        """
        telling = _Telling(entry, self._events)
        token = companion.set(telling.accompany)
        try:
            result = await work(entry.actor)
            if not entry.settled:
                await self._db.run(lambda _tx: None)
        finally:
            companion.reset(token)
            telling.end()
        return result

    async def page(
        self, actor: Actor, permission: Permission, search: Search
    ) -> tuple[list[AuditEntry], int, int | None]:
        """The newest rows of the caller's organisation that fit, how many fit in all, and the ``before`` of the next
        page, None at the end.
        """
        permit(actor, permission, actor.organization_id)

        def read(tx: Tx) -> tuple[list[AuditEntry], int, int | None]:
            fit = [_c.organization_id == actor.organization_id, *_conditions(search)]
            total = int(tx.scalar(select(func.count()).select_from(audit_log).where(*fit)) or 0)
            older = [] if search.before is None else [_c.seq < search.before]
            asked = select(audit_log).where(*fit, *older).order_by(_c.seq.desc())
            found = tx.execute(asked.offset(search.offset).limit(search.limit + 1)).mappings().all()
            rows = [AuditEntry(**row) for row in found[: search.limit]]
            return rows, total, rows[-1].seq if len(found) > search.limit else None

        return await self._db.read(read)


class _Telling:
    """One mutation, of whose transactions the entry is written with the first, and each is told of."""

    def __init__(self, entry: Entry, events: Events) -> None:
        self._entry = entry
        self._events = events
        self._told: tuple[Whose, tuple[str, ...]] | None = None
        self._is_over = False

    def accompany(self, tx: Tx, result: object) -> None:
        self._entry.accompany(tx, result)
        if not tx.repeats and not self._is_over:  # a task that it began may go on in its context
            changes = self._entry.changes(result)
            tx.after(lambda: self._tell(changes))

    def end(self) -> None:
        self._is_over = True
        if self._told is not None:
            self._tell(self._told)

    def _tell(self, changes: tuple[Whose, tuple[str, ...]]) -> None:
        self._told = changes
        where, topics = changes
        self._events.changed(where, *topics)
        self._events.changed(Whose(organization_id=where.organization_id), AUDIT_LOGS)


def _made_of(result: object) -> Any:  # noqa: ANN401 - whatever a transaction gives
    return result[0] if isinstance(result, tuple) and result else result


def action_of(procedure: str) -> str:
    """What a procedure does, in the few words that clients filter by."""
    name = procedure.rpartition(".")[2].lower()
    return next((action for start, action in _ACTIONS if name.startswith(start)), _OTHER)


def resource_of(subject_type: str) -> str:
    """What kind of thing a subject is, in the words that clients filter by."""
    return _RESOURCES.get(subject_type, subject_type)


def forget_old(tx: Tx, kept_for: timedelta) -> None:
    """Removes the rows that are older."""
    tx.execute(delete(audit_log).where(audit_log.c.created_at < tx.now - kept_for))


def _does(action: str) -> ColumnElement[bool]:
    """``action_of`` for the rows of the log."""
    began = {start: _c.procedure.ilike(f"%.{start}%") for start, _ in _ACTIONS}
    if action == _OTHER:
        return not_(or_(*began.values()))
    return or_(false(), *(began[start] for start, each in _ACTIONS if each == action))


def _who(actor: Actor) -> dict[str, Any]:
    """The columns of a new row that say whose it is."""
    return {
        "audit_log_id": new_id(),
        "organization_id": actor.organization_id,
        "user_id": actor.user_id,
        "user_name": actor.name,
        "user_email": actor.email,
        "user_role": actor.role.word,
        "credential": actor.credential.kind.value,
        "api_key_id": actor.credential.id,
        "api_key_name": actor.credential.name,
    }


def _ids_of(noun: Noun) -> tuple[str, ...]:
    """What records call the id of such a thing, the surest first."""
    own = f"{noun.value.lower().replace(' ', '_')}_id"
    return (own, *((_SHARED[noun],) if noun in _SHARED else ()), "database_id")


def _conditions(search: Search) -> Iterator[ColumnElement[bool]]:
    for column, value in (
        (_c.user_id, search.user_id),
        (_c.user_email, search.user_email),
        (_c.procedure, search.procedure),
        (_c.subject_id, search.subject_id),
        (_c.project_id, search.project_id),
    ):
        if value is not None:
            yield column == value
    if search.action is not None:
        yield _does(search.action)
    if search.resource is not None:
        types = [noun.field.removesuffix("Id") for noun in Noun]
        yield _c.subject_type.in_([each for each in types if search.resource in {each, resource_of(each)}])
    if search.subject_name is not None:
        yield _c.subject_name.icontains(search.subject_name, autoescape=True)
    if search.since is not None:
        yield _c.created_at >= search.since
    if search.until is not None:
        yield _c.created_at <= search.until
