"""What services are made with, their sources, images and the edge before them, and what tells which of them run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from headway.core.deployments.hosts import LOCAL_HOST
from headway.features.edge.domains_model import EdgeFacts
from headway.features.edge.module import edge_facts
from headway.features.git.module import Git
from headway.features.registries.service import RegistryService
from headway.features.servers.module import Servers
from headway.features.services.downtime import DowntimeReader
from headway.features.services.edges import ServiceEdges
from headway.features.services.kinds import ServiceKinds
from headway.features.services.reconciler import refusals
from headway.features.services.routing import new_turns
from headway.features.services.uploads import ArchiveFolders, ArchiveReaders, Archives
from headway.kernel.dataclass import dataclass
from headway.module import Base


@dataclass(frozen=True, slots=True, kw_only=True)
class Materials:
    """Each of them. ``archives`` are those in folders of services; of all of them few are read at a time. The routes of
    each service are written by whoever has its lock of ``route_turns``.
    """

    git: Git
    registries: RegistryService
    edges: ServiceEdges
    route_turns: dict[str, asyncio.Lock]
    facts: EdgeFacts
    archives: Callable[[ArchiveFolders], Archives]


def materials_of(base: Base, servers: Servers, git: Git, registries: RegistryService) -> Materials:
    """Those of a panel, whose services are on its own machine and on servers."""
    edges = ServiceEdges(db=base.db, here=base.machine.edge, here_id=LOCAL_HOST, there=servers.links.edge)
    return Materials(
        git=git,
        registries=registries,
        edges=edges,
        route_turns=new_turns(),
        facts=edge_facts(base.settings),
        archives=partial(_archives, base, ArchiveReaders()),
    )


def install_downtime(base: Base, kinds: ServiceKinds) -> DowntimeReader:
    """What of services of these kinds does not run, as callers may see it."""
    return DowntimeReader(
        db=base.db,
        clock=base.clock,
        of={name: each.downtime for name, each in kinds.by_type.items()},
        refusals=lambda: refusals(base.engine.troubles.all()),
    )


def _archives(base: Base, readers: ArchiveReaders, folders: ArchiveFolders) -> Archives:
    return Archives(
        folders=folders,
        most_bytes=base.settings.unpacked_limit_bytes,
        least_free_bytes=base.settings.least_free_bytes,
        readers=readers,
    )
