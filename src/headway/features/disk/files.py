"""What services have in folders of a host."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from headway.features.disk.model import ServiceUsage
from headway.features.disk.places import DiskHost
from headway.features.services.folders import Part
from headway.infra.hosts.measure import Folder, bytes_of, folders_in
from headway.kernel.ids import is_id

OfService = Mapping[str, Mapping[Part, int]]
GONE = ".gone-"


async def files_of(there: DiskHost, services: Sequence[ServiceUsage]) -> OfService:
    """What each of these services holds there, by what it is for. Raises HostUnreachable."""
    folders = {path: (each, part) for each in services for path, part in there.places.of(each).items()}
    found: dict[str, dict[Part, int]] = defaultdict(lambda: defaultdict(int))
    for path, size in (await bytes_of(there.host, folders)).items():
        service, part = folders[path]
        found[service.service_id][part] += size
    return found


async def caches_on(there: DiskHost) -> Mapping[str, Folder]:
    """What builds without an engine keep there, by ids of applications, and behind ``GONE`` what is being removed or
    was when the power failed. Raises HostUnreachable.
    """
    found = await folders_in(there.host, there.places.caches)
    return {name: each for name, each in found.items() if is_id(name.removeprefix(GONE))}


def together(*several: OfService) -> OfService:
    """The sum of all of them."""
    found: dict[str, dict[Part, int]] = defaultdict(lambda: defaultdict(int))
    for of_service in several:
        for service_id, parts in of_service.items():
            for part, size in parts.items():
                found[service_id][part] += size
    return found
