"""From an artifact to what serves: start beside the old release, check, route; else nothing changes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import timedelta
from typing import Never
from urllib.parse import urlsplit

from headway.core.deployments.run import Json, Run, RunFailed, Undo, UndoContext
from headway.core.engine import explanations
from headway.core.engine.background import raised_within, while_standing
from headway.drivers.runtimes.contract.runtime import Health, Runtime, Unhealthy
from headway.features.edge.domain_snapshots import Domains
from headway.features.services import releases_store
from headway.features.services import store as services_store
from headway.features.services.application import health_store, ports_store, powers, store
from headway.features.services.application.artifacts import dump_artifact
from headway.features.services.application.last_output import witnessed
from headway.features.services.application.plan import ApplicationPlan
from headway.features.services.application.snapshot import Snapshot
from headway.features.services.application.tools import ApplicationContext
from headway.features.services.model import Release, ReleaseState, read_health
from headway.infra.db.transaction import Tx
from headway.infra.hosts.base import Host
from headway.kernel.artifacts import Artifact, Bundle, Commit, Image, ReleaseSpec
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import HeadwayError, Unavailable
from headway.kernel.phrase import phrase
from headway.kernel.vault import Vault

_LOOK_SECONDS = 0.05
_TOLD_SECONDS = 2.0  # an engine tells of an end a moment after nobody has answered
_UNANSWERED = (
    "the release takes connections and answers no HTTP, so nobody is served at its addresses. Where it is to serve "
    "there, let it answer HTTP on its port."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationActivation:
    """The steps by which an artifact comes to serve, for every kind of deployment that ends so. ``folder`` is where the
    files of a bundle lie, ``runtime_name`` what the release is run by, ``origin`` the release whose artifact it is,
    where that is another.
    """

    run: Run
    plan: ApplicationPlan
    tools: ApplicationContext
    vault: Vault
    artifact: Artifact
    commit: Commit
    folder: str
    runtime_name: str
    origin: str | None = None

    async def ports(self, before: Callable[[], Awaitable[None]] | None = None) -> ReleaseSpec:
        """The release's row, and the ports that its requests come in on (none where it takes none): all that the
        runtime needs. What is done ``before`` is done in the same step.
        """
        names = await self.tools.routing.names(self.plan.application_id)

        async def take() -> Json:
            if before is not None:
                await before()
            ports = await self._wanted_ports()
            release = self._release(ports)
            if self._in_place:
                handed_over = ports[0] if ports and ports[0] in self.plan.serving_ports else None
                await self.run.undo("restart", {"old": self.plan.serving, "port": handed_over, **self.release_data})
            await self.run.undo("running", {"new": self.release_id, "runtime": release.runtime})
            spec = self._snapshot(names.hosts).seal(self.vault)
            taken = await self.run.write(lambda tx: self._take_ports(tx, release, spec))
            if taken and release.runtime != "native":
                await self.tools.close_ports_of_containers()  # before anything could listen there in its place
            return taken

        ports = tuple(await self.run.step("port", take))
        told = told_of(names.address if ports else None, None if self._is_fetched else self.commit)
        hosts = names.hosts if ports else ()
        return self.tools.release_spec(self.plan, self.release_id, self.artifact, ports, told=told, hosts=hosts)

    async def start(self, spec: ReleaseSpec) -> None:
        """The new release beside the old one; where both need one port or one volume, the old one stops first."""

        async def begin() -> Json:
            await self._runtime.prepare(self.run, spec)
            if self._in_place:
                one = "for one release at a time: the old one stops before the new one starts."
                alone = spec.container.is_alone
                await self.run.say(
                    phrase(f"Its volumes or ports are {one}") if alone else phrase(f"Port {{}} is {one}", spec.port)
                )
                async with self.run.fence():
                    await self.tools.runtimes.of(self.plan.serving_runtime).stop(self.plan.serving or "")
            await self._runtime.start(self.run, spec)

        await self.run.step("start", witnessed(self.run, self._runtime, spec, begin))

    async def health_check(self, spec: ReleaseSpec) -> Health:
        """Waits until the new release answers, or raises with what it did instead; what was seen."""

        async def check() -> Json:
            health = await self._runtime.healthy(self.run, spec)
            await self.run.say(phrase("The new release is healthy."))
            return asdict(health)

        found: Health | None = read_health(await self.run.step("health check", check))
        return found or Health(answers=False)

    async def route(self, spec: ReleaseSpec, health: Health) -> str | None:
        """Moves the requests to the new release and proves that they arrive there; back at once where they do not. What
        does not answer HTTP is led to all the same: the sentence that warns of that.
        """

        async def move() -> Json:
            before = None if self.plan.serving is None else {"release_id": self.plan.serving}
            await self.run.undo("route", {"route": before, "id": self.plan.application_id})
            await self._require_standing(spec, health)
            async with self.run.fence():
                route = await self.tools.routing.lead(self.plan.application_id, spec.release_id)
            if route is None:
                return None
            try:
                routing = self.tools.routing
                arrive = routing.proven(route) if health.answers else routing.taken_up(route)
                # What leads to a swarm keeps a request for as long as a copy may come back.
                await while_standing(arrive, lambda: self._ended(spec, health))
                await self._require_standing(spec, health)
            except explanations.INTERRUPTIONS:
                raise
            except HeadwayError:
                await self._lead_back()
                await raised_within(_TOLD_SECONDS, lambda: self._ended(spec, health))  # truer, where that is why
                raise
            if health.answers:
                return None
            await self.run.say(phrase(f"Warning: {_UNANSWERED}"))
            return _UNANSWERED

        warning: str | None = await self.run.step("route", witnessed(self.run, self._runtime, spec, move))
        return warning

    async def standing(self, spec: ReleaseSpec, health: Health) -> Never:
        """Watches the processes that were healthy until the end is written. Raises RunFailed where one ended by itself;
        requests go to the release before again by then.
        """

        async def watch() -> Never:
            try:
                await self._ended(spec, health)
            except Unhealthy:
                await self._lead_back()
                raise

        await witnessed(self.run, self._runtime, spec, watch)()

    async def _ended(self, spec: ReleaseSpec, health: Health) -> Never:
        """Looks until one of the processes that were healthy runs no more. Raises Unhealthy."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            with suppress(Unavailable):  # whoever writes the end meets it too
                await self._require_standing(spec, health)

    async def _require_standing(self, spec: ReleaseSpec, health: Health) -> None:
        """Whether the very processes that were healthy still run. Raises Unhealthy."""
        if not health.copies:
            return
        now = await self._runtime.status(spec.release_id)
        if not set(health.copies) <= set(now.copies):
            ends = (f", with {each.last_exit}" for each in now.processes if each.last_exit)
            raise Unhealthy(
                f"The release ended by itself after it was healthy{next(ends, '')}. Mend what it reports, then deploy "
                "again."
            )

    async def _lead_back(self) -> None:
        """The undo does it too, once the run has ended; who comes meanwhile is not to wait for that."""
        if self.plan.serving is not None and not self._in_place:
            async with self.run.fence():
                await self.tools.routing.lead(self.plan.application_id, self.plan.serving)
            await self.run.say(phrase("Requests go to the release before again."))

    def settle(self, tx: Tx, spec: ReleaseSpec, health: Health, led: Domains | None = None) -> None:
        """The new release serves; the old one, to which these domains ``led`` (None: those of now), retires after its
        drain.
        """
        drain = timedelta(seconds=spec.drain_seconds)
        releases_store.make_serving(tx, self.plan.application_id, spec.release_id, drain=drain, led=led)
        health_store.saw(tx, spec.release_id, health)

    def where(self, spec: ReleaseSpec) -> str:
        """At which address it serves, for the end of a sentence; "" for what takes no requests."""
        return (
            f" at {self.tools.shared.address(self.plan.host_name or self.plan.app_name)}"
            if spec.port is not None
            else ""
        )

    @property
    def release_id(self) -> str:
        """The release is called as the deployment that makes it."""
        return self.run.deployment.deployment_id

    @property
    def release_data(self) -> dict[str, str]:
        """What undos know the release by."""
        return {"application_id": self.plan.application_id, "new": self.release_id}

    @property
    def _is_fetched(self) -> bool:
        """Whether the artifact is what somebody else has built."""
        return self.plan.settings.source_type == "docker"

    @property
    def _runtime(self) -> Runtime:
        return self.tools.runtimes.of(self.runtime_name)

    @property
    def _in_place(self) -> bool:
        """Whether the new release needs what the old one holds: its very port, or a place that it writes to."""
        if self.plan.serving is None:
            return False
        if isinstance(self.artifact, Image):
            return self.tools.imaging.container(self.plan, self.artifact).is_alone
        return self._fixed_port is not None and self._fixed_port in self.plan.serving_ports

    @property
    def _fixed_port(self) -> int | None:
        """The port that the user demands, or else the one that is in the program itself."""
        own = self.artifact.port if isinstance(self.artifact, Bundle) else None
        return self.plan.fixed_port or own

    async def _wanted_ports(self) -> list[int]:
        count = self.tools.copies(self.plan, self.artifact)
        fixed = self._fixed_port if isinstance(self.artifact, Bundle) else None
        if count > 1 and fixed is not None:
            raise RunFailed(
                f"Its program listens on port {fixed} whatever PORT says, so web cannot run {count} times, each on a "
                "port of its own. Let it read PORT, or let web run once."
            )
        if count and fixed is not None:
            return [fixed]
        free = await self.tools.free_ports(count)
        if len(free) < count:
            raise RunFailed(
                "All ports for applications are taken on this host. Remove an application, then deploy again."
            )
        return free

    def _take_ports(self, tx: Tx, release: Release, spec: str) -> Sequence[int]:
        known = store.release(tx, release.release_id)
        if known is not None:
            return known.ports  # a run that is taken up again
        for port in release.ports:
            if not ports_store.take_port(tx, self.tools.host_id, release.service_id, release.release_id, port):
                mend = "Choose another value for PORT, or remove the variable"
                if self.plan.fixed_port is None and port == self._fixed_port:
                    mend = "Its program has that in its source: let it read PORT (process.env.PORT)"
                raise RunFailed(
                    f"Port {port} is taken by another application. {mend}: Headway then gives the application a port "
                    "of its own."
                )
        store.add_release(tx, release, spec)
        return release.ports

    def _release(self, ports: Sequence[int]) -> Release:
        return Release(
            release_id=self.release_id,
            seq=0,
            service_id=self.plan.application_id,
            host_id=self.tools.host_id,
            deployment_id=self.release_id,
            state=ReleaseState.STARTING,
            folder=self.folder,
            runtime=self.runtime_name,
            port=ports[0] if ports else None,
            more_ports=ports[1:],
            bytes=self.artifact.bytes,
            commit_hash=self.commit.hash,
            retire_at=None,
            created_at=self.run.deployment.created_at,
            origin=self.origin,
            image=self.artifact.name if isinstance(self.artifact, Image) else None,
        )

    def _snapshot(self, hosts: Sequence[str]) -> Snapshot:
        return Snapshot(
            commit=self.commit,
            artifact=dump_artifact(self.artifact),
            settings=self.plan.settings,
            variables=self.plan.variables,
            mask=self.plan.mask,
            hosts=hosts,
        )


