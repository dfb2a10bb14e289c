"""``postgres.*``, ``mysql.*``, ``mariadb.*``, ``mongo.*``, ``redis.*``, ``libsql.*``: one router for each kind."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from pydantic import Field, create_model

from headway.core.access.model import Role, Scope
from headway.core.access.policy import Noun, Permission, may
from headway.core.deployments.model import SubjectType
from headway.domains.databases.kinds import KINDS
from headway.domains.databases.model import Database, DatabaseKind
from headway.domains.databases.service import NOUNS
from headway.faces.http.procedures.database_inputs import (
    ById,
    ChangePassword,
    ChangeStatus,
    Create,
    Id,
    Move,
    ReadLogs,
    Remove,
    SaveEnvironment,
    SavePorts,
    Search,
    Update,
)
from headway.faces.http.procedures.deployment_lists import rows_of
from headway.faces.http.procedures.relations import ENVIRONMENT, server_of
from headway.faces.http.registry import Call, Procedure, Ready, mutation, query, queued_as, starter
from headway.faces.http.wire.backups import backup_row
from headway.faces.http.wire.databases import (
    DatabaseDetails,
    DatabaseRow,
    DatabasesFound,
    database_details,
    database_found,
    database_row,
)
from headway.kernel.clock import SystemClock
from headway.kernel.errors import Conflict
from headway.kernel.since import begins

I = TypeVar("I", bound=ById)  # noqa: E741 - an input


_CHANGES = Permission(name="database.update", noun=Noun.DATABASE, least=Role.ADMIN, scope=Scope.ADMIN)


@cache  # to make their inputs takes as long as all else that an application is made of
def procedures() -> tuple[Procedure, ...]:
    """The routers."""
    return tuple(each for kind in DatabaseKind for each in _Router(kind).procedures())


@dataclass(frozen=True, slots=True)
class _Router:
    """The procedures of one kind."""

    kind: DatabaseKind

    @property
    def looks(self) -> Permission:
        """What it takes to look at one."""
        return Permission(name=f"{self.kind}.one", noun=NOUNS[self.kind], least=Role.MEMBER, scope=Scope.READ)

    def procedures(self) -> tuple[Procedure, ...]:
        """All of them; only what its clients know."""
        title, ports = KINDS[self.kind].title, self._named(SavePorts)
        has_more_ports = len(KINDS[self.kind].ports) > 1
        named = f"{self.kind}.saveExternalPort{'s' if has_more_ports else ''}"
        return (
            query(f"{self.kind}.one", f"A {title} database with all around it", DatabaseDetails, *self._by(self.one)),
            query(f"{self.kind}.readLogs", "The last lines that it wrote", str, self._named(ReadLogs), self.read_logs),
            mutation(
                f"{self.kind}.create", f"A new {title} database, not deployed yet", DatabaseRow, Create, self.create
            ),
            mutation(f"{self.kind}.update", "Change it", bool, self._named(Update), self.update),
            mutation(
                f"{self.kind}.remove", "Remove it, not its data", DatabaseDetails, self._named(Remove), self.remove
            ),
            mutation(
                f"{self.kind}.saveEnvironment", "Set its variables", bool, self._named(SaveEnvironment), self.save_env
            ),
            mutation(named, "Set the ports of the machine that lead to it", DatabaseDetails, ports, self.save_ports),
            mutation(
                f"{self.kind}.changeStatus",
                "Tell its status, which is a fact",
                DatabaseDetails,
                self._named(ChangeStatus),
                self.change_status,
            ),
            mutation(f"{self.kind}.move", "Put it into another environment", DatabaseRow, self._named(Move), self.move),
            starter(f"{self.kind}.deploy", "Queue a deploy", DatabaseDetails, *self._by(self.deploy)),
            starter(f"{self.kind}.rebuild", "Queue a deploy with an empty volume", bool, *self._by(self.rebuild)),
            mutation(f"{self.kind}.start", "Bring it up", DatabaseDetails, *self._by(self.start)),
            mutation(f"{self.kind}.stop", "End what runs of it", DatabaseDetails, *self._by(self.stop)),
            mutation(f"{self.kind}.reload", "Restart it", bool, *self._by(self.reload)),
            *self._of_servers(),
        )

    def _of_servers(self) -> tuple[Procedure, ...]:
        if self.kind is DatabaseKind.LIBSQL:
            return ()
        return (
            query(f"{self.kind}.search", "Databases by their words", DatabasesFound, Search, self.search),
            mutation(
                f"{self.kind}.changePassword",
                "Change its password, in the server too",
                bool,
                self._named(ChangePassword),
                self.change_password,
            ),
        )

    async def one(self, call: Call[ById]) -> dict[str, Any]:
        """The database with its deployments and backups."""
        return await self._details(call, await self._found(call))

    async def read_logs(self, call: Call[ReadLogs]) -> str:
        """Its last lines that hold what is searched for."""
        given = call.input
        since = begins(given.since, SystemClock().now())
        text = await call.platform.databases.read_logs(
            call.actor, call.permission, self.kind, given.database_id, tail=given.tail, since=since
        )
        searched = (given.search or "").casefold()
        return "".join(line for line in text.splitlines(keepends=True) if searched in line.casefold())

    async def search(self, call: Call[Search]) -> dict[str, Any]:
        """Databases of this kind."""
        given = call.input
        words = given.words(name=given.name, appName=given.app_name, description=given.description)
        found = await call.platform.databases.search(
            *(call.actor, self.kind, words),
            project_id=given.project_id or None,
            environment_id=given.environment_id or None,
        )
        return {"items": [database_found(each) for each in found.items], "total": found.total}

    async def create(self, call: Call[Create]) -> dict[str, Any]:
        """A new one."""
        given = call.input
        made = await call.platform.databases.create(
            *(call.actor, call.permission, self.kind, given.environment_id, given.change(self.kind)),
            app_name=given.app_name,
            server_id=given.server_id,
        )
        return self._row(call, made)

    async def update(self, call: Call[Update]) -> bool:
        """Changes it."""
        given, change = call.input, call.input.change(self.kind)
        await call.platform.databases.update(
            call.actor, call.permission, self.kind, given.database_id, change, environment_id=given.environment_id
        )
        if given.environment_id is not None:
            call.platform.access.forget()  # whoever was given the database now knows of another project
        return True

    async def save_env(self, call: Call[SaveEnvironment]) -> bool:
        """Sets its variables."""
        given = call.input
        await call.platform.databases.update(
            call.actor, call.permission, self.kind, given.database_id, given.change(self.kind)
        )
        return True

    async def save_ports(self, call: Call[SavePorts]) -> dict[str, Any]:
        """Sets its ports, from the next deploy on."""
        given = call.input
        changed = await call.platform.databases.update(
            call.actor, call.permission, self.kind, given.database_id, given.change(self.kind)
        )
        return await self._details(call, changed)

    async def change_status(self, call: Call[ChangeStatus]) -> dict[str, Any]:
        """Nobody sets a status: it is told, to whoever knows it already."""
        given = call.input
        database = await call.platform.databases.one(call.actor, call.permission, self.kind, given.database_id)
        if database.runs.status != given.application_status:
            raise Conflict(
                f"The status of a database is a fact about the machine, and is {database.runs.status} now. Deploy, "
                "start or stop it, and it follows."
            )
        return await self._details(call, database)

    async def change_password(self, call: Call[ChangePassword]) -> bool:
        """In the server, then here."""
        given = call.input
        await call.platform.databases.change_password(
            call.actor, call.permission, self.kind, given.database_id, given.password, of_root=given.type == "root"
        )
        return True

    async def remove(self, call: Call[Remove]) -> dict[str, Any]:
        """Removes it."""
        given = call.input
        last = await self._details(
            call, await call.platform.databases.one(call.actor, call.permission, self.kind, given.database_id)
        )
        await call.platform.databases.remove(
            call.actor, call.permission, self.kind, given.database_id, delete_volumes=given.delete_volumes
        )
        return last

    async def move(self, call: Call[Move]) -> dict[str, Any]:
        """Into another environment."""
        given = call.input
        moved = await call.platform.databases.move(
            call.actor, call.permission, self.kind, given.database_id, given.target_environment_id
        )
        call.platform.access.forget()  # whoever was given the database now knows of another project
        return self._row(call, moved)

    async def deploy(self, call: Call[ById]) -> Ready:
        """Queues a deploy."""
        id_ = call.input.database_id
        queued = await call.platform.databases.deploy(call.actor, call.permission, self.kind, id_, once=call.once)
        database = await call.platform.databases.one(call.actor, call.permission, self.kind, id_)
        return queued_as(queued, await self._details(call, database))

    async def rebuild(self, call: Call[ById]) -> Ready:
        """Queues a deploy with an empty volume."""
        queued = await call.platform.databases.rebuild(
            call.actor, call.permission, self.kind, call.input.database_id, once=call.once
        )
        return queued_as(queued, answer=True)

    async def start(self, call: Call[ById]) -> dict[str, Any]:
        """Brings it up."""
        return await self._details(
            call, await call.platform.databases.start(call.actor, call.permission, self.kind, call.input.database_id)
        )

    async def stop(self, call: Call[ById]) -> dict[str, Any]:
        """Takes it down."""
        return await self._details(
            call, await call.platform.databases.stop(call.actor, call.permission, self.kind, call.input.database_id)
        )

    async def reload(self, call: Call[ById]) -> bool:
        """Restarts it."""
        await call.platform.databases.reload(call.actor, call.permission, self.kind, call.input.database_id)
        return True

    async def _found(self, call: Call[ById]) -> Database:
        return await call.platform.databases.one(call.actor, call.permission, self.kind, call.input.database_id)

    async def _details(self, call: Call[Any], database: Database) -> dict[str, Any]:
        """The row with what is around it, for whoever was let through to the database already."""
        platform, actor, id_ = call.platform, call.actor, database.database_id
        environment, project = await platform.projects.around(actor, ENVIRONMENT, database.runs.environment_id)
        relations: dict[str, Any] = {}
        if may(actor, self.looks):
            part = await platform.deployment_reads.rows_of(actor, self.looks, SubjectType.DATABASE, id_)
            backups = [backup_row(each) for each in await platform.backups.all(actor) if each.service_id == id_]
            relations = {
                "deployments": rows_of(part, pending_as_running=actor.terms.pending_as_running),
                "backups": backups,
                "server": await server_of(call, database.runs.host_id),
            }
        return database_details(database, self._row(call, database), environment, project, relations)

    def _row(self, call: Call[Any], database: Database) -> dict[str, Any]:
        return database_row(database, open_=may(call.actor, _CHANGES))

    def _by(
        self, answer: Callable[[Call[ById]], Awaitable[object]]
    ) -> tuple[type[ById], Callable[[Call[ById]], Awaitable[object]]]:
        return self._named(ById), answer

    def _named(self, input: type[I]) -> type[I]:
        """The input with the database's id as clients of this kind call it."""
        name = f"{self.kind.capitalize()}{input.__name__}"
        made: type[I] = create_model(name, __base__=input, database_id=(Id, Field(alias=f"{self.kind}Id")))
        return made
