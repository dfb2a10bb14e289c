"""What the end-to-end tests of a swarm share: a panel on its manager, a registry, and a look at who runs what where."""

from __future__ import annotations

import contextlib
import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.boxes import DOCKERFILE, boxed_web, clear
from tests.support.docker.docker_registry import PASSWORD, USERNAME, registry
from tests.support.docker.swarm_nodes import Node, Nodes
from tests.support.panel.panel import Panel, panel, until

# Answers with its version, and in a header with the container that it is.
NAMED = 'self.send_response(200)\n        self.send_header("x-copy", __import__("socket").gethostname())'
SECONDS = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Two machines, a registry, and a panel on the manager. Whoever works on it is on that machine's network."""

    panel: Panel
    nodes: Nodes
    registry: str
    registry_id: str

    def application(self, url: str, name: str, **fields: Any) -> str:  # noqa: ANN401 - as JSON is
        """A new application whose images the other machine can fetch."""
        return self.panel.application(url, name=name, registryId=self.registry_id, **fields)

    def places(self, application_id: str) -> Counter[str]:
        """How many copies of an application run on each machine, by the ids of machines."""
        return Counter(task["NodeID"] for task in self.tasks(application_id) if task["Status"]["State"] == "running")

    def tasks(self, application_id: str) -> list[Any]:
        """The tasks of an application that are wanted."""
        found = self.ask("/tasks", {"label": [f"headway.application={application_id}"]})
        return [task for task in found if task["DesiredState"] == "running"]

    def left(self, application_id: str) -> list[str]:
        """What the swarm and its machines have of an application, images and volumes left out."""
        mine = f"label=headway.application={application_id}"
        found = [*self.nodes.manager.docker("service", "ls", "--quiet", "--filter", mine).split()]
        for node in (self.nodes.manager, self.nodes.worker):
            found += containers_of(node, application_id)
        for what in ("secret", "config"):
            found += self.nodes.manager.docker(what, "ls", "--quiet", "--filter", mine).split()
        return found

    def ask(self, path: str, filters: dict[str, list[str]]) -> Any:  # noqa: ANN401 - as JSON is
        """What the manager's engine answers."""
        import httpx

        with httpx.Client(transport=httpx.HTTPTransport(uds=str(self.nodes.manager.socket))) as client:
            answer = client.get(f"http://docker{path}", params={"filters": json.dumps(filters)}, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()


@contextlib.contextmanager
def swarm_ground(folder: Path, nodes: Nodes, **env: str) -> Iterator[Ground]:
    """A panel, and what it needs, on the manager of a swarm; nothing of it is left afterwards."""
    manager = nodes.manager
    with manager.entered(), registry(folder / "registry", manager.address) as address:
        data_dir = folder / "data"
        with panel(data_dir, HEADWAY_DOCKER_HOST=manager.host, **env) as started:
            registry_id = started.post(
                "registry.create",
                registryName="local",
                registryUrl=address,
                username=USERNAME,
                password=PASSWORD,
                registryType="cloud",
                imagePrefix="team",
            )["registryId"]
            yield Ground(panel=started, nodes=nodes, registry=address, registry_id=registry_id)
        label = f"headway.panel={(data_dir / 'panel.id').read_text()}"
        clear_swarm(nodes, label)


def clear_swarm(nodes: Nodes, label: str) -> None:
    """Removes what carries the label from both machines."""
    manager = nodes.manager
    for what in ("service", "secret", "config"):
        for found in manager.docker(what, "ls", "--quiet", "--filter", f"label={label}").split():
            manager.docker(what, "rm", found)
    for node in (nodes.worker, manager):
        until(lambda: not running_of(node, label), 60, what=f"the tasks of {node.netns} are gone")  # noqa: B023
        clear(node, label)


def named_web(version: str, dockerfile: str = DOCKERFILE, **files: str) -> dict[str, str]:
    """A web application that says its version, and which copy it is; it ends at once when it is asked to."""
    made = boxed_web(version, dockerfile, **files)
    program = made["app.py"].replace("self.send_response(200)", NAMED)
    program = program.replace("http.server.ThreadingHTTPServer((", "Server((")
    server = "class Server(http.server.ThreadingHTTPServer):\n    request_queue_size = 256\n\n"
    return {**made, "app.py": program.replace("Server((", f"{server}Server((", 1)}


def containers_of(node: Node, application_id: str) -> list[str]:
    """The containers of an application on one machine."""
    return node.docker(
        "container", "ls", "--all", "--quiet", "--filter", f"label=headway.application={application_id}"
    ).split()


def running_of(node: Node, label: str) -> list[str]:
    """The tasks on one machine that carry a label, by their names."""
    mine = ("--filter", f"label={label}", "--filter", "label=com.docker.swarm.task.id")
    return node.docker("container", "ls", "--format", "{{.Names}}", *mine).split()


def copies_seen(ground: Ground, name: str, seconds: float = 10, least: int = 2) -> Counter[str]:
    """Which copies answer requests at the edge, asked until so many have."""
    seen: Counter[str] = Counter()
    deadline = time.monotonic() + seconds
    while len(seen) < least and time.monotonic() < deadline:
        seen[ground.panel.visit(name).headers["x-copy"]] += 1
    return seen
