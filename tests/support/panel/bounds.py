"""What an attack costs a panel: its memory, and how long others wait for ``health`` in the meantime."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.support.panel.panel import Panel

P99_SECONDS = 0.1
_PAUSE = 0.01
_LEAST = 150  # questions: fewer tell nothing


@dataclass(slots=True)
class Cost:
    """``waits`` are in seconds, without those in which the panel or who asks was ready and had no processor: others on
    the machine took those. ``grown_mib`` is how much more memory the panel holds at its most than before.
    """

    waits: list[float] = field(default_factory=list)
    grown_mib: float = 0.0
    seconds: float = 0.0

    @property
    def p99(self) -> float:
        """What one of a hundred who asked for ``health`` waited for longer than, in seconds."""
        return sorted(self.waits)[int((len(self.waits) - 1) * 0.99)] if self.waits else float("inf")

    def __str__(self) -> str:
        waits = f"health p99 {self.p99 * 1000:.0f} ms, most {max(self.waits, default=0) * 1000:.0f} ms"
        return f"{waits} of {len(self.waits)}; memory +{self.grown_mib:.0f} MiB; {self.seconds:.1f} s"


@contextlib.contextmanager
def watched(panel: Panel) -> Iterator[Cost]:
    """Asks for ``health`` all the time, and looks at the panel's memory."""
    assert panel.process is not None
    pid, cost, over = panel.process.pid, Cost(), threading.Event()
    loop = Path(f"/proc/{pid}/task/{pid}/schedstat")
    before, began = resident_mib(pid), time.monotonic()

    def ask() -> None:
        with httpx.Client(base_url=f"http://127.0.0.1:{panel.port}", timeout=60, trust_env=False) as client:
            client.get("/api/health")
            mine = Path(f"/proc/self/task/{threading.get_native_id()}/schedstat")
            while not over.wait(_PAUSE) or len(cost.waits) < _LEAST:
                lacked, asked = _without_processor(mine, loop), time.monotonic()
                assert client.get("/api/health").status_code == 200
                waited = time.monotonic() - asked
                cost.waits.append(max(waited - (_without_processor(mine, loop) - lacked), 0.0))
                cost.grown_mib = max(cost.grown_mib, resident_mib(pid) - before)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield cost
    finally:
        over.set()
        asking.join()
        cost.seconds = time.monotonic() - began
        print(cost)


def _without_processor(*threads: Path) -> float:
    """The seconds in which these threads were ready to run and did not (proc(5), schedstat); 0 if no kernel tells."""
    return sum(int(each.read_text().split()[1]) for each in threads if each.exists()) / 1e9


def resident_mib(pid: int) -> float:
    """The memory that a process holds."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024


def connected(port: int, seconds: float = 20) -> socket.socket:
    """A connection to the loopback."""
    return socket.create_connection(("127.0.0.1", port), timeout=seconds)


def heard(connection: socket.socket) -> bytes:
    """All that comes until the other side closes, which it may do rudely."""
    came = bytearray()
    with contextlib.suppress(ConnectionError):
        while piece := connection.recv(65536):
            came += piece
    return bytes(came)


def said(connection: socket.socket, data: bytes) -> bool:
    """Whether the other side still takes it."""
    try:
        connection.sendall(data)
    except ConnectionError:
        return False
    return True
