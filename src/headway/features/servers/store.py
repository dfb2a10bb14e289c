"""Reads and writes of servers, each with its row among the hosts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, bindparam, delete, func, insert, or_, select, update

from headway.core.access.policy import Missing, Noun
from headway.core.access.survey import Line, has_machine
from headway.core.deployments import pending_undos
from headway.core.deployments.model import SubjectType
from headway.core.deployments.run import Owner
from headway.core.deployments.store import touches
from headway.features.servers.model import ConnectionState, Server, ServerAccess, ServerFacts, ServerType
from headway.infra.db.tables.deployments import PENDING, RUNNING, deployments, hosts
from headway.infra.db.tables.servers import servers
from headway.infra.db.tables.services import services
from headway.infra.db.transaction import Tx
from headway.kernel.addresses import near_host
from headway.kernel.events import Whose
from headway.kernel.vault import Vault

_c = servers.c
_s = services.c
_ALL: Select[Any] = select(servers, hosts.c.concurrency, hosts.c.seen_at).join(hosts, hosts.c.host_id == _c.server_id)

_SET_SEEN = update(hosts).where(hosts.c.host_id == bindparam("id"))
_SET_AWAY = update(servers).where(_c.server_id == bindparam("id"))


def find(tx: Tx, server_id: str) -> Server:
    """The server with this id. Raises Missing."""
    row = tx.execute(_ALL.where(_c.server_id == server_id)).one_or_none()
    if row is None:
        raise Missing(Noun.SERVER)
    return _record(row)


def owner(tx: Tx, server_id: str) -> Owner | None:
    """Whose the server is, None when there is no such server."""
    organization_id = tx.scalar(select(_c.organization_id).where(_c.server_id == server_id))
    return Owner(organization_id=organization_id, project_id=None) if organization_id is not None else None


def of_organization(tx: Tx, organization_id: str) -> list[Server]:
    """An organisation's servers, newest first."""
    mine = _ALL.where(_c.organization_id == organization_id)
    return [_record(row) for row in tx.execute(mine.order_by(_c.created_at.desc(), _c.server_id))]


def everywhere(tx: Tx) -> list[Server]:
    """Every server of the panel."""
    return [_record(row) for row in tx.execute(_ALL.order_by(_c.server_id))]


def survey(tx: Tx, vault: Vault) -> Iterator[Line]:
    """See ``Survey``: the servers at addresses that their organisation was not given; by the names of their columns, so
    also in the schema of the version before.
    """
    del vault
    named = select(_c.server_id, _c.organization_id, _c.name, _c.address).where(_c.jump_server_id.is_(None))
    for row in tx.execute(named.order_by(_c.name, _c.server_id)):
        host = near_host(row.address)
        if host is not None and not has_machine(tx, row.organization_id):
            why = (
                f"leads to {host}, this machine or a private network, which this organisation was not given: it goes "
                "on as it is, and is refused when it is changed next"
            )
            yield Line(what=f"server {row.name} ({row.server_id})", setting="its address", why=why, refused=True)


def services_on(tx: Tx, server_id: str) -> list[tuple[str, str, str]]:
    """(organisation, project, service) of each that is on a server or is built there."""
    there = or_(_s.host_id == server_id, _s.build_host_id == server_id)
    return [tuple(row) for row in tx.execute(select(_s.organization_id, _s.project_id, _s.service_id).where(there))]


def add(tx: Tx, server: Server) -> None:
    """Writes a new server, and the host that it is."""
    tx.execute(
        insert(hosts).values(
            host_id=server.server_id,
            server_id=server.server_id,
            name=server.name[:255],
            concurrency=server.concurrency,
            created_at=server.created_at,
        )
    )
    tx.execute(
        insert(servers).values(
            server_id=server.server_id,
            organization_id=server.organization_id,
            name=server.name,
            description=server.description,
            app_name=server.app_name,
            type=server.type,
            **_columns(server.access),
            settings=dict(server.settings),
            created_at=server.created_at,
        )
    )


def set_fields(tx: Tx, server_id: str, **fields: Any) -> None:  # noqa: ANN401 - column values
    """Writes columns of one server."""
    if fields:
        tx.execute(update(servers).where(_c.server_id == server_id).values(**fields))


def set_host(tx: Tx, server_id: str, **fields: str | int) -> None:
    """Writes columns of its host: name, concurrency."""
    if fields:
        tx.execute(update(hosts).where(hosts.c.host_id == server_id).values(**fields))


def set_access(tx: Tx, server_id: str, access: ServerAccess) -> None:
    """Writes how it is entered."""
    set_fields(tx, server_id, **_columns(access))


def set_facts(tx: Tx, server_id: str, facts: ServerFacts) -> None:
    """Writes what was found on it."""
    set_fields(tx, server_id, facts=asdict(facts), looked_at=tx.now)


def set_seen(tx: Tx, standings: Mapping[str, ConnectionState]) -> None:
    """Writes when servers were last heard of, and since when and why they are not."""
    if standings:
        told = standings.items()
        tx.execute(_SET_SEEN, [{"id": server_id, "seen_at": each.seen_at} for server_id, each in told])
        away = ({"away_since": each.away_since, "away_why": each.away_why, "id": server_id} for server_id, each in told)
        tx.execute(_SET_AWAY, list(away))


