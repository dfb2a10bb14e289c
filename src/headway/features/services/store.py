"""Services of every kind in the database; each kind reads its own settings out of their rows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Generic

from sqlalchemy import (
    ColumnElement,
    Row,
    and_,
    bindparam,
    column,
    delete,
    insert,
    inspect,
    not_,
    or_,
    select,
    table,
    update,
)

from headway.core.access import accounts_store, allowances
from headway.core.deployments.model import SubjectType
from headway.core.deployments.run import Owner
from headway.core.deployments.subjects import SERVICES
from headway.features.edge import domains_store, middlewares_store
from headway.features.edge.route_target import RouteTargetFacts
from headway.features.services import hooks_store
from headway.features.services.model import (
    AtRest,
    DesiredState,
    Kinds,
    S,
    Service,
    ServiceStatus,
    type_of,
)
from headway.features.services.settings import ServiceSettings
from headway.infra.db.migrations import before_services
from headway.infra.db.tables.deployments import PENDING, RUNNING, deployments
from headway.infra.db.tables.services import ports, releases, services
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import NotFound
from headway.kernel.vault import Vault

_s, _r, _d = services.c, releases.c, deployments.c
_OF_SERVICES = _d.subject_type.in_((*(each for each in SERVICES if each != SubjectType.RUN), SubjectType.PREVIEW))
_LIVE = _s.deleted_at.is_(None)
_OWN = and_(_LIVE, _s.preview_of.is_(None))
_BY_ID = select(services).where(_s.service_id == bindparam("service_id"), _LIVE)
_SETTINGS = select(_s.settings).where(_s.service_id == bindparam("service_id"), _LIVE)
_OLDEST_FIRST = (_s.created_at, _s.service_id)


_AS_THEY_ARE = (
    *("service_id", "organization_id", "project_id", "environment_id", "host_id", "name", "app_name", "description"),
    *("serving_release_id", "build_uid", "run_uid", "created_at", "preview_of", "build_host_id", "database"),
    "delete_volumes",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceReader(Generic[S]):
    """Reads services whose settings are alike. Lists are of one ``kind``, single services of all ``kinds``; ``load``
    reads their settings, ``missing`` is what is raised where there is none.
    """

    kind: SubjectType
    kinds: Kinds
    load: Callable[[Mapping[str, Any]], S]
    missing: type[NotFound]

    def find(self, tx: Tx, service_id: str, vault: Vault) -> Service[S]:
        """The service with this id. Raises ``missing``."""
        row = find(tx, service_id, self.kinds)
        if row is None:
            raise self.missing
        return self._service(row, vault)

    def of_environment(self, tx: Tx, environment_id: str, vault: Vault) -> list[Service[S]]:
        """An environment's services without previews, the oldest first."""
        return self._services(_rows(tx, _OWN, _s.kind == self.kind, _s.environment_id == environment_id), vault)

    def of_organization(self, tx: Tx, organization_id: str, vault: Vault) -> list[Service[S]]:
        """An organisation's services without previews, the oldest first."""
        return self._services(_rows(tx, _OWN, _s.kind == self.kind, _s.organization_id == organization_id), vault)

    def every(self, tx: Tx, vault: Vault) -> list[Service[S]]:
        """All services of all organisations, of all kinds and without previews, by name."""
        found = tx.execute(select(services).where(_OWN, _s.kind.in_(self.kinds)).order_by(_s.name))
        return self._services(found, vault)

    def being_deleted(
        self, tx: Tx, vault: Vault, *, at_rest_on: str | None = None, service_id: str | None = None
    ) -> list[Service[S]]:
        """Those whose deletion has begun and not ended; ``at_rest_on``: those on this host for which nothing waits or
        runs any more; ``service_id``: none but this one.
        """
        only = [] if service_id is None else [_s.service_id == service_id]
        return self._services(_rows(tx, *self._deleted(at_rest_on), *only), vault)

    def ids_being_deleted(self, tx: Tx, *, at_rest_on: str) -> list[str]:
        """The ids of the same, whatever can be read of them."""
        return [row.service_id for row in _rows(tx, *self._deleted(at_rest_on))]

    def _deleted(self, at_rest_on: str | None) -> list[ColumnElement[bool]]:
        mine: list[ColumnElement[bool]] = [_s.kind.in_(self.kinds), _s.deleted_at.is_not(None)]
        if at_rest_on is not None:
            of_them = or_(_OF_SERVICES, _d.subject_type == SubjectType.RUN)
            unfinished = [select(_d.subject_id).where(state, of_them) for state in (PENDING, RUNNING)]
            mine += [_s.host_id == at_rest_on, *(_s.service_id.not_in(each) for each in unfinished)]
        return mine

    def previews_of(self, tx: Tx, service_id: str, vault: Vault) -> list[Service[S]]:
        """What there is of a service's pull requests, those too whose deletion has begun."""
        return self._services(_rows(tx, _s.preview_of == service_id), vault)

    def settings_of(self, tx: Tx, service_id: str, vault: Vault) -> S | None:
        """The settings of a service, None where it is gone."""
        found = tx.scalar(_SETTINGS, {"service_id": service_id})
        return None if found is None else self.load(vault.open(found["sealed"]))

    def _services(self, rows: Iterable[Row[Any]], vault: Vault) -> list[Service[S]]:
        return [self._service(row, vault) for row in rows]

    def _service(self, row: Row[Any], vault: Vault) -> Service[S]:
        kind = SubjectType(row.kind)
        return Service(
            **{name: getattr(row, name) for name in _AS_THEY_ARE},
            kind=kind,
            host_name="" if kind is SubjectType.COMPOSE else row.host_name or row.app_name,
            status=ServiceStatus(row.status),
            wanted=DesiredState(row.wanted),
            settings=self.load(vault.open(row.settings["sealed"])),
            env=vault.open(row.env),
        )