def told_of(address: str | None, commit: Commit | None) -> dict[str, str]:
    """What a release is told of itself: where the edge serves it, and which commit it is of."""
    told = {} if address is None else {"PUBLIC_URL": address, "HEADWAY_PUBLIC_DOMAIN": urlsplit(address).hostname or ""}
    return told if commit is None else {**told, "SOURCE_COMMIT": commit.hash}


def undos(where: Callable[[UndoContext], tuple[ApplicationContext, Host]]) -> Mapping[str, Undo]:
    """What takes back each effect of a release, by the host that it was to be on, and its tools."""

    def of(take_back: Callable[[ApplicationContext, UndoContext, Host, Json], Awaitable[None]]) -> Undo:
        async def undo(undoing: UndoContext, data: Json) -> None:
            tools, host = where(undoing)
            await take_back(tools, undoing, host, data)

        return undo

    return {name: of(each) for name, each in _UNDOS.items()}


async def _undo_release(tools: ApplicationContext, undoing: UndoContext, host: Host, data: Mapping[str, str]) -> None:
    await tools.runtimes.of("native").remove(data["new"])  # of a run that recorded no more than this
    await host.remove_tree(tools.folders.release(data["application_id"], data["new"]))
    await undoing.write(lambda tx: releases_store.remove(tx, data["new"]))


