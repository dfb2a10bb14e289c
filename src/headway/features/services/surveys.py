"""What services of every kind tell of at an upgrade, and what the first start after it writes down of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import MappingProxyType

from headway.core.access.survey import Line, Survey
from headway.features.services.application import (
    custom_traefik,
    deploy,
    detection_rules,
    memory_share_store,
    rollback,
    runs,
)
from headway.features.services.application import engine_fetch as of_application_builds
from headway.features.services.application import powers as of_applications
from headway.features.services.application.module import share_of
from headway.features.services.compose import deploy as compose_deploy
from headway.features.services.compose import engine_fetch as of_compose_builds
from headway.features.services.compose import powers as of_composes
from headway.features.services.compose import rollback as compose_rollback
from headway.features.services.compose import survey
from headway.features.services.compose.memory_share_store import demand_of_composes
from headway.features.services.compose.plan import START
from headway.features.services.database import connection
from headway.infra.db.transaction import Tx
from headway.kernel.settings import Settings
from headway.kernel.vault import Vault

ADOPTING: tuple[Callable[[Tx, Vault], None], ...] = (of_applications.adopt_all, of_composes.adopt_all)
# Of each kind of deployment its version, and the step from which on it is not begun again.
KIND_VERSIONS: Mapping[str, tuple[int, str | None]] = MappingProxyType(
    {
        deploy.KIND: (deploy.VERSION, deploy.RELEASE_COMMAND),
        rollback.KIND: (rollback.VERSION, None),
        runs.KIND: (runs.VERSION, runs.COMMAND),
        compose_deploy.KIND: (compose_deploy.VERSION, START),
        compose_rollback.KIND: (compose_rollback.VERSION, START),
        connection.KIND: (connection.VERSION, None),
    }
)


def memory_survey(settings: Settings) -> Survey:
    """That of what an organisation's services take together, by these settings."""

    def of_memory(tx: Tx, vault: Vault) -> Iterator[Line]:
        of_composes = partial(demand_of_composes, vault=vault)
        return memory_share_store.survey(tx, vault, share=share_of(settings, of_composes))

    return of_memory


def service_surveys(settings: Settings) -> tuple[Survey, ...]:
    """Those of each service by itself, by these settings."""
    return (
        of_applications.survey,
        of_application_builds.survey,
        detection_rules.survey,
        custom_traefik.survey,
        of_composes.survey,
        of_compose_builds.survey,
        partial(survey.survey, most=survey.bounds_of(settings)),
    )
