"""The platform: the only place that wires the parts together; opened, run and closed by ``serve`` and by the tests."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path

import structlog

from headway import __version__
from headway.core.access.service import AccessService
from headway.core.deployments.hosts import register_host
from headway.core.deployments.ledger import Ledger
from headway.core.deployments.model import SubjectType
from headway.core.deployments.reading import DeploymentReader
from headway.core.deployments.run import Deadlines, Kind, Subject
from headway.core.deployments.service import DeploymentService
from headway.core.engine.engine import Engine
from headway.core.engine.parts import EngineSettings, Parts
from headway.core.engine.poller import Poller
from headway.core.engine.run_log import LogFilesOnDisk, LogFolder
from headway.domains.applications.deploy import DeployKind
from headway.domains.applications.folders import AppFolders
from headway.domains.applications.keeper import Keeper
from headway.domains.applications.operate import Operating
from headway.domains.applications.planning import Planning
from headway.domains.applications.service import ApplicationService, check_settings
from headway.domains.applications.subject import ApplicationSubject
from headway.domains.applications.tools import Defaults, Tools
from headway.domains.catalog.ssh_keys import SshKeyService
from headway.domains.projects.service import ProjectService
from headway.faces.http.app import create_app
from headway.faces.http.server import Server
from headway.infra.db.engine import DatabaseAway, SqlDatabase
from headway.infra.db.migrate import migrate
from headway.infra.hosts.local import LocalHost
from headway.infra.logs.broadcast import Broadcast
from headway.infra.logs.paths import LogPaths
from headway.infra.panel.ballast import drop_ballast, take_ballast
from headway.infra.panel.data_dir import DataDir
from headway.infra.panel.kept_settings import keep_settings
from headway.infra.panel.process import allow_many_files, collect_rarely, give_large_buffers_back
from headway.kernel.events import Events
from headway.kernel.ids import new_id
from headway.kernel.settings import Settings
from headway.seams.runtimes.edge import Edge
from headway.seams.runtimes.native import NativeRuntime
from headway.seams.runtimes.traefik import Https

log = logging.getLogger(__name__)

_LOCAL = "local"
_LEAST_FREE_BYTES = 16 << 20
_BALLAST_REST = 5.0
_EDGE_REST = 1.0


@dataclass(kw_only=True)
class Platform:
    """An open panel. ``run`` serves until ``stop``; ``close`` gives everything back and leaves running work alive."""

    settings: Settings
    data_dir: DataDir
    db: SqlDatabase
    events: Events
    access: AccessService
    deployments: DeploymentService
    deployment_reads: DeploymentReader
    applications: ApplicationService
    projects: ProjectService
    ssh_keys: SshKeyService
    broadcast: Broadcast
    engine: Engine
    host: LocalHost
    first_key: str | None
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    async def open(cls, settings: Settings, crash_point: Callable[[str], None] | None = None) -> Platform:
        """Takes the data directory, brings the database up to date and wires everything. Raises HeadwayError."""
        data_dir = DataDir.open(settings.data_dir)
        try:
            return await _wired(settings, data_dir, crash_point or (lambda _name: None))
        except BaseException:
            data_dir.close()
            raise

    async def run(self) -> None:
        """Serves the API and performs deployments until ``stop``."""
        server = Server(create_app(self), self.settings.host, self.settings.port)
        await server.start()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(server.run())
                group.create_task(self._work())
                await self._stopping.wait()
                self.engine.stop()
                self.broadcast.close()
                server.stop()
        finally:
            await self.host.aclose()

    def stop(self) -> None:
        """Ends ``run``: no more work is taken, what runs goes on without this panel."""
        self._stopping.set()

    def close(self) -> None:
        """Gives the database and the data directory back."""
        self.db.close()
        self.data_dir.close()

    async def health(self) -> str | None:
        """None when the database answers, else why it does not."""
        try:
            await self.db.read(lambda tx: tx.connection.exec_driver_sql("SELECT 1"))
        except DatabaseAway as away:
            return away.message
        return None

    async def _work(self) -> None:
        await self.engine.take_over(self.data_dir.panel_id)
        await self.engine.run()


async def serve(settings: Settings, given: Mapping[str, str] | None = None) -> int:
    """Runs a panel in the foreground until SIGTERM or SIGINT; its exit status. ``given`` are the variables that the
    settings were made of, kept for those who work on the data directory later. Raises HeadwayError at the start.
    """
    _configure_logging(settings)
    allow_many_files()
    give_large_buffers_back()
    platform = await Platform.open(settings)
    try:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, platform.stop)
        await asyncio.to_thread(keep_settings, platform.data_dir.path, given or {}, __version__)
        collect_rarely()
        _greet(platform)
        await platform.run()
    finally:
        platform.close()
    return 0


async def down(settings: Settings) -> None:
    """Ends all that a data directory keeps alive while no panel works with it: deployments, applications, supervisor
    and edge. The next panel reports the deployments as lost and brings the applications up again. Raises HeadwayError.
    """
    data_dir = DataDir.open(settings.data_dir)
    try:
        host = _local_host(settings, data_dir)
        for handle in await host.remaining():
            await host.forget(handle)
        await host.aclose()
        await _runtime(settings, data_dir).shut_down()
        await _edge(settings, data_dir).shut_down()
    finally:
        data_dir.close()


async def _wired(settings: Settings, data_dir: DataDir, crash_point: Callable[[str], None]) -> Platform:
    db = SqlDatabase(settings.database.reveal())
    await asyncio.to_thread(migrate, db)
    await asyncio.to_thread(take_ballast, data_dir.ballast, settings.ballast_bytes)
    access = AccessService(db)
    first_key = await access.bootstrap(settings.api_key.reveal() if settings.api_key else None)
    if first_key is not None:
        await asyncio.to_thread(_write_key, data_dir.path / "owner.key", first_key)
    await db.run(partial(register_host, host_id=_LOCAL, name="This machine", concurrency=settings.concurrency))
    return _Wiring(settings, data_dir, db, crash_point).platform(access, first_key)


class _Wiring:
    """Makes the parts in the order in which they need each other."""

    def __init__(
        self, settings: Settings, data_dir: DataDir, db: SqlDatabase, crash_point: Callable[[str], None]
    ) -> None:
        self._settings = settings
        self._data_dir = data_dir
        self._db = db
        self._crash_point = crash_point
        self._events = Events()
        self._log_paths = LogPaths(data_dir.logs)
        self._broadcast = Broadcast(self._log_paths)
        self._log_files = LogFilesOnDisk(self._log_paths)
        self._subjects: dict[SubjectType, Subject] = {SubjectType.APPLICATION: ApplicationSubject()}
        self._ssh_keys = SshKeyService(db, data_dir.vault)
        self._host = _local_host(settings, data_dir)
        self._edge = _edge(settings, data_dir)
        self._tools = _tools(settings, data_dir, db, _runtime(settings, data_dir), self._edge)
        self._ledger = Ledger(
            events=self._events,
            subjects=self._subjects,
            log_path=lambda deployment_id: str(self._log_paths.log(deployment_id)),
            lease_duration=settings.lease_time,
        )

    def platform(self, access: AccessService, first_key: str | None) -> Platform:
        """The wired platform."""
        operating = Operating(db=self._db, host=self._host, tools=self._tools, logs_of_deployments=self._log_files)
        keeper = self._keeper(operating)
        engine = Engine(self._parts(), extra=self._pollers(keeper))
        return Platform(
            settings=self._settings,
            data_dir=self._data_dir,
            db=self._db,
            events=self._events,
            access=access,
            deployments=DeploymentService(
                db=self._db,
                ledger=self._ledger,
                stopping=engine.stopper,
                logs=self._log_files,
            ),
            deployment_reads=DeploymentReader(db=self._db, version=self._db.version, subjects=self._subjects),
            applications=self._applications(engine, operating),
            projects=ProjectService(self._db, self._data_dir.vault),
            ssh_keys=self._ssh_keys,
            broadcast=self._broadcast,
            engine=engine,
            host=self._host,
            first_key=first_key,
        )

    def _parts(self) -> Parts:
        data_dir = self._data_dir
        planning = Planning(vault=data_dir.vault, open_key=self._ssh_keys.open, git_uid=data_dir.uid_base)
        kinds: tuple[Kind, ...] = (DeployKind(planning=planning, tools=self._tools),)
        return Parts(
            db=self._db,
            ledger=self._ledger,
            events=self._events,
            hosts={_LOCAL: self._host},
            kinds={kind.name: kind for kind in kinds},
            vault=data_dir.vault,
            logs=LogFolder(self._log_paths, self._broadcast),
            owner=f"{data_dir.panel_id}.{new_id()}",
            settings=_engine_settings(self._settings),
            crash_point=self._crash_point,
        )

    def _keeper(self, operating: Operating) -> Keeper:
        return Keeper(
            operating=operating,
            ledger=self._ledger,
            vault=self._data_dir.vault,
            watch_time=self._settings.watch_time,
            keep_releases=self._settings.keep_releases,
        )

    def _pollers(self, keeper: Keeper) -> tuple[Poller, ...]:
        ballast = partial(_watch_ballast, self._data_dir.ballast, self._settings.ballast_bytes)
        return (
            Poller("restore", keeper.restore),
            Poller("keeper", keeper.keep_round),
            Poller("edge", partial(_ensured, self._edge.ensure)),
            Poller("ballast", ballast),
        )

    def _applications(self, engine: Engine, operating: Operating) -> ApplicationService:
        return ApplicationService(
            db=self._db,
            vault=self._data_dir.vault,
            ledger=self._ledger,
            stopping=engine.stopper,
            operating=operating,
            check=check_settings,
            uid_base=self._data_dir.uid_base,
            address=self._tools.address,
        )


def _local_host(settings: Settings, data_dir: DataDir) -> LocalHost:
    return LocalHost(
        data_dir.runs,
        data_dir.panel_id,
        _LOCAL,
        use_cgroups=settings.cgroups.wish,
        use_pid_namespaces=settings.pid_namespaces.wish,
        spool_cap_bytes=settings.spool_cap_bytes,
    )


def _runtime(settings: Settings, data_dir: DataDir) -> NativeRuntime:
    return NativeRuntime(
        data_dir.work / "native",
        panel_id=data_dir.panel_id,
        vault=data_dir.vault,
        vault_key=data_dir.vault_key,
        use_cgroups=settings.cgroups.wish,
    )


def _tools(settings: Settings, data_dir: DataDir, db: SqlDatabase, runtime: NativeRuntime, edge: Edge) -> Tools:
    folders = AppFolders(work=str(data_dir.work), private=str(data_dir.path))
    for name in ("mirrors", "caches", "releases", "data", "git", "keys"):
        (data_dir.work / name).mkdir(mode=0o711, exist_ok=True)
    return Tools(
        db=db,
        host_id=_LOCAL,
        folders=folders,
        runtime=runtime,
        edge=edge,
        defaults=Defaults(
            health_seconds=settings.health_deadline.total_seconds(),
            settle_seconds=settings.settle_time.total_seconds(),
            drain_seconds=settings.drain_time.total_seconds(),
            build_memory_bytes=settings.build_memory_bytes,
            application_memory_bytes=settings.application_memory_bytes,
            process_limit=settings.process_limit,
        ),
        address=lambda app_name: f"http://{app_name}.{settings.base_domain}:{settings.edge_port}",
        hosts_of=lambda app_name: (f"{app_name}.{settings.base_domain}",),
    )


def _engine_settings(settings: Settings) -> EngineSettings:
    return EngineSettings(
        lease=settings.lease_time,
        renew_every=settings.lease_renewal,
        cancel_grace=settings.cancel_grace,
        stop_deadline=settings.cancel_grace + timedelta(seconds=35),
        deadlines=Deadlines(
            step=settings.step_deadline, inactivity=settings.inactivity_deadline, total=settings.total_deadline
        ),
    )


def _edge(settings: Settings, data_dir: DataDir) -> Edge:
    https = None
    if settings.https_port is not None:
        https = Https(port=settings.https_port, mail=settings.certificate_mail)
    return Edge(data_dir.path / "edge", host=settings.edge_host, port=settings.edge_port, https=https)


async def _ensured(ensure: Callable[[], Awaitable[None]]) -> float:
    await ensure()
    return _EDGE_REST


async def _watch_ballast(path: Path, size: int) -> float:
    if await asyncio.to_thread(drop_ballast, path, _LEAST_FREE_BYTES):
        log.warning("The disk is full: the space held back for the ends of deployments was given up. Free some space.")
    else:
        await asyncio.to_thread(take_ballast, path, size)
    return _BALLAST_REST


def _write_key(path: Path, key: str) -> None:
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(f"{key}\n")


def _greet(platform: Platform) -> None:
    settings = platform.settings
    sys.stdout.write(f"Headway listens on http://{settings.host}:{settings.port}\n")
    if platform.first_key is not None:
        where = platform.data_dir.path / "owner.key"
        sys.stdout.write(f"The owner's API key, shown once and kept in {where}:\n{platform.first_key}\n")
    sys.stdout.flush()


def _configure_logging(settings: Settings) -> None:
    """One line for each thing said, as key=value with ids, on standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.stdlib.ExtraAdder(),
                structlog.processors.TimeStamper(fmt="iso", utc=True),
            ],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "logger", "event"]),
            ],
        )
    )
    logging.basicConfig(level=settings.log_level.value.upper(), handlers=[handler])
    logging.getLogger("alembic").setLevel(logging.WARNING)
