"""What a container writes, as its engine keeps it, as a log to be read by its lines."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from headway.drivers.runtimes.compose.observation import Container
from headway.drivers.runtimes.container.log_pieces import EngineLog
from headway.drivers.runtimes.contract.runtime import Behind, Piece
from headway.drivers.runtimes.contract.written_log import WrittenLog
from headway.infra.docker.api import DockerApi


def log_of(container: Container, api: DockerApi, masked: Callable[[str], str], *, name: str) -> WrittenLog:
    """The log of a container, which people call by this ``name``."""
    id_ = container.container_id
    kept = EngineLog(api=api, path=f"/containers/{id_}/logs", id=id_, terminal=container.has_terminal)
    piece = partial(_piece, kept, name, masked)
    return WrittenLog(name=name, key=f"container {id_}", piece=piece, is_over=not container.runs)


async def _piece(kept: EngineLog, name: str, masked: Callable[[str], str], behind: Behind) -> Piece | None:
    return await kept.piece(name, behind, masked)
