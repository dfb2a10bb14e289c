"""What the applications of one organisation may take together of the memory of the panel's machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sqlalchemy import select

from headway.core.access import machine_store
from headway.core.access.survey import Line, has_machine
from headway.core.deployments.hosts import LOCAL_HOST
from headway.features.services import releases_store
from headway.features.services.application import store
from headway.features.services.application.model import Application, AppSettings
from headway.features.services.application.snapshot import open_snapshot
from headway.features.services.model import APPLICATIONS
from headway.infra.db.tables.access import organizations
from headway.infra.db.tables.services import services
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput
from headway.kernel.vault import Vault

_a = services.c


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryShare:
    """What one organisation may take of the machine's memory, in bytes; ``composes`` tells what its compose services
    may take there, and ``unsaid`` is what an application may that has no limit of its own (None: all).
    """

    bytes: int
    composes: Callable[[Tx, str], int]
    unsaid: int | None


def require_room(tx: Tx, application: Application, settings: AppSettings, share: MemoryShare, vault: Vault) -> None:
    """Returns where an application may be deployed with the limit that these settings say: within what is left of its
    organisation's ``share``, or no higher than that of the release that serves. Nothing is asked of one without a
    limit, of a preview, of who has the machine, and on a server, which is its organisation's own. Raises InvalidInput.
    """
    asked, whose = _said(settings), application.organization_id
    is_elsewhere = application.host_id != LOCAL_HOST or application.preview_of is not None
    if not asked or is_elsewhere or machine_store.has_machine(tx, whose):
        return
    left = share.bytes - said(tx, whose, vault, but=application.service_id) - share.composes(tx, whose)
    if asked <= left or _serves_with(tx, application, asked, share, vault):
        return
    raise InvalidInput(
        f"The application is to have {asked >> 20} MiB of memory, and of the {share.bytes >> 20} MiB that one "
        f"organisation may have on the machine (HEADWAY_ORGANIZATION_MEMORY) {max(0, left) >> 20} MiB are left: give "
        "it or other services less."
    )


def _serves_with(tx: Tx, application: Application, asked: int, share: MemoryShare, vault: Vault) -> bool:
    """Whether the release that serves there may take as much; of one that was made before that was written down it is
    taken to be so.
    """
    serving = store.serving(tx, application.service_id)
    if serving is None or serving.host_id != LOCAL_HOST:
        return False
    made_of = open_snapshot(store.spec_of(tx, serving.release_id), vault)
    if made_of is None:
        return True
    has = _said(made_of.settings) or (share.unsaid or asked) * max(1, made_of.settings.run.replicas)
    return asked <= has


def said(tx: Tx, organization_id: str, vault: Vault, *, but: str = "") -> int:
    """What the organisation's applications on the panel's machine that serve were told that they may take, ``but``
    one.
    """
    found = tx.execute(
        releases_store.serving_on(_a.service_id, LOCAL_HOST, organization_id, APPLICATIONS, but=but)
    ).scalars()
    settings = (store.settings_of(tx, one, vault) for one in found)
    return sum(_said(each) for each in settings if each is not None)


def demand_of_applications(tx: Tx, organization_id: str, *, vault: Vault) -> int:
    """What they were told that they may take."""
    return said(tx, organization_id, vault)


def survey(tx: Tx, vault: Vault, *, share: MemoryShare) -> Iterator[Line]:
    """See ``Survey``: the organisations whose services were told that they may take more than the share."""
    for row in tx.execute(select(organizations.c.organization_id, organizations.c.name)):
        if has_machine(tx, row.organization_id):
            continue
        composes = share.composes(tx, row.organization_id)
        together = said(tx, row.organization_id, vault) + composes
        if together > share.bytes:
            refused = composes > share.bytes
            next_ = "a compose file is refused when it is deployed next" if refused else "who asks for more is refused"
            yield Line(
                what=f"organization {row.name}",
                setting="the memory limits of its services",
                why=f"come to {together >> 20} MiB, and {share.bytes >> 20} are the most "
                f"(HEADWAY_ORGANIZATION_MEMORY): what runs goes on, and {next_}",
                refused=refused,
            )


def _said(settings: AppSettings) -> int:
    return (settings.limits.memory_bytes or 0) * max(1, settings.run.replicas)
