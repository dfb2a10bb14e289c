"""What databases are told: what is sent is changed, what is not stays as it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from headway.api.inputs import Input, Keyed, Searched, Since, Told
from headway.features.services.application.api.container_settings import cpus, memory_bytes
from headway.features.services.application.model import AppSettings
from headway.features.services.database.api.rows import PASSIVE
from headway.features.services.database.kinds import EXTERNAL, KINDS
from headway.features.services.database.model import LOOPBACK, DatabaseKind, DatabaseSettings, ExternalServer
from headway.features.services.database.service import DatabaseChange
from headway.kernel.errors import InvalidInput, PasswordForgotten
from headway.kernel.records import replaced
from headway.kernel.time_range import ALL
from headway.kernel.variable_text import require_as_read

Id = Annotated[str, Field(min_length=1, max_length=64)]
Text = Annotated[str, Field(max_length=4_096)]
Named = Annotated[str, Field(max_length=255)]
Password = Annotated[str, Field(max_length=256)]
Port = Annotated[int, Field(ge=1, le=65_535)]
Status = Literal["idle", "running", "done", "error"]
_SETTINGS: Mapping[str, str] = {
    "docker_image": "image",
    "database_name": "database",
    "database_user": "username",
    "env": "env",
    "command": "command",
    "args": "arguments",
    "health_check_swarm": "check",
    "external_address": "address",
    "data_volume": "volume",
    "sqld_node": "node",
    "sqld_primary_url": "primary",
    "enable_namespaces": "namespaces",
}
_PORTS: Mapping[str, str] = {
    "external_port": EXTERNAL,
    "external_grpc_port": "externalGRPCPort",
    "external_admin_port": "externalAdminPort",
}
# What libsql alone has, with what says nothing of any other kind.
_OF_LIBSQL: Mapping[str, str | bool | None] = {
    "external_grpc_port": None,
    "external_admin_port": None,
    "sqld_node": "primary",
    "sqld_primary_url": "",
    "enable_namespaces": False,
}


class DatabaseById(Input):
    database_id: Id


class Ports(Input):
    """Ports of the machine that lead to the database (null: none), at ``externalAddress``, the loopback by default."""

    external_port: Port | None = None
    external_grpc_port: Annotated[Port | None, Field(alias="externalGRPCPort")] = None
    external_admin_port: Port | None = None
    external_address: Annotated[str, Field(max_length=64)] | None = None

    def change(self, kind: DatabaseKind) -> DatabaseChange:
        """What is to be changed."""
        return DatabaseChange(settings=lambda current: _applied(self, kind, current))


class SavePorts(Ports, DatabaseById):
    pass


class SaveDatabaseEnvironment(DatabaseById):
    """``envWas`` is ``env`` as it was read: where that is another by now, nothing is saved, and the answer is 409."""

    env: str | None = None
    env_was: str | None = None

    def change(self, kind: DatabaseKind) -> DatabaseChange:
        """What is to be changed. Raises VariablesChanged where it is carried out too late."""

        def settings(current: DatabaseSettings) -> DatabaseSettings:
            require_as_read(current.env, self.env_was)
            return _applied(self, kind, current)

        return DatabaseChange(settings=settings)


class DatabaseChangeable(Ports):
    """What can be set of a database. ``dataVolume`` is the volume that the next deploy gives it for its data;
    ``connection`` (``host``, ``port``) is where one runs that is not Headway's.
    """

    model_config = ConfigDict(extra="allow")

    name: Annotated[str, Field(min_length=1)] | None = None
    description: Told | None = None
    docker_image: Annotated[str, Field(max_length=512)] | None = None
    database_name: Named | None = None
    database_password: Password | None = Field(default=None, repr=False)
    database_root_password: Password | None = Field(default=None, repr=False)
    command: Annotated[str, Field(max_length=16_384)] | None = None
    args: Annotated[list[Text], Field(max_length=1_000)] | None = None
    env: str | None = None
    memory_limit: str | None = None
    memory_reservation: str | None = None
    cpu_limit: Annotated[str, Field(max_length=64)] | None = None
    cpu_reservation: Annotated[str, Field(max_length=64)] | None = None
    health_check_swarm: Keyed | None = None
    registry_id: Annotated[str, Field(max_length=64)] | None = None
    data_volume: Named | None = None
    connection: Keyed | None = None
    sqld_node: Literal["primary", "replica"] | None = None
    sqld_primary_url: Text | None = None
    enable_namespaces: bool | None = None

    def change(self, kind: DatabaseKind) -> DatabaseChange:
        """What is to be changed."""
        return DatabaseChange(
            settings=lambda current: self._with_rest(_applied(self, kind, current)),
            container=self._container,
            name=self.name,
            description=self.description,
        )

    def _with_rest(self, current: DatabaseSettings) -> DatabaseSettings:
        """A password that is not sent, or sent empty, stays: not everybody sees it, and nobody has it sent back."""
        where = current.elsewhere if self.connection is None else _elsewhere(self.connection)
        if current.password and where not in {None, current.elsewhere} and not self.database_password:
            raise PasswordForgotten("the database", "databasePassword")
        passive = {name: value for name, value in (self.model_extra or {}).items() if name in PASSIVE}
        return replace(
            current,
            password=self.database_password or current.password,
            root_password=self.database_root_password or current.root_password,
            elsewhere=where,
            extra={**current.extra, **passive},
        )

    def _container(self, current: AppSettings) -> AppSettings:
        sent = self.model_fields_set
        changed: dict[str, Any] = {}
        if "registry_id" in sent:
            changed["docker.registry_id"] = self.registry_id or None
        if "memory_limit" in sent:
            changed["limits.memory_bytes"] = memory_bytes("memoryLimit", self.memory_limit)
        if "memory_reservation" in sent:
            changed["limits.reserved_memory_bytes"] = memory_bytes("memoryReservation", self.memory_reservation)
        if "cpu_limit" in sent:
            changed["limits.cpus"] = cpus("cpuLimit", self.cpu_limit)
        if "cpu_reservation" in sent:
            changed["limits.reserved_cpus"] = cpus("cpuReservation", self.cpu_reservation)
        return replaced(current, changed)


class CreateUserlessDatabase(DatabaseChangeable):
    """One of a kind that has no users: it takes no name of one, as the peer takes none."""

    name: Annotated[str, Field(min_length=1)]
    app_name: Annotated[str, Field(min_length=1, max_length=63)] | None = None
    environment_id: Annotated[str, Field(min_length=1)]
    server_id: str | None = None


class CreateDatabase(CreateUserlessDatabase):
    database_user: Named | None = None


class UpdateUserlessDatabase(
    DatabaseById, DatabaseChangeable
):  # of the two ways to take fields that are not known the latter's counts
    """One of a kind that has no users."""

    environment_id: Annotated[str, Field(min_length=1)] | None = None


class UpdateDatabase(UpdateUserlessDatabase):
    database_user: Named | None = None


class ReadDatabaseLogs(DatabaseById):
    """Of the last lines, ``search`` leaves those that hold it."""

    tail: Annotated[int, Field(ge=1, le=10_000)] = 100
    since: Since = ALL
    search: Annotated[str, Field(max_length=1_000)] | None = None


class SearchDatabase(Searched):
    name: str | None = None
    app_name: str | None = None
    description: Told | None = None
    project_id: str | None = None
    environment_id: str | None = None


class RemoveDatabase(DatabaseById):
    """Its data stays unless ``deleteVolumes`` says otherwise."""

    delete_volumes: bool = False


class MoveDatabase(DatabaseById):
    target_environment_id: Annotated[str, Field(min_length=1)]


class ChangeStatus(DatabaseById):
    application_status: Status


class ChangePassword(DatabaseById):
    password: Annotated[str, Field(min_length=1, max_length=256)] = Field(repr=False)
    type: Literal["user", "root"] = "user"


def _applied(given: Input, kind: DatabaseKind, current: DatabaseSettings) -> DatabaseSettings:
    """The settings with what was sent; what is sent as null goes back to its default. Raises InvalidInput for what
    databases of the kind have not.
    """
    if kind is not DatabaseKind.LIBSQL:
        _require_none_of_libsql(given)
    none, sent = DatabaseSettings(image=KINDS[kind].image, address=LOOPBACK), given.model_fields_set
    changed = {
        attribute: getattr(none, attribute) if getattr(given, name) is None else getattr(given, name)
        for name, attribute in _SETTINGS.items()
        if name in sent
    }
    ports = {**current.ports, **{wire: getattr(given, name) for name, wire in _PORTS.items() if name in sent}}
    known = {name: port for name, port in ports.items() if port is not None and name in KINDS[kind].ports}
    return replace(current, **changed, ports=known)


def _require_none_of_libsql(given: Input) -> None:
    fields, sent = type(given).model_fields, given.model_fields_set
    said = [name for name, usual in _OF_LIBSQL.items() if name in sent and getattr(given, name) not in {None, usual}]
    if said:
        wrong = ", ".join(str(fields[name].alias or name) for name in said)
        raise InvalidInput(f"Only a libsql database has {wrong}: leave that out.")


def _elsewhere(given: Mapping[str, Any]) -> ExternalServer:
    host, port = given.get("host"), given.get("port") or 0
    whole = isinstance(port, int) and not isinstance(port, bool) and 0 <= port <= 65_535
    if not isinstance(host, str) or len(host) > 255 or not whole:
        raise InvalidInput("A connection has host, a text, and port, a number to 65535.")
    return ExternalServer(host=host, port=port)
