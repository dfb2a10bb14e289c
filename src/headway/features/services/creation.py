"""Makes the rows of services of every kind, with their accounts and the addresses of their webhooks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import Generic

from headway.core.access import accounts_store
from headway.core.deployments.hosts import LOCAL_HOST
from headway.core.deployments.model import SubjectType
from headway.features.projects.model import ServicePlace
from headway.features.services import hooks_store, store
from headway.features.services.model import DesiredState, S, Service, ServiceStatus
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.ids import new_id
from headway.kernel.service_names import app_name_for, free_name
from headway.kernel.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceCreation(ABC, Generic[S]):
    """Adds services of one kind. ``uid_base`` is where the accounts begin, None where there are none."""

    vault: Vault
    uid_base: int | None
    kind: SubjectType

    def add(
        self,
        tx: Tx,
        place: ServicePlace,
        name: str,
        *,
        app_name: str | None = None,
        description: str | None = None,
        settings: S,
        env: str = "",
        host_id: str = LOCAL_HOST,
        build_host_id: str | None = None,
        database: str | None = None,
    ) -> Service[S]:
        """A new service in this place, on that host, not deployed yet; ``database``: what is to run of one of that
        kind.
        """
        service = Service(
            service_id=new_id(),
            kind=self.kind if database is None else SubjectType.DATABASE,
            organization_id=place.organization_id,
            project_id=place.project_id,
            environment_id=place.environment_id,
            host_id=host_id,
            build_host_id=build_host_id,
            name=name,
            app_name=app_name_for(app_name or name, lambda candidate: store.app_name_is_taken(tx, candidate)),
            description=description,
            status=ServiceStatus.IDLE,
            wanted=DesiredState.DOWN,
            serving_release_id=None,
            settings=settings,
            env=env,
            build_uid=None,
            created_at=tx.now,
            database=database,
        )
        made = self._own(tx, service, app_name or name)
        store.add(tx, made, self.vault)
        if database is None:
            hooks_store.add(tx, self.vault, self.kind, made.service_id)
        return made

    def add_preview(self, tx: Tx, parent: Service[S], preview_id: str, *, name: str, app_name: str) -> Service[S]:
        """What is to run of a pull request of the ``parent``: with accounts of its own and no address for webhooks."""
        preview = replace(
            parent,
            service_id=preview_id,
            name=name,
            app_name=free_name(app_name, lambda candidate: self._is_free(tx, candidate)),
            description=None,
            status=ServiceStatus.IDLE,
            wanted=DesiredState.DOWN,
            serving_release_id=None,
            env="",
            created_at=tx.now,
            preview_of=parent.service_id,
        )
        made = self._own(tx, preview, name)
        store.add(tx, made, self.vault)
        return made

    @abstractmethod
    def _own(self, tx: Tx, service: Service[S], name: str) -> Service[S]:
        """The service of this name with what each of its kind has for itself: accounts, and where it is reached."""

    def _is_free(self, tx: Tx, app_name: str) -> bool:
        """Whether no other is called so."""
        return not store.app_name_is_taken(tx, app_name)

    def _new_uid(self, tx: Tx, use: str) -> int | None:
        return None if self.uid_base is None else self.uid_base + accounts_store.new(tx, use)
