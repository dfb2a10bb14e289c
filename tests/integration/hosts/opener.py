"""A panel in small, as a process of its own that a test can kill: opens an anchor, says its handle, obeys its input."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from headway.infra.hosts.base import AnchorSpec
from headway.infra.hosts.command import command
from headway.infra.hosts.local import LocalHost


async def main(root: str, panel_id: str, deployment_id: str, line: str) -> None:
    """Waits, between what it does, for a line on its standard input."""
    host = LocalHost(Path(root), panel_id)
    anchor = await host.open_anchor(AnchorSpec(deployment_id=deployment_id, epoch=1, total_seconds=100))
    print(anchor.handle.dump(), flush=True)
    sys.stdin.readline()
    await anchor.go()
    await anchor.start("build", command("/bin/sh", "-c", line, env={"PATH": "/usr/bin:/bin"}))
    print("started", flush=True)
    sys.stdin.readline()


asyncio.run(main(*sys.argv[1:]))