def whose(tx: Tx, server_id: str) -> Whose | None:
    """Who may know of a server: its whole organisation. None where there is no such server."""
    organization_id = tx.scalar(select(_c.organization_id).where(_c.server_id == server_id))
    return None if organization_id is None else Whose(organization_id=organization_id, everyone=True)


def whose_services(tx: Tx, server_id: str) -> list[Whose]:
    """Who may know of each of the services on a server."""
    places = select(_s.organization_id, _s.project_id, _s.service_id).where(_s.host_id == server_id)
    return [Whose(**row._mapping) for row in tx.execute(places.where(_s.deleted_at.is_(None)))]  # noqa: SLF001 - its public name


def remove(tx: Tx, server_id: str) -> None:
    """Deletes a server. Its host stays while anything names it, and takes no more work. What is owed elsewhere by runs
    that were on it too is still taken back.
    """
    pending_undos.leave(tx, server_id)
    tx.execute(delete(servers).where(_c.server_id == server_id))
    tx.execute(update(hosts).where(hosts.c.host_id == server_id).values(concurrency=0))
    columns = (deployments.c.host_id, _s.host_id, _s.build_host_id)
    if not any(tx.execute(select(each).where(each == server_id).limit(1)).first() for each in columns):
        tx.execute(delete(hosts).where(hosts.c.host_id == server_id))


def unfinished(tx: Tx, server_id: str) -> int:
    """How many deployments wait or run there."""
    count = select(func.count()).select_from(deployments).where(touches(server_id))
    return sum(int(tx.scalar(count.where(state)) or 0) for state in (PENDING, RUNNING))


def inhabitants(tx: Tx, server_id: str) -> list[str]:
    """The names of the applications and compose services that are on the server."""
    return _named(tx, _s.host_id == server_id, _s.deleted_at.is_(None))


def forget_key(tx: Tx, ssh_key_id: str) -> None:
    """No server is entered with this key any more."""
    tx.execute(update(servers).where(_c.ssh_key_id == ssh_key_id).values(ssh_key_id=None))


def counted(tx: Tx, organization_id: str) -> dict[str, int]:
    """How many applications, databases and compose services are on each server, without previews."""
    mine = (_s.organization_id == organization_id, _s.deleted_at.is_(None), _s.preview_of.is_(None))
    rows = tx.execute(select(_s.host_id, func.count().label("number")).where(*mine).group_by(_s.host_id))
    return {row.host_id: row.number for row in rows}


def servers_in_use(tx: Tx) -> list[str]:
    """The servers that have an application or a compose service which was released there."""
    used = select(_s.host_id).where(_s.serving_release_id.is_not(None))
    return list(tx.execute(select(_c.server_id).where(_c.server_id.in_(used))).scalars())


def leaving(tx: Tx, server_id: str) -> list[str]:
    """The names of what was deleted of the server, and is not gone from it."""
    return _named(tx, _s.host_id == server_id, _s.deleted_at.is_not(None))


def built_there(tx: Tx, server_id: str) -> list[str]:
    """The names of the applications elsewhere that are built on the server. A preview is built from now on where its
    application is.
    """
    return _named(tx, _s.build_host_id == server_id, _s.deleted_at.is_(None), _s.preview_of.is_(None))


def out_of_reach(tx: Tx, server_id: str) -> list[str]:
    """The running deployments there that wait for the server to answer."""
    mine = (RUNNING, touches(server_id), deployments.c.out_of_reach_since.is_not(None))
    return list(tx.execute(select(deployments.c.deployment_id).where(*mine)).scalars())


def reached_through(tx: Tx, server_id: str) -> list[str]:
    """The names of the servers that are reached through this one."""
    return list(tx.execute(select(_c.name).where(_c.jump_server_id == server_id).order_by(_c.name)).scalars())


def _named(tx: Tx, *of: ColumnElement[bool]) -> list[str]:
    """The names of these services, compose services last."""
    return list(tx.execute(select(_s.name).where(*of).order_by(_s.kind == SubjectType.COMPOSE, _s.name)).scalars())


def _columns(access: ServerAccess) -> Mapping[str, Any]:
    return asdict(access)


def _record(row: Row[Any]) -> Server:
    seen_at: datetime | None = row.seen_at
    return Server(
        server_id=row.server_id,
        organization_id=row.organization_id,
        name=row.name,
        description=row.description,
        app_name=row.app_name,
        type=ServerType(row.type),
        access=ServerAccess(
            address=row.address,
            port=row.port,
            username=row.username,
            ssh_key_id=row.ssh_key_id,
            jump_server_id=row.jump_server_id,
            guarded=row.guarded,
        ),
        host_key=row.host_key,
        concurrency=row.concurrency,
        facts=ServerFacts(**row.facts) if row.facts is not None else None,
        looked_at=row.looked_at,
        standing=ConnectionState(seen_at=seen_at, away_since=row.away_since, away_why=row.away_why),
        settings=row.settings,
        created_at=row.created_at,
    )
