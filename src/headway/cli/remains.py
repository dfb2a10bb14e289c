"""What stays of a service that was deleted, as the command line tells it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_SHOWN = 5


def remains(row: Mapping[str, Any], label: str, *, volumes_went: bool = False) -> str:
    """One sentence of all of it; by ``label`` an engine has its volumes, such as ``headway.compose=ID``."""
    volumes = f"volumes of its containers (on its machine: docker volume ls --filter label={label})"
    hosts = list(dict.fromkeys(each["host"] for each in row.get("domains") or ()))
    more = f" and {len(hosts) - _SHOWN} more" if len(hosts) > _SHOWN else ""
    left = (
        *(() if volumes_went else (volumes,)),
        "images that were fetched for it",
        *((f"the records in the DNS of {', '.join(hosts[:_SHOWN])}{more}",) if hosts else ()),
        "its repository, and backups at storages",
    )
    return f"What stays: {', '.join(left)}."
