"""Makes an application's row: its host name, and the accounts that are its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from headway.core.access import accounts_store
from headway.core.deployments.hosts import LOCAL_HOST
from headway.core.deployments.model import SubjectType
from headway.features.projects.model import ServicePlace
from headway.features.services import hooks_store
from headway.features.services import store as services_store
from headway.features.services.application.model import Application, AppSettings
from headway.features.services.model import DesiredState, Service, ServiceStatus
from headway.infra.db.transaction import Tx
from headway.kernel.ids import new_id
from headway.kernel.service_names import app_name_for, free_name, host_name_for
from headway.kernel.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationCreation:
    """Adds applications. ``uid_base`` is where the accounts begin, None where there are none; ``name_is_free`` tells
    whether nothing else is reached where an application of that name would be.
    """

    vault: Vault
    uid_base: int | None
    name_is_free: Callable[[Tx, str], bool]

    def add(
        self,
        tx: Tx,
        place: ServicePlace,
        name: str,
        *,
        app_name: str | None = None,
        description: str | None = None,
        settings: AppSettings,
        env: str = "",
        host_id: str = LOCAL_HOST,
        build_host_id: str | None = None,
        database: str | None = None,
    ) -> Application:
        """A new application in this place, on that host, not deployed yet; ``database``: what is to run of one of that
        kind.
        """
        called = app_name_for(app_name or name, lambda candidate: services_store.app_name_is_taken(tx, candidate))
        application = Service(
            service_id=new_id(),
            kind=SubjectType.APPLICATION if database is None else SubjectType.DATABASE,
            organization_id=place.organization_id,
            project_id=place.project_id,
            environment_id=place.environment_id,
            host_id=host_id,
            build_host_id=build_host_id,
            name=name,
            app_name=called,
            host_name=called if database is not None else self._host_name(tx, app_name or name, called),
            description=description,
            status=ServiceStatus.IDLE,
            wanted=DesiredState.DOWN,
            serving_release_id=None,
            settings=settings,
            env=env,
            build_uid=self._new_uid(tx, "build"),
            run_uid=self._new_uid(tx, "run"),
            created_at=tx.now,
            database=database,
        )
        services_store.add(tx, application, self.vault)
        if database is None:
            hooks_store.add(tx, self.vault, SubjectType.APPLICATION, application.service_id)
        return application

    def add_preview(self, tx: Tx, parent: Application, preview_id: str, *, name: str, app_name: str) -> Application:
        """What is to run of a pull request of the ``parent``: with accounts of its own and no address for webhooks."""
        called = free_name(app_name, lambda candidate: self._is_free(tx, candidate))
        preview = replace(
            parent,
            service_id=preview_id,
            name=name,
            app_name=called,
            host_name=called,
            description=None,
            status=ServiceStatus.IDLE,
            wanted=DesiredState.DOWN,
            serving_release_id=None,
            env="",
            build_uid=self._new_uid(tx, "build"),
            run_uid=self._new_uid(tx, "run"),
            created_at=tx.now,
            preview_of=parent.service_id,
        )
        services_store.add(tx, preview, self.vault)
        return preview

    def _host_name(self, tx: Tx, name: str, app_name: str) -> str:
        return host_name_for(name, app_name, lambda candidate: self._is_free(tx, candidate))

    def _is_free(self, tx: Tx, name: str) -> bool:
        """Whether nobody is reached by this name, nor called so on a machine."""
        taken = services_store.named(tx, name) is not None or services_store.app_name_is_taken(tx, name)
        return self.name_is_free(tx, name) and not taken

    def _new_uid(self, tx: Tx, use: str) -> int | None:
        return None if self.uid_base is None else self.uid_base + accounts_store.new(tx, use)
