"""Use cases that only read: lists, the queue, one deployment; each asked of the policy at every call, also when the
answer itself is kept.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace
from typing import Generic, TypeVar

from headway.core.access.model import Actor
from headway.core.access.policy import Missing, Noun, Permission, permit, reach
from headway.core.deployments import list_queries, search, store
from headway.core.deployments.list_queries import Page, Part
from headway.core.deployments.model import SubjectType
from headway.core.deployments.queue_position import waits_of
from headway.core.deployments.response_cache import ResponseCache
from headway.core.deployments.rollback_targets import LeftBy
from headway.core.deployments.run import Owner, Subject
from headway.core.deployments.search import Filters, Found
from headway.core.deployments.subjects import NOUNS, service_of
from headway.core.deployments.summary import Listed
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.infra.db.version import Version
from headway.kernel.dataclass import dataclass

UNBOUNDED_CENTRAL_ROWS = 1_000
# Until when a search may begin another look, which takes as long as all before it: so it is over in twice the time.
# Counted from the call, so that many who search at once all get their turn.
_SECONDS_OF_A_SEARCH = 0.0015
_BYTES_OF_ONE = 8 << 10  # about

P = TypeVar("P", bound=Part)
P_contra = TypeVar("P_contra", bound=Part, contravariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class View(Generic[P_contra]):
    """How a face shows rows. ``encode`` is performed in the reading transaction, and reads there what else it shows;
    two views of one ``name`` encode the same rows alike.
    """

    name: Hashable
    encode: Callable[[Tx, P_contra], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A part of a list as a view shows it; ``next`` is the ``before`` of the next part, None at the end; ``tag`` is
    another whenever one of the two is.
    """

    body: bytes
    next: int | None
    tag: str
    owner: Owner | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _One:
    """A deployment, and what access to it is decided by."""

    part: Part
    owner: Owner
    service_id: str | None


