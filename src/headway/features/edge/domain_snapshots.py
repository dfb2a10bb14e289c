"""Brings back the domains that led to a service at an earlier time: what is gone is added, what was changed is changed
back, and what has come since is switched off, so that whoever wants it needs only switch it on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, fields, replace
from typing import Any

from headway.core.deployments.model import SubjectType
from headway.core.deployments.run import Run, UndoContext
from headway.features.edge import domains_store
from headway.features.edge.domains import LOCK
from headway.features.edge.domains_model import CertificateType, Domain, DomainRequest, EdgeFacts
from headway.features.edge.route_target import RouteTarget
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import Unavailable
from headway.kernel.ids import new_id
from headway.kernel.phrase import phrase

_WISHED = frozenset(each.name for each in fields(DomainRequest))
UNDO = "domains"
Json = Mapping[str, Any]
Domains = Sequence[Json]  # of one service, as they are kept with a release


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainChange:
    """What becomes of one domain; ``before`` is None for one that is added."""

    domain_id: str
    before: DomainRequest | None
    after: DomainRequest

    def dump(self) -> dict[str, Any]:
        """The JSON that ``load`` reads."""
        return {
            "domain_id": self.domain_id,
            "before": None if self.before is None else asdict(self.before),
            "after": asdict(self.after),
        }

    @staticmethod
    def load(values: Json) -> DomainChange:
        """The change that ``dump`` wrote."""
        before = values["before"]
        return DomainChange(
            domain_id=values["domain_id"],
            before=None if before is None else _wish(before),
            after=_wish(values["after"]),
        )


def wishes_of(tx: Tx, subject_type: SubjectType, subject_id: str) -> list[dict[str, Any]]:
    """A service's domains of now, as JSON that ``changes`` takes later."""
    return [asdict(each.wish) for each in domains_store.of_subject(tx, subject_type, subject_id)]


def changes(now: Sequence[Domain], then: Domains) -> list[DomainChange]:
    """What is to be done so that the domains of now lead where those of then led. One without a difference is left
    alone.
    """
    wanted = {(wish.host, wish.path): wish for wish in map(_wish, then)}
    found = []
    for each in now:
        after = wanted.pop((each.wish.host, each.wish.path), replace(each.wish, enabled=False))
        if after != each.wish:
            found.append(DomainChange(domain_id=each.domain_id, before=each.wish, after=after))
    return [*found, *(DomainChange(domain_id=new_id(), before=None, after=wish) for wish in wanted.values())]


@dataclass(frozen=True, slots=True, kw_only=True)
class Restoring:
    """Changes the domains of one service. ``named`` tells which application is called so, of whomever."""

    subject_type: SubjectType
    subject_id: str
    organization_id: str
    facts: EdgeFacts
    named: Callable[[Tx, str], str | None]

    def changes(self, tx: Tx, then: Domains) -> list[DomainChange]:
        """``changes``, from what stands in the database now."""
        return changes(domains_store.of_subject(tx, self.subject_type, self.subject_id), then)

    def apply(self, tx: Tx, wanted: Sequence[DomainChange]) -> list[DomainRequest]:
        """Carries the changes out; gives those domains that are somebody else's by now, which stay theirs."""
        tx.lock(LOCK)
        return [each.after for each in wanted if not self._applied(tx, each)]

    def is_taken(self, tx: Tx, wish: DomainRequest) -> bool:
        """Whether the service may not have this host and path, for it is somebody else's."""
        name = self.facts.name_in(wish.host)
        if name is not None and self.named(tx, name) not in {None, self.subject_id}:
            return True
        if self.facts.whose_name(wish.host) is not None or domains_store.is_foreign(tx, wish.host, self.subject_id):
            return True
        others = domains_store.of_host(tx, wish.host)
        return any(each.wish.path == wish.path and each.subject_id != self.subject_id for each in others)

    def _applied(self, tx: Tx, wanted: DomainChange) -> bool:
        if wanted.before is not None:
            return domains_store.change(tx, wanted.domain_id, wanted.after)
        if self.is_taken(tx, wanted.after):
            return False
        domain = Domain(
            domain_id=wanted.domain_id,
            organization_id=self.organization_id,
            subject_type=self.subject_type,
            subject_id=self.subject_id,
            wish=wanted.after,
            created_at=tx.now,
        )
        return domains_store.put(tx, domain)


async def restore(run: Run, mine: Restoring, then: Domains | None) -> None:
    """The step of a run that brings the domains back, recorded with what takes that back; none where those of now are
    to stay (``then`` is None).
    """
    if then is None:
        return

    async def work() -> None:
        wanted = await run.write(lambda tx: mine.changes(tx, then))
        if not wanted:
            return
        await run.undo(UNDO, {"id": mine.subject_id, "changes": [each.dump() for each in wanted]})
        taken = await run.write(lambda tx: mine.apply(tx, wanted))
        for line in _told(wanted, taken):
            await run.say(line)

    await run.step("domains", work)


async def undo(undoing: UndoContext, fronted: RouteTarget, data: Json) -> None:
    """Takes back what ``restore`` has done."""
    done = [DomainChange.load(each) for each in data["changes"]]
    await undoing.write(lambda tx: _take_back(tx, done))
    with suppress(Unavailable):  # the edge is told again until it works by the domains that stand
        await fronted.settle(data["id"])


def _take_back(tx: Tx, done: Sequence[DomainChange]) -> None:
    for each in done:
        if each.before is None:
            domains_store.remove(tx, each.domain_id)
        else:
            domains_store.change(tx, each.domain_id, each.before)


def _told(wanted: Sequence[DomainChange], taken: Sequence[DomainRequest]) -> list[str]:
    """What was done, a line for each domain."""
    return [phrase(f"{{}} {_done(each, taken)}", shown(each.after)) for each in wanted]


def _done(each: DomainChange, taken: Sequence[DomainRequest]) -> str:
    if each.before is None:
        if each.after in taken:
            return "is somebody else's by now, and stays theirs."
        return "leads here again."
    if each.before.enabled and not each.after.enabled:
        return "is switched off: it did not lead to this release."
    return "is as it was then."


def shown(wish: DomainRequest) -> str:
    """A domain in a sentence."""
    return f"{wish.host}{wish.path.rstrip('/')}"


def _wish(values: Json) -> DomainRequest:
    known = {name: value for name, value in values.items() if name in _WISHED}
    return DomainRequest(**{**known, "certificate_type": CertificateType(known["certificate_type"])})
