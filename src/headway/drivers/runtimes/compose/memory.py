"""What of a machine's memory the containers of one organisation's compose files may take together."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from headway.drivers.runtimes.compose.bounds import bytes_of
from headway.drivers.runtimes.compose.conversion import replicas

Model = Mapping[str, Any]
_PARTS = 8
_LEAST_BYTES = 64 << 20


def shared(
    model: Model, share: int, *, taken: int = 0, served: Model | None = None, stack: bool = False
) -> dict[str, Any]:
    """The file in which every container says how much memory it may have. Where its author has not said it that is an
    eighth of what applications have not ``taken`` of the share, or what it ``served`` with, up to an eighth of all.
    """
    made: dict[str, Any] = copy.deepcopy(dict(model))
    for name, part in _parts(model, share, taken, served).items():
        service, written = made["services"][name], str(max(1, part))  # 0 is without a limit
        if stack:
            resources = service["deploy"].setdefault("resources", {})
            resources["limits"] = {**(resources.get("limits") or {}), "memory": written}
        else:
            service["mem_limit"] = written
    return made


def starved(model: Model, share: int, *, taken: int = 0, served: Model | None = None) -> list[str]:
    """What is wrong with a file to whose containers too little is left, as the end of the sentence "The compose file
    …".
    """
    least = max(1, min(_LEAST_BYTES, share // _PARTS))
    names = [name for name, part in _parts(model, share, taken, served).items() if part < least]
    if not names:
        return []
    return [
        (
            f"does not say how much memory {', '.join(names)} may have, which is an eighth of what is left: of the "
            f"{_left(share, taken)}, too little. Other services are to have less, or set mem_limit"
        )
    ]


def beyond(
    model: Model, beside: Sequence[Model], share: int, *, taken: int = 0, served: Model | None = None
) -> list[str]:
    """What is wrong with a file that takes more than is left of the share, as the end of the sentence "The compose file
    …". What applications have ``taken`` keeps none from what it has ``served`` with.
    """
    others, asked = sum(map(demand, beside)), demand(model)
    goes_on = served is not None and asked <= demand(shared(served, share))
    if others + asked + (0 if goes_on else taken) <= share:
        return []
    return [
        (
            f"lets its containers have {asked >> 20} MiB of memory, and of the {_left(share, taken + others)}: "
            "set mem_limit"
        )
    ]


def demand(model: Model) -> int:
    """What the containers of a file may take together, as far as it says it."""
    return sum((_limit(each) or 0) * replicas(each) for each in model["services"].values())


def _parts(model: Model, share: int, taken: int, served: Model | None) -> dict[str, int]:
    """What each container may take whose author has not said it."""
    before: Model = {} if served is None else served["services"]
    most, part = share // _PARTS, max(0, share - taken) // _PARTS
    had = {name: min(_limit(each) or most, most) for name, each in before.items()}
    unsaid = [name for name, each in model["services"].items() if _limit(each) is None]
    return {name: max(part, had.get(name, 0)) for name in unsaid}


def _left(share: int, taken: int) -> str:
    most = f"{share >> 20} MiB that one organisation may have on a machine (HEADWAY_ORGANIZATION_MEMORY)"
    return f"{most} {max(0, share - taken) >> 20} MiB are left"


def _limit(service: Model) -> int | None:
    limits = ((service.get("deploy") or {}).get("resources") or {}).get("limits") or {}
    said = service.get("mem_limit") or limits.get("memory")
    return (bytes_of(said) or None) if said else None
