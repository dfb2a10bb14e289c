"""Where the copies of an application run, as clients say it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from headway.features.services.application.model import AppSettings
from headway.kernel.artifacts import Placement
from headway.kernel.errors import InvalidInput

_MOST = 100
_MOST_REPLICAS = 1_000
_CONSTRAINT = re.compile(r"(node|engine)\.[A-Za-z0-9._/-]{1,200}\s*(==|!=)\s*[A-Za-z0-9:_./+-]{1,200}")
_LABEL = re.compile(r"(node|engine)\.labels\.[A-Za-z0-9._/-]{1,200}")


def placement_of(settings: AppSettings) -> Placement:
    """The wishes of ``placementSwarm``. Raises InvalidInput for those that are none."""
    said = settings.run.placement or {}
    constraints = tuple(str(each) for each in _listed(said, "Constraints"))
    for constraint in constraints:
        if not _CONSTRAINT.fullmatch(constraint):
            raise InvalidInput(
                f"{constraint[:100]!r} is no constraint of a placement: say one such as node.role==worker or "
                "node.labels.zone!=east."
            )
    spread = tuple(_descriptor(each) for each in _listed(said, "Preferences"))
    most = said.get("MaxReplicas")
    if most is not None and not (isinstance(most, int) and 0 <= most <= _MOST_REPLICAS):
        raise InvalidInput(f"MaxReplicas of a placement is a number from 0 (no bound) to {_MOST_REPLICAS}.")
    return Placement(constraints=constraints, spread=spread, most_per_node=most or None)


def _listed(said: Mapping[str, Any], name: str) -> list[Any]:
    found = said.get(name) or []
    if not isinstance(found, list) or len(found) > _MOST:
        raise InvalidInput(f"{name} of a placement is a list of at most {_MOST}.")
    return found


def _descriptor(preference: Any) -> str:  # noqa: ANN401 - as it came in
    spread = preference.get("Spread") if isinstance(preference, Mapping) else None
    label = spread.get("SpreadDescriptor") if isinstance(spread, Mapping) else None
    if not isinstance(label, str) or not _LABEL.fullmatch(label):
        raise InvalidInput(
            "A preference of a placement names a label over whose values copies are spread: "
            '{"Spread": {"SpreadDescriptor": "node.labels.zone"}}.'
        )
    return label
