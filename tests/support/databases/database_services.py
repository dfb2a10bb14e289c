"""Databases as services on a panel with a real engine: made, deployed and asked from outside."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.e2e.boxes import boxing_panel
from tests.support.databases import database_images
from tests.support.docker.docker_engine import Engine
from tests.support.docker.docker_registry import PASSWORD, USERNAME, lacks_registry, registry
from tests.support.panel.panel import Panel

Json = Any
SECONDS = 120
SECRET = "s3cret-Of_the+shop"


def lacks_database_services() -> str | None:
    """What keeps such databases from being deployed and asked here, None where nothing does."""
    return lacks_registry() or database_images.lacks_client()


class Made:
    """A database of a kind on a panel."""

    def __init__(self, running: Panel, kind: str, given: Json) -> None:
        self.running = running
        self.kind = kind
        self.row = running.post(f"{kind}.create", **given)
        self.id: str = self.row[f"{kind}Id"]

    def post(self, procedure: str, **given: Json) -> Json:
        return self.running.post(f"{self.kind}.{procedure}", **{f"{self.kind}Id": self.id}, **given)

    def one(self) -> Json:
        return self.running.get(f"{self.kind}.one", **{f"{self.kind}Id": self.id})

    def deploy(self) -> str:
        answer = self.running.client.post(f"/{self.kind}.deploy", json={f"{self.kind}Id": self.id})
        assert answer.status_code == 200, answer.text
        return answer.headers["x-deployment-id"]

    def up(self) -> Json:
        return self.running.done(self.deploy(), SECONDS)


class Shop:
    """A panel with a project, and a registry that has an image of each of these kinds of server."""

    def __init__(self, running: Panel, address: str) -> None:
        self.running = running
        self.images = f"{address}/official"
        made = running.post("project.create", name="shop")
        self.environment_id: str = made["environment"]["environmentId"]
        given = {"registryName": "r", "registryUrl": address, "username": USERNAME, "password": PASSWORD}
        self.registry_id: str = running.post("registry.create", **given)["registryId"]

    def make(self, kind: str, **fields: Json) -> Made:
        """A database that is not deployed yet."""
        named = {} if kind == "redis" else {"databaseName": "shop", "databaseUser": "keeper"}
        place = {"environmentId": self.environment_id, "registryId": self.registry_id}
        given = {"dockerImage": f"{self.images}/{kind}:1", "databasePassword": SECRET, **named, **place}
        return Made(self.running, kind, {**given, **fields})


@contextmanager
def shop_with(engine: Engine, folder: Path, *kinds: str, **env: str) -> Iterator[Shop]:
    """Such a panel, of which nothing is left afterwards."""
    with registry(folder / "registry") as address:
        login = ("login", f"--username={USERNAME}", "--password-stdin", address)
        engine.docker("--config", str(folder), *login, stdin=PASSWORD.encode())
        for kind in kinds:
            name = f"{address}/official/{kind}:1"
            database_images.build(engine, folder / kind, kind, name)
            engine.docker("--config", str(folder), "push", "--quiet", name, timeout=240)
            engine.docker("image", "rm", "--force", name)
        with boxing_panel(folder / "data", engine, **env) as running:
            yield Shop(running, address)


def ask_postgres(port: int, sql: str, password: str = SECRET, database: str = "shop") -> str:
    """What psql says, or why it does not."""
    argv = ["psql", "-XtAq", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(port), "-U", "keeper", database]
    env = {"PATH": os.environ["PATH"], "PGPASSWORD": password, "PGCONNECT_TIMEOUT": "5"}
    ended = subprocess.run([*argv, "-c", sql], env=env, capture_output=True, text=True, check=False)
    return ended.stdout.strip() if ended.returncode == 0 else ended.stderr.strip()


def ask_mariadb(port: int, sql: str, password: str = SECRET) -> str:
    """What the client says, or why it does not."""
    argv = ["mariadb", "--no-defaults", "-h127.0.0.1", f"-P{port}", "-ukeeper", "-N", "-B", "shop", "-e", sql]
    env = {"PATH": os.environ["PATH"], "MYSQL_PWD": password}
    ended = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
    return ended.stdout.strip() if ended.returncode == 0 else ended.stderr.strip()


def ask_redis(port: int, *words: str, password: str = SECRET) -> str:
    """The first line of what a Redis answers to a command, or of why it refuses; what came with it where that is text.
    Why nobody answers, where it is not up: in the first moment of a container its port leads nowhere.
    """
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection, connection.makefile("rb") as read:
            first = ""
            for command in (("AUTH", password), words):
                parts = "".join(f"${len(word.encode())}\r\n{word}\r\n" for word in command)
                connection.sendall(f"*{len(command)}\r\n{parts}".encode())
                first = read.readline().decode().strip()
                if not first.startswith(("+", "$", ":")):
                    return first
            return read.readline().decode().strip() if first.startswith("$") and first != "$-1" else first
    except OSError as error:
        return str(error)
