"""The releases of services of every kind in the database; each kind reads its own record out of their rows."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, delete, func, insert, select, update

from headway.features.edge import domain_snapshots
from headway.features.services import store
from headway.features.services.model import DesiredState, Kinds, Release, ReleaseState, read_health
from headway.infra.db.tables.services import ports, releases, services
from headway.infra.db.transaction import Tx

_r, _s = releases.c, services.c
_AS_THEY_ARE = (
    *("release_id", "seq", "service_id", "host_id", "deployment_id", "folder", "runtime", "port", "bytes"),
    *("commit_hash", "retire_at", "created_at", "origin", "image", "missing", "domains"),
)
# What a release was made of may be large, and only who is to open it reads it.
_WITHOUT_RECORD = select(*(each for each in releases.columns if each is not _r.record))


def find(tx: Tx, release_id: str) -> Row[Any] | None:
    """The row of the release with this id, None where there is none."""
    return tx.execute(select(releases).where(_r.release_id == release_id)).one_or_none()


def serving(tx: Tx, service_id: str) -> Row[Any] | None:
    """The row of the release that serves, or would if its service were wanted."""
    mine = (_r.service_id == service_id, _r.state == ReleaseState.SERVING)
    return tx.execute(select(releases).where(*mine)).one_or_none()


def serving_on(
    column: ColumnElement[Any], host_id: str, organization_id: str, kinds: Kinds, *, but: str = ""
) -> Select[Any]:
    """Asks for a column of an organisation's services of these kinds, ``but`` one, and of their releases that serve on
    a host and are to.
    """
    mine = (_s.organization_id == organization_id, _s.host_id == host_id, _s.kind.in_(kinds), _s.service_id != but)
    serve = (_r.service_id == _s.service_id, _r.state == ReleaseState.SERVING, _s.wanted != DesiredState.DOWN)
    return select(column).where(*mine, *serve)


def of_service(tx: Tx, service_id: str) -> list[Release]:
    """A service's releases, the newest first."""
    found = tx.execute(_WITHOUT_RECORD.where(_r.service_id == service_id).order_by(_r.seq.desc()))
    return [release_of(row) for row in found]


def release_of(row: Row[Any]) -> Release:
    """The release of a row."""
    return Release(**columns_of(row))


def columns_of(row: Row[Any]) -> dict[str, Any]:
    """The fields that a release has whatever it is one of."""
    return {
        **{name: getattr(row, name) for name in _AS_THEY_ARE},
        "state": ReleaseState(row.state),
        "more_ports": tuple(row.more_ports or ()),
        "health": read_health(row.health),
    }


def commits_of(tx: Tx, service_id: str) -> list[str | None]:
    """What the releases of a service were made of: commits, or the digests of archives."""
    return list(tx.execute(select(_r.commit_hash).where(_r.service_id == service_id)).scalars())


def next_number(tx: Tx, service_id: str) -> int:
    """The number of a service's next release."""
    last = tx.scalar(select(func.max(_r.seq)).where(_r.service_id == service_id))
    return (last or 0) + 1


def with_releases(tx: Tx, deployment_ids: Collection[str]) -> list[str]:
    """Those of these deployments whose release is still there."""
    return list(tx.execute(select(_r.deployment_id).where(_r.deployment_id.in_(deployment_ids))).scalars())


def add(tx: Tx, release_id: str, service_id: str, **more: Any) -> None:  # noqa: ANN401 - column values
    """Adds the next release of a service, with the columns that its kind has."""
    number = next_number(tx, service_id)
    values = {"release_id": release_id, "service_id": service_id, "seq": number, "created_at": tx.now}
    tx.execute(insert(releases).values(**values, **more))


def set_fields(tx: Tx, release_id: str, **fields: Any) -> bool:  # noqa: ANN401 - column values
    """Writes columns of one release; whether it is there."""
    return tx.execute(update(releases).where(_r.release_id == release_id).values(**fields)).rowcount == 1


def make_serving(
    tx: Tx,
    service_id: str,
    release_id: str,
    *,
    drain: timedelta | None = None,
    led: domain_snapshots.Domains | None = None,
) -> None:
    """The release serves from now on; the one before retires once its ``drain`` is over (None: it has retired), and the
    domains that ``led`` to it are kept with it: those of now, unless they are others already.
    """
    if led is None:
        led = domain_snapshots.wishes_of(tx, store.word_for(tx, service_id), service_id)
    retires: dict[str, Any] = {"state": ReleaseState.RETIRED}
    if drain is not None:
        retires = {"state": ReleaseState.RETIRING, "retire_at": tx.now + drain}
    before = (_r.service_id == service_id, _r.state == ReleaseState.SERVING, _r.release_id != release_id)
    tx.execute(update(releases).where(*before).values(**retires, domains=led))
    set_fields(tx, release_id, state=ReleaseState.SERVING, retire_at=None, serving_since=tx.now)
    store.set_fields(tx, service_id, serving_release_id=release_id, wanted=DesiredState.UP)


def rolled_back(tx: Tx, release_id: str, by: str) -> None:
    """A release has given way to an earlier one, by this deployment."""
    set_fields(tx, release_id, rolled_back_at=tx.now, rolled_back_by=by)


def seen(tx: Tx, release_id: str, missing: str | None) -> None:
    """What keeps anybody from going back to a release, as it was just looked at."""
    set_fields(tx, release_id, missing=missing)


def remove(tx: Tx, release_id: str) -> None:
    """Nothing is left of the release."""
    tx.execute(delete(ports).where(ports.c.release_id == release_id))
    tx.execute(delete(releases).where(_r.release_id == release_id))
