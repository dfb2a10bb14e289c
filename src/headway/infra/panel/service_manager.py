"""Telling a service manager how far the start of the panel is."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

VARIABLE = "NOTIFY_SOCKET"
_ANEW_SECONDS = 30.0
_EXTENSION_SECONDS = 90  # as long as systemd waits for a start that says nothing
_MOST_SECONDS = 3_600.0


@asynccontextmanager
async def more_time() -> AsyncIterator[None]:
    """Has systemd wait for what goes on in here, for up to an hour, where it would end the start otherwise and begin it
    anew for ever (EXTEND_TIMEOUT_USEC of sd_notify(3)).
    """
    asking = asyncio.create_task(_ask_for_time())
    try:
        yield
    finally:
        asking.cancel()


def tell_ready() -> None:
    """Tells systemd, if it is what started this process and asked to be told (sd_notify(3)). What the panel starts is
    nobody that may speak for it, so the variable goes.
    """
    _tell(os.environ.pop(VARIABLE, ""), "READY=1")


async def _ask_for_time() -> None:
    # Again and again, so that a panel that hangs itself afterwards is ended as soon as ever.
    for _ in range(int(_MOST_SECONDS / _ANEW_SECONDS)):
        _tell(os.environ.get(VARIABLE, ""), f"EXTEND_TIMEOUT_USEC={_EXTENSION_SECONDS * 1_000_000}")
        await asyncio.sleep(_ANEW_SECONDS)


def _tell(address: str, state: str) -> None:
    if not address.startswith(("/", "@")):
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as told, suppress(OSError):
        told.connect(address.replace("@", "\0", 1) if address.startswith("@") else address)
        told.send(state.encode())
