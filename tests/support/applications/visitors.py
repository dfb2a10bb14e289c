"""Visitors of applications who ask again and again, and count what they did not get."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import httpx

from tests.support.panel.panel import NOBODY


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """A request that was not answered rightly: whose it was, and from when to when, by the clock."""

    visitor: str
    text: str
    began: float
    ended: float


CALM_SECONDS = 0.25
"""How long visitors pause who are only to be there."""


class Visitors:
    """For each application, or host name, some connections that are kept open, and one that is new each time. Those who
    ``post`` ask for a change. An application that ends itself amid an answer may say in it when (``x-dying``).
    """

    def __init__(
        self,
        edge_port: int,
        names: list[str],
        *,
        kept: int = 2,
        pause_seconds: float = 0.005,
        post: bool = False,
        address: str = "127.0.0.1",
    ) -> None:
        self._url = f"http://{address}:{edge_port}/"
        self._pause_seconds = pause_seconds
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self.answers: Counter[tuple[str, str]] = Counter()
        self.lost: list[Lost] = []
        self.longest_seconds = 0.0
        self.deaths: list[float] = []
        self._method = "POST" if post else "GET"
        self._body = b"an order" if post else None
        self._threads = [
            threading.Thread(
                target=self._visit, args=(name,), kwargs={"number": number, "keep": number < kept}, daemon=True
            )
            for name in names
            for number in range(kept + 1)
        ]

    @property
    def count(self) -> int:
        """Requests that were answered, rightly or not."""
        return sum(self.answers.values()) + len(self.lost)

    @property
    def failures(self) -> list[str]:
        """What was said in the place of a right answer."""
        return [each.text for each in self.lost]

    def hurry(self, pause_seconds: float = 0) -> None:
        """From now on they pause for so long: all the time that nothing can be lost they would only be in the way."""
        self._pause_seconds = pause_seconds

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join(30)

    def _visit(self, name: str, *, number: int, keep: bool) -> None:
        host = name if "." in name else f"{name}.localhost"
        limits = httpx.Limits(max_keepalive_connections=1 if keep else 0)
        hooks = {"response": [self._note_death]}
        with httpx.Client(
            trust_env=False,
            timeout=10,
            limits=limits,
            headers={"host": host},
            event_hooks=hooks,
            verify=NOBODY,
        ) as client:
            while not self._ended.wait(self._pause_seconds):
                began, at = time.monotonic(), time.time()
                try:
                    answer = client.request(self._method, self._url, content=self._body)
                    failed = answer.status_code != 200
                    text = f"{answer.status_code} {answer.text}" if failed else answer.text
                except httpx.HTTPError as error:
                    text, failed = repr(error), True
                with self._lock:
                    self.longest_seconds = max(self.longest_seconds, time.monotonic() - began)
                    if failed:
                        lost = Lost(visitor=f"{name} {number}", text=f"{name}: {text}", began=at, ended=time.time())
                        self.lost.append(lost)
                    else:
                        self.answers[name, text] += 1

    def _note_death(self, answer: httpx.Response) -> None:
        """The head of an answer has come, and perhaps no more will."""
        if "x-dying" in answer.headers:
            self.deaths.append(float(answer.headers["x-dying"]))
