"""Releases as containers of one machine's engine: side by side, each on a port of the loopback, found by their labels.
Nothing about them is kept elsewhere that the engine could lose track of; they outlive the panel.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from headway.drivers.runtimes.container import body, kept_images
from headway.drivers.runtimes.container.cancel_shield import finished
from headway.drivers.runtimes.container.forced_removal import remove_at_once
from headway.drivers.runtimes.container.health import wait_until_healthy
from headway.drivers.runtimes.container.log_pieces import EngineLog
from headway.drivers.runtimes.container.marks import Marks
from headway.drivers.runtimes.container.refusals import translated
from headway.drivers.runtimes.container.start_networks import OwnBeginning
from headway.drivers.runtimes.container.state import WEB, ContainerState, read, unwrapped
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
from headway.infra.docker import images, labels
from headway.infra.docker.api import DockerApi, EngineAway, EngineRefused
from headway.infra.docker.memory import ran_out_of_memory
from headway.infra.hosts.work import Work
from headway.kernel.artifacts import Artifact, MountKind, ReleaseSpec
from headway.kernel.errors import Unavailable
from headway.kernel.phrase import phrase

_CONTEXT = 400  # lines before the wanted ones, since a secret of several lines may have begun there
_STOP_SECONDS = 30.0  # beyond the grace, for an engine that is busy
_LOOK_AGAIN_SECONDS = 0.02
_KEPT_ALIVE = frozenset({"running", "restarting", "paused"})


class ContainerRuntime:
    """The containers of one panel. Mounted files and marks in time lie below ``root``, which is the panel's own."""

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
        self._marks = Marks(root)
        self._making: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)  # what begins in a network, by its name

    async def ensure(self) -> None:
        """The engine keeps its containers alive by itself."""

    async def watch(self) -> None:
        """As ``ensure``."""

    async def prepare(self, work: Work, spec: ReleaseSpec) -> None:
        """Makes the container, with its network, volumes and files; nothing starts yet. Raises InvalidInput."""
        body.check_spec(spec)
        checked_health(spec.health)
        for volume in set(spec.image.volumes) - {mount.target for mount in spec.container.mounts}:
            await work.say(phrase("{} is no mount: what is written there is gone with this release.", volume))
        async with work.fence():
            await finished(self._create(spec))

    async def start(self, work: Work, spec: ReleaseSpec) -> None:
        """Starts the prepared container; no error when it runs. Raises Unhealthy, PortTaken."""
        async with work.fence():
            # Not to its end where the run is: a container that is being removed is started by nobody any more.
            await self.start_again(spec.release_id)

    async def healthy(self, work: Work, spec: ReleaseSpec) -> Health:
        """Waits until the release is healthy. Raises Unhealthy."""
        watched = _Watched(self, spec, work.masked)
        health = await wait_until_healthy(spec, watched, work.say)
        found = await watched.found()
        await asyncio.to_thread(self._marks.healthy, spec.release_id, found.exits if found is not None else 0)
        return health

    async def stop(self, release_id: str, *, drain_seconds: float = 0.0) -> None:
        """Waits for the drain, then ends its container: TERM, the grace, KILL. No error when there is none."""
        await asyncio.sleep(drain_seconds)
        for container_id in await self._containers(release_id):
            await self._end(container_id, self._grace_seconds)
        for _ in _looks():
            if release_id not in await self.running():
                return
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
        raise _still_there(release_id)

    async def start_again(self, release_id: str) -> None:
        """Starts a container that was made, or stopped since. Raises UnknownRelease, Unhealthy, PortTaken."""
        containers = await self._containers(release_id)
        if not containers:
            raise UnknownRelease("This release is not on this machine any more; deploy it again.")
        await self._beginning.ready()
        for container_id in containers:
            try:
                await self._api.post(f"/containers/{container_id}/start")
            except EngineRefused as refused:
                raise translated(refused) from refused

    async def remove(self, release_id: str) -> None:
        """Ends the release and removes its containers and files, until none is left: an engine that was asked for one
        may still be making it. No error when it is gone. Its image and its volumes stay.
        """
        was_healthy = await asyncio.to_thread(self._marks.was_healthy, release_id)
        for _ in _looks():
            containers = await self._containers(release_id)
            if not containers:
                await asyncio.to_thread(self._marks.remove, release_id)
                return
            for container_id in containers:
                if was_healthy:  # else it has served nobody, and is killed
                    await self._end(container_id, self._grace_seconds)
                await remove_at_once(self._api, [container_id], volumes=True)
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
        raise _still_there(release_id)

    async def missing(self, artifact: Artifact) -> str | None:
        """Whether the engine has the image. Raises EngineAway."""
        return await kept_images.missing(self._api, artifact)

    async def keep(self, artifact: Artifact, app_name: str, release_id: str) -> Artifact:
        """Gives the image the name of one more release."""
        return await kept_images.keep(
            self._api, artifact, panel_id=self._panel_id, app_name=app_name, release_id=release_id
        )

    async def discard(self, release_id: str) -> None:
        """Lets the release's image go, if nothing else needs it."""
        await images.discard_release(self._api, self._panel_id, release_id)

    async def status(self, release_id: str) -> ReleaseStatus:
        """What its container does now."""
        found = await self.find(release_id)
        return ReleaseStatus(release_id=release_id, processes=() if found is None else (found.status(),))

    async def running(self) -> set[str]:
        """The releases whose containers run, or are started again by the engine."""
        found = await self._list(panel=self._panel_id)
        return {each["Labels"][labels.RELEASE] for each in found if each["State"] in _KEPT_ALIVE}

    async def known(self) -> set[str]:
        """The releases that have a container, running or not."""
        return {each["Labels"][labels.RELEASE] for each in await self._list(panel=self._panel_id)}

    async def crashed(self, release_id: str) -> bool:
        """Whether its container has ended by itself, or failed its own check, since it was healthy. What an engine has
        ended is judged once it is back: it starts that again, or else the panel does.
        """
        found = await self.find(release_id)
        if found is None:
            return False
        before = await asyncio.to_thread(self._marks.exits_when_healthy, release_id)
        if found.was_stopped:  # its check says nothing: an engine calls unhealthy what it has stopped
            return found.own_exits > before
        return found.own_exits > before or found.health == "unhealthy" or not found.runs

    async def usurped(self) -> set[str]:
        """The engine holds the ports for as long as a container runs, under no account of an application."""
        return set()

    async def variables(self, release_id: str) -> Mapping[str, str]:
        """The variables that the release was started with; none where it is unknown."""
        found = await self.find(release_id)
        return {} if found is None else found.env

    async def inside(self, release_id: str) -> Inside:
        """Its container. Raises UnknownRelease, NotRunning."""
        found = await self.find(release_id)
        if found is None:
            raise UnknownRelease("This release is not on this machine any more; deploy it again.")
        if not found.runs:
            raise NotRunning("Its container does not run; start the service, then try again.")
        return InContainer(container_id=found.container_id, pid=found.pid)

    async def read_logs(
        self,
        app_name: str,
        *,
        release_id: str | None = None,
        tail: int = 200,
        masked: Callable[[str], str] = lambda text: text,
    ) -> str:
        """The last lines of the release's container."""
        found = await self.find(release_id) if release_id is not None else None
        if found is None:
            return ""
        return "".join(f"{line}\n" for line in await self.lines(found, tail, masked))

    async def pieces(self, release_id: str, behind: Behind, masked: Callable[[str], str]) -> list[Piece]:
        """What its container wrote behind its place."""
        found = await self.find(release_id) if behind.process in {None, WEB} else None
        if found is None:
            return []
        path, terminal = f"/containers/{found.container_id}/logs", found.has_terminal
        written = EngineLog(api=self._api, path=path, id=found.container_id, terminal=terminal)
        return [await written.piece(WEB, behind, masked)]

    async def forget(self, application_id: str, app_name: str) -> None:
        """The networks of projects that nothing runs in any more. Volumes stay: they hold data."""
        mine = {"label": [f"{labels.PANEL}={self._panel_id}", labels.PROJECT], "driver": ["bridge"]}
        for network in await self._api.get("/networks", filters=mine):
            name, network_id = network["Name"], network["Id"]
            # A container that was made and not started yet knows its network by the name alone.
            of = {"network": [name, network_id]}
            async with self._making[name]:
                if not await self._api.get("/containers/json", all=True, filters=of):
                    with contextlib.suppress(EngineRefused):  # somebody has come in between
                        await self._api.delete(f"/networks/{network_id}")

    async def remove_volumes(self, application_id: str) -> None:
        """Those of one application. No error where there are none."""
        await remove_volumes(self._api, self._panel_id, application_id)

    async def shut_down(self) -> None:
        """Stops every container; they stay, and are started again when their applications are. No error where there is
        no engine.
        """
        with contextlib.suppress(EngineAway):
            running = await self.running()
            await asyncio.gather(*(self.stop(release_id) for release_id in running))
        await self._beginning.clear()

    async def find(self, release_id: str) -> ContainerState | None:
        """The release's container."""
        for container_id in await self._containers(release_id):
            inspected = await self._api.find(f"/containers/{container_id}/json")
            if inspected is not None:
                return read(inspected, labels.RELEASE)
        return None

    async def ran_out_of_memory(self, found: ContainerState) -> bool:
        """Whether a container that has ended used more memory than it may."""
        return await ran_out_of_memory(self._api, found.container_id, found.exit_code)

    async def lines(self, found: ContainerState, count: int, masked: Callable[[str], str]) -> list[str]:
        """The last lines that it wrote, as ``masked`` leaves them."""
        path = f"/containers/{found.container_id}/logs"
        data = await self._api.read(path, stdout=True, stderr=True, tail=str(count + _CONTEXT))
        text = unwrapped(data, has_terminal=found.has_terminal).removesuffix("\n")
        return masked(text).split("\n")[-count:] if text else []

    # ---- what the engine does

    async def _create(self, spec: ReleaseSpec) -> None:
        async with self._making[body.network_name(self._panel_id, spec.project_id)]:
            await self._create_in_network(spec)

    async def _create_in_network(self, spec: ReleaseSpec) -> None:
        await self._make_network(spec)
        for mount in spec.container.mounts:
            if mount.kind is MountKind.VOLUME:
                await make_volume(self._api, self._panel_id, spec, mount.source)
        files = await asyncio.to_thread(self._marks.write_files, spec)
        name = body.container_name(spec)
        try:
            group = await self._beginning.group(ruled=spec.ruled)
            asked = body.body(spec, self._panel_id, files, group)
            await self._api.post("/containers/create", asked, name=name)
        except EngineRefused as refused:
            # By a run that was cut off, this one's predecessor.
            if refused.status != 409 or not await self._containers(spec.release_id):
                raise translated(refused) from refused

    async def _make_network(self, spec: ReleaseSpec) -> None:
        name = body.network_name(self._panel_id, spec.project_id)
        if await self._api.find(f"/networks/{name}") is None:
            marks = {labels.PANEL: self._panel_id, labels.PROJECT: spec.project_id}
            try:
                await self._api.post("/networks/create", {"Name": name, "Labels": marks, "CheckDuplicate": True})
            except EngineRefused as refused:
                if refused.status != 409:
                    raise translated(refused) from refused

    async def _end(self, container_id: str, grace_seconds: float) -> None:
        seconds = max(int(grace_seconds), 0)
        try:
            await self._api.post(f"/containers/{container_id}/stop", t=seconds, seconds=seconds + _STOP_SECONDS)
        except EngineRefused as refused:
            if refused.status != 404:
                raise

    async def _containers(self, release_id: str) -> list[str]:
        return [each["Id"] for each in await self._list(panel=self._panel_id, release=release_id)]

    async def _list(self, **wanted: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = await self._api.get(
            "/containers/json", all=True, filters=labels.labelled(**wanted)
        )
        return [each for each in found if labels.is_of_release(each["Labels"])]


def _looks() -> range:
    """So often it is looked whether something is gone: an engine's lists come a moment after its deeds."""
    return range(500)


def _still_there(release_id: str) -> Unavailable:
    return Unavailable(f"The container of release {release_id} does not go although Docker was asked to end it.")


class _Watched:
    """A release as the health check sees it."""

    def __init__(self, runtime: ContainerRuntime, spec: ReleaseSpec, masked: Callable[[str], str]) -> None:
        self._runtime = runtime
        self._release_id = spec.release_id
        self._masked = masked

    async def found(self) -> ContainerState | None:
        return await self._runtime.find(self._release_id)

    async def ran_out_of_memory(self, found: ContainerState) -> bool:
        return await self._runtime.ran_out_of_memory(found)

    async def last_lines(self, count: int) -> list[str]:
        found = await self.found()
        return [] if found is None else await self._runtime.lines(found, count, self._masked)
