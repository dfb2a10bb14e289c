"""Use cases that only read: lists, the queue, one deployment; each asked of the policy at every call, also when the
answer itself is kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, replace

from headway.core.access.model import Actor
from headway.core.access.policy import Missing, Noun, permit, reach
from headway.core.deployments import listing, store
from headway.core.deployments.listed import Listed
from headway.core.deployments.listing import Page, Part
from headway.core.deployments.model import StepRecord, SubjectType
from headway.core.deployments.run import Owner, Subject
from headway.core.deployments.shelf import Shelf
from headway.core.deployments.subjects import NOUNS, service_of
from headway.core.deployments.waiting import Wait, waits_of
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.infra.db.version import Version

UNBOUNDED_CENTRAL_ROWS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """How a face shows rows. ``encode`` is performed in the reading transaction; two views of one ``name`` encode the
    same rows alike.
    """

    name: Hashable
    encode: Callable[[Tx, Part], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A part of a list as a view shows it; ``next`` is the ``before`` of the next part, None at the end; ``tag`` is
    another whenever one of the two is.
    """

    body: bytes
    next: int | None
    tag: str
    owner: Owner | None = None


class DeploymentReader:
    """What callers may read of deployments of every type."""

    def __init__(self, *, db: Database, version: Version, subjects: Mapping[SubjectType, Subject]) -> None:
        self._db = db
        self._subjects = subjects
        self._shelf: Shelf[Shown] = Shelf(version, lambda shown: len(shown.body))

    async def all_of(
        self, actor: Actor, subject_type: SubjectType, subject_id: str, *, procedure: str, page: Page, view: View
    ) -> Shown:
        """Deployments of a subject, newest first. Raises NotFound for a subject that the caller may not see."""
        noun = NOUNS[subject_type]

        def look(tx: Tx) -> Shown:
            owner = self._owner(tx, subject_type, subject_id)
            return _shown(tx, listing.of_subject(tx, subject_type, subject_id, page), view, owner)

        key = ("all of", subject_type, subject_id, page, view.name)
        shown = await self._shelf.get(key, lambda: self._db.read(look))
        self._permit(actor, procedure, shown.owner, noun, service_of(subject_type, subject_id))
        return shown

    async def rows_of(self, actor: Actor, subject_type: SubjectType, subject_id: str, procedure: str) -> Part:
        """All deployments of a subject for who shows them within something else. Raises NotFound."""

        def look(tx: Tx) -> Part:
            owner = self._owner(tx, subject_type, subject_id)
            self._permit(actor, procedure, owner, NOUNS[subject_type], service_of(subject_type, subject_id))
            part = listing.of_subject(tx, subject_type, subject_id, Page())
            return replace(part, waits=waits_of(tx, part.rows))

        return await self._db.read(look)

    async def on_server(self, actor: Actor, server_id: str, page: Page, view: View) -> Shown:
        """Whatever ran on a server, builds included, as far as the caller may see it. Raises NotFound."""
        reached = reach(actor)

        def look(tx: Tx) -> Shown:
            owner = self._owner(tx, SubjectType.SERVER, server_id)
            part = listing.of_server(tx, server_id, reached, actor.organization_id, page)
            return _shown(tx, part, view, owner)

        key = ("on server", server_id, actor.organization_id, reached, page, view.name)
        shown = await self._shelf.get(key, lambda: self._db.read(look))
        self._permit(actor, "deployment.allByServer", shown.owner, Noun.SERVER, None)
        return shown

    async def central(self, actor: Actor, page: Page, view: View) -> Shown:
        """The newest deployments of the caller's organisation, as far as the caller may see them."""
        reached, mine = reach(actor), actor.organization_id
        if page.limit is None:
            page = Page(limit=UNBOUNDED_CENTRAL_ROWS, before=page.before)

        def look(tx: Tx) -> Shown:
            return _shown(tx, listing.of_reach(tx, mine, reached, page), view)

        return await self._shelf.get(("central", mine, reached, page, view.name), lambda: self._db.read(look))

    async def queue(self, actor: Actor, page: Page, view: View) -> Shown:
        """What waits and what runs, newest first, as far as the caller may see it."""
        reached, mine = reach(actor), actor.organization_id

        def look(tx: Tx) -> Shown:
            found = listing.unfinished(tx, mine, reached)
            rows = [(row, work) for row, work in found if page.before is None or row.seq < page.before]
            part = listing.cut([row for row, _ in rows], page.limit)
            return _shown(tx, replace(part, works={row.deployment_id: work for row, work in rows}), view)

        return await self._shelf.get(("queue", mine, reached, page, view.name), lambda: self._db.read(look))

    async def one(self, actor: Actor, deployment_id: str) -> tuple[Listed, list[StepRecord], Wait | None]:
        """A deployment, its steps so far and why it waits, if it does. Raises NotFound, Forbidden."""

        def look(tx: Tx) -> tuple[Listed, list[StepRecord], Wait | None]:
            found = store.find(tx, deployment_id)
            owner = Owner(organization_id=found.organization_id, project_id=found.project_id)
            service_id = service_of(found.subject_type, found.subject_id)
            self._permit(actor, "deployment.one", owner, Noun.DEPLOYMENT, service_id)
            row = Listed.of(found)
            return row, store.steps_of(tx, deployment_id), waits_of(tx, [row]).get(deployment_id)

        return await self._db.read(look)

    def _owner(self, tx: Tx, subject_type: SubjectType, subject_id: str) -> Owner:
        subject = self._subjects.get(subject_type)
        owner = subject.owner(tx, subject_id) if subject is not None else None
        if owner is None:
            raise Missing(NOUNS[subject_type])
        return owner

    def _permit(self, actor: Actor, procedure: str, owner: Owner | None, noun: Noun, service_id: str | None) -> None:
        if owner is None:
            raise Missing(noun)
        permit(actor, procedure, owner.organization_id, owner.project_id, service_id=service_id, noun=noun)


def _shown(tx: Tx, part: Part, view: View, owner: Owner | None = None) -> Shown:
    body = view.encode(tx, replace(part, waits=waits_of(tx, part.rows)))
    tag = hashlib.blake2b(body, digest_size=12, salt=str(part.next or "").encode()[-16:]).hexdigest()
    return Shown(body=body, next=part.next, tag=tag, owner=owner)
