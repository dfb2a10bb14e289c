"""A real swarm of two machines: network namespaces that a bridge joins, a Docker engine in each, and what cuts one
off.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.support.docker.docker_engine import HOME_NETWORK, Engine

_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


class Node(Engine):
    """One machine: ``netns`` is its network namespace, ``address`` where the others, and this process, reach it."""

    def __init__(self, folder: Path, netns: str, address: str) -> None:
        super().__init__(folder)
        self.netns = netns
        self.address = address
        self.prefix = ("nsenter", f"--net=/run/netns/{netns}")

    @property
    def node_id(self) -> str:
        """Its id in the swarm."""
        return self.docker("info", "--format", "{{.Swarm.NodeID}}").strip()

    def cut_off(self) -> None:
        """Takes it off the network."""
        _ip("link", "set", f"v{self.netns}", "down")

    def reach_again(self) -> None:
        """Puts it back."""
        _ip("link", "set", f"v{self.netns}", "up")

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """Moves this thread, and all that it starts, to this machine as far as networks go."""
        with Path("/proc/thread-self/ns/net").open("rb") as own, Path(f"/run/netns/{self.netns}").open("rb") as its:
            _enter(its.fileno())
            try:
                yield
            finally:
                _enter(own.fileno())

    def _network(self) -> dict[str, Any]:
        net = self.address.rpartition(".")[0]
        return {"insecure-registries": [f"{net}.0/24"]}


class Nodes:
    """The machines: a manager, on which a panel is to work, and a worker. ``net`` is what their addresses begin with,
    and ``net``.1 is this machine.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.name = f"hs{os.getpid()}"
        routes = subprocess.run(["ip", "-4", "route"], capture_output=True, text=True, check=True).stdout
        free = [number for number in range(192, 250) if f"10.{number}." not in routes]
        self.net = f"10.{random.choice(free)}.0"
        self.manager = Node(folder / "manager", f"{self.name}a", f"{self.net}.11")
        self.worker = Node(folder / "worker", f"{self.name}b", f"{self.net}.12")

    def start(self) -> None:
        """Brings both up, joined to one swarm."""
        _ip("link", "add", self.name, "type", "bridge")
        _ip("address", "add", f"{self.net}.1/24", "dev", self.name)
        _ip("link", "set", self.name, "up")
        for node in (self.manager, self.worker):
            self._join_network(node)
            node.launch()
        with ThreadPoolExecutor() as pool:
            list(pool.map(_made_ready, (self.manager, self.worker)))
        self.manager.docker("swarm", "init", "--advertise-addr", self.manager.address)
        # A machine that is gone is known to be so after three of these.
        self.manager.docker("swarm", "update", "--dispatcher-heartbeat", "2s")
        token = self.manager.docker("swarm", "join-token", "--quiet", "worker").strip()
        address = self.worker.address
        self.worker.docker(
            "swarm", "join", "--advertise-addr", address, "--token", token, f"{self.manager.address}:2377"
        )

    def remove(self) -> None:
        """Stops both and removes all that was made."""
        with ThreadPoolExecutor() as pool:
            list(pool.map(Node.stop, (self.worker, self.manager)))
        for node in (self.worker, self.manager):
            for mount in _mounts_below(node.folder):
                subprocess.run(["umount", "--lazy", mount], check=False)
            _ip("netns", "delete", node.netns, check=False)
            for folder in (node.folder, node.socket.parent):
                shutil.rmtree(folder, ignore_errors=True)
        _ip("link", "delete", self.name, check=False)

    def _join_network(self, node: Node) -> None:
        outer = f"v{node.netns}"
        _ip("netns", "add", node.netns)
        _ip("link", "add", outer, "type", "veth", "peer", "name", "eth0", "netns", node.netns)
        _ip("link", "set", outer, "master", self.name, "up")
        _ip("-n", node.netns, "address", "add", f"{node.address}/24", "dev", "eth0")
        for link in ("eth0", "lo"):
            _ip("-n", node.netns, "link", "set", link, "up")
        _ip("-n", node.netns, "route", "add", "default", "via", f"{self.net}.1")


@contextlib.contextmanager
def swarm_nodes(folder: Path) -> Iterator[Nodes]:
    """Both machines, gone afterwards."""
    nodes = Nodes(folder)
    try:
        nodes.start()
        yield nodes
    finally:
        nodes.remove()


def _made_ready(node: Node) -> None:
    node.await_answer()
    node.load_base_image()


def _ip(*arguments: str, check: bool = True) -> None:
    """Where this process began: a test may have entered another network."""
    argv = ["nsenter", f"--net=/proc/self/fd/{HOME_NETWORK}", "ip", *arguments]
    subprocess.run(argv, capture_output=True, check=check, pass_fds=[HOME_NETWORK])


def _enter(namespace: int) -> None:
    if _libc.setns(namespace, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def _mounts_below(folder: Path) -> list[str]:
    """The innermost first."""
    places = (line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines())
    return sorted((place for place in places if place.startswith(f"{folder}/")), reverse=True)
