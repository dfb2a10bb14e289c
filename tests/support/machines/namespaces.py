"""A network namespace with one cable to it, which can be pulled."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

NETS = 250


@dataclass(frozen=True)
class Cable:
    """``here`` is our end; ``address`` is where the namespace is, and ``within`` starts a program there."""

    here: str
    address: str
    within: tuple[str, ...]

    def pull(self) -> None:
        """Nothing arrives any more, and nobody is told."""
        _ip("link", "set", self.here, "down")

    def plug(self) -> None:
        """The link is back."""
        _ip("link", "set", self.here, "up")


@contextmanager
def namespace(index: int = 0) -> Iterator[Cable]:
    """A namespace of our own, gone at the end; those that are there at the same time differ in their ``index``."""
    mine = f"{os.getpid() % 100_000}{'abc'[index]}"
    name, here, there = f"headway{os.getpid()}{'abc'[index]}", f"hwa{mine}", f"hwb{mine}"
    ours, address = ends(index)
    _ip("netns", "add", name)
    try:
        _ip("link", "add", here, "type", "veth", "peer", "name", there)
        _ip("link", "set", there, "netns", name)
        _ip("addr", "add", f"{ours}/24", "dev", here)
        _ip("link", "set", here, "up")
        for words in (("addr", "add", f"{address}/24", "dev", there), ("link", "set", there, "up")):
            _ip("-n", name, *words)
        _ip("-n", name, "link", "set", "lo", "up")
        yield Cable(here, address, ("nsenter", f"--net=/run/netns/{name}"))
    finally:
        subprocess.run(["ip", "link", "del", here], check=False, capture_output=True)
        _ip("netns", "del", name)


def ends(index: int = 0) -> tuple[str, str]:
    """The addresses of our end of a cable and of the other one, also before there is one."""
    net = f"10.{213 + index}.{_own_net()}"
    return f"{net}.1", f"{net}.2"


@cache
def _own_net() -> int:
    """The number of a net that no other process of tests has, nor one that was killed has left. The kernel gives the
    name that says so back when this process ends.
    """
    there = subprocess.run(["ip", "-o", "-4", "addr"], check=True, capture_output=True, text=True).stdout
    for number in ((os.getpid() + step) % NETS for step in range(NETS)):
        if any(f" 10.{213 + index}.{number}.1/" in there for index in range(3)):
            continue
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            claim.bind(f"\0headway-tests-net-{number}")
        except OSError:
            claim.close()
        else:
            claim.detach()
            return number
    raise AssertionError("every net of tests is taken: tests that were killed have left their links ('ip link')")


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)
