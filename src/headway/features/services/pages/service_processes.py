"""What runs of a service now, process by process or container by container, as far as that can be told."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from headway.features.services.pages.service_actions import APPLICATION, address
from headway.pages.page import Asked, Unknown, Visit
from headway.pages.words import moment, plural

if TYPE_CHECKING:
    from headway.features.containers.api.operations import ContainerRow
    from headway.features.services.api.service_rows import ServiceOverviewRow
    from headway.features.services.application.api.release_rows import ReleaseDetails, RunningProcess

RELEASE: Asked[ReleaseDetails] = Asked("release.one")
CONTAINERS: Asked[list[ContainerRow]] = Asked("docker.getContainersByAppNameMatch")
CONTAINER = "docker.one"
_SECONDS = 2.0
_HEALTH = re.compile(r"\((healthy|unhealthy|health: starting)\)")
_EXIT = re.compile(r"^Exited \((\d+)\)")
_STATES: Mapping[str, str] = {
    "starting": "starting",
    "running": "serving",
    "crashed": "error",
    "given_up": "error",
    "stopping": "ending",
    "stopped": "stopped",
    "restarting": "starting",
    "created": "starting",
    "paused": "stopped",
    "exited": "stopped",
    "dead": "error",
}


async def process_values(visit: Visit, service: ServiceOverviewRow) -> Mapping[str, object]:
    """What runs now; of what is out of reach since when and why it is not known."""
    found = await _found(visit, service)
    is_unknown = isinstance(found, Unknown)
    return {
        "service": service,
        "processes": () if is_unknown else found,
        "processes_unknown": found if is_unknown else None,
        "of_containers": service["kind"] != APPLICATION,
        "processes_pull": f"{address(service)}/-/processes",
    }


async def _found(visit: Visit, service: ServiceOverviewRow) -> Sequence[Mapping[str, object]] | Unknown:
    serving = service["serving"]
    if serving is None:
        return ()
    if service["outOfReachSince"] is not None:
        return Unknown(why="its server does not answer", since=moment(service["outOfReachSince"]))
    if service["kind"] == APPLICATION:
        return await _processes(visit, serving["releaseId"])
    given = {"appName": service["appName"], "serverId": service["serverId"]}
    containers = await visit.ask_within(_SECONDS, CONTAINERS, **given)
    leads = visit.may(CONTAINER)
    return containers if isinstance(containers, Unknown) else [_container(each, leads=leads) for each in containers]


async def _processes(visit: Visit, release_id: str) -> Sequence[Mapping[str, object]] | Unknown:
    release = await visit.ask_within(_SECONDS, RELEASE, releaseId=release_id)
    if isinstance(release, Unknown):
        return release
    if release["unknown"] is not None:
        return Unknown(why=release["unknown"])
    return [_process(each) for each in release["running"]]


def _process(each: RunningProcess) -> Mapping[str, object]:
    word = each["state"].replace("_", " ")
    ended = f"it ended by itself {each['exits']} times" if each["exits"] > 1 else "it ended by itself once"
    last = f", last by {each['lastExit']}" if each["lastExit"] else ""
    return {
        "name": each["name"],
        "state": _STATES.get(each["state"], each["state"]),
        "word": word,
        "since": each["since"],
        "told": f"{ended}{last}" if each["exits"] else "",
        "container": None,
        "href": None,
    }


def _container(each: ContainerRow, *, leads: bool) -> Mapping[str, object]:
    """A container, without the sentence of its engine, which says another time each second."""
    health, ended = _HEALTH.search(each["status"]), _EXIT.match(each["status"])
    word = f"{each['state']}, {health[1].removeprefix('health: ')}" if health else each["state"]
    is_ill = health is not None and health[1] == "unhealthy"
    told = [f"exit status {ended[1]}"] if ended else []
    told += [f"started again {plural(each['restarts'], 'time')} since it was made"] if each["restarts"] else []
    there = f"servers/{each['serverId']}/" if each["serverId"] else ""
    return {
        "name": each["serviceName"] or each["name"],
        "state": "error" if is_ill else _STATES.get(each["state"], each["state"]),
        "word": word,
        "since": each["startedAt"] if each["state"] == "running" else None,
        "told": ", ".join(told),
        "container": each["containerId"],
        "href": f"/containers/{there}{each['containerId']}" if leads else None,
    }
