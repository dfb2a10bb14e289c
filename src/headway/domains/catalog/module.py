"""Brings what services are made from and stand behind: keys, registries, git providers, domains, destinations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from headway.core.access.model import Actor
from headway.core.deployments.model import SubjectType
from headway.core.engine.poller import Poller, daily
from headway.domains.catalog.barriers import BarrierService
from headway.domains.catalog.certificates import CertificateService
from headway.domains.catalog.containers import ContainerService, EngineThere, SecretsOf
from headway.domains.catalog.destinations import DestinationService
from headway.domains.catalog.domains import DomainService
from headway.domains.catalog.domains_model import EdgeFacts
from headway.domains.catalog.fronted import Fronted
from headway.domains.catalog.git_providers import GitProviderService
from headway.domains.catalog.hosts import host_of
from headway.domains.catalog.keeping import Keeping
from headway.domains.catalog.kept_retention import KeptRetention, Wanted
from headway.domains.catalog.registries import RegistryService
from headway.domains.catalog.registries_model import Credentials
from headway.domains.catalog.ssh_keys import SshKeyService
from headway.infra.db.transaction import Tx
from headway.infra.docker.api import DockerApi
from headway.infra.docker.registries import log_in
from headway.infra.hosts.command import Account, Limits
from headway.kernel.artifacts import Redirect
from headway.kernel.settings import Settings
from headway.kernel.vault import Vault
from headway.module import Base, Module
from headway.seams.forges.registry import forges
from headway.seams.panel_machine import https_of
from headway.seams.runtimes.compose.observed import Container
from headway.seams.runtimes.edge import Edge
from headway.seams.storages.asking import Storages
from headway.seams.storages.rclone import Rclone

_EDGE_REST = 1.0
ForgetKey = Callable[[Tx, str, str, Vault], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """What services are made with."""

    facts: EdgeFacts
    ssh_keys: SshKeyService
    registries: RegistryService
    providers: GitProviderService


@dataclass(frozen=True, slots=True, kw_only=True)
class Fronts:
    """What stands before services."""

    domains: DomainService
    barriers: BarrierService
    certificates: CertificateService
    module: Module


@dataclass(frozen=True, slots=True, kw_only=True)
class Destinations:
    """Where backups are brought."""

    keeping: Keeping
    service: DestinationService


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainersOf:
    """What the services of one type say of their containers: see ``ContainerService``."""

    subject_type: SubjectType
    secrets_of: SecretsOf
    were_asked_for: Callable[[Tx], bool]
    require_start: Callable[[Tx, str], None]


class Redirected(Fronted, Protocol):
    """Services that redirects may stand before."""

    async def try_redirect(self, redirect: Redirect) -> None:
        """Raises InvalidInput for one that the edge does not understand."""
        ...


class Engines(Protocol):
    """What leads to the engines of machines: see ``ContainerService``."""

    async def engine_at(self, actor: Actor, server_id: str | None, /) -> EngineThere:
        """The engine of the panel's machine, or of a server that the caller sees. Raises Missing, HostUnreachable."""
        ...

    async def require_firm(self, container: Container, /) -> None:
        """Raises where others could have it mount anything."""
        ...


def edge_facts(settings: Settings) -> EdgeFacts:
    """What the settings say of the edge, and of names that are not for services."""
    return EdgeFacts(
        base_domain=settings.base_domain,
        port=settings.edge_port,
        https=https_of(settings),
        panel_host=host_of(settings.public_url or ""),
    )


def install_catalog(base: Base, of: Sequence[ForgetKey]) -> Catalog:
    """What needs no service. A key that is removed is taken out of whatever names it by each ``of`` these."""

    def forget(tx: Tx, organization_id: str, ssh_key_id: str) -> None:
        for each in of:
            each(tx, organization_id, ssh_key_id, base.vault)

    return Catalog(
        facts=edge_facts(base.settings),
        ssh_keys=SshKeyService(base.db, base.vault, forget),
        registries=RegistryService(db=base.db, vault=base.vault, trial=partial(_try_registry, base.machine.docker)),
        providers=GitProviderService(db=base.db, vault=base.vault, forges=forges()),
    )


