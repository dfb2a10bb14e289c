"""The hosts that this panel works on: its own machine, and every server as its row says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import field, replace
from datetime import UTC, datetime
from functools import partial
from types import MappingProxyType

from headway.core.access.machine_store import is_guarded
from headway.core.access.policy import Noun
from headway.core.access.topics import topics_of, topics_of_services
from headway.core.engine.host_work import ByHost
from headway.core.engine.troubles import Troubles
from headway.features.servers import store
from headway.features.servers.examination import examined
from headway.features.servers.model import ConnectionState, Server, ServerFacts
from headway.infra.daemons.daemon import MARKER
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.infra.hosts.base import Host, HostUnreachable
from headway.infra.hosts.local import LocalHost
from headway.infra.hosts.ssh import SshHost
from headway.infra.hosts.ssh_session import Pin, SessionState
from headway.infra.hosts.ssh_target import SshTarget
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import HeadwayError
from headway.kernel.events import Events
from headway.kernel.secret import Secret

_REST = 2.0
_LOOP = "servers"
_CLOSED = "Its SSH key cannot be opened with this panel's vault.key. Choose another one (server.update)."
_DAEMONS = ("edge", "native/supervisord")  # where each has its record, below the folder of what is served
OpenKeys = Callable[[Tx, Collection[str]], Mapping[tuple[str, str], Secret | None]]
MakeHost = Callable[[str, SshTarget, Pin], SshHost]


class ServerUnknown(HostUnreachable, KeyError):
    """This panel knows no server of that id: it was removed."""

    def __init__(self) -> None:
        super().__init__("The server of this deployment was removed from Headway.")


class ServerClosed(HostUnreachable, KeyError):
    """There is such a server, and nothing to enter it with."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The server {name} has no SSH key that Headway still has. Choose one (server.update).")


class FleetUnknown(HostUnreachable, KeyError):
    """This panel has begun a moment ago."""

    def __init__(self) -> None:
        super().__init__("The panel has just started, and has not taken up its servers yet. Try again.")


