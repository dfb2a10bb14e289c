"""What the applications of one organisation may take together of the memory of the panel's machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlalchemy import select

from headway.core.access.machine_store import first_organization
from headway.core.access.survey import Line, has_machine
from headway.core.deployments.hosts import LOCAL_HOST
from headway.domains.applications import store
from headway.domains.applications.model import Application, AppSettings, ReleaseState, Wanted
from headway.infra.db.tables.access import organizations
from headway.infra.db.tables.applications import applications, releases
from headway.infra.db.transaction import Tx
from headway.kernel.errors import InvalidInput
from headway.kernel.vault import Vault

_LEAST_PARTS = 8
_LEAST_BYTES = 64 << 20
_a, _r = applications.c, releases.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one organisation may take of the machine's memory, in bytes; ``composes`` tells what its compose services
    may take there.
    """

    bytes: int
    composes: Callable[[Tx, str], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What the applications of an organisation have been told that they may take, and how many were told nothing."""

    said: int
    unsaid: int


def part_of(tx: Tx, application: Application, settings: AppSettings, share: Share, vault: Vault) -> int | None:
    """What an application may take for which nobody has said it: of what is left of its organisation's ``share`` an
    eighth, or less where there are more of its kind. None for the first organisation, whose the machine is, and on a
    server, which is its organisation's own. Raises InvalidInput where too little is left.
    """
    if application.host_id != LOCAL_HOST or application.organization_id == first_organization(tx):
        return None
    beside = taken(tx, application.organization_id, vault, but=application.application_id)
    asked = _said(settings)
    left = share.bytes - beside.said - share.composes(tx, application.organization_id)
    part = (left - asked) // max(_LEAST_PARTS, beside.unsaid + 1)
    if left < asked or (not asked and part < _LEAST_BYTES):
        wants = f"{asked >> 20} MiB of memory" if asked else f"at least {_LEAST_BYTES >> 20} MiB of memory"
        most = share.bytes >> 20
        raise InvalidInput(
            f"The application is to have {wants}, and of the {most} MiB that one organisation may have on the "
            f"machine (HEADWAY_ORGANIZATION_MEMORY) {max(0, left) >> 20} MiB are left: give it or other services less."
        )
    return part


def taken(tx: Tx, organization_id: str, vault: Vault, *, but: str = "") -> Taken:
    """What the organisation's applications on the panel's machine may take that serve, ``but`` one."""
    mine = (_a.organization_id == organization_id, _a.host_id == LOCAL_HOST, _a.application_id != but)
    serve = (_r.application_id == _a.application_id, _r.state == ReleaseState.SERVING, _a.wanted != Wanted.DOWN)
    found = tx.execute(select(_a.application_id).where(*mine, *serve)).scalars()
    settings = [each for one in found if (each := store.settings_of(tx, one, vault)) is not None]
    said = [_said(each) for each in settings]
    return Taken(said=sum(said), unsaid=said.count(0))


def demand_of_applications(tx: Tx, organization_id: str, *, vault: Vault) -> int:
    """What they were told that they may take."""
    return taken(tx, organization_id, vault).said


def survey(tx: Tx, vault: Vault, *, share: Share) -> Iterator[Line]:
    """See ``Survey``: the organisations whose services were told that they may take more than the share."""
    for row in tx.execute(select(organizations.c.organization_id, organizations.c.name)):
        if has_machine(tx, row.organization_id):
            continue
        said = taken(tx, row.organization_id, vault).said + share.composes(tx, row.organization_id)
        if said > share.bytes:
            why = (
                f"come to {said >> 20} MiB, and {share.bytes >> 20} are the most (HEADWAY_ORGANIZATION_MEMORY): what "
                "runs goes on, and is refused when it is deployed next"
            )
            yield Line(
                what=f"organization {row.name}", setting="the memory limits of its services", why=why, refused=True
            )


def _said(settings: AppSettings) -> int:
    return (settings.memory_bytes or 0) * max(1, settings.replicas)
