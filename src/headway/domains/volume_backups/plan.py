"""What a run of a volume backup works from, fixed when it is let in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from headway.core.deployments.model import Deployment
from headway.core.deployments.run import Frozen, RunFailed
from headway.core.deployments.status import Reason
from headway.domains.catalog.keeping import Keeping, Place
from headway.domains.catalog.kept_model import checked_path, checked_prefix, path_of
from headway.domains.volume_backups import store
from headway.domains.volume_backups.model import ServiceType, VolumeBackup
from headway.domains.volume_backups.services import Services
from headway.infra.db.transaction import Tx
from headway.kernel.errors import HeadwayError
from headway.kernel.secret import Secret

SUFFIX = "tar.zst"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The volume backup as it was when the run began. ``was_up`` is whether its service is to be started again;
    ``target`` is the new volume that a restore makes, empty for the same one.
    """

    volume_backup_id: str
    service_type: ServiceType
    service_id: str
    app_name: str
    volume: str
    turn_off: bool
    was_up: bool
    place: Place = field(repr=False)
    target: str = ""

    def dump(self) -> dict[str, Any]:
        """The JSON that ``load`` reads."""
        return {**asdict(self), "place": self.place.dump()}

    @staticmethod
    def load(values: Mapping[str, Any]) -> Plan:
        """The plan that ``dump`` wrote."""
        made = {"service_type": ServiceType(values["service_type"]), "place": Place.load(values["place"])}
        return Plan(**{**values, **made})

    @property
    def service(self) -> dict[str, str]:
        """Which service, for the undo that starts it again."""
        return {"service_type": self.service_type.value, "service_id": self.service_id}


@dataclass(frozen=True, slots=True, kw_only=True)
class Planning:
    """Makes the plans."""

    keeping: Keeping
    services: Services

    def backup(self, tx: Tx, deployment: Deployment) -> Frozen:
        """Of a run that makes a volume backup. Raises RunFailed (refused)."""
        try:
            found = store.find(tx, deployment.subject_id, self.keeping.vault)
            prefix = checked_prefix(found.settings.prefix)
            above = f"{found.app_name}/{found.settings.volume_name}"
            path = path_of(above, prefix, tx.now, deployment.deployment_id, SUFFIX)
            return self._frozen(tx, found, path)
        except HeadwayError as error:
            raise RunFailed(error.message, Reason.REFUSED) from error

    def restore(self, tx: Tx, deployment: Deployment) -> Frozen:
        """Of a run that restores a file. Raises RunFailed (refused)."""
        given = deployment.input
        try:
            found = store.find(tx, deployment.subject_id, self.keeping.vault)
            path = checked_path(given["file"])
            return self._frozen(tx, found, path, destination_id=given["destination_id"], target=given["target"])
        except HeadwayError as error:
            raise RunFailed(error.message, Reason.REFUSED) from error

    def _frozen(
        self, tx: Tx, found: VolumeBackup, path: str, *, destination_id: str | None = None, target: str = ""
    ) -> Frozen:
        settings = found.settings
        whose = self.services.whose(tx, found.service_type, found.service_id)
        if whose is None:
            raise RunFailed("The service whose volume this is was deleted.", Reason.REFUSED)
        password = None if settings.password is None else Secret(settings.password)
        where = destination_id or found.destination_id
        plan = Plan(
            volume_backup_id=found.volume_backup_id,
            service_type=found.service_type,
            service_id=found.service_id,
            app_name=whose.app_name,
            volume=settings.volume_name,
            turn_off=settings.turn_off,
            was_up=whose.is_up,
            place=self.keeping.place(tx, where, path, password),
            target=target,
        )
        known = (settings.password or "", *self.keeping.secrets(tx, where))
        return Frozen(plan=plan.dump(), mask=tuple(each for each in known if each))
