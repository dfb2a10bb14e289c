"""The rounds that see to the disks of all hosts, beside the panel's loops."""

from __future__ import annotations

from headway.core.deployments.hosts import LOCAL_HOST
from headway.core.engine.host_work import ByHost
from headway.features.disk.service import DiskService

_REST = 3600.0
_REST_AT_FIRST = 120.0  # a panel that begins has not reached its servers yet


class DiskKeeping:
    """A round may last for minutes where a server hangs or much is removed: a panel that stops does not wait for it,
    and the next one begins again.
    """

    def __init__(self, disk: DiskService) -> None:
        self._rounds = ByHost("disk", lambda _here: disk.keep_clean())
        self._rest = _REST_AT_FIRST

    async def keep_round(self) -> float:
        """Begins one, unless one is under way. Seconds to rest."""
        self._rounds.start(LOCAL_HOST)
        rest, self._rest = self._rest, _REST
        return rest

    async def release(self) -> None:
        """Ends what is under way."""
        await self._rounds.release()
