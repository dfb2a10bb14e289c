"""Removes containers at once. An engine that is asked for it in the middle of a start goes on with that start first,
which takes longer than all the rest: so the processes are ended in the containers' own control groups meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from headway.infra.docker.api import DockerApi
from headway.infra.hosts import cgroups

_PAUSE_SECONDS = 0.005


async def remove_at_once(api: DockerApi, container_ids: Sequence[str], *, volumes: bool = False) -> None:
    """Kills and removes containers, also those that are being started. Raises EngineAway, EngineRefused."""
    deletes = (api.delete(f"/containers/{each}", force=True, v=volumes) for each in container_ids)
    removing = asyncio.gather(*deletes)
    try:
        while not removing.done():
            await asyncio.to_thread(_strike, container_ids)
            await asyncio.wait({removing}, timeout=_PAUSE_SECONDS)
        await removing
    finally:
        removing.cancel()


def _strike(container_ids: Sequence[str]) -> None:
    """One stroke at all that lives in the groups that an engine gives to containers by their ids, as far as these are
    seen from here; those of other engines have other ids. Blocks.
    """
    tops = [each.folder for each in cgroups.hierarchies() if each.is_whole]
    for each in container_ids:
        cgroups.end_all([folder for top in tops for folder in _groups(top, each)], seconds=0)


def _groups(top: Path, container_id: str) -> list[Path]:
    """Where a group may be: by the engine's own driver, or by systemd's."""
    found = (top / "docker" / container_id, top / "system.slice" / f"docker-{container_id}.scope")
    return [folder for folder in found if folder.is_dir()]
