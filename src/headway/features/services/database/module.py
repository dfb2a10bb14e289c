"""Brings databases: how they are made, told new passwords and, where they run elsewhere, connected."""

from __future__ import annotations

from headway.core.deployments.model import SubjectType
from headway.features.services.application.module import Applications
from headway.features.services.compose.module import Composes
from headway.features.services.database.connection import ConnectKind
from headway.features.services.database.duplication import Copying
from headway.features.services.database.passwords import PasswordChange
from headway.features.services.database.service import DatabaseService
from headway.features.services.duplication import CopyServices
from headway.features.services.relocation import ServiceRelocation
from headway.features.services.subject import ServiceSubject
from headway.kernel.dataclass import dataclass
from headway.module import Base, Module


@dataclass(frozen=True, slots=True, kw_only=True)
class Databases:
    """What callers may ask of them; ``copy`` makes those of an environment again."""

    service: DatabaseService
    copy: CopyServices
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
    return Databases(service=service, copy=Copying(creation=creation, vault=base.vault).copy, module=module)