def find(tx: Tx, service_id: str, kinds: Kinds) -> Row[Any] | None:
    """The service with this id, None where there is none of these kinds, or its deletion has begun."""
    row = tx.execute(_BY_ID, {"service_id": service_id}).one_or_none()
    return None if row is None or row.kind not in kinds else row


# Single facts.


def host_of(tx: Tx, service_id: str) -> str | None:
    """The host that a service is on, also while it is being deleted; None where there is none."""
    found: str | None = tx.scalar(select(_s.host_id).where(_s.service_id == service_id))
    return found


def hosts_of(tx: Tx, service_ids: Collection[str]) -> dict[str, str]:
    """The hosts that services are on, also while they are being deleted, of those that there are."""
    rows = tx.execute(select(_s.service_id, _s.host_id).where(_s.service_id.in_(service_ids)))
    return {row.service_id: row.host_id for row in rows}


def hosts_in_use(tx: Tx, kinds: Kinds) -> list[str]:
    """The hosts that have services of these kinds, those among them that are being deleted."""
    return list(tx.execute(select(_s.host_id).where(_s.kind.in_(kinds)).distinct()).scalars())


def live(tx: Tx, host_id: str, kinds: Kinds) -> set[str]:
    """Every service of a host that is not being deleted."""
    return set(tx.execute(select(_s.service_id).where(_LIVE, _s.kind.in_(kinds), _s.host_id == host_id)).scalars())


def ending(tx: Tx) -> list[str]:
    """The previews whose deletion has begun, of which something waits or runs still."""
    busy = select(_d.subject_id).where(or_(PENDING, RUNNING), _d.subject_type == SubjectType.PREVIEW)
    mine = (_s.preview_of.is_not(None), _s.deleted_at.is_not(None), _s.service_id.in_(busy))
    return list(tx.execute(select(_s.service_id).where(*mine)).scalars())


