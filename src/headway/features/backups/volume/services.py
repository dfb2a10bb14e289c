"""The services whose volumes are backed up: where a volume lies, and how its service is stopped and started again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headway.core.deployments.hosts import LOCAL_HOST
from headway.core.deployments.run import Owner
from headway.features.backups.volume.model import ServiceType
from headway.features.containers.service import Engines
from headway.features.services import store as services_store
from headway.features.services.database import store as databases
from headway.features.services.kinds import NoSuchVolume, ServiceKind, ServiceKinds
from headway.features.services.model import DesiredState, Service, type_of
from headway.features.services.requests import exclusive_key
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.infra.docker import labels
from headway.infra.hosts.base import Host
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import Conflict

_ELSEWHERE = "This database runs elsewhere: Headway backs up volumes of what it runs itself."


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
    """Services of all types, each on its host, whose engine ``engines`` gives. What runs of a database is a service
    too, of the same id.
    """

    db: Database
    hosts: Mapping[str, Host]
    kinds: ServiceKinds
    engines: Engines

    def whose(self, tx: Tx, service_type: ServiceType, service_id: str) -> Whose | None:
        """The service, None when there is none."""
        if service_type.database is None:
            kind = type_of(service_type)
            there = services_store.owner(tx, service_id, kind) is not None
            return _whose(self.kinds.find(tx, kind, service_id)) if there else None
        database = databases.find(tx, service_id, self.kinds.vault)
        if database is None or database.kind is not service_type.database:
            return None
        return _whose(database.runs, _ELSEWHERE if database.settings.elsewhere is not None else "")

    async def folder(self, origin: Origin, app_name: str, volume: str) -> str:
        """The folder, on its host, of one of a service's volumes, or of its own data. Raises NoSuchVolume, EngineAway,
        HostUnreachable.
        """
        kept, service_id = self._kind(origin).volumes, origin.service_id
        own = await kept.own_folder(origin.host_id, service_id, volume)
        if own is not None:
            return own.path
        volume = await kept.meant(service_id, volume)
        found = None
        for name in kept.names(app_name, volume):
            found = found or await self._volume(origin, name)
        if found is None:
            raise NoSuchVolume(f"The service has no volume {volume}: name one as its file or its mounts do{kept.hint}.")
        if found.get("Driver") != "local" or not found.get("Mountpoint") or found.get("Options"):
            raise NoSuchVolume(f"The volume {volume} does not lie in a folder of its machine, so it is not read here.")
        return str(found["Mountpoint"])

    async def data_uid(self, origin: Origin, volume: str) -> int | None:
        """The account that all of a service's own data belongs to; None for a volume, which holds files of many, and
        where there are no accounts.
        """
        own = await self._kind(origin).volumes.own_folder(origin.host_id, origin.service_id, volume)
        return None if own is None else own.uid

    def new_name(self, origin: Origin, app_name: str, volume: str) -> str:
        """What the engine is to call a new volume, such that its service can be given it by its own name."""
        return self._kind(origin).volumes.names(app_name, volume)[0]

    async def make_volume(self, origin: Origin, name: str, deployment_id: str) -> str:
        """The folder of a volume of the service that the restore makes. Raises Conflict where there is one of that name
        that another has made.
        """
        api = self.engines(origin.host_id).engine.api
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
            await self.engines(origin.host_id).engine.api.delete(f"/volumes/{name}")

    def hold(self, tx: Tx, origin: Origin) -> bool:
        """A service that is up is held down from here on; whether it is held now."""
        wanted = self._service(tx, origin).wanted
        if wanted is DesiredState.UP:
            services_store.set_fields(tx, origin.service_id, wanted=DesiredState.HELD)
        return wanted is not DesiredState.DOWN

    def let_go(self, tx: Tx, origin: Origin) -> bool:
        """A service that is held is wanted up again, and its keeper brings it up; one that somebody has stopped
        meanwhile stays down. Whether there is such a service.
        """
        if self.whose(tx, origin.service_type, origin.service_id) is None:
            return False
        if self._service(tx, origin).wanted is DesiredState.HELD:
            services_store.set_fields(tx, origin.service_id, wanted=DesiredState.UP)
        return True

    async def bring_in_line(self, origin: Origin) -> bool:
        """Does what is wanted: returns when nothing of it runs, or what served does; whether it is up."""
        lifecycle = self._kind(origin).lifecycle
        async with lifecycle.turn(origin.service_id):
            service = await self.db.read(lambda tx: self._service(tx, origin))
            up = service.wanted is DesiredState.UP
            await (lifecycle.up(service) if up else lifecycle.down(service))
        return up

    def _kind(self, origin: Origin) -> ServiceKind:
        return self.kinds.by_type[type_of(origin.service_type)]

    def _service(self, tx: Tx, origin: Origin) -> Service[Any]:
        return self.kinds.find(tx, type_of(origin.service_type), origin.service_id)

    async def _volume(self, origin: Origin, name: str, deployment_id: str | None = None) -> dict[str, Any] | None:
        """One of the service's own volumes, of those that a restore has made where one is named: nobody else's,
        whatever it is called.
        """
        found = await self.engines(origin.host_id).engine.api.find(f"/volumes/{name}")
        made_by = {} if deployment_id is None else {labels.DEPLOYMENT: deployment_id}
        wanted = self._labels(origin) | made_by
        has = (found or {}).get("Labels") or {}
        return dict(found) if found and all(has.get(key) == value for key, value in wanted.items()) else None

    def _labels(self, origin: Origin) -> dict[str, str]:
        own = self._kind(origin).volumes.label
        return {labels.PANEL: self.engines(origin.host_id).panel_id, own: origin.service_id}


def _whose(service: Service[Any], lacks: str = "") -> Whose:
    return Whose(
        owner=Owner(organization_id=service.organization_id, project_id=service.project_id),
        app_name=service.app_name,
        host_id=service.host_id,
        exclusive_key=exclusive_key(service),
        is_up=service.wanted is not DesiredState.DOWN,
        lacks=lacks,
    )
