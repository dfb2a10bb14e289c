"""What services have in folders of a host."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from headway.domains.disk.model import Held, Part
from headway.domains.disk.places import There
from headway.infra.hosts.measure import bytes_of

OfService = Mapping[str, Mapping[Part, int]]


async def files_of(there: There, services: Sequence[Held]) -> OfService:
    """What each of these services holds there, by what it is for. Raises HostUnreachable."""
    folders = {path: (each, part) for each in services for path, part in there.places.of(each).items()}
    found: dict[str, dict[Part, int]] = defaultdict(lambda: defaultdict(int))
    for path, size in (await bytes_of(there.host, folders)).items():
        service, part = folders[path]
        found[service.service_id][part] += size
    return found


def together(*several: OfService) -> OfService:
    """The sum of all of them."""
    found: dict[str, dict[Part, int]] = defaultdict(lambda: defaultdict(int))
    for of_service in several:
        for service_id, parts in of_service.items():
            for part, size in parts.items():
                found[service_id][part] += size
    return found
