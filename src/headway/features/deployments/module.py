"""Brings what callers may ask of deployments, whatever they are of, and how long they are kept."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from headway.core.deployments import store
from headway.core.deployments.model import SubjectType
from headway.core.deployments.queries import DeploymentReader
from headway.core.deployments.registration import register
from headway.core.deployments.retention import Keep, Retention
from headway.core.deployments.rollback_targets import LeftBy
from headway.core.deployments.service import DeploymentService
from headway.core.deployments.waiters import Waiters
from headway.core.engine.poller import Poller
from headway.features.deployments.links import DeploymentLinks
from headway.features.projects.store import services_of_environment
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.forms import YesNo
from headway.module import Base, KeepsOf, Module


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployments:
    """What callers may ask of them."""

    service: DeploymentService
    reads: DeploymentReader
    awaiting: Waiters
    links: DeploymentLinks


def install_deployments(base: Base, *, left_by: LeftBy) -> Deployments:
    """Deployments of all features. ``left_by`` tells what deployments left that one can go back to."""
    reads = DeploymentReader(
        db=base.db,
        version=base.db.version,
        subjects=base.ledger.subjects,
        services_in=services_of_environment,
        left_by=left_by,
    )
    return Deployments(
        service=DeploymentService(db=base.db, ledger=base.ledger, stopping=base.engine.stopper, logs=base.logs),
        reads=reads,
        awaiting=Waiters(reads, base.events),
        links=DeploymentLinks(
            db=base.db,
            logs=base.logs,
            events=base.events,
            are_allowed=base.settings.deployment_links is YesNo.YES,
            absence=base.settings.oidc_absence,
        ),
    )


def install_retention(base: Base, of: Sequence[Module]) -> Module:
    """Removes deployments ``of`` these features that are kept no longer. Raises RegisteredTwice where two of them say
    how many of one type of subjects are.
    """
    own: dict[SubjectType, KeepsOf] = {}
    for each in of:
        register(own, each.keeps.items())
    needs = [need for each in of for need in each.needs]

    def needed(tx: Tx, deployment_ids: Collection[str]) -> list[str]:
        return [each for need in needs for each in need(tx, deployment_ids)]

    def removes(tx: Tx, deployment_ids: Sequence[str]) -> None:
        for each in store.some(tx, deployment_ids):
            base.ledger.lists_changed(tx, each)

    retention = Retention(
        db=base.db,
        logs=base.logs,
        default=Keep(number=base.settings.keep_deployments, age=base.settings.keep_deployments_for),
        own=own,
        needed=needed,
        troubles=base.engine.troubles,
        removes=removes,
    )
    return Module(loops=(Poller("retention", retention.keep_round),))
