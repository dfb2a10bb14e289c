"""Makes an application's row: its host name, and the accounts that are its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from headway.core.deployments.hosts import LOCAL_HOST
from headway.core.deployments.model import SubjectType
from headway.domains.applications import store
from headway.domains.applications.model import Application, AppSettings, AppStatus, Wanted
from headway.domains.catalog import accounts_store, hooks_store
from headway.domains.catalog.naming import app_name_for
from headway.domains.projects.model import Place
from headway.infra.db.transaction import Tx
from headway.kernel.ids import new_id
from headway.kernel.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """Adds applications. ``uid_base`` is where the accounts begin, None where there are none; ``name_is_free`` tells
    whether nothing else is reached where an application of that name would be.
    """

    vault: Vault
    uid_base: int | None
    name_is_free: Callable[[Tx, str], bool]

    def add(
        self,
        tx: Tx,
        place: Place,
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
        application = Application(
            application_id=new_id(),
            organization_id=place.organization_id,
            project_id=place.project_id,
            environment_id=place.environment_id,
            host_id=host_id,
            build_host_id=build_host_id,
            name=name,
            app_name=app_name_for(app_name or name, lambda candidate: not self._is_free(tx, candidate)),
            description=description,
            status=AppStatus.IDLE,
            wanted=Wanted.DOWN,
            serving_release_id=None,
            settings=settings,
            env=env,
            build_uid=self._new_uid(tx, "build"),
            run_uid=self._new_uid(tx, "run"),
            created_at=tx.now,
            database=database,
        )
        store.add(tx, application, self.vault)
        if database is None:
            hooks_store.add(tx, self.vault, SubjectType.APPLICATION, application.application_id)
        return application

    def add_preview(self, tx: Tx, parent: Application, preview_id: str, *, name: str, app_name: str) -> Application:
        """What is to run of a pull request of the ``parent``: with accounts of its own and no address for webhooks."""
        preview = replace(
            parent,
            application_id=preview_id,
            name=name,
            app_name=app_name_for(app_name, lambda candidate: not self._is_free(tx, candidate)),
            description=None,
            status=AppStatus.IDLE,
            wanted=Wanted.DOWN,
            serving_release_id=None,
            env="",
            build_uid=self._new_uid(tx, "build"),
            run_uid=self._new_uid(tx, "run"),
            created_at=tx.now,
            preview_of=parent.application_id,
        )
        store.add(tx, preview, self.vault)
        return preview

    def _is_free(self, tx: Tx, app_name: str) -> bool:
        return self.name_is_free(tx, app_name) and not store.app_name_is_taken(tx, app_name)

    def _new_uid(self, tx: Tx, use: str) -> int | None:
        return None if self.uid_base is None else self.uid_base + accounts_store.new(tx, use)
