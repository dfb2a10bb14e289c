"""Compose services of a real panel on a real engine, for the end-to-end tests and the proofs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.docker.docker_engine import BASE_IMAGE, Engine
from tests.support.panel.panel import Panel, panel, until

Json = Any
SLEEPS: Mapping[str, Json] = {"image": BASE_IMAGE, "command": ["sleep", "1000"], "stop_grace_period": "0s"}
SERVES: Mapping[str, Json] = {
    "image": BASE_IMAGE,
    "command": ["python3", "-m", "http.server", "8080"],
    "stop_grace_period": "0s",
    # It takes connections, as bash sees without loading anything; and once that was so, it is looked at seldom.
    "healthcheck": {
        "test": ["CMD", "bash", "-c", "</dev/tcp/127.0.0.1/8080"],
        "interval": "10s",
        "timeout": "5s",
        "retries": 5,
        "start_period": "30s",
        "start_interval": "300ms",
    },
}


# The same for a swarm, which knows no other interval while something starts.
CHECKED_IN_A_SWARM: Mapping[str, Json] = {
    "test": SERVES["healthcheck"]["test"],
    "interval": "300ms",
    "timeout": "5s",
    "retries": 5,
}


@dataclass(frozen=True, kw_only=True)
class Stack:
    """One compose service of a panel."""

    panel: Panel
    engine: Engine
    compose_id: str

    def write(self, **services: Mapping[str, Json]) -> None:
        """Gives it another file."""
        self.change(composeFile=as_file(**services))

    def change(self, **fields: Json) -> None:
        """Changes it."""
        self.panel.post("compose.update", composeId=self.compose_id, **fields)

    def begin(self, procedure: str = "compose.deploy") -> str:
        """Queues a deploy; its id."""
        answer = self.panel.client.post(f"/{procedure}", json={"composeId": self.compose_id})
        assert answer.status_code == 200, answer.text
        return answer.headers["x-deployment-id"]

    def deploy(self, **services: Mapping[str, Json]) -> Json:
        """The row of a deploy that has ended well."""
        if services:
            self.write(**services)
        return self.panel.done(self.begin(), 90)

    def fail(self, **services: Mapping[str, Json]) -> Json:
        """The row of a deploy that has ended badly."""
        if services:
            self.write(**services)
        row = self.panel.ended(self.begin(), 90)
        assert row["status"] == "error", self.panel.deployment_log(row["deploymentId"])
        return row

    def one(self) -> Json:
        """Itself, as the API tells it."""
        return self.panel.get("compose.one", composeId=self.compose_id)

    def containers(self, *, running: bool = True) -> dict[str, set[str]]:
        """The ids of its containers by service."""
        found: dict[str, set[str]] = {}
        every = [] if running else ["--all"]
        shown = self.engine.docker("ps", *every, "--no-trunc", *self._filters, "--format=json")
        for line in shown.splitlines():
            each = json.loads(line)
            labels = dict(label.split("=", 1) for label in each["Labels"].split(",") if "=" in label)
            found.setdefault(labels["com.docker.compose.service"], set()).add(each["ID"])
        return found

    def left(self, kind: str) -> list[str]:
        """The networks or volumes that carry its label."""
        return self.engine.docker(kind, "ls", "--quiet", *self._filters).split()

    def images(self) -> list[str]:
        """The tags of the images that are kept for it."""
        kept = f"--filter=reference=headway-compose/{self.one()['appName']}/*"
        return self.engine.docker("image", "ls", "--format={{.Tag}}", kept).split()

    @property
    def _filters(self) -> list[str]:
        return [f"--filter=label=headway.compose={self.compose_id}"]


def as_file(volumes: Mapping[str, Json] | None = None, **services: Mapping[str, Json]) -> str:
    """A compose file: JSON is YAML."""
    return json.dumps({"services": services} | ({"volumes": volumes} if volumes else {}))


def stack(panel_: Panel, engine: Engine, name: str, **services: Mapping[str, Json]) -> Stack:
    """A new compose service in a project of its own."""
    where = panel_.post("project.create", name=f"project of {name}")["environment"]["environmentId"]
    given = {"composeFile": as_file(**services)} if services else {}
    made = panel_.post("compose.create", name=name, environmentId=where, healthDeadlineSeconds=30, **given)
    return Stack(panel=panel_, engine=engine, compose_id=made["composeId"])


def _are_gone(engine: Engine, ours: str) -> bool:
    """Whether nothing of a panel is left, which is removed: it runs yet, and may start something between two looks."""
    left: list[str] = []
    for kind, listing in (("container", ["ps", "--all", "--quiet"]), ("network", ["network", "ls", "--quiet"])):
        if ids := engine.docker(*listing, ours).split():
            with suppress(AssertionError):
                engine.docker(kind, "rm", *(["--force"] if kind == "container" else []), *ids)
        left += engine.docker(*listing, ours).split()
    return not left


@contextmanager
def panel_with_engine(data_dir: Path, engine: Engine, **env: str) -> Iterator[Panel]:
    """A running panel that uses the engine, and leaves nothing of its own there."""
    with panel(data_dir, HEADWAY_DOCKER_HOST=engine.host, **env) as started:
        try:
            yield started
        finally:
            panel_id = (data_dir / "panel.id").read_text()
            ours = f"--filter=label=headway.panel={panel_id}"
            until(lambda: _are_gone(engine, ours), 30, what="its containers and networks are gone")
            if names := engine.docker("volume", "ls", "--quiet", ours).split():
                engine.docker("volume", "rm", *names)