async def _undo_running(tools: ApplicationContext, _undoing: UndoContext, _host: Host, data: Mapping[str, str]) -> None:
    await tools.runtimes.of(data["runtime"]).remove(data["new"])


async def _undo_restart(tools: ApplicationContext, undoing: UndoContext, host: Host, data: Mapping[str, Json]) -> None:
    await tools.runtimes.of("native").remove(data["new"])  # as above
    wanted, old = await undoing.write(lambda tx: _handed_back(tx, data, tools.routing.vault))
    if wanted and old is not None:
        async with undoing.fence(host):
            await tools.runtimes.of(old.runtime).start_again(old.release_id)


def _handed_back(tx: Tx, data: Mapping[str, Json], vault: Vault) -> tuple[bool, Release | None]:
    if data["port"] is not None:
        ports_store.hand_back_port(tx, data["application_id"], data["old"], int(data["port"]))
    old = store.release(tx, data["old"])
    if old is not None and powers.refusal_of_serving(tx, store.find(tx, old.service_id, vault), old, vault):
        return False, old
    return services_store.is_wanted(tx, data["application_id"]), old


async def _undo_route(tools: ApplicationContext, undoing: UndoContext, host: Host, data: Mapping[str, Json]) -> None:
    async with undoing.fence(host):
        before = data["route"]
        await tools.routing.lead(data["id"], None if before is None else before["release_id"])


_UNDOS: Mapping[str, Callable[[ApplicationContext, UndoContext, Host, Json], Awaitable[None]]] = {
    "release": _undo_release,
    "running": _undo_running,
    "restart": _undo_restart,
    "route": _undo_route,
}
