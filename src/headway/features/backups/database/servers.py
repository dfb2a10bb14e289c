"""Finds the database server of a backup, and asks it what a run must know."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, field, replace
from functools import partial
from typing import Any

from headway.core.deployments.run import Json, Run, RunFailed, UndoContext
from headway.core.deployments.status import Reason
from headway.drivers.dumps.base import INSIDE, UNCONNECTED, Dumper, Engine, Server, Typed, Whole
from headway.drivers.dumps.registry import DUMPERS
from headway.features.backups.database.container_processes import mark_inside
from headway.features.backups.database.model import BackupForm, Connection
from headway.features.backups.database.plan import DatabaseBackupPlan
from headway.features.backups.server_work import opened, remote_stage, require_end
from headway.features.containers.service import Engines
from headway.features.destinations.address_check import require_outward_now
from headway.features.destinations.transfer import BackupTransfer
from headway.features.services.application.remote_stage import ENV, RemoteStage, away
from headway.features.services.kinds import ServiceKinds
from headway.features.services.model import type_of
from headway.infra.hosts.base import Cause, Exit, Host, HostUnreachable
from headway.infra.hosts.command import Account, Command, led
from headway.infra.hosts.environment_transfer import ahead, taking
from headway.infra.hosts.privileges import stage
from headway.infra.hosts.ssh import SshHost
from headway.kernel.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseState:
    """What a database holds now: whether it is there, how many others are in it, and how many tables it has; and
    whether who asks has ``powers`` over the server's machine, so that a dump would have them too.
    """

    exists: bool
    sessions: int
    tables: int
    powers: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReachedDatabase:
    """A database server, and how its programs are started. ``far`` is their end on the server that it is on; None: on
    the panel's machine.
    """

    server: Server = field(repr=False)
    far: RemoteStage | None = None

    @property
    def place(self) -> str:
        """The server's name, "" for the panel's machine."""
        return "" if self.far is None else self.far.place

    def typed(self, what: Typed) -> Typed:
        """What is typed for the database server, as it is typed on the panel's machine."""
        if self.far is None:
            return what
        return Typed(argv=self.far.argv(taking(what.argv)), env=ENV, stdin=ahead(what.env) + what.stdin)

    def read_by(self, whole: Whole) -> Whole:
        """The programs that read a dump, likewise; there it is one, which reads the whole of it."""
        if self.far is None or not whole.programs:
            return whole
        (argv,) = whole.programs
        far = self.typed(Typed(argv=argv, env=whole.env))
        return replace(whole, programs=(far.argv,), env=far.env, ahead=far.stdin, place=self.place)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseServers:
    """Database servers as runs meet them, on whichever host. ``kinds`` find those that run in services, ``engines``
    gives the engine of a host.
    """

    hosts: Mapping[str, Host]
    transfer: BackupTransfer
    kinds: ServiceKinds
    engines: Engines

    async def find(self, run: Run, plan: DatabaseBackupPlan) -> QueriedServer:
        """The server, in a container looked up as it runs now, and what opens the machine that it is on. Raises
        RunFailed where it does not run, or its machine does not answer.
        """
        if plan.engine is None:
            raise AssertionError("Headway's own data is on no server")
        try:
            reached = await self._find(run, plan, plan.engine)
        except HostUnreachable as error:
            raise away(error) from error
        dumper, transfer = DUMPERS[plan.engine], self.transfer
        return QueriedServer(run=run, reached=reached, dumper=dumper, database=plan.database, transfer=transfer)

    async def beside(self, plan: DatabaseBackupPlan, undoing: UndoContext) -> ReachedDatabase:
        """The server as it runs now, for who asks outside of a run's commands, and removes the run's own folder
        afterwards, in any case. Raises RunFailed, EngineAway, HostUnreachable.
        """
        if plan.engine is None:
            raise AssertionError("Headway's own data is on no server")
        connection, deployment_id = _named(plan.connection), undoing.deployment.deployment_id
        if plan.form is BackupForm.CONNECTION:
            return ReachedDatabase(server=Server(engine=plan.engine, **connection, account=self._account(plan)))
        docker = self._docker(plan, deployment_id)
        server = Server(engine=plan.engine, **connection, container=await self._container(plan), docker=docker)
        files, host = self.transfer.own_folder(deployment_id), self.hosts[plan.host_id]
        await undoing.host.make_folder(files)
        if not isinstance(host, SshHost):
            return ReachedDatabase(server=server)
        far = await opened(undoing.host, host, files, deployment_id, reads=not plan.target)
        return ReachedDatabase(server=server, far=far)

    async def _find(self, run: Run, plan: DatabaseBackupPlan, engine: Engine) -> ReachedDatabase:
        connection, deployment_id = _named(plan.connection), run.deployment.deployment_id
        if plan.form is BackupForm.CONNECTION:
            if plan.connection.guarded:
                await require_outward_now(plan.connection.host)
            return ReachedDatabase(server=Server(engine=engine, **connection, account=self._account(plan)))
        container = await run.step("find the container", lambda: self._container(plan))
        docker = self._docker(plan, deployment_id)
        server = Server(engine=engine, **connection, container=container, docker=docker)
        await mark_inside(run, server)
        far = await remote_stage(run, self.hosts[plan.host_id], self.transfer, reads=not plan.target)
        return ReachedDatabase(server=server, far=far)

    def _account(self, plan: DatabaseBackupPlan) -> Account | None:
        """Who asks over the network; of the storage, whatever that may reach."""
        known = plan.place.storage.account
        own = None if known is None else Account(uid=known.uid, gid=known.uid)
        return led(own, self.transfer.outward if plan.connection.guarded else None)

    def _docker(self, plan: DatabaseBackupPlan, deployment_id: str) -> Mapping[str, str]:
        return {**self.engines(plan.host_id).engine.docker.env, INSIDE: deployment_id}

    async def _container(self, plan: DatabaseBackupPlan) -> str:
        containers = self.kinds.by_type[type_of(plan.form)].databases
        return await containers.find(plan.host_id, plan.service_id or "", plan.service_name or "", plan.at)


