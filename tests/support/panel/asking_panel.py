"""A panel that writes down what it asks of servers: each question, whom, and how long the answer took."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from headway.drivers.runtimes.remote.client import RuntimeAgentClient
from headway.infra.hosts import ssh
from headway.infra.hosts.link import Link
from headway.infra.hosts.porter_link import Porter
from tests.support.panel import crashing_panel


class Asked:
    """Writes a line of JSON for each question: whom, what, when it was asked and how long it took, in seconds."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", buffering=1)

    def watch(self, of: type | Any, method: str, name: Callable[..., tuple[str, str]]) -> None:  # noqa: ANN401 - a class or a module
        """Has each call of an asynchronous function written down."""
        inner = getattr(of, method)

        async def asked(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - whatever the function takes
            at, began = time.time(), time.perf_counter()
            try:
                return await inner(*arguments, **named)
            finally:
                whom, what = name(*arguments)
                line = {"of": whom, "what": what, "at": at, "took": time.perf_counter() - began}
                self._file.write(json.dumps(line) + "\n")

        setattr(of, method, asked)


def main() -> None:
    """Serves as ``headway serve`` does."""
    asked = Asked(Path(os.environ["ASKED"]))
    asked.watch(Porter, "ask", lambda _self, verb, *_: ("porter", verb))
    asked.watch(Link, "ask", lambda link, verb, *_: ("anchor" if _is_far(link) else "anchor here", verb))
    asked.watch(RuntimeAgentClient, "call", lambda _self, part, method: ("attendant", f"{part}.{method}"))
    asked.watch(ssh, "converse", lambda _session, *argv: ("session", argv[0]))
    asyncio.run(crashing_panel.main())


def _is_far(link: Link) -> bool:
    return type(link._transport).__module__.startswith("headway")


if __name__ == "__main__":
    main()
