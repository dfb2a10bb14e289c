"""Brings databases: how they are made, told new passwords and, where they run elsewhere, connected."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from headway.core.access.model import Actor
from headway.core.deployments.model import SubjectType
from headway.features.projects.model import ServicePlace
from headway.features.services.application.duplication import CopyOthers
from headway.features.services.application.module import Applications
from headway.features.services.compose.module import Composes
from headway.features.services.database.connection import ConnectKind
from headway.features.services.database.duplication import Copying
from headway.features.services.database.passwords import PasswordChange
from headway.features.services.database.service import DatabaseService
from headway.features.services.relocation import ServiceRelocation
from headway.features.services.subject import ServiceSubject
from headway.infra.db.transaction import Tx
from headway.module import Base, Module


@dataclass(frozen=True, slots=True, kw_only=True)
class Databases:
    """What callers may ask of them; ``copy`` makes those of an environment again, and its compose services."""

    service: DatabaseService
    copy: CopyOthers
    module: Module


def install_databases(
    base: Base, applications: Applications, composes: Composes, relocation: ServiceRelocation
) -> Databases:
    """Databases on all hosts: those that run here are as any application."""
    lifecycle, creation, contexts = applications.lifecycle, applications.creation, composes.lifecycle.contexts
    telling = PasswordChange(lifecycle=lifecycle, docker_at=lambda host_id: contexts.at(host_id).engine.docker.env)
    service = DatabaseService(
        db=base.db,
        vault=base.vault,
        ledger=base.ledger,
        stopping=base.engine.stopper,
        lifecycle=lifecycle,
        creation=creation,
        telling=telling,
        relocation=relocation,
    )
    module = Module(
        kinds=(ConnectKind(vault=base.vault, outward=base.data_dir.outward_gid),),
        subjects={SubjectType.DATABASE: ServiceSubject(noun="Database", kind=SubjectType.DATABASE)},
    )
    mine = Copying(creation=creation, vault=base.vault)
    return Databases(service=service, copy=_both(mine.copy, composes.creation.copy), module=module)


def _both(one: CopyOthers, other: CopyOthers) -> CopyOthers:
    def copy(
        tx: Tx, actor: Actor, environment_id: str, target: ServicePlace, only: Collection[str] | None
    ) -> Collection[str]:
        place = (environment_id, target, only)
        return {*one(tx, actor, *place), *other(tx, actor, *place)}

    return copy
