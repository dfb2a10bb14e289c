"""A network namespace with one cable to it, which can be pulled."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


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
    net = f"10.{213 + index}.{os.getpid() % 250}"
    return f"{net}.1", f"{net}.2"


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)
