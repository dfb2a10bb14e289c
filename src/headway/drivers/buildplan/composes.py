"""The compose files of a repository, and which of their services is the application itself."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any, Final

from headway.drivers.buildplan.foreign_hosts import read_yaml
from headway.drivers.buildplan.tree import Tree

# In the order in which Compose looks for them.
COMPOSES: Final = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")

_MOST_SERVICES: Final = 40


def services(tree: Tree, name: str) -> list[Mapping[str, Any]]:
    """The services of such a file; none where there is no such file, or it cannot be read."""
    data = read_yaml(tree.whole(name)) if name in tree.contents else None
    found = data.get("services") if data is not None else None
    values = islice(found.values(), _MOST_SERVICES) if isinstance(found, dict) else ()
    return [each for each in values if isinstance(each, dict)]


def built_service(tree: Tree, name: str) -> Mapping[str, Any]:
    """The one service of such a file that is built there; empty where none is, or several are."""
    built = [each for each in services(tree, name) if "build" in each] if "build" in tree.text(name) else []
    return built[0] if len(built) == 1 else {}


def listed(service: Mapping[str, Any], name: str) -> list[Any]:
    """What a service has in a list of that name."""
    found = service.get(name)
    return found if isinstance(found, list) else []
