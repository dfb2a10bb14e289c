"""The services whose volumes are backed up: where a volume lies, and how its service is stopped and started again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from headway.core.deployments.hosts import LOCAL_HOST
from headway.core.deployments.run import Owner
from headway.domains.applications import model as application_model
from headway.domains.applications import store as applications
from headway.domains.applications.operate import Operating as Applications
from headway.domains.applications.snapshot import open_snapshot
from headway.domains.composes import model as compose_model
from headway.domains.composes import store as composes
from headway.domains.composes.operate import Operating as Composes
from headway.domains.databases import store as databases
from headway.domains.volume_backups.model import DATA, ServiceType
from headway.infra.db.transaction import Tx
from headway.infra.docker import labels
from headway.kernel.errors import Conflict, InvalidInput
from headway.kernel.vault import Vault
from headway.seams.runtimes.container_body import volume_name

_ON_A_SERVER = "It is on a server: this version backs up volumes of the panel's own machine."
_ELSEWHERE = "This database runs elsewhere: Headway backs up volumes of what it runs itself."


class NoSuchVolume(InvalidInput):
    """A service has no such volume."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Whose:
    """A service as a volume backup needs it: whose it is, what it is called, what one run at a time holds, whether it
    is to be up once nobody holds it, and why no volume of it is on this machine ("": there is none).
    """

    owner: Owner
    app_name: str
    exclusive_key: str
    is_up: bool
    lacks: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Services of all types on this machine. What runs of a database is an application, of the same id."""

    vault: Vault
    applications: Applications
    composes: Composes

    def whose(self, tx: Tx, service_type: ServiceType, service_id: str) -> Whose | None:
        """The service, None when there is none."""
        if service_type is ServiceType.COMPOSE:
            owner = composes.owner(tx, service_id)
            if owner is None:
                return None
            compose = composes.find(tx, service_id, self.vault)
            key = compose_model.exclusive_key(service_id)
            is_up = compose.wanted is not compose_model.Wanted.DOWN
            lacks = "" if compose.host_id == LOCAL_HOST else _ON_A_SERVER
            return Whose(owner=owner, app_name=compose.app_name, exclusive_key=key, is_up=is_up, lacks=lacks)
        if service_type is ServiceType.APPLICATION:
            if applications.owner(tx, service_id) is None:
                return None
            return _whose(applications.find(tx, service_id, self.vault))
        database = databases.find(tx, service_id, self.vault)
        if database is None or database.kind is not service_type.database:
            return None
        return _whose(database.runs, _ELSEWHERE if database.settings.elsewhere is not None else "")

    async def folder(self, service_type: ServiceType, service_id: str, app_name: str, volume: str) -> str:
        """The folder of one of its volumes, or of an application's own data. Raises NoSuchVolume, EngineAway."""
        await self._require_here(service_type, service_id)
        if service_type is ServiceType.APPLICATION and volume == DATA and not await self._has_mount(service_id, DATA):
            return self.applications.tools.folders.data(service_id)
        if service_type.database is not None and volume == DATA:
            volume = await self.applications.db.read(lambda tx: self._kept_in(tx, service_id))
        found = None
        for name in _names(app_name, volume):
            found = found or await self._volume(service_type, service_id, name)
        if found is None:
            own = "" if service_type is ServiceType.COMPOSE else f", or {DATA} for what it keeps itself"
            raise NoSuchVolume(f"The service has no volume {volume}: name one as its file or its mounts do{own}.")
        if found.get("Driver") != "local" or not found.get("Mountpoint") or found.get("Options"):
            raise NoSuchVolume(f"The volume {volume} does not lie in a folder of this machine, so it is not read here.")
        return str(found["Mountpoint"])

    async def make_volume(
        self, service_type: ServiceType, service_id: str, app_name: str, volume: str
    ) -> tuple[str, str]:
        """(name, folder) of a new volume of the service. Raises Conflict where there is one of that name."""
        await self._require_here(service_type, service_id)
        name = new_name(service_type, app_name, volume)
        api = self.composes.tools.engine.api
        if await api.find(f"/volumes/{name}") is not None:
            raise Conflict(f"There is a volume {name} already: name a new one, or leave the name out.")
        made = await api.post("/volumes/create", {"Name": name, "Labels": self._labels(service_type, service_id)})
        return name, str(made["Mountpoint"])

    async def remove_volume(self, service_type: ServiceType, service_id: str, name: str) -> None:
        """Removes a volume of the service that was made for a restore."""
        if await self._volume(service_type, service_id, name) is not None:
            await self.composes.tools.engine.api.delete(f"/volumes/{name}")

    def hold(self, tx: Tx, service_type: ServiceType, service_id: str) -> bool:
        """A service that is up is held down from here on; whether it is held now."""
        if service_type is ServiceType.COMPOSE:
            stack = composes.find(tx, service_id, self.vault).wanted
            if stack is compose_model.Wanted.UP:
                composes.set_fields(tx, service_id, wanted=compose_model.Wanted.HELD)
            return stack is not compose_model.Wanted.DOWN
        app = applications.find(tx, service_id, self.vault).wanted
        if app is application_model.Wanted.UP:
            applications.set_fields(tx, service_id, wanted=application_model.Wanted.HELD)
        return app is not application_model.Wanted.DOWN

    def let_go(self, tx: Tx, service_type: ServiceType, service_id: str) -> bool:
        """A service that is held is wanted up again, and its keeper brings it up; one that somebody has stopped
        meanwhile stays down. Whether there is such a service.
        """
        whose = self.whose(tx, service_type, service_id)
        if whose is None:
            return False
        if service_type is ServiceType.COMPOSE:
            if composes.find(tx, service_id, self.vault).wanted is compose_model.Wanted.HELD:
                composes.set_fields(tx, service_id, wanted=compose_model.Wanted.UP)
        elif applications.find(tx, service_id, self.vault).wanted is application_model.Wanted.HELD:
            applications.set_fields(tx, service_id, wanted=application_model.Wanted.UP)
        return True

    async def bring_in_line(self, service_type: ServiceType, service_id: str) -> bool:
        """Does what is wanted: returns when nothing of it runs, or what served does; whether it is up."""
        if service_type is ServiceType.COMPOSE:
            async with self.composes.turn(service_id):
                compose = await self.composes.db.read(lambda tx: composes.find(tx, service_id, self.vault))
                up = compose.wanted is compose_model.Wanted.UP
                await (self.composes.up(compose) if up else self.composes.down(compose))
            return up
        async with self.applications.turn(service_id):
            found = await self.applications.db.read(lambda tx: applications.find(tx, service_id, self.vault))
            up = found.wanted is application_model.Wanted.UP
            await (self.applications.up(found) if up else self.applications.down(found))
        return up

    async def _require_here(self, service_type: ServiceType, service_id: str) -> None:
        host_of = composes.host_of if service_type is ServiceType.COMPOSE else applications.host_of
        if await self.applications.db.read(lambda tx: host_of(tx, service_id)) != LOCAL_HOST:
            raise NoSuchVolume(_ON_A_SERVER)

    def _kept_in(self, tx: Tx, database_id: str) -> str:
        """The volume of the database that serves: another is set where a rebuild has failed, or was not deployed."""
        release = applications.serving(tx, database_id)
        sealed = "" if release is None else applications.spec_of(tx, release.release_id)
        snapshot = open_snapshot(sealed, self.vault)
        if snapshot is None:
            raise NoSuchVolume("Nothing of this database has been deployed yet, so it keeps nothing: deploy it first.")
        return next(each.source for each in snapshot.settings.mounts if each.kind == "volume")

    async def _has_mount(self, application_id: str, volume: str) -> bool:
        found = await self.applications.db.read(lambda tx: applications.find(tx, application_id, self.vault))
        return any(mount.kind == "volume" and mount.source == volume for mount in found.settings.mounts)

    async def _volume(self, service_type: ServiceType, service_id: str, name: str) -> dict[str, Any] | None:
        """One of the service's own volumes: nobody else's, whatever it is called."""
        found = await self.composes.tools.engine.api.find(f"/volumes/{name}")
        wanted = self._labels(service_type, service_id)
        has = (found or {}).get("Labels") or {}
        return dict(found) if found and all(has.get(key) == value for key, value in wanted.items()) else None

    def _labels(self, service_type: ServiceType, service_id: str) -> dict[str, str]:
        own = labels.COMPOSE if service_type is ServiceType.COMPOSE else labels.APPLICATION
        return {labels.PANEL: self.composes.tools.panel_id, own: service_id}


def new_name(service_type: ServiceType, app_name: str, volume: str) -> str:
    """What the engine is to call a new volume, such that its service can be given it by its own name."""
    return f"{app_name}_{volume}" if service_type is ServiceType.COMPOSE else volume_name(app_name, volume)


def _whose(application: application_model.Application, lacks: str = "") -> Whose:
    return Whose(
        owner=Owner(organization_id=application.organization_id, project_id=application.project_id),
        app_name=application.app_name,
        exclusive_key=application_model.exclusive_key(application.application_id),
        is_up=application.wanted is not application_model.Wanted.DOWN,
        lacks=lacks or ("" if application.host_id == LOCAL_HOST else _ON_A_SERVER),
    )


def _names(app_name: str, volume: str) -> tuple[str, ...]:
    """What the engine may call a volume: as a compose file's, as an application's, or by its whole name."""
    return (f"{app_name}_{volume}", volume_name(app_name, volume), volume)
