"""Brings what stands before services: domains, redirects and passwords, certificates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from headway.core.deployments.model import SubjectType
from headway.core.engine.poller import Poller, daily
from headway.drivers.edge.edge import Edge
from headway.drivers.panel_machine import https_of
from headway.features.edge.certificates import CertificateService
from headway.features.edge.domains import DomainService
from headway.features.edge.domains_model import EdgeFacts
from headway.features.edge.host_names import host_of
from headway.features.edge.middlewares import MiddlewareService
from headway.features.edge.route_target import RouteTarget
from headway.kernel.artifacts import Redirect
from headway.kernel.settings import Settings
from headway.module import Base, Module

_EDGE_REST = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeServices:
    """What stands before services."""

    domains: DomainService
    barriers: MiddlewareService
    certificates: CertificateService
    module: Module


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


def install_fronts(
    base: Base, facts: EdgeFacts, fronted: Mapping[SubjectType, RouteTarget], redirected: Redirected
) -> EdgeServices:
    """What stands before the services of each type; redirects and passwords do before ``redirected`` only."""
    edge = base.machine.edge
    certificates = CertificateService(base.db, base.vault, edge, facts, base.engine.troubles)
    return EdgeServices(
        domains=DomainService(base.db, fronted, facts, certificates.settle_quietly),
        barriers=MiddlewareService(base.db, base.vault, redirected, redirected.try_redirect),
        certificates=certificates,
        module=Module(loops=(Poller("edge", partial(_ensured, edge)), daily("certificates", certificates.settle))),
    )


async def _ensured(edge: Edge) -> float:
    """Sees to it that the edge is there, again and again. Seconds to rest."""
    await edge.ensure()
    return _EDGE_REST
