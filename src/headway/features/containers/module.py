"""Brings what callers may ask of containers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from headway.core.access.model import Actor
from headway.core.deployments.model import SubjectType
from headway.features.containers.service import ContainerService, MachineEngine, RequireFirm, SecretsOf
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.module import Base


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainersOf:
    """What the services of one type say of their containers, which a ``label`` names: see ``ContainerService``."""

    subject_type: SubjectType
    label: str
    secrets_of: SecretsOf
    were_asked_for: Callable[[Tx], bool]
    require_start: Callable[[Tx, str], None]
    require_firm: RequireFirm | None = None


class MachineEngines(Protocol):
    """What leads to the engines of machines: see ``ContainerService``."""

    async def engine_at(self, actor: Actor, server_id: str | None, /) -> MachineEngine:
        """The engine of the panel's machine, or of a server that the caller sees. Raises Missing, HostUnreachable."""
        ...


def install_containers(base: Base, engines: MachineEngines, of: Sequence[ContainersOf]) -> ContainerService:
    """What callers may ask of the containers ``of`` all services."""
    return ContainerService(
        db=base.db,
        engine_at=engines.engine_at,
        subjects=base.ledger.subjects,
        types={each.label: each.subject_type for each in of},
        secrets_of={each.subject_type: each.secrets_of for each in of},
        was_asked_for=lambda tx: any(each.were_asked_for(tx) for each in of),
        require_start={each.subject_type: each.require_start for each in of},
        require_firm={each.label: each.require_firm for each in of if each.require_firm is not None},
    )
