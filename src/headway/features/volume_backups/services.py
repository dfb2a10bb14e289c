"""The services whose volumes are backed up: where a volume lies, and how its service is stopped and started again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from headway.core.deployments.hosts import LOCAL_HOST
from headway.core.deployments.model import SubjectType
from headway.core.deployments.run import Owner
from headway.drivers.runtimes.compose.engine import Engine
from headway.drivers.runtimes.container_body import volume_name
from headway.features.services import store as services_store
from headway.features.services.application import model as application_model
from headway.features.services.application import store as applications
from headway.features.services.application.lifecycle import ApplicationLifecycle
from headway.features.services.application.snapshot import open_snapshot
from headway.features.services.compose import model as compose_model
from headway.features.services.compose import store as composes
from headway.features.services.compose.lifecycle import ComposeLifecycle
from headway.features.services.database import store as databases
from headway.features.services.model import DesiredState
from headway.features.volume_backups.model import DATA, ServiceType
from headway.infra.db.transaction import Tx
from headway.infra.docker import labels
from headway.infra.hosts.base import Host
from headway.kernel.errors import Conflict, InvalidInput
from headway.kernel.vault import Vault

_ELSEWHERE = "This database runs elsewhere: Headway backs up volumes of what it runs itself."


class NoSuchVolume(InvalidInput):
    """A service has no such volume."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Whose:
    """A service as a volume backup needs it: whose it is, what it is called, where it is, what one run at a time holds,
    whether it is to be up once nobody holds it, and why it has no volumes ("": it may have some).
    """

    owner: Owner
    app_name: str
    host_id: str
    exclusive_key: str
    is_up: bool
    lacks: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Of which service a volume is, and on which host it lies."""

    service_type: ServiceType
    service_id: str
    host_id: str

    def dump(self) -> dict[str, str]:
        """The JSON that ``load`` reads, for undos."""
        return {"service_type": self.service_type.value, "service_id": self.service_id, "host": self.host_id}

    @staticmethod
    def load(values: Mapping[str, Any]) -> Origin:
        """What ``dump`` wrote, among others."""
        service_type, host_id = ServiceType(values["service_type"]), values.get("host", LOCAL_HOST)
        return Origin(service_type=service_type, service_id=values["service_id"], host_id=host_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeServices:
    """Services of all types, each on its host. What runs of a database is an application, of the same id."""

    vault: Vault
    applications: ApplicationLifecycle
    composes: ComposeLifecycle

    @property
    def hosts(self) -> Mapping[str, Host]:
        """The hosts that they are on."""
        return self.applications.hosts

    def whose(self, tx: Tx, service_type: ServiceType, service_id: str) -> Whose | None:
        """The service, None when there is none."""
        if service_type is ServiceType.COMPOSE:
            owner = services_store.owner(tx, service_id, SubjectType.COMPOSE)
            if owner is None:
                return None
            compose = composes.find(tx, service_id, self.vault)
            return Whose(
                owner=owner,
                app_name=compose.app_name,
                host_id=compose.host_id,
                exclusive_key=compose_model.exclusive_key(service_id),
                is_up=compose.wanted is not DesiredState.DOWN,
            )
        if service_type is ServiceType.APPLICATION:
            if services_store.owner(tx, service_id, SubjectType.APPLICATION) is None:
                return None
            return _whose(applications.find(tx, service_id, self.vault))
        database = databases.find(tx, service_id, self.vault)
        if database is None or database.kind is not service_type.database:
            return None
        return _whose(database.runs, _ELSEWHERE if database.settings.elsewhere is not None else "")

    async def folder(self, origin: Origin, app_name: str, volume: str) -> str:
        """The folder, on its host, of one of a service's volumes, or of an application's own data. Raises NoSuchVolume,
        EngineAway, HostUnreachable.
        """
        service_type, service_id = origin.service_type, origin.service_id
        if await self._is_own_data(origin, volume):
            return self.applications.contexts.at(origin.host_id).folders.data(service_id)
        if service_type.database is not None and volume == DATA:
            volume = await self.applications.db.read(lambda tx: self._kept_in(tx, service_id))
        found = None
        for name in _names(app_name, volume):
            found = found or await self._volume(origin, name)
        if found is None:
            own = "" if service_type is ServiceType.COMPOSE else f", or {DATA} for what it keeps itself"
            raise NoSuchVolume(f"The service has no volume {volume}: name one as its file or its mounts do{own}.")
        if found.get("Driver") != "local" or not found.get("Mountpoint") or found.get("Options"):
            raise NoSuchVolume(f"The volume {volume} does not lie in a folder of its machine, so it is not read here.")
        return str(found["Mountpoint"])

    async def data_uid(self, origin: Origin, volume: str) -> int | None:
        """The account that all of an application's own data belongs to; None for a volume, which holds files of many,
        and where there are no accounts.
        """
        if not await self._is_own_data(origin, volume):
            return None
        db, id_ = self.applications.db, origin.service_id
        return (await db.read(lambda tx: applications.find(tx, id_, self.vault))).run_uid

    async def make_volume(self, origin: Origin, name: str, deployment_id: str) -> str:
        """The folder of a volume of the service that the restore makes. Raises Conflict where there is one of that name
        that another has made.
        """
        api = self._engine(origin).api
        made = await self._volume(origin, name, deployment_id)
        if made is None:
            if await api.find(f"/volumes/{name}") is not None:
                raise Conflict(f"There is a volume {name} already: name a new one, or leave the name out.")
            own = {**self._labels(origin), labels.DEPLOYMENT: deployment_id}
            made = await api.post("/volumes/create", {"Name": name, "Labels": own})
        return str(made["Mountpoint"])

    async def remove_volume(self, origin: Origin, name: str, deployment_id: str) -> None:
        """Removes a volume that the restore has made: no other, for it may be refused just because of that."""
        if await self._volume(origin, name, deployment_id) is not None:
            await self._engine(origin).api.delete(f"/volumes/{name}")

    def hold(self, tx: Tx, origin: Origin) -> bool:
        """A service that is up is held down from here on; whether it is held now."""
        wanted = self._wanted(tx, origin)
        if wanted is DesiredState.UP:
            services_store.set_fields(tx, origin.service_id, wanted=DesiredState.HELD)
        return wanted is not DesiredState.DOWN

    def let_go(self, tx: Tx, origin: Origin) -> bool:
        """A service that is held is wanted up again, and its keeper brings it up; one that somebody has stopped
        meanwhile stays down. Whether there is such a service.
        """
        if self.whose(tx, origin.service_type, origin.service_id) is None:
            return False
        if self._wanted(tx, origin) is DesiredState.HELD:
            services_store.set_fields(tx, origin.service_id, wanted=DesiredState.UP)
        return True

    async def bring_in_line(self, origin: Origin) -> bool:
        """Does what is wanted: returns when nothing of it runs, or what served does; whether it is up."""
        if origin.service_type is ServiceType.COMPOSE:
            async with self.composes.turn(origin.service_id):
                compose = await self.composes.db.read(lambda tx: composes.find(tx, origin.service_id, self.vault))
                up = compose.wanted is DesiredState.UP
                await (self.composes.up(compose) if up else self.composes.down(compose))
            return up
        async with self.applications.turn(origin.service_id):
            found = await self.applications.db.read(lambda tx: applications.find(tx, origin.service_id, self.vault))
            up = found.wanted is DesiredState.UP
            await (self.applications.up(found) if up else self.applications.down(found))
        return up

    def _wanted(self, tx: Tx, origin: Origin) -> DesiredState:
        find = composes.find if origin.service_type is ServiceType.COMPOSE else applications.find
        return find(tx, origin.service_id, self.vault).wanted

    def _kept_in(self, tx: Tx, database_id: str) -> str:
        """The volume of the database that serves: another is set where a rebuild has failed, or was not deployed."""
        release = applications.serving(tx, database_id)
        sealed = "" if release is None else applications.spec_of(tx, release.release_id)
        snapshot = open_snapshot(sealed, self.vault)
        if snapshot is None:
            raise NoSuchVolume("Nothing of this database has been deployed yet, so it keeps nothing: deploy it first.")
        return next(each.source for each in snapshot.settings.run.mounts if each.kind == "volume")

    async def _is_own_data(self, origin: Origin, volume: str) -> bool:
        is_data = origin.service_type is ServiceType.APPLICATION and volume == DATA
        if not is_data or await self._has_mount(origin.service_id, DATA):
            return False
        release = await self.applications.db.read(lambda tx: applications.serving(tx, origin.service_id))
        return release is None or release.runtime == "native"  # a container has it in a volume

    async def _has_mount(self, application_id: str, volume: str) -> bool:
        found = await self.applications.db.read(lambda tx: applications.find(tx, application_id, self.vault))
        return any(mount.kind == "volume" and mount.source == volume for mount in found.settings.run.mounts)

    async def _volume(self, origin: Origin, name: str, deployment_id: str | None = None) -> dict[str, Any] | None:
        """One of the service's own volumes, of those that a restore has made where one is named: nobody else's,
        whatever it is called.
        """
        found = await self._engine(origin).api.find(f"/volumes/{name}")
        made_by = {} if deployment_id is None else {labels.DEPLOYMENT: deployment_id}
        wanted = self._labels(origin) | made_by
        has = (found or {}).get("Labels") or {}
        return dict(found) if found and all(has.get(key) == value for key, value in wanted.items()) else None

    def _labels(self, origin: Origin) -> dict[str, str]:
        own = labels.COMPOSE if origin.service_type is ServiceType.COMPOSE else labels.APPLICATION
        return {labels.PANEL: self.composes.contexts.at(origin.host_id).panel_id, own: origin.service_id}

    def _engine(self, origin: Origin) -> Engine:
        return self.composes.contexts.at(origin.host_id).engine


def new_name(service_type: ServiceType, app_name: str, volume: str) -> str:
    """What the engine is to call a new volume, such that its service can be given it by its own name."""
    return f"{app_name}_{volume}" if service_type is ServiceType.COMPOSE else volume_name(app_name, volume)


def _whose(application: application_model.Application, lacks: str = "") -> Whose:
    return Whose(
        owner=Owner(organization_id=application.organization_id, project_id=application.project_id),
        app_name=application.app_name,
        host_id=application.host_id,
        exclusive_key=application_model.exclusive_key(application.service_id),
        is_up=application.wanted is not DesiredState.DOWN,
        lacks=lacks,
    )


def _names(app_name: str, volume: str) -> tuple[str, ...]:
    """What the engine may call a volume: as a compose file's, as an application's, or by its whole name."""
    return (f"{app_name}_{volume}", volume_name(app_name, volume), volume)
