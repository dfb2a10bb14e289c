"""What a container does, as a state: the engine's word, what its check says, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from headway.pages.list_view import list_address
from headway.pages.page import Visit

if TYPE_CHECKING:
    from headway.features.containers.api.observations import OwnedContainerRow
    from headway.features.services.api.service_rows import GlanceRow

_OF_HEALTH: Mapping[str, tuple[str, str]] = {
    "healthy": ("serving", "running, healthy"),
    "unhealthy": ("error", "running, unhealthy"),
    "starting": ("starting", "running, not yet healthy"),
}
_OF_ENGINE: Mapping[str, tuple[str, str]] = {
    "created": ("pending", "made, not started"),
    "paused": ("unstable", "paused"),
    "restarting": ("unstable", "ends and is started again"),
    "removing": ("ending", "being removed"),
    "dead": ("error", "could not be removed"),
}


def state_of(row: OwnedContainerRow) -> Mapping[str, str | None]:
    """Its state as the macro of states takes it."""
    key, word = _known(row)
    at = row["startedAt"] if row["exitCode"] is None else row["finishedAt"]
    return {"key": key, "word": word, "at": at}


def terminal_of(visit: Visit, row: OwnedContainerRow, service: GlanceRow | None) -> Sequence[Mapping[str, str]]:
    """The way to a terminal inside it, for who may carry commands out there: a preview and a database have none."""
    if row["state"] != "running" or service is None or service["kind"] == "database":
        return ()
    if not visit.may(f"{service['kind']}.exec"):
        return ()
    href = list_address(f"/services/{service['serviceId']}/terminal", {"of": row["service"]})
    return ({"label": "Terminal", "href": href},)


def _known(row: OwnedContainerRow) -> tuple[str, str]:
    if row["state"] == "running":
        return _OF_HEALTH.get(row["health"] or "", ("serving", "running"))
    if row["state"] == "exited":
        if row["outOfMemory"]:
            return "error", "out of memory"
        return ("stopped", "ended") if row["exitCode"] == 0 else ("error", f"ended with {row['exitCode']}")
    return _OF_ENGINE.get(row["state"], ("idle", row["state"]))


def address(row: OwnedContainerRow) -> str:
    """Where a container is shown."""
    if row["serverId"] is None:
        return f"/containers/{row['containerId']}"
    return f"/containers/servers/{row['serverId']}/{row['containerId']}"
