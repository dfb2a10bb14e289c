"""What every part tells of at an upgrade, and what the first start after it writes down."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from headway.core.access.machine_store import first_organization, is_marked, mark
from headway.core.access.survey import Line, Survey
from headway.core.access.upgrades import keys_survey
from headway.drivers.panel_machine import disk_holders
from headway.features.destinations import store
from headway.features.edge import certificates_store, domains_store
from headway.features.edge.module import edge_facts
from headway.features.projects import store as of_projects
from headway.features.schedules import powers
from headway.features.servers import store as servers_store
from headway.features.services.surveys import ADOPTING, memory_survey, service_surveys
from headway.features.webhooks import watch_paths
from headway.infra.db.transaction import Tx
from headway.infra.panel.data_dir import work_of
from headway.infra.panel.metrics_port import is_open
from headway.kernel.settings import Settings
from headway.kernel.vault import Vault

_ADOPTING: tuple[Callable[[Tx, Vault], None], ...] = (
    *ADOPTING,
    powers.adopt_all,
    store.adopt_all,
)
METRICS = Line(
    what="the metrics port (HEADWAY_METRICS_PORT)",
    setting="that no key is asked for there",
    why="stays so while the port is the same, and ends once it is another or HEADWAY_METRICS_KEY is set: set that, and "
    "give it to whoever reads the figures",
    refused=True,
)


def lines(tx: Tx, vault: Vault, settings: Settings) -> Iterator[Line]:
    """All that was left as it is although it would not be taken any more, by these settings."""
    yield from _of_services(tx, vault, settings)
    if is_open(settings.data_dir, settings.metrics_port, has_key=settings.metrics_key is not None):
        yield METRICS
    if (holders := disk_holders(settings, work_of(settings.data_dir))) is not None:
        yield Line(what="applications of processes", setting="what they fill of", why=holders, refused=False)


def _of_services(tx: Tx, vault: Vault, settings: Settings) -> Iterator[Line]:
    for survey in surveys(settings):
        yield from survey(tx, vault)


def surveys(settings: Settings) -> tuple[Survey, ...]:
    """Every part's, by these settings."""
    return (
        memory_survey(settings),
        of_projects.survey,
        *service_surveys(settings),
        powers.survey,
        store.survey,
        servers_store.survey,
        partial(domains_store.survey, facts=edge_facts(settings)),
        partial(certificates_store.survey, facts=edge_facts(settings)),
        partial(watch_paths.survey, most_depths=settings.watch_depths),
        keys_survey,
    )


def begin(tx: Tx, vault: Vault, settings: Settings) -> list[Line]:
    """The first start after an upgrade writes down whose the machine is, and that what is there was allowed; what is to
    be told of. Nothing at any other start.
    """
    tx.lock("access.machine")
    owner = first_organization(tx)
    if owner is None or is_marked(tx):
        return []
    found = list(_of_services(tx, vault, settings))
    for adopt in _ADOPTING:
        adopt(tx, vault)
    mark(tx, owner)
    return found
