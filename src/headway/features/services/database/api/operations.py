"""``postgres.*``, ``mysql.*``, ``mariadb.*``, ``mongo.*``, ``redis.*``, ``libsql.*``: one router for each kind."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from functools import cache, partial
from typing import Any

from pydantic import Field, create_model

from headway.api.inputs import Input
from headway.api.operation import Call, Ready, queued_as
from headway.api.router import Router
from headway.core.access.model import Actor, Role, Scope
from headway.core.access.policy import Noun, Permission, may
from headway.core.deployments.model import SubjectType
from headway.core.deployments.queries import DeploymentReader
from headway.features.backups.api.rows import backup_row
from headway.features.backups.database.service import DatabaseBackupService
from headway.features.deployments.api.lists import rows_of
from headway.features.projects.service import ProjectService
from headway.features.services.api.relations import ENVIRONMENT, Relations
from headway.features.services.database.api.inputs import (
    ChangePassword,
    ChangeStatus,
    CreateDatabase,
    CreateUserlessDatabase,
    DatabaseById,
    Id,
    MoveDatabase,
    ReadDatabaseLogs,
    RemoveDatabase,
    SaveDatabaseEnvironment,
    SavePorts,
    SearchDatabase,
    UpdateDatabase,
    UpdateUserlessDatabase,
)
from headway.features.services.database.api.rows import (
    DatabaseDetails,
    DatabaseRow,
    DatabasesFound,
    database_details,
    database_found,
    database_row,
)
from headway.features.services.database.kinds import KINDS
from headway.features.services.database.model import Database, DatabaseKind
from headway.features.services.database.service import NOUNS, DatabaseService
from headway.kernel.clock import SystemClock
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import Conflict
from headway.kernel.time_range import begins

_Handler = Callable[[DatabaseKind, "DatabaseNeeds", Call[Any]], Awaitable[object]]


_CHANGES = Permission(name="database.update", noun=Noun.DATABASE, least=Role.ADMIN, scope=Scope.ADMIN)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseNeeds:
    """What these operations need. ``forget`` has what callers were given read anew."""

    backups: DatabaseBackupService
    databases: DatabaseService
    deployment_reads: DeploymentReader
    forget: Callable[[], None]
    projects: ProjectService
    relations: Relations


@cache  # to make their inputs takes as long as all else that an application is made of
def router_of(kind: DatabaseKind) -> Router[DatabaseNeeds]:
    """The router of a kind of database, with what its clients know."""
    router = Router[DatabaseNeeds](str(kind), f"{KINDS[kind].title} databases", resource=NOUNS[kind])
    for name, taken, summary, handler in _reads(kind):
        made = _named(kind, taken)
        router.query(name, least=Role.MEMBER, scope=Scope.READ, input=made, summary=summary)(partial(handler, kind))
    for name, summary, handler in _changes_of_state():
        made = _named(kind, DatabaseById)
        way = router.starter if name == "deploy" else router.mutation
        way(name, least=Role.MEMBER, scope=Scope.DEPLOY, input=made, summary=summary)(partial(handler, kind))
    for name, taken, summary, handler in _settings(kind):
        made = _named(kind, taken)
        way = router.starter if name == "rebuild" else router.mutation
        way(name, least=Role.ADMIN, scope=Scope.ADMIN, input=made, summary=summary)(partial(handler, kind))
    return router


def _reads(kind: DatabaseKind) -> Iterator[tuple[str, type[Input], str, _Handler]]:
    yield "one", DatabaseById, f"A {KINDS[kind].title} database with all around it", _one
    yield "readLogs", ReadDatabaseLogs, "The last lines that it wrote", _read_logs
    if kind is not DatabaseKind.LIBSQL:
        yield "search", SearchDatabase, "Databases by their words", _search


def _changes_of_state() -> Iterator[tuple[str, str, _Handler]]:
    yield "deploy", "Queue a deploy", _deploy
    yield "start", "Bring it up", _start
    yield "stop", "End what runs of it", _stop
    yield "reload", "Restart it", _reload


def _settings(kind: DatabaseKind) -> Iterator[tuple[str, type[Input], str, _Handler]]:
    facts = KINDS[kind]
    several = "s" if len(facts.ports) > 1 else ""
    new, changed = (
        (CreateDatabase, UpdateDatabase) if facts.names_user else (CreateUserlessDatabase, UpdateUserlessDatabase)
    )
    yield "create", new, f"A new {facts.title} database, not deployed yet", _create
    yield "update", changed, "Change it", _update
    yield "remove", RemoveDatabase, "Remove it, not its data", _remove
    yield "rebuild", DatabaseById, "Queue a deploy with an empty volume", _rebuild
    yield "move", MoveDatabase, "Put it into another environment", _move
    yield "saveEnvironment", SaveDatabaseEnvironment, "Set its variables", _save_env
    yield "changeStatus", ChangeStatus, "Tell its status, which is a fact", _change_status
    yield f"saveExternalPort{several}", SavePorts, "Set the ports of the machine that lead to it", _save_ports
    if kind is not DatabaseKind.LIBSQL:
        yield "changePassword", ChangePassword, "Change its password, in the server too", _change_password


def _named(kind: DatabaseKind, input: type[Input]) -> type[Input]:
    """The input with the database's id as clients of this kind call it."""
    if not issubclass(input, DatabaseById):
        return input
    name = f"{kind.capitalize()}{input.__name__}"
    made: type[Input] = create_model(name, __base__=input, database_id=(Id, Field(alias=f"{kind}Id")))
    return made


