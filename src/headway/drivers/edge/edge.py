"""The edge: Traefik, kept up, and the routes that lead from host names to the releases that serve."""

from __future__ import annotations

import asyncio
import logging
import secrets
import shutil
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NoReturn

from headway.drivers.edge.certificate_files import CertificateFiles
from headway.drivers.edge.entrances import EdgeBroken, Entrances
from headway.drivers.edge.first_answer import Answered, first_answer
from headway.drivers.edge.last_answers import LastAnswers
from headway.drivers.edge.route_file import check_route, read_route, render_route
from headway.drivers.edge.route_folder import RouteFolder
from headway.drivers.edge.route_probe import PROOF_SECONDS, Probe, Prober, Wait, not_proven
from headway.drivers.edge.route_watch import RouteWatch
from headway.drivers.edge.start_marker import StartMarker
from headway.drivers.edge.traefik import LOG, SECURE, WEB, EdgeAccounts, Https, checked_folder, command_line
from headway.drivers.edge.trial import Scratch
from headway.infra import http_request
from headway.infra.daemons.confinement import AT_HOME, Confinement
from headway.infra.daemons.daemon import Daemon
from headway.infra.daemons.respawn_guard_files import Minded
from headway.infra.hosts import processes
from headway.infra.hosts.private_file import let_pass, write_privately
from headway.infra.hosts.wheel_programs import beside_python
from headway.kernel.artifacts import KeyPair, Route
from headway.kernel.errors import Conflict, InvalidInput, Unavailable

log = logging.getLogger(__name__)

_START_SECONDS = 20.0
_READING_SECONDS = 10.0  # one that has read nothing by then follows nothing, or meets a file that it cannot read
_FIRST_PAUSE = 0.005
_FIRST_TRY_SECONDS = 1.0
_GONE_SECONDS, _UNREACHED_SECONDS = 5.0, 0.05
_UNDER_WAY_SECONDS = 12.0  # Traefik itself gives requests that are under way 10
_READ_AGAIN_SECONDS = 2.0  # after which a route that was written is not on its way to Traefik any more
# Files of applications end in .yml: no identifier can get in its way.
_DEFAULT_FILE, _START_FILE = "edge.yaml", "start.yaml"


class HostTaken(Conflict):
    """Another application has this host name, or this path of it, already."""


class CertificateNotShown(Unavailable):
    """A certificate was written, and the edge shows another."""