class DeploymentReader:
    """What callers may read of deployments of every type. ``services_in`` tells which services an environment holds,
    ``left_by`` what deployments left that one can go back to.
    """

    def __init__(
        self,
        *,
        db: Database,
        version: Version,
        subjects: Mapping[SubjectType, Subject],
        services_in: Callable[[Tx, str], frozenset[str]],
        left_by: LeftBy,
    ) -> None:
        self._db = db
        self._subjects = subjects
        self._services_in = services_in
        self._left_by = left_by
        self._shown_cache: ResponseCache[Shown] = ResponseCache(version, lambda shown: len(shown.body))
        self._ones: ResponseCache[_One] = ResponseCache(version, lambda _one: _BYTES_OF_ONE)

    async def all_of(
        self,
        actor: Actor,
        permission: Permission,
        subject_type: SubjectType,
        subject_id: str,
        *,
        page: Page,
        view: View[Part],
    ) -> Shown:
        """Deployments of a subject, newest first. Raises NotFound for a subject that the caller may not see."""
        noun = NOUNS[subject_type]

        def look(tx: Tx) -> Shown:
            owner = self._owner(tx, subject_type, subject_id)
            return self._shown(tx, list_queries.of_subject(tx, subject_type, subject_id, page), view, owner)

        key = ("all of", subject_type, subject_id, page, view.name)
        shown = await self._shown_cache.get(key, lambda: self._db.read(look))
        self._permit(actor, permission, shown.owner, noun, service_of(subject_type, subject_id))
        return shown

    async def rows_of_service(self, subject_type: SubjectType, subject_id: str) -> Part:
        """The rows of a subject's list with all that they show, for whoever was let through to it already."""
        return await self._db.read(lambda tx: self._rows(tx, subject_type, subject_id))

    async def rows_of(self, actor: Actor, permission: Permission, subject_type: SubjectType, subject_id: str) -> Part:
        """All deployments of a subject for who shows them within something else. Raises NotFound."""

        def look(tx: Tx) -> Part:
            owner = self._owner(tx, subject_type, subject_id)
            self._permit(actor, permission, owner, NOUNS[subject_type], service_of(subject_type, subject_id))
            return self._rows(tx, subject_type, subject_id)

        return await self._db.read(look)

    def _rows(self, tx: Tx, subject_type: SubjectType, subject_id: str) -> Part:
        found = list_queries.of_subject(tx, subject_type, subject_id, Page())
        return self._with_left(tx, list_queries.explained(tx, found))

    async def on_server(
        self, actor: Actor, permission: Permission, server_id: str, page: Page, view: View[Part]
    ) -> Shown:
        """Whatever ran on a server, builds included, as far as the caller may see it. Raises NotFound."""
        reached = reach(actor)

        def look(tx: Tx) -> Shown:
            owner = self._owner(tx, SubjectType.SERVER, server_id)
            part = list_queries.of_server(tx, server_id, reached, actor.organization_id, page)
            return self._shown(tx, part, view, owner)

        key = ("on server", server_id, actor.organization_id, reached, page, view.name)
        shown = await self._shown_cache.get(key, lambda: self._db.read(look))
        self._permit(actor, permission, shown.owner, Noun.SERVER, None)
        return shown

    async def central(self, actor: Actor, page: Page, view: View[Part]) -> Shown:
        """The newest deployments of the caller's organisation, as far as the caller may see them."""
        reached, mine = reach(actor), actor.organization_id
        if page.limit is None:
            page = Page(limit=UNBOUNDED_CENTRAL_ROWS, before=page.before)

        def look(tx: Tx) -> Shown:
            return self._shown(tx, list_queries.of_reach(tx, mine, reached, page), view)

        return await self._shown_cache.get(("central", mine, reached, page, view.name), lambda: self._db.read(look))

    async def queue(self, actor: Actor, page: Page, view: View[Part]) -> Shown:
        """What waits and what runs, newest first, as far as the caller may see it."""
        reached, mine = reach(actor), actor.organization_id

        def look(tx: Tx) -> Shown:
            found = list_queries.unfinished(tx, mine, reached)
            rows = [(row, work) for row, work in found if page.before is None or row.seq < page.before]
            part = list_queries.cut([row for row, _ in rows], page.limit)
            return _as_shown(tx, replace(part, works={row.deployment_id: work for row, work in rows}), view)

        return await self._shown_cache.get(("queue", mine, reached, page, view.name), lambda: self._db.read(look))

    async def search(
        self, actor: Actor, filters: Filters, page: Page, view: View[Found], *, counted: bool = False
    ) -> Shown:
        """Deployments of every type that the filters let through, newest first, as far as the caller may see them;
        ``page.limit`` is given. ``counted`` asks for the number of all matches too.
        """
        reached, mine = reach(actor), actor.organization_id
        end = time.monotonic() + _SECONDS_OF_A_SEARCH

        def look(tx: Tx) -> Shown:
            wanted = filters
            if filters.environment_id is not None:
                wanted = replace(filters, services=self._services_in(tx, filters.environment_id))
            found = search.search(tx, mine, reached, wanted, page, time_is_up=lambda: time.monotonic() > end)
            counts = search.count(tx, mine, reached, wanted) if counted else None
            return self._shown(tx, replace(found, counts=counts), view)

        key = ("search", mine, reached, filters, page, counted, view.name)
        return await self._shown_cache.get(key, lambda: self._db.read(look))

    async def one(self, actor: Actor, permission: Permission, deployment_id: str) -> Part:
        """A deployment, as the only row. Raises NotFound, Forbidden."""

        def look(tx: Tx) -> _One:
            found = store.find(tx, deployment_id)
            return _One(
                part=self._with_left(tx, list_queries.explained(tx, Part(rows=[Listed.of(found)]))),
                owner=Owner(organization_id=found.organization_id, project_id=found.project_id),
                service_id=service_of(found.subject_type, found.subject_id),
            )

        one = await self._ones.get(deployment_id, lambda: self._db.read(look))
        self._permit(actor, permission, one.owner, Noun.DEPLOYMENT, one.service_id)
        return one.part

    def _shown(self, tx: Tx, part: P, view: View[P], owner: Owner | None = None) -> Shown:
        return _as_shown(tx, self._with_left(tx, replace(part, waits=waits_of(tx, part.rows))), view, owner)

    def _with_left(self, tx: Tx, part: P) -> P:
        return replace(part, left=self._left_by(tx, [row.deployment_id for row in part.rows]))

    def _owner(self, tx: Tx, subject_type: SubjectType, subject_id: str) -> Owner:
        subject = self._subjects.get(subject_type)
        owner = subject.owner(tx, subject_id) if subject is not None else None
        if owner is None:
            raise Missing(NOUNS[subject_type])
        return owner

    def _permit(
        self, actor: Actor, permission: Permission, owner: Owner | None, noun: Noun, service_id: str | None
    ) -> None:
        if owner is None:
            raise Missing(noun)
        permit(actor, permission, owner.organization_id, owner.project_id, service_id=service_id, noun=noun)


def _as_shown(tx: Tx, part: P, view: View[P], owner: Owner | None = None) -> Shown:
    body = view.encode(tx, part)
    tag = hashlib.blake2b(body, digest_size=12, salt=str(part.next or "").encode()[-16:]).hexdigest()
    return Shown(body=body, next=part.next, tag=tag, owner=owner)
