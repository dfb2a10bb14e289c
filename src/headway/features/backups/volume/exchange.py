"""Puts a restored folder in the place of another, on the panel's machine or on a server, by moves that stand being
repeated after a crash.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from headway.core.deployments.run import Run, UndoContext
from headway.drivers.runtimes.container.cancel_shield import finished
from headway.infra.hosts.base import Host
from headway.infra.hosts.files import remove_tree
from headway.infra.hosts.ssh import SshHost
from headway.infra.panel.data_dir import sync_folder
from headway.kernel.dataclass import dataclass


class ExchangeMove(StrEnum):
    """BEGIN makes an empty fresh folder, EXCHANGE puts it in place and the old one beside it. From SETTLE on the old
    one is wanted no more; until then PUT_BACK has it in its place again. CLEAR removes what is needed no more, LOOK
    changes nothing.
    """

    BEGIN = "begin"
    EXCHANGE = "exchange"
    SETTLE = "settle"
    PUT_BACK = "put_back"
    CLEAR = "clear"
    LOOK = "look"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchanging:
    """The exchange of the folder at ``place`` on a host, by a run or by whoever ends it."""

    host: Host
    place: str
    by: Run | UndoContext

    @property
    def fresh(self) -> str:
        """The folder that is filled."""
        return str(self._names.fresh)

    async def make(self, move: ExchangeMove) -> bool:
        """Makes a move, to its end also for who is cancelled: nobody must take back what is still being done. Whether
        the old folder is out of its place, and wanted still. Raises EpochPassed, HostUnreachable.
        """
        found: list[bool] = []

        async def made() -> None:
            found.append(await self._made(move))

        await finished(made())
        return found[0]

    async def _made(self, move: ExchangeMove) -> bool:
        run = self.by.deployment
        if isinstance(self.host, SshHost):
            return await self.host.exchange(run.deployment_id, run.epoch, move, self.place)
        async with self.by.fence():
            await asyncio.to_thread(_MOVES[move], self._names)
            return self._names.old.exists()

    @property
    def _names(self) -> Names:
        return Names(Path(self.place), self.by.deployment.deployment_id)


@dataclass(frozen=True, slots=True)
class Names:
    """The place of a folder, and the names beside it: of the ``fresh`` one until it is in place, of the ``old`` one
    while it may still be wanted, and of one that is ``going``. All lie in one folder, so each move is one rename.
    """

    place: Path
    mark: str

    @property
    def fresh(self) -> Path:
        return self.place.with_name(f"{self.place.name}.new-{self.mark}")

    @property
    def old(self) -> Path:
        return self.place.with_name(f"{self.place.name}.old-{self.mark}")

    @property
    def going(self) -> Path:
        return self.place.with_name(f"{self.place.name}.gone-{self.mark}")


# As in infra/hosts/porter/exchange.pl on a server.
def _begin(names: Names) -> None:
    remove_tree(str(names.fresh))
    names.fresh.mkdir(mode=0o700)


def _exchange(names: Names) -> None:
    if not names.old.exists() and names.fresh.exists():
        if not names.place.exists():  # an application that has kept nothing yet
            names.place.mkdir(mode=0o700)
        _rename(names.place, names.old)
    if names.fresh.exists():
        _rename(names.fresh, names.place)


def _settle(names: Names) -> None:
    if names.old.exists():
        _rename(names.old, names.going)


def _put_back(names: Names) -> None:
    if not names.old.exists():
        return
    if names.place.exists():
        remove_tree(str(names.going))
        _rename(names.place, names.going)
    _rename(names.old, names.place)


def _clear(names: Names) -> None:
    remove_tree(str(names.fresh))
    remove_tree(str(names.going))


def _look(_names: Names) -> None:
    return None


_MOVES: Mapping[ExchangeMove, Callable[[Names], None]] = MappingProxyType(
    {
        ExchangeMove.BEGIN: _begin,
        ExchangeMove.EXCHANGE: _exchange,
        ExchangeMove.SETTLE: _settle,
        ExchangeMove.PUT_BACK: _put_back,
        ExchangeMove.CLEAR: _clear,
        ExchangeMove.LOOK: _look,
    }
)


def _rename(source: Path, target: Path) -> None:
    source.rename(target)
    sync_folder(target.parent)
