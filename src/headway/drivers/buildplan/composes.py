"""The compose files of a repository, and which of their services is the application itself."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any, Final

from headway.drivers.buildplan.foreign_hosts import read_yaml
from headway.drivers.buildplan.tree import Tree

COMPOSES: Final = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")

_MOST_SERVICES: Final = 40


def built_service(tree: Tree, name: str) -> Mapping[str, Any]:
    """The one service of such a file that is built there; empty where none is, or several are."""
    text = tree.text(name)
    services = (read_yaml(text) or {}).get("services") if "build" in text else None
    values = islice(services.values(), _MOST_SERVICES) if isinstance(services, dict) else ()
    built = [each for each in values if isinstance(each, dict) and "build" in each]
    return built[0] if len(built) == 1 else {}


def listed(service: Mapping[str, Any], name: str) -> list[Any]:
    """What a service has in a list of that name."""
    found = service.get(name)
    return found if isinstance(found, list) else []
