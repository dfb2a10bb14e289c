"""Where requests for pages come in: what shows them is loaded with the first of them, and a panel that nobody looks at
pays nothing for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from importlib import import_module
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketClose

from headway.api.registry import Performer, Registry
from headway.core.access.audience import Audience
from headway.http.auth import Door
from headway.kernel.clock import Clock
from headway.kernel.dataclass import dataclass
from headway.kernel.events import ChangeSource
from headway.kernel.vault import Vault

if TYPE_CHECKING:
    from headway.http.uploads import Received
    from headway.infra.db.version import Version
    from headway.pages.page import Page
    from headway.web.app import Web

Admit = Callable[[Mapping[str, str]], None]
ReceiveUpload = Callable[[Receive, Mapping[bytes, bytes], bytes, Admit], "AbstractAsyncContextManager[Received]"]

_OWN = frozenset({"invitation", "link", "live", "organization", "sign-in", "sign-out", "static", "theme"})


@dataclass(frozen=True, slots=True, kw_only=True)
class WebNeeds:
    """What shows pages needs of a panel: what makes each page, by its path, what the pages ask, who tells of what has
    changed to the ``audience``, by what it is known that nothing was committed since, and what takes a file of so many
    bytes.
    """

    pages: Mapping[str, Callable[[], Page]]
    registry: Registry
    performer: Performer
    door: Door
    audience: Audience
    changes: ChangeSource
    clock: Clock
    vault: Vault
    version: Version
    receive_upload: ReceiveUpload
    upload_bytes: int


class Entrance:
    """Answers for pages, and for what is nowhere else. Raises HTTPException for a path that no page could have."""

    def __init__(self, needs: WebNeeds) -> None:
        self._needs = needs
        self._firsts = _OWN | {_first_of(path) for path in needs.pages}
        self._loads = asyncio.Lock()
        self._app: Web | None = None
        self._closed = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await WebSocketClose()(scope, receive, send)
            return
        if _first_of(scope["path"]) not in self._firsts and not asks_for_a_page(scope):
            raise HTTPException(404)
        app = self._app or await self._loaded()
        await app(scope, receive, send)

    def close(self) -> None:
        """Sends those away who look at pages: the panel stops."""
        self._closed = True
        if self._app is not None:
            self._app.close()

    async def _loaded(self) -> Web:
        async with self._loads:
            if self._app is None:
                self._app = await asyncio.to_thread(self._load)
                if self._closed:
                    self._app.close()
            return self._app

    def _load(self) -> Web:
        # By its name: imported here, it would be part of every start.
        made: Web = import_module("headway.web.app").Web(self._needs)
        return made


def asks_for_a_page(scope: Scope) -> bool:
    """Whether somebody in a browser asks; programs are told in their own language."""
    return any(name == b"accept" and b"text/html" in value for name, value in scope["headers"])


def _first_of(path: str) -> str:
    return path.split("/", 2)[1] if path.startswith("/") else ""
