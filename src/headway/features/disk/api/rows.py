"""The disk as the wire shows it; bytes everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from typing_extensions import TypedDict

from headway.api.rows import moment
from headway.core.deployments.hosts import LOCAL_HOST
from headway.features.disk.model import Cleared, FreeDisk, Machine, OnServer, ServiceUsage, Waste
from headway.features.disk.service import Shown
from headway.features.services.folders import Part


class HeldRow(TypedDict):
    """A service and what it alone holds: ``images`` without the layers that others have too, ``containers`` what they
    have written, ``volumes``, ``releases`` (the folders of those without an image), ``cache`` of its builds without an
    engine, ``sources`` (mirrors of repositories, and uploads), ``files`` (its own data; of a compose service all its
    files), and ``logs`` of its deployments. Of one on a server all of it lies there but its ``sources`` and ``logs``,
    and ``cache`` wherever it was built.
    """

    serviceId: str
    serverId: str | None
    serviceType: Literal["application", "compose"]
    name: str
    appName: str
    projectId: str
    images: int
    containers: int
    volumes: int
    releases: int
    cache: int
    sources: int
    files: int
    logs: int
    total: int


class MachineRow(TypedDict):
    """The disk as a whole. Below ``floor`` no build begins; ``shared`` are layers of images that several services have,
    or a service and somebody else; ``foreign`` is what the engine holds for nobody here; ``cache`` is what it keeps of
    builds, at most ``cacheBound`` (0: without a bound).
    """

    free: int
    total: int
    floor: int
    shared: int
    foreign: int
    cache: int
    cacheBound: int


class RoomRow(TypedDict):
    """How much of the disk of a server is free, as it was seen within a minute."""

    serverId: str
    name: str
    free: int


class FreeRow(TypedDict):
    """How much of the panel's own disk is free: of where it writes itself, or its engine does. Below ``floor`` no build
    begins, on a server neither; ``servers`` are those that answer.
    """

    free: int
    total: int
    floor: int
    servers: list[RoomRow]


class CacheRow(TypedDict):
    """What the builds of an application, which may be on another machine, keep on a server where no engine does it."""

    serviceId: str
    bytes: int


class ServerDiskRow(TypedDict):
    """A server that the services are on or are built on. ``away`` is why it could not be asked (null: it has answered),
    and then nothing is known of what lies there; ``engine`` says whether a container engine there has. ``caches`` are
    those of builds without one, the largest first. ``free`` and what follows are as in ``machine``, null where they are
    not known, or not for the caller to know; ``left`` is what goes with images whose release is no more or on
    another machine, and with caches whose application is no more.
    """

    serverId: str
    name: str
    away: str | None
    engine: bool
    free: int | None
    shared: int | None
    foreign: int | None
    cache: int | None
    left: int | None
    caches: list[CacheRow]


class UsageRow(TypedDict):
    """What the caller's services hold, the largest first, and the servers that they are on. ``engine`` says whether a
    container engine of the panel's machine has answered: else nothing is known of what it holds. ``machine`` is that
    machine, null for who may not know of other services.
    """

    measuredAt: str
    engine: bool
    services: list[HeldRow]
    servers: list[ServerDiskRow]
    machine: MachineRow | None


class WasteRow(TypedDict):
    """Something on the panel's machine or a server that nobody needs; ``bytes`` is what goes with it, null where that
    is not known. ``serviceId`` is null for what belongs to no service.
    """

    serverId: str | None
    kind: Literal["release", "image", "buildCache", "cache", "toolchain"]
    serviceId: str | None
    name: str
    why: str
    bytes: int | None


class AskedServerRow(TypedDict):
    """A server that was to be cleaned. ``away`` is why it was not, or not all of it; null: it was."""

    serverId: str
    name: str
    away: str | None


class Cleaned(TypedDict):
    """What was removed, or with ``dryRun`` would be."""

    dryRun: bool
    items: list[WasteRow]
    servers: list[AskedServerRow]
    bytes: int


def free_row(found: FreeDisk) -> FreeRow:
    """The whole answer."""
    servers = found.servers.items()
    return {
        "free": found.free,
        "total": found.total,
        "floor": found.floor,
        "servers": [{"serverId": each.server_id, "name": each.name, "free": free} for each, free in servers],
    }


def usage_row(shown: Shown) -> UsageRow:
    """The whole answer."""
    return {
        "measuredAt": moment(shown.usage.measured_at),
        "engine": shown.usage.engine,
        "services": [_held(each) for each in shown.services],
        "servers": [_server(each, shown.services, whole=shown.machine is not None) for each in shown.servers],
        "machine": None if shown.machine is None else _machine(shown.machine),
    }


def cleaned(found: Cleared, *, dry: bool) -> Cleaned:
    """The whole answer."""
    return {
        "dryRun": dry,
        "items": [_waste(each) for each in found.items],
        "servers": [
            {"serverId": each.server_id, "name": each.name, "away": found.away.get(each.server_id)}
            for each in found.servers
        ],
        "bytes": sum(each.bytes or 0 for each in found.items),
    }


def _held(held: ServiceUsage) -> HeldRow:
    return {
        "serviceId": held.service_id,
        "serverId": _server_id(held.host_id),
        "serviceType": "compose" if held.service_type == "compose" else "application",
        "name": held.name,
        "appName": held.app_name,
        "projectId": held.project_id,
        "images": held.parts.get(Part.IMAGES, 0),
        "containers": held.parts.get(Part.CONTAINERS, 0),
        "volumes": held.parts.get(Part.VOLUMES, 0),
        "releases": held.parts.get(Part.RELEASES, 0),
        "cache": held.parts.get(Part.CACHE, 0),
        "sources": held.parts.get(Part.SOURCES, 0),
        "files": held.parts.get(Part.FILES, 0),
        "logs": held.parts.get(Part.LOGS, 0),
        "total": held.total,
    }


def _server_id(host_id: str) -> str | None:
    return None if host_id == LOCAL_HOST else host_id


def _server(found: OnServer, services: Sequence[ServiceUsage], *, whole: bool) -> ServerDiskRow:
    tells, asked = whole and found.away is None, whole and found.engine
    caches = {each.service_id: found.of(each.service_id).get(Part.CACHE, 0) for each in services}
    return {
        "serverId": found.server.server_id,
        "name": found.server.name,
        "away": found.away,
        "engine": found.engine,
        "free": found.free if tells else None,
        "shared": found.held.shared if asked else None,
        "foreign": found.held.foreign if asked else None,
        "cache": found.held.cache if asked else None,
        "left": found.left if tells else None,
        "caches": [
            {"serviceId": service_id, "bytes": size}
            for service_id, size in sorted(caches.items(), key=lambda each: -each[1])
            if size
        ],
    }


def _machine(machine: Machine) -> MachineRow:
    return {
        "free": machine.free,
        "total": machine.total,
        "floor": machine.floor,
        "shared": machine.shared,
        "foreign": machine.foreign,
        "cache": machine.cache,
        "cacheBound": machine.cache_bound,
    }


def _waste(waste: Waste) -> WasteRow:
    return {
        "serverId": _server_id(waste.host_id),
        "kind": waste.kind.value,
        "serviceId": waste.service_id,
        "name": waste.name,
        "why": waste.why,
        "bytes": waste.bytes,
    }