def _named(connection: Connection) -> dict[str, Any]:
    return {name: value for name, value in asdict(connection).items() if name != "guarded"}


@dataclass(frozen=True, slots=True, kw_only=True)
class QueriedServer:
    """A server that a run asks by its own programs; each question is a command of the run."""

    run: Run
    reached: ReachedDatabase = field(repr=False)
    dumper: Dumper
    database: str
    transfer: BackupTransfer
    way: list[str] = field(default_factory=list)  # the one by which the server has answered

    def dump(self) -> Typed:
        """What writes a dump of the whole database."""
        return self.reached.typed(self.dumper.dump(self.reached.server, self.database))

    def whole(self) -> Whole:
        """What reads a dump and looks through it."""
        return self.reached.read_by(self.dumper.whole(self.reached.server))

    def restore(self, target: str, *, over: bool, on_trial: bool) -> Whole:
        """What reads a dump and fills a database, which does nothing by itself where that is ``on_trial``."""
        restore = self.dumper.restore(self.reached.server, target, over=over)
        filling = Whole(programs=(restore.argv,), env=restore.env, account=restore.account, on_trial=on_trial)
        return self.reached.read_by(filling)

    async def held(self, target: str) -> DatabaseState:
        """What a database holds now."""
        said = await self._ask_by_a_way("look at it", lambda way: self.dumper.look(self.reached.server, way, target))
        looked: Mapping[str, Json] = json.loads(said)
        tables = await self.tables(target, "count its tables") if looked["exists"] else 0
        return DatabaseState(
            exists=bool(looked["exists"]),
            sessions=int(looked["sessions"]),
            tables=tables,
            powers=bool(looked.get("powers", False)),
        )

    async def tables(self, target: str, name: str) -> int:
        """How many tables a database has."""
        return int(await self._ask(name, self.dumper.count(self.reached.server, target)))

    async def create(self, target: str, mark: str = "") -> None:
        """Makes an empty database, with a mark where such servers keep one."""
        make = partial(self._create, target, mark)
        await self._ask_by_a_way(f"create {target}", make)

    async def drop(self, target: str) -> None:
        """Removes a database that Headway made."""
        await self._ask_by_a_way(f"drop {target}", lambda way: self.dumper.drop(self.reached.server, way, target))

    def _create(self, target: str, mark: str, way: str) -> Typed:
        return self.dumper.create(self.reached.server, way, self.database, target, mark)

    async def _ask_by_a_way(self, name: str, question: Callable[[str], Typed]) -> str:
        """Asks by way of a database that lets one in: the one that is backed up may have been dropped. Where none does,
        what the first has said is raised.
        """
        first, *others = self.way or self.dumper.ways(self.database)
        command = self._command(question(first))
        ended = await self.run.command(name, command, check=False)
        if ended.statuses != (UNCONNECTED,):
            return await self._said(name, command, ended)
        for way in others:
            by_way = self._command(question(way))
            told = await self.run.command(f"{name} by way of {way}", by_way, check=False)
            if told.statuses != (UNCONNECTED,):
                self.way[:] = [way]
                return await self._said(f"{name} by way of {way}", by_way, told)
        return await self._said(name, command, ended)

    async def _ask(self, name: str, what: Typed) -> str:
        command = self._command(what)
        return await self._said(name, command, await self.run.command(name, command, check=False))

    def _command(self, what: Typed) -> Command:
        return replace(command_of(self.reached.typed(what), capture=True), limits=self.transfer.limits)

    async def _said(self, name: str, command: Command, ended: Exit) -> str:
        if ended.cause is Cause.OUT_OF_MEMORY:
            raise RunFailed(self.transfer.ran_out(name), Reason.OUT_OF_MEMORY)
        await require_end(self.run, name, command, ended, self.reached.far)
        return ended.output.decode(errors="replace").strip()


def command_of(what: Typed, *, capture: bool = False) -> Command:
    """What is typed, as a command of a run."""
    return Command(stages=(stage(what.argv, what.account),), env=what.env, stdin=what.stdin, capture=capture)
