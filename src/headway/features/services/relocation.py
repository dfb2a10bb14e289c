"""Puts services of any kind into other environments, with all that belongs to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from headway.core.access import allowances
from headway.core.access.model import Actor
from headway.core.access.policy import Noun, Permission, permit
from headway.core.deployments import store as deployments
from headway.core.deployments.model import SubjectType
from headway.features.projects.store import place_of
from headway.features.services import store
from headway.features.services.model import Service
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.events import Events, ServiceMoved


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRelocation:
    """Moves services. Each of ``carry_along`` takes what else belongs to one to its new project; ``events`` has who
    listens to one look whether they still may.
    """

    events: Events
    carry_along: Sequence[Callable[[Tx, str, str], None]]

    def put(self, tx: Tx, actor: Actor, permission: Permission, service: Service[Any], environment_id: str) -> None:
        """Puts one that the caller was let through to into this environment, of any project that the caller may change;
        what runs, its host name and its deployments stay as they are. The next deploy works with the variables of its
        new place. Whoever listens to it and may not see it there is sent away. Raises Missing, Forbidden.
        """
        place = place_of(tx, environment_id)
        permit(actor, permission, place.organization_id, place.project_id, noun=Noun.ENVIRONMENT)
        if service.environment_id == environment_id:
            return
        id_ = service.service_id
        allowances.carry(tx, actor, id_)
        previews = [(SubjectType.PREVIEW, each) for each in store.previews_of(tx, id_)]
        for subject_type, each in ((service.subject_type, id_), *previews):
            store.set_fields(tx, each, environment_id=environment_id, project_id=place.project_id)
            for type_ in (subject_type, SubjectType.RUN):
                deployments.give_to_project(tx, type_, each, place.project_id)
            moved = ServiceMoved(service_id=each, organization_id=place.organization_id, project_id=place.project_id)
            tx.after(partial(self.events.announce, moved))
        for carry in self.carry_along:
            carry(tx, id_, place.project_id)
