"""What of a release is there, among all containers of its compose service, and what is to be done about the rest."""

from __future__ import annotations

from collections.abc import Sequence

from headway.drivers.runtimes.compose.observation import Container
from headway.features.services.compose.model import Record


def outdated(record: Record, containers: Sequence[Container]) -> list[Container]:
    """The containers that a release has no place for."""
    made = {name: each.deployment_id for name, each in record.services.items()}
    return [each for each in containers if each.deployment_id != made.get(each.service)]


def to_start(record: Record, containers: Sequence[Container]) -> list[str]:
    """The containers of a release that are to run, and are there and do not."""
    return [
        each.container_id
        for name, service in record.services.items()
        if service.stays
        for each in of_release(record, name, containers)
        if each.status in {"exited", "created"}
    ]


def to_make(record: Record, containers: Sequence[Container]) -> dict[str, int]:
    """How many containers each service of a release needs in all, those of other releases counted, of which some are
    not there. Compose ends what is beyond the number that it is told, and not always the oldest.
    """
    numbers: dict[str, int] = {}
    for name, service in record.services.items():
        missing = service.replicas - len(of_release(record, name, containers))
        if service.stays and missing > 0:
            numbers[name] = sum(each.service == name for each in containers) + missing
    return numbers


def of_release(record: Record, name: str, containers: Sequence[Container]) -> list[Container]:
    """The containers of one service that belong to a release."""
    made_by = record.services[name].deployment_id
    return [each for each in containers if each.service == name and each.deployment_id == made_by]
