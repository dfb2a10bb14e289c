"""What a container does, as a state: the engine's word, what its check says, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headway.features.containers.api.observations import OwnedContainerRow

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
