"""What compose services keep: volumes, by the names of their files."""

from __future__ import annotations

from headway.infra.docker import labels
from headway.kernel.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposeVolumes:
    """Fits ``kinds.ServiceVolumes``."""

    label: str = labels.COMPOSE
    hint: str = ""

    def names(self, app_name: str, volume: str) -> tuple[str, ...]:
        """See ``ServiceVolumes.names``: as its file does, or by its whole name."""
        return (f"{app_name}_{volume}", volume)

    async def meant(self, _compose_id: str, volume: str) -> str:
        """See ``ServiceVolumes.meant``: itself."""
        return volume

    async def own_folder(self, _host_id: str, _compose_id: str, _volume: str) -> None:
        """See ``ServiceVolumes.own_folder``: there is none."""