def at_rest(tx: Tx, host_id: str, kinds: Kinds) -> list[AtRest]:
    """The services of a host that nothing is being deployed to."""
    busy = select(_d.subject_id).where(RUNNING, _OF_SERVICES)
    columns = (_s.service_id, _s.wanted, _s.serving_release_id, _r.runtime)
    joined = select(*columns).outerjoin(releases, _r.release_id == _s.serving_release_id)
    rows = tx.execute(joined.where(_LIVE, _s.kind.in_(kinds), _s.host_id == host_id, _s.service_id.not_in(busy)))
    return [
        AtRest(
            service_id=row.service_id,
            wanted=DesiredState(row.wanted),
            release_id=row.serving_release_id,
            runtime=row.runtime or "",
        )
        for row in rows
    ]


def is_at_rest(tx: Tx, service_id: str) -> bool:
    """Whether nothing is being deployed to the service now."""
    mine = (RUNNING, _OF_SERVICES, _d.subject_id == service_id)
    return tx.execute(select(_d.seq).where(*mine).limit(1)).first() is None


def is_used_by_another(tx: Tx, service_id: str, exclusive_key: str) -> bool:
    """Whether what runs now and holds the service's key is not its own, but works on its files."""
    own = and_(_OF_SERVICES, _d.subject_id == service_id)
    mine = (RUNNING, _d.exclusive_key == exclusive_key, not_(own))
    return tx.execute(select(_d.seq).where(*mine).limit(1)).first() is not None


def is_being_deleted(tx: Tx, service_id: str) -> bool:
    """Whether the deletion of the service has begun and not ended."""
    return bool(tx.scalar(select(_s.deleted_at.is_not(None)).where(_s.service_id == service_id)))


def is_preview(tx: Tx, service_id: str) -> bool:
    """Whether it is what runs of a pull request."""
    return bool(tx.scalar(select(_s.preview_of.is_not(None)).where(_s.service_id == service_id)))


def is_wanted(tx: Tx, service_id: str) -> bool:
    """Whether the service is wanted up."""
    return bool(tx.scalar(select(_s.wanted).where(_s.service_id == service_id)) == DesiredState.UP)


def owner(tx: Tx, service_id: str, kind: SubjectType) -> Owner | None:
    """Whose a service of a kind is, None when there is none; a preview is none."""
    mine = (_OWN, _s.kind == kind, _s.service_id == service_id)
    row = tx.execute(select(_s.organization_id, _s.project_id).where(*mine)).one_or_none()
    return None if row is None else Owner(organization_id=row.organization_id, project_id=row.project_id)


def previews_of(tx: Tx, service_id: str) -> list[str]:
    """What there is of a service's pull requests, those too whose deletion has begun."""
    return list(tx.execute(select(_s.service_id).where(_s.preview_of == service_id)).scalars())


def names_of(tx: Tx, organization_id: str) -> list[tuple[str, SubjectType, str]]:
    """An organisation's services without previews: the id, the kind and the name of each."""
    rows = tx.execute(select(_s.service_id, _s.kind, _s.name).where(_OWN, _s.organization_id == organization_id))
    return [(row.service_id, SubjectType(row.kind), row.name) for row in rows]


def front(tx: Tx, service_id: str, kinds: Kinds) -> RouteTargetFacts | None:
    """What a service is to those who come, None when there is none of these kinds."""
    row = find(tx, service_id, kinds)
    if row is None:
        return None
    whose = Owner(organization_id=row.organization_id, project_id=row.project_id)
    host_name = row.host_name or row.app_name
    return RouteTargetFacts(owner=whose, app_name=row.app_name, host_name=host_name, created_at=row.created_at)


def named(tx: Tx, host_name: str) -> str | None:
    """The application that is reached by this name below the base domain, of whomever."""
    by_its_own = and_(_s.host_name.is_(None), _s.app_name == host_name)
    mine = (_s.kind != SubjectType.COMPOSE, or_(_s.host_name == host_name, by_its_own))
    found: str | None = tx.scalar(select(_s.service_id).where(*mine))
    return found


