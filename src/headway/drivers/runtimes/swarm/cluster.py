"""A swarm as its manager tells of it: whether there is one, and what of a panel is in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from headway.drivers.runtimes.container.refusals import translated
from headway.drivers.runtimes.swarm import service_body
from headway.drivers.runtimes.swarm.tasks import Task, read, was_stopped
from headway.infra.docker import labels
from headway.infra.docker.api import DockerApi, EngineRefused, Json
from headway.infra.docker.swarm_words import SwarmAway, away, is_none
from headway.kernel.artifacts import ReleaseSpec
from headway.kernel.errors import InvalidInput

_TRIES = 20


class NoSwarm(InvalidInput):
    """The engine of this machine manages no swarm."""

    def __init__(self) -> None:
        super().__init__(
            "Docker on this machine manages no swarm, and this service is to run in one. Make one (docker swarm "
            "init), or let it run without: runtime container and one replica, of a compose service composeType "
            "docker-compose."
        )


class Cluster:
    """The swarm behind an engine, for one panel. Every call raises SwarmAway or EngineAway when it does not answer."""

    def __init__(self, api: DockerApi, panel_id: str) -> None:
        self._api = api
        self._panel_id = panel_id

    async def here(self) -> str:
        """The id of this machine in the swarm that it manages. Raises NoSwarm."""
        swarm = (await self._api.get("/info")).get("Swarm") or {}
        if not swarm.get("ControlAvailable"):
            raise NoSwarm
        return str(swarm["NodeID"])

    async def services(self, **wanted: str) -> list[dict[str, Any]]:
        """The services of releases that carry these labels; none where there is no swarm."""
        found = await self.listed("/services", labels.labelled(panel=self._panel_id, **wanted))
        return [each for each in found if labels.RELEASE in each["Spec"]["Labels"]]

    async def service(self, release_id: str) -> dict[str, Any] | None:
        """The service of a release."""
        found = await self.services(release=release_id)
        return found[0] if found else None

    async def tasks(self, release_id: str | None = None, network_id: str = "") -> list[Task]:
        """The tasks of a release, or of all."""
        wanted = {} if release_id is None else {"release": release_id}
        return read(await self.listed("/tasks", labels.labelled(panel=self._panel_id, **wanted)), network_id)

    async def ended_by_itself(self, tasks: Iterable[Task]) -> bool:
        """Whether one of these tasks has, and no engine has ended it."""
        ended = [task for task in tasks if task.has_ended]
        here = await self.here() if ended else ""
        for task in ended:
            is_here = task.node_id == here and bool(task.container_id)
            container = await self._api.find(f"/containers/{task.container_id}/json") if is_here else None
            if not was_stopped(task, container):
                return True
        return False

    async def copies(self) -> tuple[int, int]:
        """How many copies of all that is the panel's are wanted, and how many of them run."""
        mine = labels.labelled(panel=self._panel_id)
        told = [each.get("ServiceStatus") or {} for each in await self.listed("/services", mine, status=True)]
        return sum(each.get("DesiredTasks", 0) for each in told), sum(each.get("RunningTasks", 0) for each in told)

    async def nodes(self) -> Mapping[str, Json]:
        """The machines by their ids."""
        return {each["ID"]: each for each in await self.listed("/nodes", {})}

    async def change(self, release_id: str, change: Callable[[dict[str, Any]], None]) -> bool:
        """Changes the specification of a release's service; whether there is one."""
        for _ in range(_TRIES):
            service = await self.service(release_id)
            if service is None:
                return False
            change(service["Spec"])
            try:
                await self._api.post(
                    f"/services/{service['ID']}/update", service["Spec"], version=service["Version"]["Index"]
                )
            except EngineRefused as refused:
                if "out of sequence" in refused.message:  # the swarm has changed it meanwhile
                    continue
                raise away(refused) or translated(refused) from refused
            return True
        raise SwarmAway("it goes on changing the service by itself")

    async def create(self, spec: ReleaseSpec, body: dict[str, Any]) -> None:
        """Makes a service; no error when there is one. Raises Unhealthy with what the swarm says."""
        login = spec.container.login
        opened = None
        if login is not None:
            opened = {"username": login.username, "password": login.password.reveal(), "serveraddress": login.url}
        try:
            await self._api.post("/services/create", body, login=opened)
        except EngineRefused as refused:
            if refused.status != 409 or await self.service(spec.release_id) is None:
                raise away(refused) or translated(refused) from refused

    async def keep(self, spec: ReleaseSpec) -> dict[str, str]:
        """Gives the swarm the files to mount; their ids by their targets."""
        ids = {}
        for each in service_body.kept_files(spec):
            there = await self.listed(f"/{each.kind}", {"name": [each.name]})
            known = next((found["ID"] for found in there if found["Spec"]["Name"] == each.name), None)
            if known is None:
                try:
                    made = await self._api.post(f"/{each.kind}/create", each.body(spec, self._panel_id))
                except EngineRefused as refused:
                    raise away(refused) or translated(refused) from refused
                known = made["ID"]
            ids[each.target] = known
        return ids

    async def kept(self, **wanted: str) -> dict[str, str]:
        """Of what the swarm keeps for releases: the release of each, by its path in the API."""
        filters = labels.labelled(panel=self._panel_id, **wanted)
        return {
            f"/{kind}/{each['ID']}": each["Spec"]["Labels"][labels.RELEASE]
            for kind in ("secrets", "configs")
            for each in await self.listed(f"/{kind}", filters)
            if labels.RELEASE in each["Spec"]["Labels"]
        }

    async def network(self, project_id: str) -> str:
        """The id of a project's network, which is made where there is none."""
        name = service_body.network_name(self._panel_id, project_id)
        found = await self._api.find(f"/networks/{name}")
        if found is None:
            marks = {labels.PANEL: self._panel_id, labels.PROJECT: project_id, labels.SWARM: ""}
            body = {"Name": name, "Driver": "overlay", "Attachable": True, "Labels": marks}
            try:
                await self._api.post("/networks/create", body)
            except EngineRefused as refused:
                if refused.status != 409:
                    raise away(refused) or translated(refused) from refused
            found = await self._api.get(f"/networks/{name}")
        return str(found["Id"])

    async def listed(self, path: str, filters: Mapping[str, list[str]], **more: bool) -> list[dict[str, Any]]:
        """A collection of the swarm's; empty where there is no swarm."""
        try:
            found: list[dict[str, Any]] = await self._api.get(path, filters=filters, **more)
        except EngineRefused as refused:
            if is_none(refused):
                return []
            gone = away(refused)
            raise (refused if gone is None else gone) from refused
        return found
