"""Telling a service manager that the panel answers now."""

from __future__ import annotations

import os
import socket
from contextlib import suppress

VARIABLE = "NOTIFY_SOCKET"


def tell_ready() -> None:
    """Tells systemd, if it is what started this process and asked to be told (sd_notify(3)). What the panel starts is
    nobody that may speak for it, so the variable goes.
    """
    address = os.environ.pop(VARIABLE, "")
    if not address.startswith(("/", "@")):
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as told, suppress(OSError):
        told.connect(address.replace("@", "\0", 1) if address.startswith("@") else address)
        told.send(b"READY=1")