class Edge:
    """The edge of one panel, everything of it below ``root``: it answers on ``host``:``port``, and with ``https`` on a
    second port. Routes are files that Traefik follows, so they stand while the panel is away. ``unit`` is the one of
    systemd that keeps Traefik up, if any does; with ``alone`` a process of its own does, where no panel is. With
    ``accounts`` Traefik runs under one of its own, which reads what it is given here and nothing else of ours.
    """

    def __init__(
        self,
        root: Path,
        *,
        host: str,
        port: int,
        https: Https | None = None,
        traefik: Path | None = None,
        unit: str | None = None,
        alone: bool = False,
        accounts: EdgeAccounts | None = None,
    ) -> None:
        self._root = checked_folder(root)
        self._host, self._port, self._https = host, port, https
        self._routes = root / "routes"
        self._lock = asyncio.Lock()
        self._prober = Prober(host=host, port=port, https=https)
        program = traefik or beside_python("traefik")
        self._accounts = accounts
        self._reader = None if accounts is None else accounts.serving
        self._files = RouteFolder(folder=self._routes, beside=root, reader=self._reader)
        self._marker = StartMarker(file=self._routes / _START_FILE, beside=root, reader=self._reader)
        self._home = root / "home"
        # What lies above the root may let no other account pass: such a one calls its files by the way from its home.
        seen_as = root if accounts is None else Path("..")
        self._certificates = CertificateFiles(
            root, self._routes / _DEFAULT_FILE, https=https, reader=self._reader, seen_as=seen_as
        )
        self._scratch = Scratch(program, root / "scratch", account=None if accounts is None else accounts.trying)
        self._minded = Minded(root) if alone else None
        self._entrances = Entrances(
            wanted=((WEB, host, port), *(() if https is None else ((SECURE, host, https.port),))),
            file=root / "entrances.json",
        )
        argv = command_line(program, seen_as / "routes", host=host, port=port, https=https, state=seen_as)
        terms = (
            None
            if self._reader is None
            else Confinement(uid=self._reader, folder=self._home, entrances=self._entrances)
        )
        self._daemon = Daemon(
            argv=argv if self._minded is None else self._minded.command_line(argv, terms),
            # Its files are templates that can read the environment: there is nothing in it.
            env={"PATH": "/usr/bin:/bin", "HOME": str(root) if self._reader is None else AT_HOME},
            state=root / "daemon.json",
            log=root / LOG,
            unit=unit,
            confined=terms if self._minded is None else None,
        )
        self._watch = RouteWatch(self._files, self._prober, self._daemon, program=program.name, log=root / LOG)

    async def ensure(self) -> None:
        """Starts Traefik unless it is there, and returns when it works by its routes; quick when it is there. Raises
        EdgeBroken.
        """
        async with self._lock:
            if not self._prober.secret:
                await asyncio.to_thread(self._lay_out)
                await asyncio.to_thread(self._entrances.mend, self._daemon.pid())
                if not self._daemon.is_as_wanted():
                    # It was started with other settings than these, or by another version.
                    await self._replace()
            if self._daemon.pid() is None:
                await self._start()

    def become(self) -> NoReturn:
        """Turns this process, that of the unit, into Traefik once there is none; blocks until then.

        Raises EdgeBroken.
        """
        self._daemon.wait_until_gone()
        self._lay_out()
        asyncio.run(self._make_ready())
        self._daemon.become()

    async def watch(self) -> list[str]:
        """One look, to be taken every few seconds: starts Traefik where it has a route, unless it is there. How it has
        ended since the last look, in words.
        """
        if not await asyncio.to_thread(self._files.holds_any):
            return []
        found = [] if self._minded is None else await asyncio.to_thread(self._minded.ends)
        if self._daemon.pid() is None:
            found.append("it was not there")
        elif bool(found) and await asyncio.to_thread(self._certificates.mend_state):
            await self.shut_down()
        await self.ensure()
        if found:
            self._watch.forget()
        await self.look()
        return found

    async def look(self) -> None:
        """One look, to be taken every few seconds, at whether Traefik works by its routes: else it reads them again."""
        if not self._lock.locked():
            await self._watch.look()

    async def set_route(self, route: Route) -> None:
        """Leads the application's requests to a release from now on; ``proven`` says when it is so.

        Raises InvalidInput, HostTaken.
        """
        check_route(route)
        await self.ensure()
        await asyncio.to_thread(self._write, route)

    async def remove_route(self, application_id: str) -> None:
        """Takes the application's route away and waits until requests do not reach it any more (a few seconds at
        most). No error when it has none.
        """
        route = await asyncio.to_thread(self._files.remove, application_id)
        if route is not None and self._daemon.pid() is not None:
            await self._wait_until_gone(route)

    async def proven(self, route: Route, *, timeout_seconds: float = PROOF_SECONDS) -> None:
        """Returns once a request through the edge by each way, as the route's file now has them, has ended at the
        route's release, whatever the application answers. Raises RouteNotProven, and that it is NotReached as soon as
        it is clear that nobody answers there: whoever comes meanwhile is lost.
        """
        wait = Wait(timeout_seconds)
        for probe in self._prober.probes(route):
            await self._prove(route, probe, wait, release_id=route.release_id)

    async def taken_up(self, route: Route, *, timeout_seconds: float = 10.0) -> None:
        """Returns once the edge works by the route's file as it now is, whatever release that leads to and whether or
        not it answers. Raises RouteNotProven.
        """
        wait = Wait(timeout_seconds)
        for probe in self._prober.passages(route):
            await self._prove(route, probe, wait, release_id=None)

    async def answered(self, route: Route) -> Answered:
        """What a visitor is answered now."""
        return await first_answer(self._prober, route)

    async def routes(self) -> dict[str, Route]:
        """Every route that stands, by its application."""
        return await asyncio.to_thread(self._files.routes)

    async def route(self, application_id: str) -> Route | None:
        """The application's route, None where it has none."""
        held = await asyncio.to_thread(self._files.held, application_id)
        return None if held is None else held.route

    async def try_out(self, route: Route) -> None:
        """Returns if Traefik takes the route; the one that serves hears nothing of it. Raises InvalidInput."""
        check_route(route)
        await self._scratch.judge(render_route(route, secret=secrets.token_urlsafe(), https=self._https))

    async def set_certificates(self, pairs: Sequence[KeyPair]) -> None:
        """Shows these certificates, by the names in them, and no others but its own; ``shown`` says when it is so."""
        async with self._lock:
            await asyncio.to_thread(self._certificates.put, pairs)

    async def shown(self, host: str, certificate: bytes, *, timeout_seconds: float = 10.0) -> None:
        """Returns once who asks for the host over HTTPS is shown the certificate. Raises CertificateNotShown."""
        wait = Wait(timeout_seconds)
        while await self._prober.certificate_for(host) != certificate:
            if wait.is_over:
                raise CertificateNotShown(
                    f"The edge does not show the certificate for {host} after {timeout_seconds:g} s; it is kept, and "
                    "shown once the edge takes it up."
                )
            await wait.pause()

    async def shut_down(self) -> None:
        """Ends Traefik; the routes stay and lead again with the next ``ensure``."""
        async with self._lock:
            await self._daemon.end(grace_seconds=_GONE_SECONDS)

    def pid(self) -> int | None:
        """The pid of Traefik, or of what keeps it up; None when there is none."""
        return self._daemon.pid()

    # ---- routes

    def _write(self, route: Route) -> None:
        text = self._rendered(route)
        with self._files.turn():
            for other in self._files.routes().values():
                shared = {(way.host, way.path) for way in other.ways} & {(way.host, way.path) for way in route.ways}
                if other.application_id != route.application_id and shared:
                    taken = "".join(min(shared)).rstrip("/")
                    raise HostTaken(f"{taken} leads to another service already, {other.app_name}.")
            self._files.write(route.application_id, text)

    def _rendered(self, route: Route) -> str:
        text = render_route(route, secret=self._prober.secret, https=self._https)
        if read_route(text, route.application_id).route != route:
            raise InvalidInput("The route cannot be written down as the edge would read it.")
        return text

    async def _prove(self, route: Route, probe: Probe, wait: Wait, *, release_id: str | None) -> None:
        """Returns once the probe's answer names the release (None: the one that the file names) and the revision of the
        file; at once where the file, which whoever changes anything writes anew, leads nobody that way any more.
        """
        patience = _FIRST_TRY_SECONDS
        unreached: float | None = None
        read_again_at = time.monotonic() + _READ_AGAIN_SECONDS
        while True:
            held = await asyncio.to_thread(self._files.held, route.application_id)
            if held is None and release_id is None:
                return
            wanted = release_id or (held and held.route.release_id)
            if held is not None and held.route.release_id == wanted and probe.way not in held.route.ways:
                return
            seen = await self._prober.ask(probe, patience)
            is_there = held is not None and (seen.release_id, seen.revision) == (wanted, held.revision)
            if is_there and not seen.is_led:
                return
            unreached = (unreached or time.monotonic()) if is_there else None
            if unreached is not None and time.monotonic() - unreached > _UNREACHED_SECONDS:
                raise not_proven(probe, seen, _UNREACHED_SECONDS, to_release=release_id is not None)
            if wait.is_over:
                raise not_proven(probe, seen, wait.seconds, to_release=release_id is not None)
            if not is_there and time.monotonic() > read_again_at:
                if not self._lock.locked():  # else somebody sees to it, who may be the very one that waits here
                    await self.ensure()
                await asyncio.to_thread(self._watch.read_again)
                read_again_at = time.monotonic() + _READ_AGAIN_SECONDS
            await wait.pause()
            # An application may be slow to answer: each try waits longer than the one before.
            patience = min(patience * 2, max(wait.left_seconds, _FIRST_TRY_SECONDS))

    async def _wait_until_gone(self, route: Route) -> None:
        wait = Wait(_GONE_SECONDS)
        probe = Probe(way=route.ways[0], through=True)
        while not wait.is_over:
            seen = await self._prober.ask(probe, _FIRST_TRY_SECONDS)
            if not seen.is_silent and seen.release_id != route.release_id:
                return
            await wait.pause()

    # ---- Traefik

    async def _replace(self) -> None:
        """Another takes the place of the Traefik that is there, and hears those who come meanwhile; what that one has
        under way it ends.
        """
        if self._reader is None:
            await self._daemon.end(grace_seconds=_GONE_SECONDS)
            return
        last = LastAnswers(files=self._files, prober=self._prober)
        await last.send_away()
        with self._entrances.held_of(self._daemon.pid()) as held:
            held.shut()
            self._prober.held = held
            await last.given()  # who was let in before is heard by the one that is there
            living: Callable[[], set[int]] = set
            if self._daemon.unit is None:
                living = self._daemon.dismiss()
                await held.left_by(living)
            else:  # systemd starts no second one beside the first
                await self._daemon.end(grace_seconds=_GONE_SECONDS)
            await self._start()
            self._prober.held = None
        wait = Wait(_UNDER_WAY_SECONDS)
        while living() and not wait.is_over:
            await wait.pause()
        await asyncio.to_thread(processes.kill_until_gone, living)

    async def _start(self) -> None:
        if self._daemon.unit is None:  # else its process does that, and systemd may have started it again already
            await self._make_ready()
        await asyncio.to_thread(self._watch.remember)
        await self._daemon.start()
        await self._wait_until_up()

    async def _make_ready(self) -> None:
        await asyncio.to_thread(self._certificates.mend_state)
        await asyncio.to_thread(self._renew_files)
        await self._entrances.are_free()

    def _lay_out(self) -> None:
        """Makes everything what it has to be, whatever another version, or one that was cut off, has left."""
        self._certificates.lay_out()
        if self._reader is not None:
            let_pass(self._home, self._reader)
        if self._minded is not None:
            self._minded.lay_out()
        shutil.rmtree(self._root / "scratch", ignore_errors=True)
        file = self._root / "probe.secret"
        if not file.exists():
            write_privately(file, secrets.token_urlsafe(32), beside=self._root)
        self._prober.secret = file.read_text()

    def _renew_files(self) -> None:
        """Writes every route as this version and these settings have it; what is no route is set aside."""
        for name in self._files.cleared(spared={_DEFAULT_FILE, _START_FILE}):
            try:
                self._files.change(name, partial(self._renewed, name))
            except InvalidInput:  # what an earlier version has written stays
                log.exception("a route cannot be written anew", extra={"application": name})
        self._marker.renew()

    def _renewed(self, application_id: str, text: str) -> str:
        return self._rendered(read_route(text, application_id).route)

    async def _wait_until_up(self) -> None:
        """Returns once it works by its files; or only answers, where it cannot read them."""
        answering, reading, is_to_hear = Wait(_START_SECONDS), None, False
        while self._daemon.pid() is not None and not answering.is_over:
            try:
                has_read = await self._prober.knows(await asyncio.to_thread(self._marker.path))
            except http_request.NoAnswer:
                await asyncio.sleep(_FIRST_PAUSE)
                continue
            reading = reading or Wait(_READING_SECONDS)
            if has_read:
                return
            if await asyncio.to_thread(self._watch.heed, began=True):
                reading, is_to_hear = Wait(_READING_SECONDS), True
            if is_to_hear:
                await asyncio.to_thread(self._marker.touch)
            if reading.is_over:
                log.error("Traefik answers, and has not read its routes: it cannot follow one of them, or not read it")
                return
            answering = Wait(_START_SECONDS)
            await reading.pause()
        await self._daemon.end(grace_seconds=1.0)
        raise EdgeBroken(f"The edge does not start: {self._daemon.last_words() or 'Traefik wrote nothing'}")
