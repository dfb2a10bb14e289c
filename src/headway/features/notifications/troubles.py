"""Watches what the loops of the panel cannot do, and says once of each item that it does not get better."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field

from headway.core.deployments.store import add_to_outbox
from headway.core.engine.troubles import Trouble
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass

_LASTING_TIMES = 5  # in a row: some 15 seconds, in which most troubles pass
_REST = 15.0


@dataclass(slots=True, kw_only=True)
class TroubleWatch:
    """``troubles`` gives those that there are now; ``told`` are the items of loops that were told of, until they are
    done. Who is told may not use the machine: which items these are, and why, is for ``settings.health`` to say.
    """

    db: Database
    troubles: Callable[[], Sequence[Trouble]]
    told: set[tuple[str, str]] = field(default_factory=set)

    async def look(self) -> float:
        """Looks once; seconds to rest."""
        lasting = {(each.loop, each.item) for each in self.troubles() if each.times >= _LASTING_TIMES}
        if fresh := Counter(loop for loop, _ in lasting - self.told):
            await self.db.run(lambda tx: _announce(tx, fresh))
        self.told = lasting
        return _REST


def _announce(tx: Tx, fresh: Mapping[str, int]) -> None:
    for loop, items in sorted(fresh.items()):
        add_to_outbox(tx, "panel.error", {"loop": loop, "items": items, "time": tx.now.isoformat()})
