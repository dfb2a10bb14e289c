"""What each service holds on the disk and whose it is, counted from what was found there. Bytes everywhere."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum

from headway.core.deployments.model import SubjectType
from headway.features.services.folders import Part
from headway.infra.docker.labels import APPLICATION, COMPOSE, PANEL
from headway.infra.docker.usage import CacheEntry, EngineUsage, HeldImage, HeldThing
from headway.kernel.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceUsage:
    """A service, and what it alone holds by part: on its host, its sources and logs on the panel's machine, and caches
    wherever it was built. ``build_host_id`` is where it is built, if not on its host.
    """

    service_id: str
    service_type: SubjectType
    name: str
    app_name: str
    organization_id: str
    project_id: str
    host_id: str
    build_host_id: str | None = None
    parts: Mapping[Part, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """All of it."""
        return sum(self.parts.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeDisk:
    """How much of the disk is free that services lie on, the least of where the panel and its engine write; below
    ``floor`` no build begins. ``servers`` is what was free on each, as far as that is known now.
    """

    free: int
    total: int
    floor: int
    servers: Mapping[DiskServer, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """The disk that services lie on. ``free`` is the least of where the panel and its engine write; below ``floor`` no
    build begins. ``shared`` are layers of images that several services have, or a service and somebody else;
    ``foreign`` is what an engine holds for nobody here. ``cache`` is what it keeps of builds, bounded by
    ``cache_bound`` (0: by nothing).
    """

    free: int
    total: int
    floor: int
    shared: int
    foreign: int
    cache: int
    cache_bound: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What an engine holds: by service and part, shared, and of nobody here."""

    of_service: Mapping[str, Mapping[Part, int]]
    shared: int
    foreign: int
    cache: int


