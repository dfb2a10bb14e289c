"""The samples of a host, gathered until their minute is over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import datetime

from headway.features.usage.model import EMPTY, SAMPLE, SAMPLES, UsagePoint, merged
from headway.kernel.dataclass import dataclass

_MOST = 3  # a clock that is set leaves minutes behind that never end: the oldest are given up as they are


@dataclass(slots=True)
class OpenMinutes:
    """Of one host. A sample belongs to the slot of ten seconds that it was taken in; two of one slot are put together,
    and a slot without one is a gap.
    """

    _open: dict[datetime, dict[str, list[UsagePoint]]] = field(default_factory=dict)

    def add(self, at: datetime, points: Mapping[str, UsagePoint]) -> None:
        """Takes what was used until this moment."""
        minute = self._open.setdefault(at.replace(second=0, microsecond=0), {})
        slot = at.second // SAMPLE
        for target, point in points.items():
            samples = minute.setdefault(target, [EMPTY] * SAMPLES)
            samples[slot] = merged((samples[slot], point))

    def over(self, now: datetime) -> Sequence[tuple[datetime, Mapping[str, Sequence[UsagePoint]]]]:
        """The minutes that have ended, oldest first, each given once."""
        this = now.replace(second=0, microsecond=0)
        ended = sorted(each for each in self._open if each < this)
        ended += sorted(each for each in self._open if each > this)[: max(0, len(self._open) - _MOST)]
        return [(minute, self._open.pop(minute)) for minute in sorted(ended)]