def _looks(kind: DatabaseKind) -> Permission:
    """What it takes to look at one."""
    return Permission(name=f"{kind}.one", noun=NOUNS[kind], least=Role.MEMBER, scope=Scope.READ)


async def _one(kind: DatabaseKind, needs: DatabaseNeeds, call: Call[DatabaseById]) -> DatabaseDetails:
    return await _details(kind, needs, call.actor, await _found(kind, needs, call))


async def _read_logs(kind: DatabaseKind, needs: DatabaseNeeds, call: Call[ReadDatabaseLogs]) -> str:
    given = call.input
    since = begins(given.since, SystemClock().now())
    text = await needs.databases.read_logs(
        call.actor, call.permission, kind, given.database_id, tail=given.tail, since=since
    )
    searched = (given.search or "").casefold()
    return "".join(line for line in text.splitlines(keepends=True) if searched in line.casefold())


async def _search(kind: DatabaseKind, needs: DatabaseNeeds, call: Call[SearchDatabase]) -> DatabasesFound:
    given = call.input
    words = given.words(name=given.name, appName=given.app_name, description=given.description)
    found = await needs.databases.search(
        *(call.actor, kind, words),
        project_id=given.project_id or None,
        environment_id=given.environment_id or None,
    )
    return {"items": [database_found(each) for each in found.items], "total": found.total}


async def _create(kind: DatabaseKind, needs: DatabaseNeeds, call: Call[CreateUserlessDatabase]) -> DatabaseRow:
    given = call.input
    made = await needs.databases.create(
        *(call.actor, call.permission, kind, given.environment_id, given.change(kind)),
        app_name=given.app_name,
        server_id=given.server_id,
    )
    return _row(call.actor, made)


async def _update(kind: DatabaseKind, needs: DatabaseNeeds, call: Call[UpdateUserlessDatabase]) -> bool:
    given, change = call.input, call.input.change(kind)
    await needs.databases.update(
        call.actor, call.permission, kind, given.database_id, change, environment_id=given.environment_id
    )
    if given.environment_id is not None:
        needs.forget()  # whoever was given the database now knows of another project
    return True


async def _save_env(kind: DatabaseKind, needs: DatabaseNeeds, call: Call[SaveDatabaseEnvironment]) -> bool:
    given = call.input
    await needs.databases.update(call.actor, call.permission, kind, given.database_id, given.change(kind))
    return True


async def _save_ports(kind: DatabaseKind, needs: DatabaseNeeds, call: Call[SavePorts]) -> DatabaseDetails:
    given = call.input
    changed = await needs.databases.update(call.actor, call.permission, kind, given.database_id, given.change(kind))
    return await _details(kind, needs, call.actor, changed)


