"""The life of a panel: opened, run, stopped and closed, in the foreground and by the tests."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import field
from functools import partial

from headway import modules, surveys
from headway.core.access.service import AccessService
from headway.core.deployments.hosts import LOCAL_HOST, register_host
from headway.core.deployments.ledger import Ledger
from headway.core.engine.engine import Engine
from headway.core.engine.parts import EngineSettings, Parts
from headway.core.engine.poller import Poller
from headway.core.engine.run_log import LogFilesOnDisk, LogFolder
from headway.core.engine.scheduler.timers import Timers
from headway.core.engine.troubles import Troubles
from headway.drivers.panel_machine import PanelMachine
from headway.features.servers.fleet import Fleet
from headway.first_key import first_owner
from headway.http.metrics import create_metrics_app
from headway.http.server import Server
from headway.infra.db.engine import DatabaseAway, SqlDatabase
from headway.infra.db.migration import migrate
from headway.infra.db.probe import check_key
from headway.infra.db.seat import Seat, SeatTaken
from headway.infra.logs.broadcast import Broadcast
from headway.infra.logs.paths import LogPaths
from headway.infra.panel.ballast import take_ballast
from headway.infra.panel.data_dir import DataDir
from headway.infra.panel.metrics_port import settle
from headway.infra.panel.process import go_first
from headway.infra.panel.service_manager import more_time, tell_ready
from headway.kernel.clock import SystemClock
from headway.kernel.dataclass import dataclass
from headway.kernel.events import Events
from headway.kernel.ids import new_id
from headway.kernel.settings import LOOPBACK, Settings
from headway.module import Base
from headway.modules import Features
from headway.operations import http_app, http_needs

log = logging.getLogger(__name__)


@dataclass(kw_only=True)
class Panel:
    """An open panel. ``run`` serves until ``stop``; ``close`` gives everything back and leaves running work alive."""

    data_dir: DataDir
    base: Base
    features: Features
    first_key: str | None
    metrics_open: bool
    seat: Seat
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def engine(self) -> Engine:
        """What performs its deployments."""
        return self.base.engine

    @property
    def fleet(self) -> Fleet:
        """The hosts that it works on."""
        return self.features.servers.fleet

    @classmethod
    async def open(cls, settings: Settings, crash_point: Callable[[str], None] | None = None) -> Panel:
        """Takes the data directory, brings the database up to date and installs all features. Raises HeadwayError."""
        with ExitStack() as given_back:
            data_dir = DataDir.open(settings.data_dir)
            given_back.callback(data_dir.close)
            db = SqlDatabase(settings.database.reveal(), on_thread=go_first)
            seat = Seat(db)
            given_back.callback(seat.leave)
            await asyncio.to_thread(seat.take)  # before anything of the other one's is changed
            panel = await _opened(settings, data_dir, db, seat, crash_point or (lambda _name: None))
            given_back.pop_all()
        return panel

    async def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Serves the API and performs deployments until ``stop``; ``ready`` is called once it is listened on."""
        servers = self._servers()
        for server in servers:
            await server.start()
        tell_ready()
        ready()
        try:
            async with asyncio.TaskGroup() as group:
                for server in servers:
                    group.create_task(server.run())
                group.create_task(self._work())
                await self._stopping.wait()
                self.engine.stop()
                self.base.broadcast.close()
                for server in servers:
                    server.stop()
        finally:
            with suppress(DatabaseAway):
                await self.features.access.access.save_uses()
            await self.fleet.aclose()

    def stop(self) -> None:
        """Ends ``run``: no more work is taken, what runs goes on without this panel."""
        self._stopping.set()

    def close(self) -> None:
        """Gives the database and the data directory back."""
        self.base.db.close()
        self.seat.leave()
        self.data_dir.close()

    def _servers(self) -> list[Server]:
        app, settings = http_app(self.base, self.features), self.base.settings
        servers = [Server(app, settings.host, settings.port)]
        if settings.metrics_port is not None:
            needs, opened = http_needs(self.base, self.features), self.metrics_open
            metrics = create_metrics_app(needs, app.state.followed, settings.metrics_key, open_to_all=opened)
            servers.append(Server(metrics, LOOPBACK, settings.metrics_port))
        return servers

    async def _work(self) -> None:
        await self.engine.take_over(self.data_dir.panel_id)
        await self.fleet.load()
        if self.seat.is_held:
            self.engine.register(loops=(Poller("seat at the database", self._hold_seat),))
        await self.engine.run()

    async def _hold_seat(self) -> float:
        try:
            return await asyncio.to_thread(self.seat.hold)
        except SeatTaken as taken:
            log.critical("this panel stops: %s", taken.message)
            self.stop()
            return 0.0


async def _opened(
    settings: Settings, data_dir: DataDir, db: SqlDatabase, seat: Seat, crash_point: Callable[[str], None]
) -> Panel:
    async with more_time():
        await asyncio.to_thread(migrate, db)
    await db.run(lambda tx: check_key(tx, data_dir.vault))
    await asyncio.to_thread(take_ballast, data_dir.ballast, settings.ballast_bytes)
    access = AccessService(db, settings.oidc_absence)
    first_key = await first_owner(access, settings, data_dir)
    for line in await db.run(lambda tx: surveys.begin(tx, data_dir.vault, settings)):
        (log.warning if line.refused else log.info)("upgrade: %s", line.sentence)
    metrics_open = settle(data_dir.path, settings.metrics_port, has_key=settings.metrics_key is not None)
    if metrics_open:
        log.warning("upgrade: %s", surveys.METRICS.sentence)
    await db.run(partial(register_host, host_id=LOCAL_HOST, name="This machine", concurrency=settings.concurrency))
    base = _base(settings, data_dir, db, crash_point)
    features = modules.install(base, access)
    return Panel(
        data_dir=data_dir,
        base=base,
        features=features,
        first_key=first_key,
        metrics_open=metrics_open,
        seat=seat,
    )


def _base(settings: Settings, data_dir: DataDir, db: SqlDatabase, crash_point: Callable[[str], None]) -> Base:
    """What features are installed on: nothing of any of them is in the engine and the ledger yet."""
    events, clock, paths, untracked_runs = Events(), SystemClock(), LogPaths(data_dir.logs), set[str]()
    broadcast, troubles = Broadcast(paths), Troubles()
    ledger = Ledger(
        events=events,
        log_path=lambda deployment_id: str(paths.log(deployment_id)),
        lease_duration=settings.lease_time,
        most_pending=settings.pending_deployments,
        note_unstarted=paths.note_unstarted,
    )
    parts = Parts(
        db=db,
        ledger=ledger,
        events=events,
        vault=data_dir.vault,
        logs=LogFolder(paths, broadcast, events, troubles),
        troubles=troubles,
        owner=f"{data_dir.panel_id}.{new_id()}",
        settings=EngineSettings.of(settings),
        untracked_runs=untracked_runs,
        clock=clock,
        crash_point=crash_point,
    )
    return Base(
        settings=settings,
        data_dir=data_dir,
        db=db,
        events=events,
        clock=clock,
        machine=PanelMachine(settings=settings, data_dir=data_dir),
        logs=LogFilesOnDisk(paths),
        broadcast=broadcast,
        timers=Timers(events, clock),
        ledger=ledger,
        engine=Engine(parts),
        untracked_runs=untracked_runs,
    )