NOTHING = Counted(of_service={}, shared=0, foreign=0, cache=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskServer:
    """A server, and whose it is."""

    server_id: str
    name: str
    organization_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OnServer:
    """What a server has said: by service and part, shared, and of nobody here. ``away`` is why it could not be asked,
    and then nothing is known (None: it has answered); ``engine`` whether one of its own has. ``left`` is what goes with
    images whose release is no more or elsewhere, and with caches whose application is no more.
    """

    server: DiskServer
    away: str | None = None
    engine: bool = False
    free: int | None = None
    left: int = 0
    held: Counted

    def of(self, service_id: str) -> Mapping[Part, int]:
        """What a service holds there."""
        return self.held.of_service.get(service_id, {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """All of it at one moment. ``engine`` says whether there is one on the panel's machine and it has answered: else
    nothing is known of what it holds. ``here`` is what all services hold on that machine.
    """

    measured_at: datetime
    services: tuple[ServiceUsage, ...]
    machine: Machine
    engine: bool
    here: Mapping[Part, int]
    servers: tuple[OnServer, ...] = ()


class Owners:
    """Who of these services an image, container or volume belongs to, by the repository that each has its images in."""

    def __init__(self, panel_id: str, services: Mapping[str, str]) -> None:
        self._panel_id = panel_id
        self._known = frozenset(services)
        self._by_repository = {repository: service_id for service_id, repository in services.items()}

    def of_image(self, image: HeldImage) -> set[str]:
        """By the names that Headway has given it, and by its labels."""
        found = {self._by_repository.get("/".join(name.rpartition(":")[0].split("/")[:2])) for name in image.names}
        return {service_id for service_id in (*found, self._labelled(image.labels)) if service_id}

    def of_thing(self, thing: HeldThing) -> str | None:
        """By its labels."""
        return self._labelled(thing.labels)

    def _labelled(self, labels: Mapping[str, str]) -> str | None:
        if labels.get(PANEL) != self._panel_id:
            return None
        named = labels.get(COMPOSE) or labels.get(APPLICATION)
        return named if named in self._known else None


def counted(usage: EngineUsage, owners: Owners) -> Counted:
    """Every byte of an engine once: to the service that alone has it, to what is shared, or to nobody here. A layer
    that an image of nobody here has too (a base image, say) is shared.
    """
    of_service: dict[str, dict[Part, int]] = defaultdict(lambda: defaultdict(int))
    sizes: dict[str, int] = {}
    holders: dict[str, set[str | None]] = defaultdict(set)
    for image in usage.images:
        whose: set[str | None] = {*owners.of_image(image)} or {None}
        for layer in image.layers:
            sizes[layer.chain] = max(layer.bytes, sizes.get(layer.chain, 0))
            holders[layer.chain] |= whose
    shared = foreign = 0
    for chain, size in sizes.items():
        match [*holders[chain]]:
            case [None]:
                foreign += size
            case [str(service_id)]:
                of_service[service_id][Part.IMAGES] += size
            case _:
                shared += size
    for part, things in ((Part.CONTAINERS, usage.containers), (Part.VOLUMES, usage.volumes)):
        for thing in things:
            owner = owners.of_thing(thing)
            if owner is None:
                foreign += thing.bytes
            else:
                of_service[owner][part] += thing.bytes
    return Counted(
        of_service={service_id: dict(parts) for service_id, parts in of_service.items()},
        shared=shared,
        foreign=foreign,
        cache=sum(entry.bytes for entry in usage.cache),
    )


class Kind(StrEnum):
    """What can go."""

    RELEASE = "release"
    IMAGE = "image"
    BUILD_CACHE = "buildCache"
    CACHE = "cache"
    TOOLCHAIN = "toolchain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waste:
    """Something on a host that nobody needs, and why; ``bytes`` is what it alone holds, None where that is not known.
    ``service_id`` is None for what belongs to no service.
    """

    host_id: str
    kind: Kind
    service_id: str | None
    name: str
    why: str
    bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleared:
    """What was found, or has gone, on all hosts that were asked; ``away`` are servers of which it is not known, or not
    all of it, and why.
    """

    items: tuple[Waste, ...]
    servers: tuple[DiskServer, ...]
    away: Mapping[str, str]


class Freeing:
    """What the disk gains when names of images go, one after the other: an image goes with its last name, and a layer
    with its last image.
    """

    def __init__(self, usage: EngineUsage) -> None:
        self._names = {image.image_id: set(image.names) for image in usage.images}
        self._images = {image.image_id: image for image in usage.images if not image.is_used}
        self._id_of = {name: image.image_id for image in usage.images for name in image.names}
        self._holders: dict[str, int] = defaultdict(int)
        for image in usage.images:
            for layer in image.layers:
                self._holders[layer.chain] += 1

    def name(self, name: str) -> int:
        """What is gained by this name."""
        image_id = self._id_of.get(name, "")
        self._names.get(image_id, set()).discard(name)
        return 0 if self._names.get(image_id) else self.image(image_id)

    def image(self, image_id: str) -> int:
        """What is gained by an image without names; nothing where a container has been made of it."""
        image = self._images.pop(image_id, None)
        gained = 0
        for layer in image.layers if image is not None else ():
            self._holders[layer.chain] -= 1
            gained += layer.bytes if self._holders[layer.chain] == 0 else 0
        return gained


def beyond_bound(entries: Iterable[CacheEntry], bound: int) -> int:
    """How much of a cache is more than its bound, 0 for no bound."""
    return max(sum(entry.bytes for entry in entries) - bound, 0) if bound else 0


def longest_unused(caches: Mapping[str, tuple[int, float]], bound: int) -> list[str]:
    """Which of these caches (bytes, and when each was used last) go until all together hold no more than the bound."""
    total, going = sum(size for size, _ in caches.values()), []
    for name, (size, _) in sorted(caches.items(), key=lambda each: each[1][1]):
        if not bound or total <= bound:
            break
        going.append(name)
        total -= size
    return going
