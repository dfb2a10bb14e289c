"""Finds the database server of a backup, and asks it what a run must know."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from headway.core.deployments.run import Json, Run, RunFailed
from headway.domains.applications.operate import Operating
from headway.domains.applications.store import serving
from headway.domains.backups.model import Form
from headway.domains.backups.plan import Plan
from headway.infra.hosts.command import Command, Stage
from headway.seams.dumps.base import INSIDE, Dumper, Server, Typed
from headway.seams.dumps.registry import DUMPERS
from headway.seams.runtimes.base import NotRunning
from headway.seams.runtimes.compose.engine import Engine as Containers
from headway.seams.runtimes.inside import InContainer


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a database holds now: whether it is there, how many others are in it, and how many tables it has."""

    exists: bool
    sessions: int
    tables: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """Database servers as runs meet them. ``containers`` is this machine's engine, ``databases`` acts on those that are
    services.
    """

    panel_id: str
    containers: Containers
    databases: Operating

    async def find(self, run: Run, plan: Plan) -> Asked:
        """The server, in a container looked up as it runs now. Raises RunFailed where it does not run."""
        if plan.engine is None:
            raise AssertionError("Headway's own data is on no server")
        connection = asdict(plan.connection)
        if plan.form is not Form.CONNECTION:
            container = await run.step("find the container", lambda: self._container(plan))
            server = Server(engine=plan.engine, **connection, container=container, docker=self._docker(run))
        else:
            server = Server(engine=plan.engine, **connection)
        return Asked(run=run, server=server, dumper=DUMPERS[plan.engine], database=plan.database)

    async def beside(self, plan: Plan, deployment_id: str) -> Server:
        """The server as it runs now, for who asks outside of a run's commands. Raises RunFailed, EngineAway."""
        if plan.engine is None:
            raise AssertionError("Headway's own data is on no server")
        connection = asdict(plan.connection)
        if plan.form is Form.CONNECTION:
            return Server(engine=plan.engine, **connection)
        docker = {**self.containers.docker.env, INSIDE: deployment_id}
        return Server(engine=plan.engine, **connection, container=await self._container(plan), docker=docker)

    def _docker(self, run: Run) -> Mapping[str, str]:
        return {**self.containers.docker.env, INSIDE: run.deployment.deployment_id}

    async def _container(self, plan: Plan) -> str:
        return await (self._of_database(plan) if plan.form is Form.DATABASE else self._of_compose(plan))

    async def _of_database(self, plan: Plan) -> str:
        id_ = plan.service_id or ""
        release = await self.databases.db.read(lambda tx: serving(tx, id_))
        if release is None:
            raise RunFailed(f"The database {plan.service_name} was never deployed: deploy it, then back it up.")
        try:
            inside = await self.databases.runtime(release).inside(release.release_id)
        except NotRunning as error:
            raise RunFailed(f"The database {plan.service_name} does not run: start it first.") from error
        match inside:
            case InContainer(container_id=container_id):
                return container_id
            case _:
                raise RunFailed(f"The database {plan.service_name} does not run in a container.")

    async def _of_compose(self, plan: Plan) -> str:
        found = await self.containers.containers(panel=self.panel_id, compose=plan.service_id or "")
        mine = [each for each in found if each.service == plan.service_name]
        running = sorted((each for each in mine if each.status == "running"), key=lambda each: each.started_at)
        if not running:
            what = "has no container" if not mine else f"is {mine[0].status}"
            raise RunFailed(f"The service {plan.service_name} {what}: start the compose service, then back it up.")
        return running[-1].container_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A server that a run asks by its own programs; each question is a command of the run."""

    run: Run
    server: Server = field(repr=False)
    dumper: Dumper
    database: str

    async def held(self, target: str) -> Held:
        """What a database holds now."""
        question = self.dumper.look(self.server, self.database, target)
        looked: Mapping[str, Json] = json.loads(await self._ask("look at it", question))
        tables = await self.tables(target, "count its tables") if looked["exists"] else 0
        return Held(exists=bool(looked["exists"]), sessions=int(looked["sessions"]), tables=tables)

    async def tables(self, target: str, name: str) -> int:
        """How many tables a database has."""
        return int(await self._ask(name, self.dumper.count(self.server, target)))

    async def create(self, target: str) -> None:
        """Makes an empty database."""
        await self._ask(f"create {target}", self.dumper.create(self.server, self.database, target))

    async def drop(self, target: str) -> None:
        """Removes a database that Headway made."""
        await self._ask(f"drop {target}", self.dumper.drop(self.server, self.database, target))

    async def _ask(self, name: str, what: Typed) -> str:
        ended = await self.run.command(name, command_of(what, capture=True))
        return ended.output.decode(errors="replace").strip()


def command_of(what: Typed, *, capture: bool = False) -> Command:
    """What is typed, as a command of a run."""
    return Command(stages=(Stage(argv=what.argv),), env=what.env, stdin=what.stdin, capture=capture)
