"""Use cases of notifications: channels, a test, what was told on one, and telling it again."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime

from headway.core.access.machine import may_use_the_machine
from headway.core.access.model import Actor
from headway.core.access.outward_addresses import require_outward
from headway.core.access.policy import Missing, Noun, Permission, permit
from headway.core.access.store import projects_among, service_projects
from headway.features.notifications import store
from headway.features.notifications.apprise_policy import refusal
from headway.features.notifications.delivery import Tell
from headway.features.notifications.media import NotTold
from headway.features.notifications.model import (
    APPRISE,
    DEFAULT_EVENTS,
    MOST_CHANNELS,
    NOWHERE,
    TEST,
    WEBHOOK,
    Channel,
    ChannelTarget,
    Notice,
    NoticeState,
)
from headway.features.servers import store as servers
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import Conflict, InvalidInput
from headway.kernel.ids import new_id
from headway.kernel.vault import Vault

_SECRET_BYTES = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelRequest:
    """What a channel is to be like."""

    name: str
    medium: str
    target: ChannelTarget = NOWHERE
    events: Sequence[str] = DEFAULT_EVENTS
    projects: Sequence[str] = ()
    services: Sequence[str] = ()
    quiet_seconds: int = 3600
    enabled: bool = True


# Of services with one host for all, a token stands in the host's place; where they connect to is judged when they do.
_OF_ONE_HOST = frozenset({"discord", "lark", "msteams", "pover", "resend", "slack", "tgram", "workflows"})


class NotificationService:
    """What callers may ask of notifications."""

    def __init__(self, *, db: Database, vault: Vault, tell: Tell) -> None:
        self._db = db
        self._vault = vault
        self._tell = tell

    async def create(self, actor: Actor, permission: Permission, wish: ChannelRequest) -> Channel:
        """Makes a channel. A receiver of webhooks gets a secret of its own where none is given. Raises InvalidInput,
        and Conflict where there are enough.
        """
        permit(actor, permission, actor.organization_id)
        _check(wish)

        def write(tx: Tx) -> Channel:
            _require_own(tx, actor, wish.projects, wish.services)
            if store.count_of(tx, actor.organization_id) >= MOST_CHANNELS:
                raise Conflict(f"There are {MOST_CHANNELS} channels, and no more are kept: remove one first.")
            channel = _made(_guarded(actor, wish, NOWHERE), new_id(), actor.organization_id, tx.now)
            store.add(tx, channel, self._vault)
            return channel

        return await self._db.run(write)

    async def update(
        self, actor: Actor, permission: Permission, channel_id: str, change: Callable[[ChannelRequest], ChannelRequest]
    ) -> Channel:
        """Changes a channel; what waits on it goes the new way. Raises Missing, InvalidInput."""

        def write(tx: Tx) -> Channel:
            before = self._permitted(tx, actor, permission, channel_id)
            wish = change(_wish_of(before))
            _check(wish)
            named = (set(wish.projects) - set(before.projects), set(wish.services) - set(before.services))
            _require_own(tx, actor, *named)
            wish = _guarded(actor, wish, before.target)
            made = _made(wish, channel_id, before.organization_id, tx.now)
            channel = replace(
                made,
                created_at=before.created_at,
                failing_since=before.failing_since if made.target == before.target else None,
                last_error=before.last_error if made.target == before.target else None,
            )
            store.replace_with(tx, channel, self._vault)
            return channel

        return await self._db.run(write)

    async def remove(self, actor: Actor, permission: Permission, channel_id: str) -> Channel:
        """Removes a channel, with what waits on it. Raises Missing."""

        def write(tx: Tx) -> Channel:
            channel = self._permitted(tx, actor, permission, channel_id)
            store.remove(tx, channel_id)
            return channel

        return await self._db.run(write)

    async def all(self, actor: Actor, permission: Permission) -> list[Channel]:
        """The organisation's channels."""
        permit(actor, permission, actor.organization_id)
        return await self._db.read(lambda tx: store.of_organization(tx, actor.organization_id, self._vault))

    async def one(self, actor: Actor, permission: Permission, channel_id: str) -> Channel:
        """The channel. Raises Missing."""
        return await self._db.read(lambda tx: self._permitted(tx, actor, permission, channel_id))

    async def test(self, actor: Actor, permission: Permission, channel_id: str) -> None:
        """Tells a test message at once. Raises Missing, and InvalidInput with what the channel answered."""

        def read(tx: Tx) -> Channel:
            self._permitted(tx, actor, permission, channel_id)
            return store.find_to_tell(tx, channel_id, self._vault)

        await self._try(await self._db.read(read))

    async def try_out(
        self, actor: Actor, permission: Permission, medium: str, target: Callable[[], ChannelTarget]
    ) -> None:
        """Tells a test message where no channel leads yet. Raises InvalidInput as a test does."""
        permit(actor, permission, actor.organization_id)
        wish = ChannelRequest(name="test", medium=medium, target=target())
        _check(wish)
        now = await self._db.read(lambda tx: tx.now)
        await self._try(_made(_guarded(actor, wish, NOWHERE), new_id(), actor.organization_id, now))

    async def _try(self, channel: Channel) -> None:
        now = await self._db.read(lambda tx: tx.now)
        notice = Notice(
            seq=0,
            notice_id=new_id(),
            channel_id=channel.channel_id,
            event=TEST,
            about=TEST,
            payload={"name": channel.name, "time": now.isoformat(timespec="seconds")},
            state=NoticeState.WAITING,
            attempts=0,
            due_at=now,
            last_error=None,
            sent_at=None,
            created_at=now,
        )
        try:
            await self._tell(channel, notice, now)
        except NotTold as failure:
            raise InvalidInput(f"The test was not taken. {failure.message}") from failure

    async def told(
        self,
        actor: Actor,
        permission: Permission,
        channel_id: str,
        *,
        state: NoticeState | None,
        before: str | None,
        limit: int,
    ) -> list[Notice]:
        """What is told on a channel, the newest first. Raises Missing."""

        def look(tx: Tx) -> list[Notice]:
            self._permitted(tx, actor, permission, channel_id)
            last = None if before is None else store.notice(tx, before).seq
            return store.page(tx, channel_id, state=state, before=last, limit=limit)

        return await self._db.read(look)

    async def notice(self, actor: Actor, permission: Permission, notice_id: str) -> Notice:
        """One thing that is told on a channel. Raises Missing."""

        def look(tx: Tx) -> Notice:
            found = store.notice(tx, notice_id)
            self._permitted(tx, actor, permission, found.channel_id)
            return found

        return await self._db.read(look)

    async def resend(self, actor: Actor, permission: Permission, notice_id: str) -> Notice:
        """Has a notice told again under the same id. Raises Missing."""

        def write(tx: Tx) -> Notice:
            notice = store.notice(tx, notice_id)
            self._permitted(tx, actor, permission, notice.channel_id)
            store.wait_again(tx, notice_id)
            return store.notice(tx, notice_id)

        return await self._db.run(write)

    def _permitted(self, tx: Tx, actor: Actor, permission: Permission, channel_id: str) -> Channel:
        channel = store.find(tx, channel_id, self._vault)
        permit(actor, permission, channel.organization_id)
        return channel


