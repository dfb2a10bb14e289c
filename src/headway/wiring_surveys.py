"""What every part tells of at an upgrade, and what the first start after it writes down."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from headway.core.access.machine_store import first_organization, is_marked, mark
from headway.core.access.survey import Line, Survey
from headway.core.access.upgrades import survey as of_keys
from headway.domains.applications import own_routing
from headway.domains.applications import powers as of_applications
from headway.domains.catalog import destinations_store
from headway.domains.composes import outlook
from headway.domains.composes import powers as of_composes
from headway.domains.schedules import powers as of_schedules
from headway.infra.db.transaction import Tx
from headway.kernel.vault import Vault

SURVEYS: tuple[Survey, ...] = (
    of_applications.survey,
    own_routing.survey,
    of_composes.survey,
    outlook.survey,
    of_schedules.survey,
    destinations_store.survey,
    of_keys,
)
_ADOPTING: tuple[Callable[[Tx, Vault], None], ...] = (
    of_applications.adopt_all,
    of_composes.adopt_all,
    of_schedules.adopt_all,
    destinations_store.adopt_all,
)


def lines(tx: Tx, vault: Vault) -> Iterator[Line]:
    """All that was left as it is although it would not be taken any more."""
    for survey in SURVEYS:
        yield from survey(tx, vault)


def begin(tx: Tx, vault: Vault) -> list[Line]:
    """The first start after an upgrade writes down whose the machine is, and that what is there was allowed; what is to
    be told of. Nothing at any other start.
    """
    tx.lock("access.machine")
    owner = first_organization(tx)
    if owner is None or is_marked(tx):
        return []
    found = list(lines(tx, vault))
    for adopt in _ADOPTING:
        adopt(tx, vault)
    mark(tx, owner)
    return found
