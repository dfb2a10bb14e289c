"""The panel dies at every point of a deploy of a database; each ends truly, one server serves, and it has its data."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.boxes import containers
from tests.support.databases.database_services import (
    SECONDS,
    Made,
    Shop,
    ask_postgres,
    lacks_database_services,
    shop_with,
)
from tests.support.docker.docker_engine import Engine
from tests.support.panel.panel import free_port, until

pytestmark = [
    pytest.mark.docker,
    pytest.mark.skipif(lacks_database_services() is not None, reason=lacks_database_services() or ""),
]
CRASHING = "tests.support.panel.crashing_panel"
FIRST = int(os.environ.get("CRASH_FROM", "1"))  # to go on where a run was broken off
STRIDE = int(os.environ.get("CRASH_STRIDE", "1"))  # only each so-and-so-many-th point, to look quickly
FAST = {"HEADWAY_LEASE_TIME": "3", "HEADWAY_LEASE_RENEWAL": "0.5", "HEADWAY_KEEP_RELEASES": "2"}


class Site:
    """A PostgreSQL that was deployed once; how many rows it has."""

    def __init__(self, shop: Shop, engine: Engine, folder: Path) -> None:
        self.panel = shop.running
        self.engine = engine
        self.points = folder / "points"
        self.port = free_port()
        self.made: Made = shop.make("postgres", name="orders", externalPort=self.port)
        self.made.up()
        self.rows = 0
        ask_postgres(self.port, "CREATE TABLE kept (n int)")

    def begin(self, at: int) -> str:
        """Writes a row and queues a deploy, of which the panel dies at that point (0: of none); its id."""
        assert ask_postgres(self.port, "INSERT INTO kept SELECT count(*) FROM kept") == ""
        self.rows += 1
        self.panel.kill()
        self.points.unlink(missing_ok=True)
        self.points.touch()
        self.panel.start(module=CRASHING, CRASH_AT=str(at), CRASH_POINTS=str(self.points), PYTHONPATH=str(Path.cwd()))
        return self.made.deploy()

    def restart(self, deployment_id: str, name: str) -> bool:
        """Once the panel has crashed; whether it has: one that wrote less often this time does not come to the last."""

        def is_over() -> bool:
            with contextlib.suppress(httpx.TransportError):
                return self.panel.one(deployment_id)["status"] in {"done", "error"}
            return False

        process = self.panel.process
        assert process is not None
        until(lambda: process.poll() is not None or is_over(), 90, what=f"the crash at {name}")
        if process.poll() is None:
            return False
        self.panel.process = None
        self.panel.start()
        return True

    def check(self, deployment_id: str, name: str) -> None:
        """The container of this deploy serves with all rows, and nothing else is there."""
        assert ask_postgres(self.port, "SELECT count(*) FROM kept") == str(self.rows), name
        until(lambda: containers(self.engine, self.made.id) == ["running"], 30, what=f"{name}: one container is left")
        mine = ("--filter", f"label=headway.application={self.made.id}")
        names = self.engine.docker("container", "ls", *mine, "--format", "{{.Names}}").split()
        called = self.made.one()["appName"]
        assert names == [f"{called}-{deployment_id}"], name
        assert self.engine.docker("volume", "ls", "--quiet", *mine).split() == [f"{called}.data"], name
        assert self.made.one()["applicationStatus"] == "done", name


@pytest.fixture
def site(docker_engine: Engine) -> Iterator[Site]:
    with tempfile.TemporaryDirectory(prefix="headway-databases-") as made:
        folder = Path(made)
        folder.chmod(0o711)
        with shop_with(docker_engine, folder, "postgres", **FAST) as shop:
            yield Site(shop, docker_engine, folder)


def test_the_panel_is_killed_at_every_crash_point_of_a_deploy_of_a_database(site: Site) -> None:
    deployment_id = site.begin(0)
    site.panel.done(deployment_id, SECONDS)
    site.check(deployment_id, "no crash")
    names = site.points.read_text().splitlines()
    print(f"\n{len(names)} crash points in a deploy of a database")
    for at, name in list(enumerate(names, 1))[FIRST - 1 :: STRIDE]:
        deployment_id = site.begin(at)
        has_crashed = site.restart(deployment_id, name)
        site.panel.done(deployment_id, SECONDS)
        site.check(deployment_id, name)
        print(f"  {at:3} {name}: done{'' if has_crashed else ', and came not so far'}")
