"""What applications keep, and databases, which are such: in volumes, and in folders of their own."""

from __future__ import annotations

from headway.core.deployments.model import SubjectType
from headway.drivers.runtimes.container.body import volume_name
from headway.features.services.application import store
from headway.features.services.application.driver import ApplicationLifecycle
from headway.features.services.application.model import Application
from headway.features.services.application.snapshot import open_snapshot
from headway.features.services.kinds import NoSuchVolume, OwnFolder
from headway.infra.db.transaction import Tx
from headway.infra.docker import labels
from headway.kernel.dataclass import dataclass

DATA = "data"  # what a database keeps, or an application's own folder where no mount is called so


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationVolumes:
    """Fits ``kinds.ServiceVolumes``."""

    lifecycle: ApplicationLifecycle
    label: str = labels.APPLICATION
    hint: str = f", or {DATA} for what it keeps itself"

    def names(self, app_name: str, volume: str) -> tuple[str, ...]:
        """See ``ServiceVolumes.names``: as its mounts do, or by its whole name."""
        return (volume_name(app_name, volume), volume)

    async def meant(self, application_id: str, volume: str) -> str:
        """See ``ServiceVolumes.meant``: of a database ``DATA`` is the volume that it keeps all in."""
        if volume != DATA:
            return volume
        return await self.lifecycle.db.read(lambda tx: self._data_of(tx, application_id))

    async def own_folder(self, host_id: str, application_id: str, volume: str) -> OwnFolder | None:
        """See ``ServiceVolumes.own_folder``: that of its data."""
        if volume != DATA:
            return None
        application = await self.lifecycle.db.read(lambda tx: self._with_folder(tx, application_id))
        if application is None:
            return None
        path = self.lifecycle.contexts.at(host_id).folders.data(application_id)
        return OwnFolder(path=path, uid=application.run_uid)

    def _data_of(self, tx: Tx, application_id: str) -> str:
        """The volume of the database that serves: another is set where a rebuild has failed, or was not deployed."""
        if store.find(tx, application_id, self.lifecycle.vault).kind is not SubjectType.DATABASE:
            return DATA
        release = store.serving(tx, application_id)
        sealed = "" if release is None else store.spec_of(tx, release.release_id)
        snapshot = open_snapshot(sealed, self.lifecycle.vault)
        if snapshot is None:
            raise NoSuchVolume("Nothing of this database has been deployed yet, so it keeps nothing: deploy it first.")
        return next(each.source for each in snapshot.settings.run.mounts if each.kind == "volume")

    def _with_folder(self, tx: Tx, application_id: str) -> Application | None:
        """The application, None where it is a database, has a mount called ``DATA``, or keeps its data as containers
        do: in a volume.
        """
        found = store.find(tx, application_id, self.lifecycle.vault)
        is_mounted = any(each.kind == "volume" and each.source == DATA for each in found.settings.run.mounts)
        if is_mounted or found.kind is SubjectType.DATABASE:
            return None
        release = store.serving(tx, application_id)
        return found if release is None or release.runtime == "native" else None
