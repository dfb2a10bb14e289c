"""Brings what stands before services: domains, redirects and passwords, certificates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Protocol

from headway.core.deployments.hosts import LOCAL_HOST
from headway.core.deployments.model import SubjectType
from headway.core.engine.poller import Poller, daily
from headway.drivers.edge.edge import Edge
from headway.drivers.edge.issuance import Issuance, IssuanceFiles
from headway.drivers.panel_machine import https_of
from headway.features.edge.certificates import CertificateService
from headway.features.edge.domains import DomainService
from headway.features.edge.domains_model import EdgeFacts
from headway.features.edge.host_names import host_of
from headway.features.edge.issuance import IssuanceReader
from headway.features.edge.middlewares import MiddlewareService
from headway.features.edge.route_target import RouteTarget
from headway.kernel.artifacts import Redirect
from headway.kernel.dataclass import dataclass
from headway.kernel.settings import Settings
from headway.module import Base, Module

_EDGE_REST = 1.0
_ISSUANCE_REST = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeServices:
    """What stands before services."""

    domains: DomainService
    middlewares: MiddlewareService
    certificates: CertificateService
    issuance: IssuanceReader
    module: Module

    @property
    def hears_issued(self) -> Callable[[str, Issuance | None], None] | None:
        """What hears which certificates authorities have issued on a host; None where nobody asks any."""
        return self.issuance.note if self.issuance.is_asked else None


class Redirected(RouteTarget, Protocol):
    """Services that redirects may stand before."""

    async def try_redirect(self, redirect: Redirect) -> None:
        """Raises InvalidInput for one that the edge does not understand."""
        ...


def edge_facts(settings: Settings) -> EdgeFacts:
    """What the settings say of the edge, and of names that are not for services."""
    return EdgeFacts(
        base_domain=settings.base_domain,
        port=settings.edge_port,
        https=https_of(settings),
        panel_host=host_of(settings.public_url or ""),
    )


def install_edge(
    base: Base, facts: EdgeFacts, fronted: Mapping[SubjectType, RouteTarget], redirected: Redirected
) -> EdgeServices:
    """What stands before the services of each type; redirects and passwords do before ``redirected`` only."""
    edge = base.machine.edge
    certificates = CertificateService(base.db, base.vault, edge, facts, base.engine.troubles)
    issuance = IssuanceReader(db=base.db, facts=facts, now=base.clock.now)
    loops = [Poller("edge", partial(_ensured, edge)), daily("certificates", certificates.settle)]
    if issuance.is_asked:
        loops.append(Poller("issued certificates", partial(_looked, base.machine.issuance, issuance)))
    return EdgeServices(
        domains=DomainService(base.db, fronted, facts, certificates.settle_quietly, issuance),
        middlewares=MiddlewareService(base.db, base.vault, redirected, redirected.try_redirect),
        certificates=certificates,
        issuance=issuance,
        module=Module(loops=loops),
    )


async def _ensured(edge: Edge) -> float:
    """Sees to it that the edge is there and works by its routes, again and again. Seconds to rest."""
    await edge.ensure()
    await edge.look()
    return _EDGE_REST


async def _looked(files: IssuanceFiles, issuance: IssuanceReader) -> float:
    """Looks at what authorities have issued to it, again and again. Seconds to rest."""
    issuance.note(LOCAL_HOST, await files.read())
    return _ISSUANCE_REST
