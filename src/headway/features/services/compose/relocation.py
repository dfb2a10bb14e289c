"""Puts compose services into other environments, with all that belongs to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from headway.core.access import allowances
from headway.core.access.model import Actor
from headway.core.access.policy import Noun, Permission, permit
from headway.core.deployments import store as deployments
from headway.features.projects.store import place_of
from headway.features.services import store as services_store
from headway.features.services.compose import store
from headway.features.services.compose.model import Compose
from headway.infra.db.transaction import Tx
from headway.kernel.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposeRelocation:
    """Moves compose services. ``carry_along`` takes what else belongs to one to its new project."""

    vault: Vault
    carry_along: Callable[[Tx, str, str], None]

    def put(self, tx: Tx, actor: Actor, permission: Permission, compose: Compose, environment_id: str) -> None:
        """Puts one that the caller was let through to into this environment, of any project that the caller may change;
        what runs and its deployments stay as they are. Raises Missing, Forbidden.
        """
        place = place_of(tx, environment_id)
        permit(actor, permission, place.organization_id, place.project_id, noun=Noun.ENVIRONMENT)
        if compose.environment_id == environment_id:
            return
        allowances.carry(tx, actor, compose.service_id)
        for each in (compose, *store.previews_of(tx, compose.service_id, self.vault)):
            services_store.set_fields(tx, each.service_id, environment_id=environment_id, project_id=place.project_id)
            deployments.give_to_project(tx, each.subject_type, each.service_id, place.project_id)
        self.carry_along(tx, compose.service_id, place.project_id)
