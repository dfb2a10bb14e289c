"""To which release the edge leads, asked all the time."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from tests.support.applications.visitors import Lost, Visitors
from tests.support.panel.panel import Panel

_PAUSE_SECONDS = 0.01
BACK_SECONDS = 0.5  # natively, on a machine that does nothing else
BUSY_SECONDS = 1.5  # where an engine is asked, or beside other tests
DYING_SECONDS = 0.1  # on a busy machine, from what a process says last until the kernel has ended its connections
HEARD_SECONDS = 2.0  # on a busy machine, until whoever asked it knows


class Led:
    """Asks the edge of a panel by its own secret what it would do with a request for a host: no release is asked. That
    of a server is at another ``address``, and keeps its secret in the folder ``edge`` there.
    """

    def __init__(self, running: Panel, host: str, *, address: str = "127.0.0.1", edge: Path | None = None) -> None:
        secret = ((edge or running.data_dir / "edge") / "probe.secret").read_text()
        self._headers = {"host": host, "x-headway-probe": f"{secret}.through"}
        self._url = f"http://{address}:{running.edge_port}/"
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self.moves: list[tuple[float, str]] = []  # by the clock

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._ended.set()
        self._thread.join(30)

    def back_within(self, death: float) -> float:
        """After how many seconds since the death it led to the release of before again; 0 where it did already."""
        first = self.moves[0][1]
        if [release for at, release in self.moves if at <= death][-1] == first:
            return 0.0
        return next(at for at, release in self.moves if at > death and release == first) - death

    def _ask(self) -> None:
        with httpx.Client(trust_env=False, timeout=5, headers=self._headers) as client:
            while not self._ended.wait(_PAUSE_SECONDS):
                release = client.get(self._url).headers.get("x-headway-release", "")
                if not self.moves or self.moves[-1][1] != release:
                    self.moves.append((time.time(), release))


def require_given_back(
    name: str, visitors: Visitors, led: Led, *, post: bool, within_seconds: float = BUSY_SECONDS, processes: int = 1
) -> None:
    """Whether a release that died amid an answer has cost no more than that, and not for long. It is dead with the last
    of its first ``processes``; what is started in their place may die as well, and is not what is counted from.
    """
    back = led.back_within(sorted(visitors.deaths)[:processes][-1])
    print(f"{name}: the route is back {back:.3f} s after the death")
    require_few_lost(name, visitors, post=post)
    assert back <= within_seconds


def require_few_lost(name: str, visitors: Visitors, *, post: bool = False) -> None:
    """Whether nothing was lost but what a process had when it died: of what only reads, the answers that it was amid.
    What changes something is asked of nobody else once a process has it; who came after its death is served.
    """
    print(f"{name}: {len(visitors.lost)} of {visitors.count} lost: {Counter(visitors.failures)}")
    require_lost_at_death(visitors.lost, visitors.deaths)
    cut_off = [each for each in visitors.failures if "RemoteProtocolError" in each]
    if post:
        assert len(visitors.failures) >= len(visitors.deaths)
        rest = {each.removeprefix(f"{name}: ") for each in set(visitors.failures) - set(cut_off)}
        assert rest <= {"502 Bad Gateway", "500 Internal Server Error", "502 "}  # the last is a swarm's forwarder's
    else:
        assert len(visitors.failures) == len(cut_off) == len(visitors.deaths)


def require_lost_at_death(lost: Sequence[Lost], deaths: Sequence[float]) -> None:
    """Whether a process can have had all these when it died: they had begun by then, and ended with it. Each visitor
    waits for one answer, so a process had one of each; whoever was told of its death may have met it once more while
    the kernel ended it. Of several processes it is not known which had whose.
    """
    first, last = min(deaths), max(deaths)
    early = [round(each.ended - first, 3) for each in lost if each.ended < first - DYING_SECONDS]
    assert early == [], "they were lost before it died"
    late = [round(each.began - last, 3) for each in lost if each.began > last + DYING_SECONDS]
    assert late == [], "they came when it was dead"
    held = [round(each.ended - last, 3) for each in lost if each.ended > last + HEARD_SECONDS]
    assert held == [], "they waited for what was dead"
    most = Counter(each.visitor for each in lost if each.began <= last).most_common(1)
    assert [count for _, count in most if count > len(deaths)] == [], f"it cannot have had as many: {most}"
