"""Backups of a database that is a service of a compose service on a server, for the end-to-end test and the proofs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.test_applications_servers import Site, connected
from tests.e2e.test_composes_servers import FarStack, far_stack
from tests.support.databases import database_images
from tests.support.databases.database_services import SECRET as PASSWORD
from tests.support.databases.database_services import Made
from tests.support.docker.docker_registry import PASSWORD as LOGIN
from tests.support.docker.docker_registry import USERNAME, registry
from tests.support.machines.server_roots import FarEngine, NativeEngine, engine_on
from tests.support.storages.backups import Keeper

Json = Any
IMAGE = "headway-test/far-postgres:local"
SECRET = "far-Of_the+s3cret"
_CHECK = {"test": ["CMD", "psql", "-Ukeeper", "-c", "SELECT 1", "shop"], "interval": "300ms", "retries": 90}
SERVES: Mapping[str, Json] = {
    "image": IMAGE,
    "environment": {"POSTGRES_USER": "keeper", "POSTGRES_PASSWORD": SECRET, "POSTGRES_DB": "shop", "PGDATA": "/data"},
    "stop_grace_period": "1s",
    "healthcheck": _CHECK,
}


@dataclass(frozen=True, kw_only=True)
class FarDatabase:
    """A PostgreSQL on a server, and a backup of it."""

    site: Site
    engine: FarEngine
    stack: FarStack
    keeper: Keeper
    backup_id: str

    @property
    def container(self) -> str:
        (found,) = self.stack.containers()["db"]
        return found

    def ask(self, sql: str, database: str = "shop", *, wait: bool = True) -> str:
        """What psql in its container says; without ``wait`` it goes on asking."""
        psql = (self.container, "psql", "-XtAq", "-v", "ON_ERROR_STOP=1", "-Ukeeper", "-c", sql, database)
        return self.engine.docker("exec", *([] if wait else ["--detach"]), *psql).strip()

    def hold_up_dumps(self, seconds: int = 1000) -> None:
        """Nobody reads the table meanwhile, and who wants to waits."""
        self.ask(f"BEGIN; LOCK TABLE kept; SELECT pg_sleep({seconds})", wait=False)

    def let_dumps_go(self) -> None:
        self.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'BEGIN; LOCK%'")

    def left(self, deployment_id: str) -> list[str]:
        """The programs that carry a run's mark, on any machine and in any container."""
        return marked(deployment_id)

    def nothing_lies_about(self) -> bool:
        """Whether no unfinished object, and nothing of a run, is in the panel's folders."""
        return nothing_passes(self.site.panel.data_dir)


def marked(deployment_id: str) -> list[str]:
    """The programs that carry a run's mark, on any machine and in any container."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if f"HEADWAY_INSIDE={deployment_id}".encode() in (entry / "environ").read_bytes().split(b"\0"):
                found.append((entry / "cmdline").read_text().replace("\0", " ")[:120])
    return found


def nothing_passes(data_dir: Path) -> bool:
    """Whether no unfinished object, and nothing of a run, is in a panel's folders."""
    objects = [path for path in (data_dir / "backups").rglob("*") if path.suffix == ".partial"]
    return not objects and not [*(data_dir / "passing").glob("*")]


@contextmanager
def far_database(folder: Path, **fields: Json) -> Iterator[FarDatabase]:
    """Such a database that is up, with a small table."""
    with connected(folder) as site, engine_on(site.server, NativeEngine) as engine:
        database_images.build(engine, folder / "image", "postgres", IMAGE)
        stack = far_stack((site, engine), "shop")
        stack.deploy(db=SERVES)
        keeper = Keeper(site.panel)
        given = {"backupType": "compose", "composeId": stack.compose_id, "serviceName": "db", **fields}
        backup_id = keeper.make("postgres", {"username": "keeper", "password": SECRET}, "shop", **given)
        made = FarDatabase(site=site, engine=engine, stack=stack, keeper=keeper, backup_id=backup_id)
        made.ask("CREATE TABLE kept (n int PRIMARY KEY, word text, raw bytea)")
        made.ask("INSERT INTO kept SELECT n, 'ключ ' || n, decode(md5(n::text), 'hex') FROM generate_series(1, 500) n")
        yield made


@contextmanager
def far_services(folder: Path, *kinds: str) -> Iterator[tuple[Site, FarEngine, list[Made]]]:
    """Databases of these kinds that are services of their own on a server, and up; their images come from a registry at
    the panel's end of the cable.
    """
    with (
        connected(folder, 1) as site,
        engine_on(site.server, NativeEngine) as engine,
        registry(folder / "registry", site.server.address.rpartition(".")[0] + ".1") as address,
    ):
        login = ("login", f"--username={USERNAME}", "--password-stdin", address)
        engine.docker("--config", str(folder), *login, stdin=LOGIN.encode())
        given = {"registryName": "r", "registryUrl": address, "username": USERNAME, "password": LOGIN}
        registry_id = site.panel.post("registry.create", **given)["registryId"]
        made = []
        for kind in kinds:
            image = f"{address}/official/{kind}:1"
            database_images.build(engine, folder / kind, kind, image)
            engine.docker("--config", str(folder), "push", "--quiet", image, timeout=240)
            place = site.panel.post("project.create", name=kind)["environment"]["environmentId"]
            login_ = {"databaseName": "shop", "databaseUser": "keeper", "databasePassword": PASSWORD}
            login_ |= {"databaseRootPassword": PASSWORD} if kind == "mariadb" else {}
            where = {"environmentId": place, "serverId": site.server_id, "registryId": registry_id}
            made.append(Made(site.panel, kind, {"name": kind, "dockerImage": image, **login_, **where}))
            made[-1].up()
        yield site, engine, made
