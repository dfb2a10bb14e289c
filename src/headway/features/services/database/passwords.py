"""Tells a database server that runs here a new password."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from headway.drivers.dumps.base import INSIDE, Server, Typed, typed
from headway.drivers.runtimes.contract.inner_places import InContainer
from headway.drivers.runtimes.contract.runtime import NotRunning
from headway.features.services.application import store
from headway.features.services.application.driver import ApplicationLifecycle
from headway.features.services.database.kinds import KINDS
from headway.features.services.database.model import Database, DatabaseKind, DatabaseSettings
from headway.features.services.database.probe import server_of
from headway.features.services.database.server_queries import ask_beside, ask_there
from headway.infra.hosts.base import HostUnreachable
from headway.infra.hosts.ssh import SshHost
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import Conflict, HeadwayError, InvalidInput

# What is asked with its password, or has it in a file, needs a deploy to know a new one.
NEEDS_DEPLOY = frozenset({DatabaseKind.MONGO, DatabaseKind.REDIS})


def with_password(database: Database, password: str, *, of_root: bool) -> DatabaseSettings:
    """The settings with a new password of the user's, or of root. Raises InvalidInput where there is no root."""
    settings = database.settings
    if of_root and not KINDS[database.kind].has_root:
        raise InvalidInput(f"{KINDS[database.kind].title} has one password here, that of its user.")
    if settings.username == "root":
        return replace(settings, password=password, root_password=password)
    return replace(settings, root_password=password) if of_root else replace(settings, password=password)


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordChange:
    """``docker_at`` gives the environment of the engine's command line on a host."""

    lifecycle: ApplicationLifecycle
    docker_at: Callable[[str], Mapping[str, str]]

    async def tell(self, database: Database, password: str, *, of_root: bool) -> None:
        """Sets the password in the server, wherever that runs. Raises Conflict where it does not, HostUnreachable, and
        HeadwayError with what the server says. A call that was cut off can be made again.
        """
        if database.kind is DatabaseKind.REDIS:
            return
        host_id, container = await self._container(database)
        docker = {**self.docker_at(host_id), INSIDE: database.database_id}
        now = replace(server_of(database.kind, database.settings), container=container, docker=docker)
        try:
            await self._ask(host_id, _told(database, password, now, of_root=of_root))
        except HostUnreachable:
            raise
        except HeadwayError:
            # One that was cut off after the server had been told knows the new one only.
            again = replace(now, password=password)
            await self._ask(host_id, _told(database, password, again, of_root=of_root))

    async def _container(self, database: Database) -> tuple[str, str]:
        """The host that the database is on, and its container there."""
        lifecycle, id_ = self.lifecycle, database.database_id
        release = await lifecycle.db.read(lambda tx: store.serving(tx, id_))
        if release is None:
            raise Conflict("The database was stopped meanwhile. Start it, then change its password.")
        inside = await lifecycle.driver.runtime(release).inside(release.release_id)
        if not isinstance(inside, InContainer):
            raise NotRunning("The database does not run in a container.")
        return release.host_id, inside.container_id

    async def _ask(self, host_id: str, what: Typed) -> None:
        far = self.lifecycle.hosts[host_id]
        if isinstance(far, SshHost):
            await ask_there(far, what, f"{INSIDE}={what.env[INSIDE]}")
        else:
            await ask_beside(what)


def _told(database: Database, password: str, server: Server, *, of_root: bool) -> Typed:
    """No name or password of a database holds quotes or backslashes: see ``preparing.check``."""
    user, known = database.settings.username, server.password
    match database.kind:
        case DatabaseKind.POSTGRES:
            argv = ("psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--no-password", f"--username={user}")
            env = {"PGPASSWORD": known, "PGDATABASE": database.settings.database}
            return typed(server, argv, env, f"ALTER ROLE \"{user}\" PASSWORD '{password}';\n".encode())
        case DatabaseKind.MYSQL | DatabaseKind.MARIADB:
            program = "mariadb" if database.kind is DatabaseKind.MARIADB else "mysql"
            is_root = of_root or user == "root"
            who = ("'root'@'localhost'", "'root'@'%'") if is_root else (f"'{user}'@'%'",)
            sql = "".join(f"ALTER USER IF EXISTS {each} IDENTIFIED BY '{password}';\n" for each in who)
            as_root = (program, "--no-defaults", "--user=root", "--batch")
            return typed(server, as_root, {"MYSQL_PWD": known}, sql.encode())
        case DatabaseKind.MONGO:
            login = f"admin.auth('{user}', '{known}');\n"
            change = f"admin.changeUserPassword('{user}', '{password}');\n"
            script = f'const admin = db.getSiblingDB("admin");\n{login}{change}'
            shell = ("mongosh", "--quiet", "--host", "127.0.0.1", "--file", "/dev/stdin")
            return typed(server, shell, {}, script.encode())
        case _:
            raise InvalidInput("The password of this kind of database is changed with databasePassword and a deploy.")
