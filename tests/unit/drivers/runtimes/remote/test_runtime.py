"""A server's runtime asked over the link: what was written since a moment, whatever the clock there shows."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from headway.drivers.runtimes.contract.runtime import Behind
from headway.drivers.runtimes.process.log_pieces import piece_of
from headway.drivers.runtimes.remote.client import RuntimeAgentClient
from headway.drivers.runtimes.remote.runtime import RemoteRuntime
from headway.infra.hosts.clocks import as_there
from headway.infra.hosts.ssh import SshHost
from headway.infra.hosts.ssh_target import SshTarget
from headway.kernel.secret import Secret


@dataclass(frozen=True)
class There:
    """A server with one log, in the place of the link to it."""

    host: SshHost
    log: Path

    async def call(self, part: str, method: str, *, behind: Behind | None = None, **_: object) -> object:
        if behind is None:
            assert method == "variables"
            return {}
        assert (part, method) == ("native", "pieces")
        return [piece_of(self.log, "web", behind, lambda text: text)]


@pytest.mark.parametrize("ahead", [-3600.0, 0.3, 3600.0])
async def test_what_was_written_since_a_moment_is_told_by_any_clock(
    ahead: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def clock(host: SshHost) -> float:
        assert host.host_id == "server"
        return time.time() + ahead

    monkeypatch.setattr(SshHost, "clock", clock)
    target = SshTarget(name="far", address="127.0.0.1", port=1, username="root", private_key=Secret(""))
    host = SshHost("server", target, "panel")
    for name, seconds in (("log.1", 600), ("log", 10)):
        (tmp_path / name).write_text(f"{seconds} s ago\n")
        os.utime(tmp_path / name, (time.time() + ahead - seconds,) * 2)
    since = datetime.now(UTC) - timedelta(seconds=60)
    far = RemoteRuntime(agent=cast("RuntimeAgentClient", There(host, tmp_path / "log")), name="native")
    found = await far.pieces("r1", Behind(places={}, tail=9, since=since), lambda text: text)
    assert [each.text for each in found] == ["10 s ago\n"]
    assert await as_there(host, datetime.min.replace(tzinfo=UTC)) is not None, "not even before all years"
