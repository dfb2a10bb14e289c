"""What of a machine's memory the containers of one organisation's compose files may take together."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from headway.seams.runtimes.compose.bounds import bytes_of
from headway.seams.runtimes.compose.converted import replicas

Model = Mapping[str, Any]
_PARTS = 8


def shared(model: Model, share: int, *, stack: bool = False) -> dict[str, Any]:
    """The file in which every container says how much memory it may have: an eighth of the share where its author has
    not said it.
    """
    made: dict[str, Any] = copy.deepcopy(dict(model))
    for service in made["services"].values():
        if _limit(service) is not None:
            continue
        if stack:
            resources = service["deploy"].setdefault("resources", {})
            resources["limits"] = {**(resources.get("limits") or {}), "memory": str(share // _PARTS)}
        else:
            service["mem_limit"] = str(share // _PARTS)
    return made


def beyond(model: Model, beside: Sequence[Model], share: int) -> list[str]:
    """What is wrong with a file that takes more than is left of the share, as the end of the sentence "The compose file
    …".
    """
    taken, asked = sum(map(demand, beside)), demand(model)
    if taken + asked <= share:
        return []
    left = max(0, share - taken) >> 20
    most = f"{share >> 20} MiB that one organisation may have on a machine (HEADWAY_ORGANIZATION_MEMORY)"
    return [
        f"lets its containers have {asked >> 20} MiB of memory, and of the {most} {left} MiB are left: set mem_limit"
    ]


def demand(model: Model) -> int:
    """What the containers of a file may take together, as far as it says it."""
    return sum((_limit(each) or 0) * replicas(each) for each in model["services"].values())


def _limit(service: Model) -> int | None:
    limits = ((service.get("deploy") or {}).get("resources") or {}).get("limits") or {}
    said = service.get("mem_limit") or limits.get("memory")
    return (bytes_of(said) or None) if said else None
