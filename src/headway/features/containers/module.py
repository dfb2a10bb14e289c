"""Brings what callers may ask of containers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from headway.core.access.model import Actor
from headway.core.deployments.model import SubjectType
from headway.drivers.runtimes.compose.observation import Container
from headway.features.containers.service import ContainerService, MachineEngine, SecretsOf
from headway.infra.db.transaction import Tx
from headway.module import Base


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainersOf:
    """What the services of one type say of their containers: see ``ContainerService``."""

    subject_type: SubjectType
    secrets_of: SecretsOf
    were_asked_for: Callable[[Tx], bool]
    require_start: Callable[[Tx, str], None]


class MachineEngines(Protocol):
    """What leads to the engines of machines: see ``ContainerService``."""

    async def engine_at(self, actor: Actor, server_id: str | None, /) -> MachineEngine:
        """The engine of the panel's machine, or of a server that the caller sees. Raises Missing, HostUnreachable."""
        ...

    async def require_firm(self, container: Container, /) -> None:
        """Raises where others could have it mount anything."""
        ...


def install_containers(base: Base, engines: MachineEngines, of: Sequence[ContainersOf]) -> ContainerService:
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
