"""Use cases of domains: at which names and paths services answer, taken up by the edge before a call returns."""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime

from headway.core.access.machine import require_machine
from headway.core.access.model import Actor
from headway.core.access.policy import Missing, Noun, Permission, permit, sees
from headway.core.deployments.model import SubjectType
from headway.core.deployments.subjects import NOUNS
from headway.drivers.edge.first_answer import Answered
from headway.features.edge import domains_store
from headway.features.edge.domains_model import Domain, DomainRequest, EdgeFacts, checked_wish, generated
from headway.features.edge.host_names import normalised_host
from headway.features.edge.issuance import IssuanceReader
from headway.features.edge.route_target import RouteTarget, changed, permit_target, permit_to
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import Conflict, InvalidInput
from headway.kernel.ids import new_id, slug

_DNS_SECONDS = 5.0
_MOST_LOOKS = 1_000
LOCK = "domains"  # a name below the base domain is no row: whoever takes either holds this


def is_free(tx: Tx, host_name: str, facts: EdgeFacts) -> bool:
    """Whether no domain stands where a service of this name would be reached."""
    tx.lock(LOCK)
    host = facts.generated_host(host_name)
    return facts.whose_name(host) is None and not domains_store.of_host(tx, host)


class DomainTaken(Conflict):
    """Host and path lead somewhere already."""


class DomainStays(Conflict):
    """A generated domain cannot be changed or removed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """What the DNS says of a name: an address, and whether that is one of this machine's, or why there is none."""

    address: str | None = None
    is_here: bool = False
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainLook:
    """What a visitor of a domain was answered ``at`` that time; None where nothing led there."""

    answered: Answered | None
    at: datetime