def install_fronts(base: Base, catalog: Catalog, applications: Redirected, composes: Fronted) -> Fronts:
    """What stands before applications and compose services."""
    edge = base.machine.edge
    certificates = CertificateService(base.db, base.vault, edge, catalog.facts)
    fronted: Mapping[SubjectType, Fronted] = {SubjectType.APPLICATION: applications, SubjectType.COMPOSE: composes}
    return Fronts(
        domains=DomainService(base.db, fronted, catalog.facts, certificates.settle_quietly),
        barriers=BarrierService(base.db, base.vault, applications, applications.try_redirect),
        certificates=certificates,
        module=Module(loops=(Poller("edge", partial(_ensured, edge)), daily("certificates", certificates.settle))),
    )


def install_destinations(base: Base) -> Destinations:
    """Where backups are brought, by what they are brought there with."""
    data_dir, trial = base.data_dir, base.data_dir.trial_uid
    keeping = _keeping(base)
    return Destinations(
        keeping=keeping,
        service=DestinationService(
            db=base.db,
            vault=base.vault,
            storages=keeping.storages,
            folder=keeping.folder,
            uid_base=data_dir.uid_base,
            trials=None if trial is None else Account(uid=trial, gid=trial),
            outward=data_dir.outward_gid,
        ),
    )


def install_kept(base: Base, keeping: Keeping, of: Sequence[Callable[[Tx], Sequence[Wanted]]]) -> Module:
    """Removes what is kept too long of the backups ``of`` all types."""

    def wanted(tx: Tx) -> list[Wanted]:
        return [each for every in of for each in every(tx)]

    retention = KeptRetention(db=base.db, keeping=keeping, every=wanted, troubles=base.engine.troubles)
    return Module(loops=(Poller("kept files", retention.keep_round),))


def install_containers(base: Base, engines: Engines, of: Sequence[ContainersOf]) -> ContainerService:
    """What callers may ask of the containers ``of`` all services."""
    return ContainerService(
        db=base.db,
        engine_at=engines.engine_at,
        subjects=base.ledger.subjects,
        secrets_of={each.subject_type: each.secrets_of for each in of},
        was_asked_for=lambda tx: any(each.were_asked_for(tx) for each in of),
        require_start={each.subject_type: each.require_start for each in of},
        require_firm=engines.require_firm,
    )


def _keeping(base: Base) -> Keeping:
    data_dir, memory = base.data_dir, base.settings.storage_memory_bytes
    return Keeping(
        vault=base.vault,
        storages=Storages(
            rclone=Rclone.installed(), home=data_dir.home, memory_bytes=memory, gated=partial(_gated, base)
        ),
        folder=base.settings.backup_dir or data_dir.path / "backups",
        passing=data_dir.path / "passing",
        uid_base=data_dir.uid_base,
        outward=data_dir.outward_gid,
        home=data_dir.home,
        limits=Limits(memory_bytes=memory, oom_score_adj=500),
    )


def _gated(base: Base) -> Path | None:
    border = base.machine.border
    return None if border is None else border.stand()


async def _ensured(edge: Edge) -> float:
    """Sees to it that the edge is there, again and again. Seconds to rest."""
    await edge.ensure()
    return _EDGE_REST


async def _try_registry(api: DockerApi, credentials: Credentials) -> None:
    """Returns when a registry knows the credentials."""
    if credentials.guarded:
        from headway.infra.docker.registries_outward import log_in_outward  # noqa: PLC0415 - a start does without it

        await log_in_outward(credentials.url, credentials.username, credentials.password)
        return
    await log_in(api, credentials.url, credentials.username, credentials.password)