def _made(wish: ChannelRequest, channel_id: str, organization_id: str, now: datetime) -> Channel:
    target = wish.target
    if wish.medium == WEBHOOK and not target.secret:
        target = replace(target, secret=secrets.token_urlsafe(_SECRET_BYTES))
    return Channel(
        channel_id=channel_id,
        organization_id=organization_id,
        name=wish.name,
        medium=wish.medium,
        target=target,
        events=tuple(wish.events),
        projects=tuple(wish.projects),
        services=tuple(wish.services),
        quiet_seconds=wish.quiet_seconds,
        failing_since=None,
        last_error=None,
        created_at=now,
        disabled_at=None if wish.enabled else now,
    )


def _wish_of(channel: Channel) -> ChannelRequest:
    return ChannelRequest(
        name=channel.name,
        medium=channel.medium,
        target=channel.target,
        events=channel.events,
        projects=channel.projects,
        services=channel.services,
        quiet_seconds=channel.quiet_seconds,
        enabled=channel.disabled_at is None,
    )


def _guarded(actor: Actor, wish: ChannelRequest, before: ChannelTarget) -> ChannelRequest:
    """The wish, whose address is the caller's word where it is another one than before. Raises NearRefused,
    and InvalidInput for what is of the machine itself, whoever asks.
    """
    if wish.target.url == before.url:
        return replace(wish, target=replace(wish.target, guarded=before.guarded))
    if wish.medium == APPRISE and (why := refusal(wish.target.url)) is not None:
        raise InvalidInput(why)
    if wish.target.url.partition("://")[0].lower() not in _OF_ONE_HOST:
        require_outward(actor, wish.target.url, "The address")
    return replace(wish, target=replace(wish.target, guarded=not may_use_the_machine(actor)))


def _require_own(tx: Tx, actor: Actor, projects: Collection[str], services: Collection[str]) -> None:
    """What a channel tells of is the organisation's. Raises Missing."""
    if set(projects) - projects_among(tx, actor.organization_id, projects):
        raise Missing(Noun.PROJECT)
    others = set(services) - service_projects(tx, actor.organization_id, services).keys()
    if others and others - {each.server_id for each in servers.of_organization(tx, actor.organization_id)}:
        raise Missing(Noun.SERVICE)


def _check(wish: ChannelRequest) -> None:
    scheme, found, rest = wish.target.url.partition("://")
    if not scheme.isalnum() or not found or not rest or not wish.target.url.isprintable():
        raise InvalidInput("The address is none: write it in full, as https://… or, for Apprise, as SERVICE://….")
    if wish.medium == WEBHOOK and scheme not in {"http", "https"}:
        raise InvalidInput("A webhook goes to an address that begins with http:// or https://.")
