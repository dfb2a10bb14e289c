"""Use cases of webhooks: take a delivery, look at those that came, take one again, ask what one would do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import TypeVar

from headway.core.access.model import Actor
from headway.core.access.policy import Missing, Noun, Permission, admit, permit, reach
from headway.core.deployments.model import SubjectType
from headway.core.deployments.subjects import NOUNS
from headway.drivers.forges.events import Event
from headway.features.services import hooks_store
from headway.features.webhooks import store
from headway.features.webhooks.app_hooks import AppHooks
from headway.features.webhooks.intake import Ingest
from headway.features.webhooks.model import Delivery, DeliveryAnswer, Outcome, Wanted
from headway.features.webhooks.parser import Arrived, Signature, read, unpacked
from headway.features.webhooks.policy import Decision, compared, decide
from headway.features.webhooks.services import HookedService
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.errors import Conflict, InvalidInput, NotFound
from headway.kernel.vault import Vault

T = TypeVar("T")

_LARGE_BYTES = 64 << 10
_REST = 60.0
_TOKEN_LENGTHS = range(8, 257)


class NoSuchAddress(NotFound):
    """No service is told at this address (the peer's sentence)."""

    def __init__(self, subject_type: SubjectType) -> None:
        super().__init__(f"{NOUNS[subject_type]} Not Found")


class PayloadGone(Conflict):
    """What is to be taken again is not kept any more."""

    def __init__(self) -> None:
        super().__init__("The payload of this delivery is not kept any more; have its sender send it again.")


class PayloadTooLarge(Conflict):
    """What is to be taken again is larger than what would be taken if it came now."""

    def __init__(self, size: int, most: int) -> None:
        super().__init__(
            f"The payload of this delivery has {size} bytes, and at most {most} are taken now (HEADWAY_WEBHOOK_LIMIT)."
        )


class WebhookService:
    """What senders and callers may ask of webhooks. ``most_bytes`` is how large a payload may be, ``apps`` takes what
    GitHub apps are told.
    """

    def __init__(
        self,
        *,
        db: Database,
        vault: Vault,
        taking: Ingest,
        keep_for: timedelta,
        most_bytes: int,
        apps: AppHooks,
    ) -> None:
        self._db = db
        self._vault = vault
        self._taking = taking
        self._keep_for = keep_for
        self.most_bytes = most_bytes
        self.apps = apps
        self._files = apps.files

    async def organization_at(self, subject_type: SubjectType, token: str) -> str:
        """Whose organisation's service is told at the address which ends in this token. Raises NoSuchAddress."""
        found = await self._db.read(lambda tx: hooks_store.organization_at(tx, subject_type, token))
        if found is None:
            raise NoSuchAddress(subject_type)
        return found

    async def receive(
        self, subject_type: SubjectType, token: str, headers: Mapping[str, str], body: bytes
    ) -> DeliveryAnswer:
        """Takes a delivery that came to the address which ends in this token. Raises NoSuchAddress."""
        service = await self._db.read(lambda tx: self._told_at(tx, subject_type, token))
        arrived, signature = await _off_loop(len(body), lambda: _judged(service, headers, body))
        arrived = await self._files.whole(service, arrived) if signature.is_good else arrived
        changed = await self._files.of(service, arrived) if signature.is_good else None
        known = await compared([service.tracked] if signature.is_good else [], arrived.told.events, changed)

        def take(tx: Tx) -> DeliveryAnswer:
            # Looked at again: its settings may have changed since, and a deletion may have begun.
            told = self._told_at(tx, subject_type, token)
            return self._taking.take(tx, told, arrived, signature, changed=changed, compare=known)

        return await self._db.run(take)

    async def deliveries(
        self,
        actor: Actor,
        permission: Permission,
        subject_type: SubjectType,
        subject_id: str,
        *,
        outcome: Outcome | None,
        before: str | None,
        limit: int,
    ) -> list[Delivery]:
        """A service's deliveries, the newest first, and older than the one ``before``. Raises Missing."""

        def look(tx: Tx) -> list[Delivery]:
            self._permitted(tx, actor, permission, subject_type, subject_id)
            last = None if before is None else self._own(tx, before, subject_type, subject_id).seq
            return store.page(tx, subject_type, subject_id, outcome=outcome, before=last, limit=limit)

        return await self._db.read(look)

    async def search(
        self, actor: Actor, permission: Permission, wanted: Wanted, *, before: str | None, limit: int
    ) -> list[Delivery]:
        """What was told to any of the services that the caller sees, the newest first. Raises Missing for a service
        that it does not see, and for a ``before`` that is not there any more.
        """
        admit(actor, permission)

        def look(tx: Tx) -> list[Delivery]:
            if wanted.subject is not None:
                self._permitted(tx, actor, permission, *wanted.subject)
            last = None if before is None else self._seen(tx, actor, permission, before)[0].seq
            return store.search(tx, actor.organization_id, reach(actor), wanted, before=last, limit=limit)

        return await self._db.read(look)

    async def one(
        self, actor: Actor, permission: Permission, delivery_id: str
    ) -> tuple[Delivery, Mapping[str, str] | None, bytes | None]:
        """A delivery with its headers and its payload, None where these are not kept any more. Raises Missing."""

        def look(tx: Tx) -> tuple[Delivery, tuple[dict[str, str], bytes] | None]:
            return self._seen(tx, actor, permission, delivery_id)[0], store.payload_of(tx, delivery_id)

        delivery, kept = await self._db.read(look)
        if kept is None:
            return delivery, None, None
        return delivery, kept[0], await _off_loop(delivery.bytes, lambda: unpacked(kept[1]))

    async def replay(self, actor: Actor, permission: Permission, delivery_id: str) -> DeliveryAnswer:
        """Takes a delivery again, as the settings are now, also one that was refused: the caller vouches for it. Raises
        Missing, PayloadGone, PayloadTooLarge.
        """

        def look(tx: Tx) -> tuple[Delivery, HookedService, tuple[dict[str, str], bytes] | None]:
            return *self._seen(tx, actor, permission, delivery_id), store.payload_of(tx, delivery_id)

        delivery, told, kept = await self._db.read(look)
        if kept is None:
            raise PayloadGone
        arrived = await self._arrived(delivery, lambda: read(kept[0], unpacked(kept[1])))
        arrived = await self._files.whole(told, arrived)
        changed = await self._files.of(told, arrived)
        known = await compared([told.tracked], arrived.told.events, changed)

        def take(tx: Tx) -> DeliveryAnswer:
            _, service = self._seen(tx, actor, permission, delivery_id)
            again = Signature.VOUCHED
            return self._taking.take(tx, service, arrived, again, replay_of=delivery_id, changed=changed, compare=known)

        return await self._db.run(take)

    async def simulate(
        self, actor: Actor, permission: Permission, subject_type: SubjectType, subject_id: str, events: Sequence[Event]
    ) -> Decision:
        """What these would do to a service now, and why. Raises Missing."""
        service = await self._db.read(lambda tx: self._permitted(tx, actor, permission, subject_type, subject_id))
        decision = decide(service.tracked, events, await compared([service.tracked], events))
        if decision.deploys:
            service.request(decision.tag)  # which says what is missing
        return decision

    async def simulate_again(self, actor: Actor, permission: Permission, delivery_id: str) -> Decision:
        """What a delivery would do now. Raises Missing, PayloadGone, PayloadTooLarge."""
        delivery, headers, body = await self.one(actor, permission, delivery_id)
        if headers is None or body is None:
            raise PayloadGone
        arrived = await self._arrived(delivery, lambda: read(headers, body))
        events = arrived.told.events
        return await self.simulate(actor, permission, delivery.subject_type, delivery.subject_id, events)

    async def address(self, subject_type: SubjectType, subject_id: str) -> str | None:
        """What a service's address ends in, for whoever was let through to it."""
        return await self._db.read(lambda tx: hooks_store.token_of(tx, self._vault, subject_type, subject_id))

    async def renew_address(
        self, actor: Actor, permission: Permission, subject_type: SubjectType, subject_id: str, token: str | None = None
    ) -> None:
        """Gives a service another address, one that ends in ``token`` where that is given. Raises Missing, Conflict."""
        if token is not None and (len(token) not in _TOKEN_LENGTHS or not token.isascii() or not token.isprintable()):
            raise InvalidInput("A refresh token is 8 to 256 printable ASCII characters, best a random one.")

        def write(tx: Tx) -> None:
            self._permitted(tx, actor, permission, subject_type, subject_id)
            taken = None if token is None else hooks_store.service_at(tx, subject_type, token)
            if taken not in {None, subject_id}:
                raise Conflict("Another service has this refresh token already; choose another one.")
            hooks_store.renew(tx, self._vault, subject_type, subject_id, token)

        await self._db.run(write)

    async def add_missing_addresses(self) -> None:
        """Gives an address to every service that was made before there were any."""
        await self._db.run(lambda tx: hooks_store.add_missing(tx, self._vault))

    async def forget_old(self) -> float:
        """Removes what is not kept any longer; seconds to rest."""
        more = True
        while more:
            more = await self._db.run(
                lambda tx: store.forget_old(tx, tx.now - self._keep_for, self._taking.most_payload_bytes)
            )
        return _REST

    async def _arrived(self, delivery: Delivery, work: Callable[[], Arrived]) -> Arrived:
        """What came, as ``work`` reads it again: judged by how long it is, and not by how little it was packed to."""
        if delivery.bytes > self.most_bytes:
            raise PayloadTooLarge(delivery.bytes, self.most_bytes)
        return await _off_loop(delivery.bytes, work)

    def _told_at(self, tx: Tx, subject_type: SubjectType, token: str) -> HookedService:
        subject_id = hooks_store.service_at(tx, subject_type, token)
        found = None if subject_id is None else self._taking.services.find(tx, subject_type, subject_id)
        if found is None:
            raise NoSuchAddress(subject_type)
        return found

    def _permitted(
        self, tx: Tx, actor: Actor, permission: Permission, subject_type: SubjectType, subject_id: str
    ) -> HookedService:
        found = self._taking.services.find(tx, subject_type, subject_id)
        noun = NOUNS[subject_type]
        if found is None:
            raise Missing(noun)
        place = (found.organization_id, found.project_id)
        permit(actor, permission, *place, service_id=subject_id, noun=noun)
        return found

    def _seen(self, tx: Tx, actor: Actor, permission: Permission, delivery_id: str) -> tuple[Delivery, HookedService]:
        """The delivery and its service, where the caller may do this with it; else there is none."""
        delivery = store.find(tx, delivery_id)
        service = self._taking.services.find(tx, delivery.subject_type, delivery.subject_id)
        if service is None:
            raise Missing(Noun.DELIVERY)
        place = (service.organization_id, service.project_id)
        permit(actor, permission, *place, service_id=service.subject_id, noun=Noun.DELIVERY)
        return delivery, service

    def _own(self, tx: Tx, delivery_id: str, subject_type: SubjectType, subject_id: str) -> Delivery:
        delivery = store.find(tx, delivery_id)
        if (delivery.subject_type, delivery.subject_id) != (subject_type, subject_id):
            raise Missing(Noun.DELIVERY)
        return delivery


def _judged(service: HookedService, headers: Mapping[str, str], body: bytes) -> tuple[Arrived, Signature]:
    arrived = read(headers, body)
    return arrived, arrived.signature(service.secret.reveal() if service.secret else None)


async def _off_loop(size: int, work: Callable[[], T]) -> T:
    """``work``, on a thread where there is much to read: it would hold up everybody else."""
    return work() if size < _LARGE_BYTES else await asyncio.to_thread(work)
