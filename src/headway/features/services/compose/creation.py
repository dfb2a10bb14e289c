"""Makes compose services' rows: new ones, and the copies of an environment's."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from headway.core.access import accounts_store
from headway.core.access.model import Actor
from headway.core.deployments.hosts import LOCAL_HOST
from headway.core.deployments.model import SubjectType
from headway.features.git.providers import require_copyable
from headway.features.git.references import judged_copy
from headway.features.projects.model import ServicePlace
from headway.features.services import hooks_store
from headway.features.services import store as services_store
from headway.features.services.compose import powers, store
from headway.features.services.compose.model import Compose, ComposeSettings
from headway.features.services.model import DesiredState, Service, ServiceStatus
from headway.infra.db.transaction import Tx
from headway.kernel.ids import new_id
from headway.kernel.service_names import app_name_for, free_name
from headway.kernel.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposeCreation:
    """Adds compose services. ``uid_base`` is where the accounts begin, None where there are none."""

    vault: Vault
    uid_base: int | None

    def add(
        self,
        tx: Tx,
        place: ServicePlace,
        name: str,
        *,
        app_name: str | None = None,
        description: str | None = None,
        settings: ComposeSettings,
        env: str = "",
        host_id: str = LOCAL_HOST,
    ) -> Compose:
        """A new compose service in this place, on that host, not deployed yet."""
        compose = Service(
            service_id=new_id(),
            kind=SubjectType.COMPOSE,
            organization_id=place.organization_id,
            project_id=place.project_id,
            environment_id=place.environment_id,
            host_id=host_id,
            name=name,
            app_name=app_name_for(app_name or name, lambda candidate: services_store.app_name_is_taken(tx, candidate)),
            description=description,
            status=ServiceStatus.IDLE,
            wanted=DesiredState.DOWN,
            serving_release_id=None,
            settings=settings,
            env=env,
            build_uid=self._new_uid(tx),
            delete_volumes=False,
            created_at=tx.now,
        )
        services_store.add(tx, compose, self.vault)
        hooks_store.add(tx, self.vault, SubjectType.COMPOSE, compose.service_id)
        return compose

    def add_preview(self, tx: Tx, parent: Compose, preview_id: str, *, name: str, app_name: str) -> Compose:
        """What is to run of a pull request of the ``parent``: with an account and no webhook of its own."""
        preview = replace(
            parent,
            service_id=preview_id,
            name=name,
            app_name=free_name(app_name, lambda candidate: not services_store.app_name_is_taken(tx, candidate)),
            description=None,
            status=ServiceStatus.IDLE,
            wanted=DesiredState.DOWN,
            serving_release_id=None,
            env="",
            build_uid=self._new_uid(tx),
            delete_volumes=True,
            created_at=tx.now,
            preview_of=parent.service_id,
        )
        services_store.add(tx, preview, self.vault)
        return preview

    def copy(
        self, tx: Tx, actor: Actor, environment_id: str, target: ServicePlace, only: Collection[str] | None
    ) -> set[str]:
        """Makes the compose services of an environment again in ``target``, those of ``only`` where it is given, with
        their settings and variables and not deployed; the ids of what was copied. Raises CopyOfHidden, NearRefused.
        """
        models = [
            each
            for each in store.of_environment(tx, environment_id, self.vault)
            if only is None or each.service_id in only
        ]
        for model in models:
            require_copyable(tx, actor, model.name, model.settings)
            made = self.add(
                tx,
                target,
                f"{model.name} (copy)" if target.environment_id == environment_id else model.name,
                description=model.description,
                settings=_for_copy(model, actor),
                env=model.env,
                host_id=model.host_id,
            )
            powers.save(tx, actor, made)
        return {model.service_id for model in models}

    def _new_uid(self, tx: Tx) -> int | None:
        return None if self.uid_base is None else self.uid_base + accounts_store.new(tx, "compose")


def _for_copy(model: Compose, actor: Actor) -> ComposeSettings:
    """The one service was allowed to use the host, and its copies are where the caller may allow that; an upload stays
    with the one. Raises NearRefused.
    """
    may = powers.allower(actor, model.host_id) is not None
    host_access, engine_fetch = model.settings.host_access and may, bool(model.settings.engine_fetch) and may
    settings = replace(
        model.settings,
        host_access=host_access,
        engine_fetch=engine_fetch,
        drop=replace(model.settings.drop, archive=None),
    )
    return judged_copy(actor, settings)