class DomainService:
    """The domains of services; ``fronted`` knows the services by their types, ``issuance`` tells what came of asking
    for their certificates.
    """

    def __init__(
        self,
        db: Database,
        fronted: Mapping[SubjectType, RouteTarget],
        facts: EdgeFacts,
        hosts_changed: Callable[[], Awaitable[None]],
        issuance: IssuanceReader,
    ) -> None:
        self._db = db
        self._fronted = fronted
        self._facts = facts
        self._hosts_changed = hosts_changed
        self.issuance = issuance
        self._looks: dict[str, DomainLook] = {}  # of this panel's own time: what was seen before it is old

    async def create(
        self, actor: Actor, permission: Permission, subject_type: SubjectType, subject_id: str, wish: DomainRequest
    ) -> Domain:
        """A new domain, which leads to the service when this returns. Raises DomainTaken, InvalidInput, Missing."""
        fronted = self._of(subject_type)
        await self._db.read(lambda tx: permit_target(tx, fronted, actor, permission, subject_id))
        wish = checked_wish(wish, self._facts)

        def write(tx: Tx) -> Domain:
            front = permit_target(tx, fronted, actor, permission, subject_id)
            domain = Domain(
                domain_id=new_id(),
                organization_id=front.owner.organization_id,
                subject_type=subject_type,
                subject_id=subject_id,
                wish=wish,
                created_at=tx.now,
            )
            self._claim(tx, actor, domain, before=None)
            if not domains_store.put(tx, domain):
                raise self._held(tx, actor, wish)
            return domains_store.find(tx, domain.domain_id)

        return await self._changed(subject_type, subject_id, write)

    async def update(
        self, actor: Actor, permission: Permission, domain_id: str, change: Callable[[DomainRequest], DomainRequest]
    ) -> Domain:
        """Makes a domain what ``change`` makes of it. Raises DomainTaken, DomainStays, InvalidInput, Missing."""
        before = await self.one(actor, permission, domain_id)
        if before.generated:
            raise _stays(before)

        def write(tx: Tx) -> Domain:
            found = self._permitted(tx, actor, permission, domain_id)
            domain = replace(found, wish=checked_wish(change(found.wish), self._facts))
            self._claim(tx, actor, domain, before=found.wish)
            if not domains_store.change(tx, domain_id, domain.wish):
                raise self._held(tx, actor, domain.wish)
            return domains_store.find(tx, domain_id)

        return await self._changed(before.subject_type, before.subject_id, write)

    async def delete(self, actor: Actor, permission: Permission, domain_id: str) -> Domain:
        """Removes a domain, which leads nowhere when this returns. Raises DomainStays, Missing."""
        before = await self.one(actor, permission, domain_id)
        if before.generated:
            raise _stays(before)

        def write(tx: Tx) -> Domain:
            found = self._permitted(tx, actor, permission, domain_id)
            domains_store.remove(tx, domain_id)
            return found

        return await self._changed(before.subject_type, before.subject_id, write)

    async def one(self, actor: Actor, permission: Permission, domain_id: str) -> Domain:
        """A domain; by the id of a service its generated one. Raises Missing."""
        return await self._db.read(lambda tx: self._permitted(tx, actor, permission, domain_id))

    async def of(
        self, actor: Actor, permission: Permission, subject_type: SubjectType, subject_id: str
    ) -> list[Domain]:
        """A service's domains: the generated one, unless a domain stands in its place, then the oldest first."""

        def read(tx: Tx) -> list[Domain]:
            front = permit_target(tx, self._of(subject_type), actor, permission, subject_id)
            return domains_store.standing(tx, subject_type, subject_id, front, self._facts)

        return await self._db.read(read)

    async def generate(self, actor: Actor, permission: Permission, app_name: str) -> str:
        """A host name below the base domain that nobody has. Raises InvalidInput."""
        permit(actor, permission, actor.organization_id)
        wanted = slug(app_name)
        if not wanted:
            raise InvalidInput(
                f"No host name can be made of {app_name!r}: use at least one letter or digit (a-z, 0-9)."
            )
        host = self._facts.generated_host(f"{wanted}-{secrets.token_hex(3)}")
        return normalised_host(host)

    async def resolved(self, actor: Actor, permission: Permission, host: str) -> Resolved:
        """What the DNS says of a name, as this machine sees it. Raises InvalidInput for what is no host name."""
        permit(actor, permission, actor.organization_id)
        name = normalised_host(host)
        try:
            async with asyncio.timeout(_DNS_SECONDS):
                found = await asyncio.get_running_loop().getaddrinfo(name, None, type=socket.SOCK_STREAM)
        except TimeoutError:
            return Resolved(error=f"The DNS gave no answer for {name} within {_DNS_SECONDS:g} s.")
        except OSError as error:
            return Resolved(error=f"The DNS does not know {name}: {error.strerror or 'no such name'}.")
        address = str(found[0][4][0])
        return Resolved(address=address, is_here=await asyncio.to_thread(_is_of_this_machine, address))

    async def ask(self, actor: Actor, permission: Permission, domain_id: str) -> tuple[Domain, DomainLook]:
        """Visits a domain once, by the edge of its machine and no other way. Raises Missing, HeadwayError."""
        domain = await self.one(actor, permission, domain_id)
        wish = domain.wish
        answered = await self._of(domain.subject_type).answered(domain.subject_id, wish.host, wish.path)
        look = DomainLook(answered=answered, at=await self._db.read(lambda tx: tx.now))
        self._looks.pop(domain.domain_id, None)
        self._looks[domain.domain_id] = look
        if len(self._looks) > _MOST_LOOKS:
            del self._looks[next(iter(self._looks))]
        return domain, look

    def last_look(self, domain: Domain) -> DomainLook | None:
        """What came of it when it was visited last; None where nobody has asked since the panel was started."""
        return self._looks.get(domain.domain_id)

    def address(self, domain: Domain) -> str:
        """What to open in a browser."""
        return self._facts.address(domain)

    async def _changed(self, subject_type: SubjectType, subject_id: str, write: Callable[[Tx], Domain]) -> Domain:
        domain = await changed(self._db, self._of(subject_type), subject_id, write)
        await self._hosts_changed()
        return domain

    def _of(self, subject_type: SubjectType) -> RouteTarget:
        fronted = self._fronted.get(subject_type)
        if fronted is None:
            raise Missing(NOUNS[subject_type])
        return fronted

    def _permitted(self, tx: Tx, actor: Actor, permission: Permission, domain_id: str) -> Domain:
        domain = self._by_service(tx, domain_id) or domains_store.find(tx, domain_id)
        front = self._of(domain.subject_type).front(tx, domain.subject_id)
        if front is None:
            raise Missing(Noun.DOMAIN)
        permit_to(actor, permission, front, domain.subject_id, Noun.DOMAIN)
        return domain

    def _by_service(self, tx: Tx, service_id: str) -> Domain | None:
        for subject_type, fronted in self._fronted.items():
            front = fronted.front(tx, service_id)
            if front is not None:
                return generated(subject_type, service_id, front, self._facts)
        return None

    def _claim(self, tx: Tx, actor: Actor, domain: Domain, *, before: DomainRequest | None) -> None:
        """Whether the service may have this host: it is neither the panel's nor, by its name, another service's, no
        other organisation has any part of it, and if another project has one, the caller may set that too. What it has
        had ``before`` it may keep. Raises DomainTaken, MachineRefused.
        """
        tx.lock(LOCK)
        wish = domain.wish
        whose = self._facts.whose_name(wish.host)
        if whose is not None:
            require_machine(actor, f"A domain at {wish.host}, {whose},")
        name = self._facts.name_in(wish.host)
        for subject_type, fronted in self._fronted.items():
            holder = None if name is None else fronted.named(tx, name)
            if holder is not None and (subject_type, holder) != (domain.subject_type, domain.subject_id):
                raise _taken(wish, self._name_of(tx, actor, subject_type, holder))
        others = domains_store.of_host(tx, wish.host)
        if any(each.organization_id != domain.organization_id for each in others):
            raise _taken(wish)
        is_new = before is None or (before.host, before.path) != (wish.host, wish.path)
        if is_new and not all(self._reached(tx, actor, each) for each in others):
            raise _taken(wish)

    def _held(self, tx: Tx, actor: Actor, wish: DomainRequest) -> DomainTaken:
        """Why host and path cannot be had by a second domain."""
        same = [each for each in domains_store.of_host(tx, wish.host) if each.wish.path == wish.path]
        names = (self._name_of(tx, actor, each.subject_type, each.subject_id) for each in same)
        return _taken(wish, next(names, None))

    def _name_of(self, tx: Tx, actor: Actor, subject_type: SubjectType, service_id: str) -> str | None:
        """What a service is called, for who may see it: of others' nobody is told more than that a name is taken."""
        front = self._of(subject_type).front(tx, service_id)
        if front is None:
            return None
        owner = front.owner
        seen = sees(actor, owner.organization_id, owner.project_id, service_id=service_id)
        return domains_store.name_of(tx, service_id) if seen else None

    def _reached(self, tx: Tx, actor: Actor, other: Domain) -> bool:
        """Whether the caller may set this domain too, as far as it lies somewhere."""
        front = self._of(other.subject_type).front(tx, other.subject_id)
        if front is None:
            return True
        owner = front.owner
        return sees(actor, owner.organization_id, owner.project_id, service_id=other.subject_id)


def _taken(wish: DomainRequest, holder: str | None = None) -> DomainTaken:
    by = f" by “{holder}”" if holder else ""
    return DomainTaken(f"{wish.host}{wish.path.rstrip('/')} is taken already{by}; choose another name or path.")


def _is_of_this_machine(address: str) -> bool:
    """Only an address of its own can be bound to."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True


def _stays(domain: Domain) -> DomainStays:
    return DomainStays(
        f"{domain.wish.host} is the name that Headway gives: it stays as long as the application does. Add a domain of "
        "your own, also in its place."
    )
