"""What becomes of a deletion whose host cannot be asked now: it is kept, and whoever asked for it is told so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from headway.core.deployments.hosts import LOCAL_HOST
from headway.kernel.errors import Unavailable


class StillThere(Unavailable):
    """Something is deleted for everybody, and not gone from its host yet."""

    def __init__(self, name: str, host_id: str, why: str) -> None:
        if host_id == LOCAL_HOST:
            sentence = f"{name} is deleted, and goes from this machine as soon as that can be done. {why}"
        else:
            sentence = (
                f"{name} is deleted, and goes from its server as soon as that can be done. {why} If that will never "
                "be, remove the server (server.remove): what lies there stays there."
            )
        super().__init__(sentence)


@contextmanager
def kept_deletion(name: str, host_id: str) -> Iterator[None]:
    """For what follows the beginning of a deletion, which the keeper ends where this does not. Raises StillThere."""
    try:
        yield
    except Unavailable as away:
        raise StillThere(name, host_id, away.message) from away
