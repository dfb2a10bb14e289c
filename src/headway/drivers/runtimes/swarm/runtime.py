"""Releases as services of a swarm: a service for each, side by side, found by their labels. The swarm keeps them alive;
what leads into its network from this machine is kept alive by the engine. Nothing of it depends on the panel.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from headway.drivers.runtimes.container import kept_images
from headway.drivers.runtimes.container.cancel_shield import finished
from headway.drivers.runtimes.container.marks import Marks
from headway.drivers.runtimes.container.start_networks import OwnBeginning
from headway.drivers.runtimes.container.volumes import make_volume, remove_volumes
from headway.drivers.runtimes.contract.inner_places import InContainer, Inside
from headway.drivers.runtimes.contract.runtime import (
    Behind,
    Health,
    NotRunning,
    Piece,
    ReleaseStatus,
    UnknownRelease,
    checked_health,
)
from headway.drivers.runtimes.swarm import service_body
from headway.drivers.runtimes.swarm.cluster import Cluster, NoSwarm
from headway.drivers.runtimes.swarm.forwarder import Forwarders
from headway.drivers.runtimes.swarm.health import wait_until_healthy
from headway.drivers.runtimes.swarm.release_health import WatchedService, last_lines_of_copy, pieces_of
from headway.drivers.runtimes.swarm.tasks import Task, by_copy, rolled_back, statuses
from headway.infra.docker import images, labels
from headway.infra.docker.api import DockerApi, EngineAway, EngineRefused
from headway.infra.docker.swarm_words import SwarmAway
from headway.infra.hosts.work import Work
from headway.kernel.artifacts import Artifact, MountKind, ReleaseSpec
from headway.kernel.errors import Unavailable
from headway.kernel.phrase import phrase

_REPLICAS = "headway.replicas"
_PAUSE = 0.05
_QUIET_LOOKS = 4
_GONE_SECONDS = 45.0  # beyond the grace, for machines that are busy
_NO_MACHINE = frozenset({"down", "disconnected"})


class SwarmRuntime:
    """The services of one panel. Marks in time lie below ``root``, which is the panel's own."""

    def __init__(
        self,
        root: Path,
        *,
        panel_id: str,
        api: DockerApi,
        grace_seconds: float = 10.0,
        beginning: OwnBeginning | None = None,
    ) -> None:
        self._panel_id = panel_id
        self._api = api
        self._grace_seconds = grace_seconds
        self._beginning = beginning or OwnBeginning(api=api, gates=None)
        self._taken_up = False
        self._marks = Marks(root)
        self._cluster = Cluster(api, panel_id)
        self._forwarders = Forwarders(api, panel_id)

    async def ensure(self) -> None:
        """The swarm keeps its services alive by itself; what it has begun while there were no gates is taken up."""
        if not self._taken_up:
            with contextlib.suppress(EngineAway, EngineRefused):
                await self._beginning.take_up()
                self._taken_up = True

    async def watch(self) -> None:
        """As ``ensure``, for an engine that was away."""
        await self.ensure()

    async def prepare(self, work: Work, spec: ReleaseSpec) -> None:
        """Makes the service, with its network, volumes and files; it has no copies yet. Raises InvalidInput."""
        service_body.check_spec(spec)
        checked_health(spec.health)
        node_id = await self._cluster.here()
        for volume in set(spec.image.volumes) - {mount.target for mount in spec.container.mounts}:
            await work.say(phrase("{} is no mount: what is written there is gone with this release.", volume))
        if service_body.stays_here(spec):
            why = "its image is in no registry" if spec.image.pullable is None else "it has mounts"
            await work.say(phrase(f"It runs on this machine only, for {why}."))
        async with work.fence():
            await finished(self._create(spec, node_id))

    async def start(self, work: Work, spec: ReleaseSpec) -> None:
        """Gives the service its copies, and the edge a way to them. Raises Unhealthy, PortTaken."""
        async with work.fence():
            await finished(self._start(spec))

    async def healthy(self, work: Work, spec: ReleaseSpec) -> Health:
        """Waits until every copy is healthy. Raises Unhealthy."""
        network_id = await self._cluster.network(spec.project_id)
        watched = WatchedService(
            api=self._api,
            cluster=self._cluster,
            forwarders=self._forwarders,
            spec=spec,
            network_id=network_id,
            node_id=await self._cluster.here(),
            masked=work.masked,
        )
        health = await wait_until_healthy(spec, watched, work.say)
        ended = [task.task_id for task in await self._cluster.tasks(spec.release_id) if task.has_ended]
        await asyncio.to_thread(self._marks.healthy, spec.release_id, len(ended), ended)
        return health

    async def stop(self, release_id: str, *, drain_seconds: float = 0.0) -> None:
        """Waits for the drain, then ends all copies: TERM, the grace, KILL. The service stays. A machine that the swarm
        cannot reach ends its copies as soon as it can be again.
        """
        await asyncio.sleep(drain_seconds)
        if await self._scale(release_id, 0):
            await self._forwarders.stop(release_id)
            await self._until_gone(release_id)

    async def start_again(self, release_id: str) -> None:
        """Gives a service its copies again. Raises UnknownRelease, Unhealthy, PortTaken."""
        service = await self._cluster.service(release_id)
        if service is None:
            raise UnknownRelease("This release is not in the swarm any more; deploy it again.")
        await self._beginning.settings(ruled=False)  # which are there before a copy is
        tasks = await self._cluster.tasks(release_id)
        is_over = _replicas(service) > 0 and bool(tasks) and not any(task.is_alive for task in tasks)
        await self._scale(release_id, int(service["Spec"]["Labels"][_REPLICAS]), anew=is_over)
        await self._forwarders.start_again(release_id)

    async def remove(self, release_id: str) -> None:
        """Ends the release and removes its service, its forwarder and what the swarm keeps of it, until nothing is
        left. No error when it is gone. Its image and its volumes stay.
        """
        was_healthy = await asyncio.to_thread(self._marks.was_healthy, release_id)
        for service in await self._cluster.services(release=release_id):
            await self._api.delete(f"/services/{service['ID']}")
        if not was_healthy:  # it has served nobody
            await self._kill_here(release_id)
        await self._until_gone(release_id)
        await self._forwarders.remove(release_id)
        for path in await self._cluster.kept(release=release_id):
            await self._let_go(path)
        await asyncio.to_thread(self._marks.remove, release_id)

    async def missing(self, artifact: Artifact) -> str | None:
        """Whether there is a swarm, and whether this machine has the image; others that have not will fetch it. Raises
        EngineAway.
        """
        try:
            await self._cluster.here()
        except NoSwarm as none:
            return none.message
        return await kept_images.missing(self._api, artifact)

    async def keep(self, artifact: Artifact, app_name: str, release_id: str) -> Artifact:
        """Gives the image the name of one more release."""
        return await kept_images.keep(
            self._api, artifact, panel_id=self._panel_id, app_name=app_name, release_id=release_id
        )

    async def discard(self, release_id: str) -> None:
        """Lets the release's image go on this machine, if nothing else needs it; others clear up by themselves."""
        await images.discard_release(self._api, self._panel_id, release_id)

    async def status(self, release_id: str) -> ReleaseStatus:
        """What its copies do now."""
        service = await self._cluster.service(release_id)
        copies = 0 if service is None else _replicas(service)
        tasks = await self._cluster.tasks(release_id) if copies else []
        return ReleaseStatus(release_id=release_id, processes=statuses(tasks, copies))

    async def running(self) -> set[str]:
        """The releases whose copies run, or that the swarm goes on trying to run, and that can be reached."""
        wanted = {_release(each) for each in await self._cluster.services() if _replicas(each)}
        if not wanted:
            return set()
        alive = {task.release_id for task in await self._cluster.tasks() if task.is_alive}
        return (wanted & alive) - await self._forwarders.down()

    async def known(self) -> set[str]:
        """The releases of which there is anything in the swarm, or here."""
        services = {_release(each) for each in await self._cluster.services()}
        return services | await self._forwarders.known() | {*(await self._cluster.kept()).values()}

    async def crashed(self, release_id: str) -> bool:
        """Whether a copy has ended by itself, or failed its check, since the release was healthy; whether the swarm has
        taken a change of it back; whether nothing of it runs. A copy that only moves to another machine has not, nor
        has one that its engine has ended, which the swarm starts again.
        """
        service = await self._cluster.service(release_id)
        if service is None:
            return False
        before = await asyncio.to_thread(self._marks.ended_when_healthy, release_id)
        tasks = await self._cluster.tasks(release_id)
        ended = [task for task in tasks if task.has_ended and task.task_id not in before]
        if rolled_back(service) is not None or await self._cluster.ended_by_itself(ended):
            return True
        is_coming_back = bool(ended) and any(task.is_alive for task in tasks)
        return not is_coming_back and not any(task.runs for task in tasks)

    async def usurped(self) -> set[str]:
        """The engine holds the ports for as long as a container runs, under no account of an application."""
        return set()

    async def variables(self, release_id: str) -> Mapping[str, str]:
        """The variables that the release was started with; none where it is unknown."""
        service = await self._cluster.service(release_id)
        if service is None:
            return {}
        lines = service["Spec"]["TaskTemplate"]["ContainerSpec"].get("Env") or ()
        return dict(service_body.unescaped(line).partition("=")[::2] for line in lines)

    async def inside(self, release_id: str) -> Inside:
        """The container of one of its copies on this machine. Raises NotRunning, also where all are elsewhere."""
        for container_id in await self._containers(release_id, all_of_them=False):
            found = await self._api.find(f"/containers/{container_id}/json")
            if found is not None and found["State"]["Running"]:
                return InContainer(container_id=container_id, pid=found["State"]["Pid"] or None)
        raise NotRunning("No copy of it runs on this machine; start it, or let one run here.")

    async def read_logs(
        self,
        app_name: str,
        *,
        release_id: str | None = None,
        tail: int = 200,
        masked: Callable[[str], str] = lambda text: text,
    ) -> str:
        """The last lines of each copy."""
        if release_id is None:
            return ""
        copies = by_copy(await self._cluster.tasks(release_id)).values()
        found = await asyncio.gather(*(last_lines_of_copy(self._api, tries, tail, masked) for tries in copies))
        return "".join(f"{line}\n" for lines in found for line in lines)

    async def pieces(self, release_id: str, behind: Behind, masked: Callable[[str], str]) -> list[Piece]:
        """What the task of each copy wrote behind its place; none of one whose machine cannot be asked."""
        tries = by_copy(await self._cluster.tasks(release_id)).values()
        newest = [next((task for task in each if task.runs), each[0]) for each in tries]
        found = await asyncio.gather(*(pieces_of(self._api, task, behind, masked) for task in newest))
        return [piece for pieces in found for piece in pieces]

    async def forget(self, application_id: str, app_name: str) -> None:
        """The networks of projects that nothing runs in any more. Volumes stay: they hold data."""
        mine = {"label": [f"{labels.PANEL}={self._panel_id}", labels.SWARM]}
        for network in await self._api.get("/networks", filters=mine):
            with contextlib.suppress(EngineRefused):  # it is in use
                await self._api.delete(f"/networks/{network['Id']}")
        await self._forwarders.forget()

    async def remove_volumes(self, application_id: str) -> None:
        """Those of one application on this machine. No error where there are none."""
        await remove_volumes(self._api, self._panel_id, application_id)

    async def shut_down(self) -> None:
        """Ends every copy; the services stay. No error where there is no engine, or no swarm."""
        with contextlib.suppress(EngineAway, SwarmAway):
            await asyncio.gather(*(self.stop(_release(each)) for each in await self._cluster.services()))

    # ---- what the swarm does

    async def _create(self, spec: ReleaseSpec, node_id: str) -> None:
        for mount in spec.container.mounts:
            if mount.kind is MountKind.VOLUME:
                await make_volume(self._api, self._panel_id, spec, mount.source)
        body = service_body.body(
            spec,
            self._panel_id,
            node_id=node_id,
            network_id=await self._cluster.network(spec.project_id),
            kept=await self._cluster.keep(spec),
            grace_seconds=self._grace_seconds,
            settings=await self._beginning.settings(ruled=spec.ruled),
        )
        body["Labels"][_REPLICAS] = str(spec.container.replicas)
        await self._cluster.create(spec, body)

    async def _start(self, spec: ReleaseSpec) -> None:
        if spec.port is not None and spec.container.port is not None:
            await self._forwarders.start(spec)
        await self._scale(spec.release_id, spec.container.replicas)

    async def _scale(self, release_id: str, copies: int, *, anew: bool = False) -> bool:
        """``anew`` replaces copies that the swarm has given up. Whether there is such a service."""

        def change(specification: dict[str, Any]) -> None:
            specification["Mode"] = {"Replicated": {"Replicas": copies}}
            if anew:
                template = specification["TaskTemplate"]
                template["ForceUpdate"] = template.get("ForceUpdate", 0) + 1

        service = await self._cluster.service(release_id)
        if service is not None and _replicas(service) == copies and not anew:
            return True
        return await self._cluster.change(release_id, change)

    async def _until_gone(self, release_id: str) -> None:
        """Until no copy is left on any machine that the swarm reaches, nor a container of one here."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._grace_seconds + _GONE_SECONDS
        while loop.time() < deadline:
            left = [task for task in await self._cluster.tasks(release_id) if _may_run(task)]
            if left:
                nodes = await self._cluster.nodes()
                left = [task for task in left if _reachable(nodes.get(task.node_id))]
            if not left and not await self._containers(release_id, all_of_them=False):
                await self._clear(release_id)
                return
            await asyncio.sleep(_PAUSE)
        raise Unavailable(f"The copies of release {release_id} do not go although the swarm was asked to end them.")

    async def _clear(self, release_id: str) -> None:
        """Containers that the swarm has made here and forgotten before it started them, one of them perhaps only now;
        it removes those on other machines by itself, a moment later.
        """
        if await self._cluster.service(release_id) is None:
            for _ in range(_QUIET_LOOKS):
                for container_id in await self._containers(release_id, all_of_them=True):
                    await self._api.delete(f"/containers/{container_id}", force=True, v=True)
                await asyncio.sleep(_PAUSE)

    async def _kill_here(self, release_id: str) -> None:
        for container_id in await self._containers(release_id, all_of_them=False):
            with contextlib.suppress(EngineRefused):  # it has ended
                await self._api.post(f"/containers/{container_id}/kill")

    async def _containers(self, release_id: str, *, all_of_them: bool) -> list[str]:
        """Those of tasks on this machine."""
        filters = labels.labelled(panel=self._panel_id, release=release_id)
        filters = {"label": [*filters["label"], "com.docker.swarm.task.id"]}
        found = await self._api.get("/containers/json", all=all_of_them, filters=filters)
        return [each["Id"] for each in found]

    async def _let_go(self, path: str) -> None:
        """Of a file that the swarm keeps: it lets it go a moment after its service."""
        for _ in range(100):
            try:
                await self._api.delete(path)
            except EngineRefused as refused:
                if "in use" not in refused.message:
                    raise
                await asyncio.sleep(_PAUSE)
            else:
                return


def _release(service: Mapping[str, Any]) -> str:
    return str(service["Spec"]["Labels"][labels.RELEASE])


def _replicas(service: Mapping[str, Any]) -> int:
    return int(((service["Spec"]["Mode"].get("Replicated") or {}).get("Replicas")) or 0)


def _may_run(task: Task) -> bool:
    return not task.is_over and bool(task.node_id)


def _reachable(node: Mapping[str, Any] | None) -> bool:
    return node is not None and node["Status"]["State"] not in _NO_MACHINE
