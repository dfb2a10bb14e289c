"""The platform: the only place that wires the parts together; opened, run and closed by ``serve`` and by the tests."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import NoReturn

from headway import __version__, wiring_surveys
from headway.core.access.service import AccessService
from headway.core.deployments.hosts import register_host
from headway.core.engine.engine import Engine
from headway.core.engine.poller import Poller
from headway.domains.servers.fleet import Fleet
from headway.faces.http.app import create_app
from headway.faces.http.metrics import create_metrics_app
from headway.faces.http.server import Server
from headway.first_key import KEY_FILE, first_owner
from headway.infra.db.engine import DatabaseAway, SqlDatabase
from headway.infra.db.migrate import migrate
from headway.infra.db.probe import check_key
from headway.infra.db.seat import Seat, SeatTaken
from headway.infra.panel import log_lines
from headway.infra.panel.ballast import take_ballast
from headway.infra.panel.data_dir import DataDir
from headway.infra.panel.kept_settings import keep_settings
from headway.infra.panel.metrics_port import settle
from headway.infra.panel.notify import tell_ready
from headway.infra.panel.process import (
    allow_many_files,
    collect_rarely,
    give_large_buffers_back,
    go_first,
    switch_threads_soon,
)
from headway.kernel.settings import LOOPBACK, Part, Settings
from headway.wiring import Wiring
from headway.wiring_composes import stop_containers
from headway.wiring_machine import LOCAL, container_runtime, edge, gates, local_host, native_runtime, swarm_runtime
from headway.wiring_services import Services

log = logging.getLogger(__name__)

_HTTP_PORT = 80  # which an address leaves out


@dataclass(kw_only=True)
class Platform:
    """An open panel. ``run`` serves until ``stop``; ``close`` gives everything back and leaves running work alive."""

    settings: Settings
    data_dir: DataDir
    services: Services
    engine: Engine
    fleet: Fleet
    first_key: str | None
    metrics_open: bool
    seat: Seat
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
                self.services.broadcast.close()
                for server in servers:
                    server.stop()
        finally:
            with suppress(DatabaseAway):
                await self.services.access.save_uses()
            await self.fleet.aclose()

    def stop(self) -> None:
        """Ends ``run``: no more work is taken, what runs goes on without this panel."""
        self._stopping.set()

    def close(self) -> None:
        """Gives the database and the data directory back."""
        self.services.db.close()
        self.seat.leave()
        self.data_dir.close()

    def _servers(self) -> list[Server]:
        app, settings = create_app(self.services), self.settings
        servers = [Server(app, settings.host, settings.port)]
        if settings.metrics_port is not None:
            opened = self.metrics_open
            metrics = create_metrics_app(self.services, app.state.followed, settings.metrics_key, open_to_all=opened)
            servers.append(Server(metrics, LOOPBACK, settings.metrics_port))
        return servers

    async def _work(self) -> None:
        await self.engine.take_over(self.data_dir.panel_id)
        await self.fleet.load()
        if self.seat.is_held:
            self.engine.keep(Poller("seat at the database", self._hold_seat))
        await self.engine.run()

    async def _hold_seat(self) -> float:
        try:
            return await asyncio.to_thread(self.seat.hold)
        except SeatTaken as taken:
            log.critical("this panel stops: %s", taken.message)
            self.stop()
            return 0.0


async def serve(settings: Settings, given: Mapping[str, str] | None = None) -> int:
    """Runs a panel in the foreground until SIGTERM or SIGINT; its exit status. ``given`` are the variables that the
    settings were made of, kept for those who work on the data directory later. Raises HeadwayError at the start.
    """
    log_lines.configure(settings.log_level, settings.log_format)
    allow_many_files()
    give_large_buffers_back()
    switch_threads_soon()
    go_first()
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(initializer=go_first))
    platform = await Platform.open(settings)
    try:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, platform.stop)
        await asyncio.to_thread(keep_settings, platform.data_dir.path, given or {}, __version__)
        collect_rarely()
        _show_key(platform)
        await platform.run(lambda: _show_addresses(settings))
    finally:
        platform.close()
    return 0


async def down(settings: Settings) -> None:
    """Ends all that a data directory keeps alive while no panel works with it: deployments, applications, supervisor
    and edge. The next panel reports the deployments as lost and brings the applications up again. Raises HeadwayError.
    """
    data_dir = DataDir.open(settings.data_dir)
    try:
        host = local_host(settings, data_dir)
        for handle in await host.remaining():
            await host.forget(handle)
        await host.aclose()
        await native_runtime(settings, data_dir).shut_down()
        await stop_containers(settings, data_dir)
        await container_runtime(settings, data_dir).shut_down()
        await swarm_runtime(settings, data_dir).shut_down()
        await edge(settings, data_dir).shut_down()
    finally:
        data_dir.close()


def keep(settings: Settings, part: Part) -> NoReturn:
    """Turns this process, that of a systemd unit, into supervisord or Traefik once the panel has none that lives.
    Raises HeadwayError.
    """
    data_dir = DataDir.beside(settings.data_dir)
    match part:
        case Part.SUPERVISOR:
            native_runtime(settings, data_dir).become()
        case Part.EDGE:
            edge(settings, data_dir).become()


def prepare(settings: Settings) -> None:
    """Sets the gates of what engines begin by themselves, as after a start of the machine. Raises HeadwayError."""
    data_dir = DataDir.beside(settings.data_dir)
    border = gates(settings, data_dir)
    if border is None:
        return
    native_runtime(settings, data_dir, border)  # by whose records they go
    border.prepare()
    for what, problem in sorted(border.problems.items()):
        log.warning("there are no gates of %s: %s", what, problem)


async def _wired(settings: Settings, data_dir: DataDir, crash_point: Callable[[str], None]) -> Platform:
    db = SqlDatabase(settings.database.reveal(), on_thread=go_first)
    seat = Seat(db)
    try:
        await asyncio.to_thread(seat.take)  # before anything of the other one's is changed
        return await _seated(settings, data_dir, db, seat, crash_point)
    except BaseException:
        seat.leave()
        raise


async def _seated(
    settings: Settings, data_dir: DataDir, db: SqlDatabase, seat: Seat, crash_point: Callable[[str], None]
) -> Platform:
    await asyncio.to_thread(migrate, db)
    await db.run(lambda tx: check_key(tx, data_dir.vault))
    await asyncio.to_thread(take_ballast, data_dir.ballast, settings.ballast_bytes)
    access = AccessService(db)
    first_key = await first_owner(access, settings, data_dir)
    for line in await db.run(lambda tx: wiring_surveys.begin(tx, data_dir.vault, settings)):
        (log.warning if line.refused else log.info)("upgrade: %s", line.sentence)
    metrics_open = settle(data_dir.path, settings.metrics_port, has_key=settings.metrics_key is not None)
    if metrics_open:
        log.warning("upgrade: %s", wiring_surveys.METRICS.sentence)
    await db.run(partial(register_host, host_id=LOCAL, name="This machine", concurrency=settings.concurrency))
    wired = Wiring(settings, data_dir, db, crash_point).wired(access)
    return Platform(
        settings=settings,
        data_dir=data_dir,
        services=wired.services,
        engine=wired.engine,
        fleet=wired.fleet,
        first_key=first_key,
        metrics_open=metrics_open,
        seat=seat,
    )


def _show_key(platform: Platform) -> None:
    """Before anything else can go wrong: the next start does not know it any more."""
    settings = platform.settings
    if platform.first_key is not None:
        where = platform.data_dir.path / KEY_FILE
        _say(f"The owner's API key, shown once and kept in {where}:\n{platform.first_key}")
        if settings.owner_key is None and settings.api_key is not None:
            _say(
                "It was taken from HEADWAY_API_KEY, as the very first start still does. That will end: set "
                "HEADWAY_OWNER_KEY for it."
            )
    elif settings.owner_key is not None:
        _say(
            "HEADWAY_OWNER_KEY is for the very first start, and changes nothing here: this panel has an owner. A lost "
            "key is replaced by 'headway keys reset'."
        )


def _show_addresses(settings: Settings) -> None:
    port = "" if settings.edge_port == _HTTP_PORT else f":{settings.edge_port}"
    _say(
        f"Headway listens on http://{settings.host}:{settings.port}\n"
        f"Applications answer at http://NAME.{settings.base_domain}{port}"
    )


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
