"""Makes the parts of a platform that are about databases, for ``wiring`` among the others."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from headway.core.access.model import Actor
from headway.core.deployments.model import SubjectType
from headway.core.deployments.run import Kind
from headway.core.deployments.service import Stopping
from headway.core.deployments.store import give_to_project
from headway.domains.applications.arranging import CopyOthers
from headway.domains.applications.making import Making
from headway.domains.applications.operate import Operating
from headway.domains.backups import store as backups
from headway.domains.databases.connecting import ConnectKind
from headway.domains.databases.copying import Copying
from headway.domains.databases.passwords import Telling
from headway.domains.databases.service import DatabaseService
from headway.domains.projects.model import Place
from headway.domains.volume_backups.subject import carry_along as carry_volume_backups
from headway.infra.db.transaction import Tx
from headway.wiring_composes import ComposeWiring


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseWiring:
    """What databases need of the others, and what they give to them."""

    composes: ComposeWiring
    making: Making

    def kind(self) -> Kind:
        """How those that run elsewhere are deployed; the others are as any application."""
        return ConnectKind(vault=self.making.vault, outward=self.composes.data_dir.outward_gid)

    def service(self, stopping: Stopping, operating: Operating) -> DatabaseService:
        """What callers may ask of them."""
        toolboxes = self.composes.operating.toolboxes
        telling = Telling(operating=operating, docker_at=lambda host_id: toolboxes.at(host_id).engine.docker.env)
        return DatabaseService(
            db=self.composes.db,
            vault=self.making.vault,
            ledger=self.composes.ledger,
            stopping=stopping,
            operating=operating,
            making=self.making,
            telling=telling,
            carry_along=_carry_along,
        )

    def copy_with(self, others: CopyOthers) -> CopyOthers:
        """Makes the databases of an environment again, and what ``others`` does."""
        mine = Copying(making=self.making, vault=self.making.vault)

        def copy(
            tx: Tx, actor: Actor, environment_id: str, target: Place, only: Collection[str] | None
        ) -> Collection[str]:
            place = (environment_id, target, only)
            return {*mine.copy(tx, actor, *place), *others(tx, actor, *place)}

        return copy


def _carry_along(tx: Tx, database_id: str, project_id: str) -> None:
    """The backups of a database and of its volumes, and their runs, go with it to another project."""
    carry_volume_backups(tx, database_id, project_id)
    for backup_id in backups.of_service(tx, database_id):
        backups.give_to_project(tx, backup_id, project_id)
        give_to_project(tx, SubjectType.BACKUP, backup_id, project_id)