async def _change_status(kind: DatabaseKind, needs: DatabaseNeeds, call: Call[ChangeStatus]) -> DatabaseDetails:
    given = call.input
    database = await needs.databases.one(call.actor, call.permission, kind, given.database_id)
    if database.runs.status != given.application_status:
        raise Conflict(
            f"The status of a database is a fact about the machine, and is {database.runs.status} now. Deploy, "
            "start or stop it, and it follows."
        )
    return await _details(kind, needs, call.actor, database)


async def _change_password(kind: DatabaseKind, needs: DatabaseNeeds, call: Call[ChangePassword]) -> bool:
    given = call.input
    await needs.databases.change_password(
        call.actor, call.permission, kind, given.database_id, given.password, of_root=given.type == "root"
    )
    return True


async def _remove(kind: DatabaseKind, needs: DatabaseNeeds, call: Call[RemoveDatabase]) -> DatabaseDetails:
    given = call.input
    last = await _details(
        kind, needs, call.actor, await needs.databases.one(call.actor, call.permission, kind, given.database_id)
    )
    await needs.databases.remove(
        call.actor, call.permission, kind, given.database_id, delete_volumes=given.delete_volumes
    )
    return last


async def _move(kind: DatabaseKind, needs: DatabaseNeeds, call: Call[MoveDatabase]) -> DatabaseRow:
    given = call.input
    moved = await needs.databases.move(
        call.actor, call.permission, kind, given.database_id, given.target_environment_id
    )
    needs.forget()  # whoever was given the database now knows of another project
    return _row(call.actor, moved)


async def _deploy(kind: DatabaseKind, needs: DatabaseNeeds, call: Call[DatabaseById]) -> Ready[DatabaseDetails]:
    id_ = call.input.database_id
    queued = await needs.databases.deploy(call.actor, call.permission, kind, id_, once=call.once)
    database = await needs.databases.one(call.actor, call.permission, kind, id_)
    return queued_as(queued, await _details(kind, needs, call.actor, database))


async def _rebuild(kind: DatabaseKind, needs: DatabaseNeeds, call: Call[DatabaseById]) -> Ready[bool]:
    queued = await needs.databases.rebuild(call.actor, call.permission, kind, call.input.database_id, once=call.once)
    return queued_as(queued, answer=True)


async def _start(kind: DatabaseKind, needs: DatabaseNeeds, call: Call[DatabaseById]) -> DatabaseDetails:
    return await _details(
        kind, needs, call.actor, await needs.databases.start(call.actor, call.permission, kind, call.input.database_id)
    )


async def _stop(kind: DatabaseKind, needs: DatabaseNeeds, call: Call[DatabaseById]) -> DatabaseDetails:
    return await _details(
        kind, needs, call.actor, await needs.databases.stop(call.actor, call.permission, kind, call.input.database_id)
    )


async def _reload(kind: DatabaseKind, needs: DatabaseNeeds, call: Call[DatabaseById]) -> bool:
    await needs.databases.reload(call.actor, call.permission, kind, call.input.database_id)
    return True


async def _found(kind: DatabaseKind, needs: DatabaseNeeds, call: Call[DatabaseById]) -> Database:
    return await needs.databases.one(call.actor, call.permission, kind, call.input.database_id)


async def _details(kind: DatabaseKind, needs: DatabaseNeeds, actor: Actor, database: Database) -> DatabaseDetails:
    looks, id_ = _looks(kind), database.database_id
    environment, project = await needs.projects.around(actor, ENVIRONMENT, database.runs.environment_id)
    relations: dict[str, Any] = {}
    if may(actor, looks):
        part = await needs.deployment_reads.rows_of(actor, looks, SubjectType.DATABASE, id_)
        backups = [backup_row(each) for each in await needs.backups.all(actor) if each.service_id == id_]
        relations = {
            "deployments": rows_of(part, pending_as_running=actor.terms.pending_as_running),
            "backups": backups,
            "server": await needs.relations.server(actor, database.runs.host_id),
        }
    return database_details(database, _row(actor, database), environment, project, relations)


def _row(actor: Actor, database: Database) -> DatabaseRow:
    return database_row(database, open_=may(actor, _CHANGES))
