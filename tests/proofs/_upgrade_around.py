"""What a panel that is upgraded has around it: a git server, forges and somebody who is told; and the panel itself, now
of one version and now of the other.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.e2e.provider_drives import FORGES
from tests.support.databases.postgres import Cluster
from tests.support.forges.forge import Forge, forge
from tests.support.forges.forge_apis import forge_api
from tests.support.notifications.receivers import Receiver, receiver
from tests.support.panel.panel import Panel, web

BEFORE = "0037"  # the schema of the version before
DATABASE, COPY = "panel", "panel_before"
_MIGRATES = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted"


@dataclass(frozen=True, kw_only=True)
class Around:
    """What there is beside the panel."""

    folder: Path
    git: Forge
    apis: Mapping[str, str]
    heard: Receiver


@contextlib.contextmanager
def surroundings(folder: Path) -> Iterator[Around]:
    """All of it, gone at the end."""
    with ExitStack() as stack:
        yield Around(
            folder=folder,
            git=stack.enter_context(forge(folder / "forge", web("one"))),
            apis={name: stack.enter_context(forge_api(name)).url for name in FORGES},
            heard=stack.enter_context(receiver()),
        )


@dataclass
class Upgraded:
    """A panel whose version is chosen at each start, and its database, of which a copy can be put back."""

    panel: Panel
    python: str
    cluster: Cluster | None = None

    def start(self, *, old: bool, wait: bool = True) -> None:
        """Starts it as the version before, or as this one."""
        self.panel.python = self.python if old else sys.executable
        self.panel.start(wait=wait)

    def stop(self) -> None:
        """Ends it as a service manager does."""
        self.panel.stop(30)

    @property
    def file(self) -> Path:
        return self.panel.data_dir / "headway.db"

    @property
    def kept(self) -> Path:
        """What this version keeps of a SQLite database before it changes it."""
        return self.file.with_name("headway.db.before-0049")

    def copy(self) -> None:
        """Keeps the database of a panel that does not run."""
        if self.cluster:
            self.cluster.administer(f"CREATE DATABASE {COPY} TEMPLATE {DATABASE}")
            return
        with (
            contextlib.closing(sqlite3.connect(self.file)) as source,
            contextlib.closing(sqlite3.connect(self.panel.data_dir.parent / "copy.db")) as kept,
        ):
            source.backup(kept)

    def put_back(self, file: Path | None = None) -> None:
        """Makes it what it was; of SQLite with another file, as the page on operations says."""
        if self.cluster:
            again = (f"DROP DATABASE {DATABASE} WITH (FORCE)", f"CREATE DATABASE {DATABASE} TEMPLATE {COPY}")
            self.cluster.administer(*again)
            return
        shutil.copyfile(file or self.panel.data_dir.parent / "copy.db", self.file)
        for each in ("-wal", "-shm"):
            self.file.with_name(f"{self.file.name}{each}").unlink(missing_ok=True)
        if file is None:
            self.kept.unlink(missing_ok=True)

    def schema(self) -> str:
        """The schema that the database has, of a panel that does not run. Of SQLite a copy is asked: what was left in
        the middle is for the next start to find.
        """
        asked = "SELECT version_num FROM alembic_version"
        if self.cluster:
            with psycopg.connect(self.cluster.url(DATABASE)) as asking:
                row = asking.execute(asked).fetchone()
        else:
            with tempfile.TemporaryDirectory() as folder:
                for file in self.file.parent.glob(f"{self.file.name}*"):
                    shutil.copyfile(file, Path(folder) / file.name)
                with contextlib.closing(sqlite3.connect(Path(folder) / self.file.name)) as connection:
                    row = connection.execute(asked).fetchone()
        assert row is not None
        return str(row[0])

    def migrates(self) -> bool:
        """Whether the step has begun: the database is copied, or one that migrates has the others wait."""
        if not self.cluster:
            return any(self.file.parent.glob(f"{self.kept.name}*"))
        with psycopg.connect(self.cluster.url(DATABASE)) as asking:
            return asking.execute(_MIGRATES).fetchone() is not None


@contextlib.contextmanager
def panel_of(around: Around, python: str, cluster: Cluster | None) -> Iterator[Upgraded]:
    """A panel of the version before that runs, of which nothing is left."""
    env = {"HEADWAY_DOCKER_HOST": "unix:///nowhere.sock", "HEADWAY_CONCURRENCY": "3"}
    if cluster:
        cluster.administer(f"CREATE DATABASE {DATABASE}")
        env["HEADWAY_DATABASE_URL"] = cluster.url(DATABASE)
    panel = Panel(around.folder / "data", **env)
    made = Upgraded(panel, python, cluster)
    try:
        made.start(old=True)
        yield made
    finally:
        panel.python = sys.executable
        panel.clean_up()
