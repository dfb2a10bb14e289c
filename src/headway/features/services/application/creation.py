"""Makes an application's row: its host name, and the accounts that are its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from headway.core.deployments.model import SubjectType
from headway.features.services import store
from headway.features.services.application.model import Application, AppSettings
from headway.features.services.creation import ServiceCreation
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.service_names import host_name_for


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationCreation(ServiceCreation[AppSettings]):
    """Adds applications. ``name_is_free`` tells whether nothing else is reached where an application of that name would
    be.
    """

    kind: SubjectType = SubjectType.APPLICATION
    name_is_free: Callable[[Tx, str], bool]

    def _own(self, tx: Tx, service: Application, name: str) -> Application:
        host_name = service.app_name
        if service.database is None and service.preview_of is None:
            host_name = host_name_for(name, service.app_name, lambda candidate: self._is_free(tx, candidate))
        build_uid, run_uid = self._new_uid(tx, "build"), self._new_uid(tx, "run")
        return replace(service, host_name=host_name, build_uid=build_uid, run_uid=run_uid)

    def _is_free(self, tx: Tx, app_name: str) -> bool:
        """Whether nobody is reached by this name, nor called so on a machine."""
        taken = store.named(tx, app_name) is not None or store.app_name_is_taken(tx, app_name)
        return self.name_is_free(tx, app_name) and not taken
