"""What an application wrote since a moment, as text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from headway.drivers.runtimes.contract.runtime import Behind, Piece, Runtime
from headway.drivers.runtimes.process.log_pieces import piece_of
from headway.features.services.application.output import written_since
from headway.features.services.model import Release, ReleaseState

_BEFORE = datetime(2026, 1, 1, tzinfo=UTC)
_RELEASE = Release(
    release_id="r1",
    seq=1,
    service_id="a",
    host_id="local",
    deployment_id="d",
    state=ReleaseState.SERVING,
    folder="/x",
    port=None,
    commit_hash=None,
    retire_at=None,
    created_at=_BEFORE,
)


@dataclass(frozen=True)
class Logs:
    """The logs of two processes, read as the runtime of processes reads them."""

    folder: Path

    async def pieces(self, release_id: str, behind: Behind, masked: Callable[[str], str]) -> list[Piece]:
        assert release_id == "r1"
        return [piece_of(self.folder / name, name, behind, masked) for name in ("web", "worker")]


async def test_a_line_is_what_ends_with_a_line_feed_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "web").write_bytes("10 %\r20 %\x0bone\x0ctwo\u2028three\n\nlast".encode())
    (tmp_path / "worker").write_bytes(b"")
    told = await written_since(cast("Runtime", Logs(tmp_path)), _RELEASE, _BEFORE, 2, lambda text: text)
    assert told == "web | \nweb | last\n"
    told = await written_since(cast("Runtime", Logs(tmp_path)), _RELEASE, _BEFORE, 3, lambda text: text)
    assert told == "web | 10 %\r20 %\x0bone\x0ctwo\u2028three\nweb | \nweb | last\n"
