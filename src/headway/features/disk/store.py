"""What the rows say of what lies on the disk: whose deployments the logs are of, and every service."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import func, select

from headway.core.deployments.model import SubjectType
from headway.core.deployments.subjects import SERVICES
from headway.features.disk.model import DiskServer, ServiceUsage
from headway.features.services.directory import READERS
from headway.features.services.model import type_of
from headway.infra.db.tables.deployments import RUNNING, deployments
from headway.infra.db.tables.servers import servers
from headway.infra.db.tables.services import releases
from headway.infra.db.tables.services import services as table
from headway.infra.db.transaction import Tx
from headway.kernel.vault import Vault

_s = table.c

_DEPLOYED = (*SERVICES, SubjectType.PREVIEW)
_BUILT = tuple(each for each in _DEPLOYED if each != SubjectType.RUN)


def services(tx: Tx) -> list[ServiceUsage]:
    """Every service of every organisation that is not being deleted, of which nothing is measured yet."""
    columns = (_s.service_id, _s.name, _s.app_name, _s.organization_id, _s.project_id, _s.host_id, _s.build_host_id)
    rows = [row._asdict() for row in tx.execute(select(*columns, _s.kind).where(_s.deleted_at.is_(None)))]
    found = [ServiceUsage(service_type=type_of(row.pop("kind")), **row) for row in rows]
    order = list(READERS)
    return sorted(found, key=lambda each: order.index(each.service_type))


def known_services(tx: Tx, service_ids: Collection[str]) -> set[str]:
    """Those of these services that there are, also while they are being deleted."""
    return {*tx.execute(select(_s.service_id).where(_s.service_id.in_(service_ids))).scalars()}


def last_built(tx: Tx, host_id: str, application_ids: Collection[str]) -> Mapping[str, datetime]:
    """When each of these applications was last being built on the host, of those that are known to have been."""
    mine = (deployments.c.subject_type.in_(_BUILT), deployments.c.subject_id.in_(application_ids))
    began = func.max(deployments.c.started_at)
    query = select(deployments.c.subject_id, began.label("began")).where(*mine, deployments.c.host_id == host_id)
    rows = tx.execute(query.group_by(deployments.c.subject_id).having(began.is_not(None)))
    return {row.subject_id: row.began for row in rows}


def under_way(tx: Tx) -> set[str]:
    """Everything to which something is being deployed now."""
    return {*tx.execute(select(deployments.c.subject_id).where(RUNNING)).scalars()}


def service_of_deployment(tx: Tx) -> Mapping[str, str]:
    """The service of every deployment that has one."""
    rows = tx.execute(
        select(deployments.c.deployment_id, deployments.c.subject_id).where(deployments.c.subject_type.in_(_DEPLOYED))
    )
    return {row.deployment_id: row.subject_id for row in rows}


def toolchains_on(tx: Tx, host_id: str, vault: Vault) -> set[str]:
    """What the releases on a host use, as ``node/22.1.0``."""
    found = select(releases.c.record).where(releases.c.host_id == host_id, releases.c.runtime == "native")
    specs = (vault.open(spec) for spec in tx.execute(found).scalars() if spec)
    return {name for spec in specs for name in spec["artifact"].get("bundle", {}).get("toolchains", ())}


def every_server(tx: Tx) -> list[DiskServer]:
    """All servers, by name."""
    rows = tx.execute(select(servers.c.server_id, servers.c.name, servers.c.organization_id).order_by(servers.c.name))
    return [DiskServer(**row._mapping) for row in rows]  # noqa: SLF001 - its public name
