"""What hosts were found to have, for as long as nothing of what was looked at has changed."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from headway.infra.hosts.base import Host
from headway.kernel.dataclass import dataclass

_MOST = 64
_SECONDS = 3600.0  # in which a change that no stamp shows would be missed
_TICK_SECONDS = 2  # a file system may date a change back by as much


@dataclass(frozen=True, slots=True)
class _Noted:
    answer: bytes
    stamps: Mapping[str, str]
    at: float


class Memory:
    """Answers of hosts by what they were asked; whoever is asked again looks only at the stamps of the same places."""

    def __init__(self) -> None:
        self._noted: dict[tuple[str, bytes], _Noted] = {}

    async def recall(self, host: Host, question: bytes) -> bytes | None:
        """What the host has answered, None where it may be another answer by now."""
        noted = self._noted.get((host.host_id, question))
        if noted is None or time.monotonic() - noted.at > _SECONDS:
            return None
        found = await host.stamps(list(noted.stamps))
        return noted.answer if found == list(noted.stamps.values()) else None

    async def keep(self, host: Host, question: bytes, answer: bytes, *, places: Sequence[str], began: int) -> None:
        """Keeps an answer that came of these places, unless one of them was changed since the host ``began`` to look,
        or so shortly before that another change would have the same date.
        """
        stamps = await host.stamps(places)
        if any(stamp and int(stamp.rpartition(":")[2]) > began - _TICK_SECONDS for stamp in stamps):
            return
        self._noted.pop((host.host_id, question), None)
        while len(self._noted) >= _MOST:
            self._noted.pop(next(iter(self._noted)))
        self._noted[host.host_id, question] = _Noted(answer, dict(zip(places, stamps, strict=True)), time.monotonic())
