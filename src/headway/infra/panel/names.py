"""By what name a panel's groups, containers and images are known on each of its hosts."""

from __future__ import annotations

import hashlib
import re

_OF_SERVER = re.compile(r"-[0-9a-f]{8}")


def name_on(panel_id: str, server_id: str) -> str:
    """The panel's name on a server: not the same as on its own machine, which may be that server. Names of images take
    no capitals.
    """
    return f"{panel_id}-{hashlib.sha256(server_id.encode()).hexdigest()[:8]}"


def is_own(panel_id: str, name: str) -> bool:
    """Whether the name is this panel's, on its own machine or on a server, also one that it has no more."""
    own, rest = name[: len(panel_id)], name[len(panel_id) :]
    return own == panel_id and (not rest or _OF_SERVER.fullmatch(rest) is not None)