def app_name_is_taken(tx: Tx, app_name: str) -> bool:
    """Whether a service, of whomever, is called so on its machine."""
    return tx.execute(select(_s.name).where(_s.app_name == app_name)).first() is not None


# Changes.


def add(tx: Tx, service: Service[Any], vault: Vault) -> None:
    """Adds a service, and an account for its git."""
    accounts_store.new_of_git(tx, service.service_id)
    tx.execute(
        insert(services).values(
            **{name: getattr(service, name) for name in _AS_THEY_ARE},
            kind=service.kind,
            host_name=service.host_name or None,
            status=service.status,
            wanted=service.wanted,
            settings=kept(service.settings, vault),
            env=vault.seal(service.env),
        )
    )


def kept(settings: ServiceSettings, vault: Vault) -> dict[str, str]:
    """Settings as the database holds them: sealed, for addresses of repositories, files and the fields that are only
    given back (build secrets, a registry's password) may hold what nobody is to read.
    """
    return {"sealed": vault.seal(settings.dump())}


def lock_settings(tx: Tx, service_id: str) -> None:
    """Keeps whoever else changes the settings of a service waiting until this transaction ends. They are written whole:
    what is read of them behind this is what may be written over.
    """
    tx.lock(f"settings.{service_id}")


def set_fields(tx: Tx, service_id: str, **fields: Any) -> None:  # noqa: ANN401 - column values
    """Writes columns of one service."""
    tx.execute(update(services).where(_s.service_id == service_id).values(**fields))


def begin_deletion(tx: Tx, service_id: str, *, delete_volumes: bool | None = None) -> None:
    """From here on the service is gone for everybody, with its previews; what it holds is cleared after the commit, or
    by the next start of the panel. ``delete_volumes`` (None: as its settings say) is about its own.
    """
    all_of_it = or_(_s.service_id == service_id, _s.preview_of == service_id)
    tx.execute(update(services).where(all_of_it).values(wanted=DesiredState.DOWN, deleted_at=tx.now))
    if delete_volumes is not None:
        set_fields(tx, service_id, delete_volumes=delete_volumes)


def remove(tx: Tx, service_id: str) -> None:
    """Deletes a service and what is recorded of its releases."""
    word = word_for(tx, service_id)
    allowances.forget(tx, service_id)
    middlewares_store.forget(tx, service_id)
    domains_store.forget(tx, word, service_id)
    hooks_store.forget(tx, word, service_id)
    tx.execute(delete(ports).where(ports.c.service_id == service_id))
    tx.execute(delete(releases).where(_r.service_id == service_id))
    tx.execute(delete(services).where(_s.service_id == service_id))


def word_for(tx: Tx, service_id: str) -> SubjectType:
    """What domains and addresses of webhooks call a service: a compose service, or an application."""
    return type_of(tx.scalar(select(_s.kind).where(_s.service_id == service_id)) or "")


def let_all_go(tx: Tx) -> None:
    """No deployment runs and no run holds a service down any more, in a database that was put back from a copy. The
    schema may be one of before there was a table of services.
    """
    known = set(inspect(tx.connection).get_table_names())
    for name in {services.name, *before_services.SERVED} & known:
        of_kind = table(name, column("status"), column("wanted"))
        is_deployed, is_held = of_kind.c.status == ServiceStatus.RUNNING, of_kind.c.wanted == DesiredState.HELD
        tx.execute(update(of_kind).where(is_deployed).values(status=ServiceStatus.ERROR))
        tx.execute(update(of_kind).where(is_held).values(wanted=DesiredState.UP))


def _rows(tx: Tx, *mine: ColumnElement[bool]) -> list[Row[Any]]:
    return list(tx.execute(select(services).where(*mine).order_by(*_OLDEST_FIRST)))