@dataclass(kw_only=True)
class Fleet(Mapping[str, Host]):
    """``here`` is this machine. ``open_keys`` opens the SSH keys of some ids, by id and organisation, ``make`` makes a
    host of an id, a target and whoever keeps its key. ``troubles`` has the servers whose keys cannot be opened.
    """

    here: LocalHost
    db: Database
    events: Events
    open_keys: OpenKeys
    make: MakeHost
    troubles: Troubles
    _servers: dict[str, SshHost] = field(default_factory=dict)
    _names: Mapping[str, str] | None = None
    _pins: dict[str, str] = field(default_factory=dict)
    _saved: dict[str, ConnectionState] = field(default_factory=dict)
    _looked: dict[str, int] = field(default_factory=dict)
    _looking: ByHost = field(init=False)
    _loading: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self._looking = ByHost("facts", self._look)

    def __getitem__(self, host_id: str) -> Host:
        """The host. Raises what ``server`` does."""
        return self.here if host_id == self.here.host_id else self.server(host_id)

    def __iter__(self) -> Iterator[str]:
        return iter((self.here.host_id, *self._servers))

    def __len__(self) -> int:
        return 1 + len(self._servers)

    def server(self, server_id: str) -> SshHost:
        """A server as a host. Raises ServerUnknown for one that was removed, ServerClosed, FleetUnknown."""
        if server_id in self._servers:
            return self._servers[server_id]
        if self._names is None:
            raise FleetUnknown
        raise ServerClosed(self._names[server_id]) if server_id in self._names else ServerUnknown

    @property
    def servers(self) -> Mapping[str, SshHost]:
        """The hosts beside this machine, as they are at any time."""
        return MappingProxyType(self._servers)

    async def keep_round(self) -> float:
        """Brings the hosts together with the rows; seconds to rest."""
        await self._save()
        await self.load()
        for server_id, host in self._servers.items():
            if host.link is not None and self._looked.get(server_id) != host.link:
                self._looking.start(server_id)
        return _REST

    async def load(self) -> None:
        """Takes up the servers as their rows are now: new ones, changed ones, and no more those that are gone."""
        async with self._loading:  # one that read the rows earlier would let go of what a later one has taken up
            self._names, wanted, closed = await self.db.read(self._targets)
            self._tell_of(closed)
            for server_id in [*self._servers]:
                if self._servers[server_id].target != wanted.get(server_id):
                    await self._servers.pop(server_id).aclose()
                    self._looked.pop(server_id, None)
            for server_id, target in wanted.items():
                if server_id not in self._servers:
                    self._servers[server_id] = self.make(server_id, target, self._pinned(server_id))

    def forget_pin(self, server_id: str) -> None:
        """The key that a server showed is not to be kept."""
        self._pins.pop(server_id, None)

    def standing(self, server_id: str) -> ConnectionState | None:
        """What this panel knows of the link, None for a server that it has not tried to reach."""
        host = self._servers.get(server_id)
        if host is None or host.standing == SessionState():
            return None
        return _standing(host)

    def host_key(self, server_id: str) -> str | None:
        """The key that the server has shown, None before it was reached."""
        host = self._servers.get(server_id)
        return None if host is None else host.target.host_key

    async def leave(self, server_id: str, *, serves: bool = False) -> None:
        """A server is no more to be worked on: what Headway keeps there is removed, if it answers, and what keeps
        applications up there is ended, unless something ``serves`` that nobody could remove.
        """
        host = self._servers.get(server_id)
        if host is not None and host.link is not None:
            with suppress(HeadwayError):
                await host.remove_tree(host.root)
                for daemon in () if serves else _DAEMONS:
                    await host.end_marked(f"{MARKER}={host.work}/{daemon}/daemon.json")
                if not serves:
                    await host.remove_tree(host.work)
        await self.load()

    async def aclose(self) -> None:
        """Lets go of every link; what runs on servers goes on."""
        await self._looking.release()
        for host in self._servers.values():
            await host.aclose()
        await self.here.aclose()

    def _tell_of(self, closed: Collection[str]) -> None:
        self.troubles.forget_others(_LOOP, closed)
        for server_id in closed:
            if not self.troubles.times(_LOOP, server_id):  # each round meets it again: once is enough
                self.troubles.note(_LOOP, server_id, _CLOSED)

    def _targets(self, tx: Tx) -> tuple[dict[str, str], dict[str, SshTarget], list[str]]:
        """The names of all servers, how those are reached that can be, and those whose keys cannot be opened."""
        rows = {server.server_id: server for server in store.everywhere(tx)}
        # At once: this is done every other second, and a statement for each of fifty keys kept the event loop waiting.
        keys = self.open_keys(tx, {key_id for server in rows.values() if (key_id := server.access.ssh_key_id)})
        withdrawn = {each: is_guarded(tx, each, flag=False) for each in {row.organization_id for row in rows.values()}}
        rows = {server_id: _guarded(row, withdrawn[row.organization_id]) for server_id, row in rows.items()}
        found = {server_id: self._target(keys, rows, server_id, frozenset()) for server_id in rows}
        targets = {server_id: target for server_id, target in found.items() if target is not None}
        damaged = {key for key, opened in keys.items() if opened is None}
        closed = [each for each, row in rows.items() if (row.access.ssh_key_id, row.organization_id) in damaged]
        return {server_id: server.name for server_id, server in rows.items()}, targets, closed

    def _target(
        self,
        keys: Mapping[tuple[str, str], Secret | None],
        rows: Mapping[str, Server],
        server_id: str,
        on_the_way: frozenset[str],
    ) -> SshTarget | None:
        """None where its key, or a server on the way to it, is gone."""
        server = rows.get(server_id)
        if server is None or server.access.ssh_key_id is None or server_id in on_the_way:
            return None
        key = keys.get((server.access.ssh_key_id, server.organization_id))
        if key is None:
            return None
        jump = None
        if server.access.jump_server_id is not None:
            jump = self._target(keys, rows, server.access.jump_server_id, on_the_way | {server_id})
            if jump is None:
                return None
        return SshTarget(
            name=server.name,
            address=server.access.address,
            port=server.access.port,
            username=server.access.username,
            private_key=key,
            host_key=self._pins.get(server_id, server.host_key),
            jump=jump,
            guarded=server.access.guarded,
        )

    def _pinned(self, server_id: str) -> Pin:
        async def pin(host_key: str) -> None:
            self._pins[server_id] = host_key  # until a round has read the row that has it
            try:
                await self.db.run(lambda tx: store.set_fields(tx, server_id, host_key=host_key))
            except BaseException:
                self._pins.pop(server_id, None)  # else a host made anew asks, and perhaps no row has the key
                raise

        return pin

    async def _save(self) -> None:
        pins, seen = dict(self._pins), self._unsaved()
        if not pins and not seen:
            return

        def write(tx: Tx) -> None:
            for server_id, host_key in pins.items():
                store.set_fields(tx, server_id, host_key=host_key)
            store.set_seen(tx, seen)
            for server_id in turned:
                self._tell(tx, server_id)

        turned = [each for each, now in seen.items() if _has_turned(now, self._saved.get(each))]
        await self.db.run(write)
        self._saved.update(seen)
        for server_id in pins:
            self._pins.pop(server_id, None)

    def _tell(self, tx: Tx, server_id: str) -> None:
        """Tells after the commit that a server answers again, or does not any more, and what is on it with it."""
        where = store.whose(tx, server_id)
        if where is not None:
            tx.after(partial(self.events.changed, where, *topics_of(Noun.SERVER, server_id)))
        for its in store.whose_services(tx, server_id):
            tx.after(partial(self.events.changed, its, *topics_of_services(its.service_id or "")))

    def _unsaved(self) -> dict[str, ConnectionState]:
        """What has changed about the links; that a server is still there is told every few seconds."""
        changed = {}
        for server_id, host in self._servers.items():
            now, saved = _standing(host), self._saved.get(server_id)
            if saved is None or _has_turned(now, saved) or _is_news(now, saved):
                changed[server_id] = now
        return changed

    async def _look(self, server_id: str) -> None:
        host = self.server(server_id)
        link = host.link
        facts: ServerFacts = await examined(host)
        await self.db.run(lambda tx: store.set_facts(tx, server_id, facts))
        if link is not None:
            self._looked[server_id] = link


def _guarded(server: Server, withdrawn: bool) -> Server:  # noqa: FBT001 - as it is asked for
    """The server, whose organisation the machine may have been taken back from."""
    return replace(server, access=replace(server.access, guarded=True)) if withdrawn else server


def _standing(host: SshHost) -> ConnectionState:
    known = host.standing
    return ConnectionState(
        seen_at=_moment(known.seen_at),
        away_since=_moment(known.away_since),
        away_why=known.away_why.message if known.away_why is not None else None,
    )


def _has_turned(now: ConnectionState, saved: ConnectionState | None) -> bool:
    return saved is None or replace(now, seen_at=None) != replace(saved, seen_at=None)


def _is_news(now: ConnectionState, saved: ConnectionState) -> bool:
    if now.seen_at is None or saved.seen_at is None:
        return now.seen_at is not None
    return (now.seen_at - saved.seen_at).total_seconds() >= 5.0


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
