"""A panel whose deploys of applications are of a version that the environment names, as a later release's would be."""

from __future__ import annotations

import asyncio
import functools
import os
import signal
import sys

from headway import wiring
from headway.app import Platform
from headway.domains.applications.deploy import DeployKind
from headway.faces.cli.machine import facts
from headway.kernel.settings import Settings


async def main() -> None:
    """Serves as ``headway serve`` does."""
    version = int(os.environ["KIND_VERSION"])
    assert vars(wiring)[DeployKind.__name__] is DeployKind  # else the next line would change nothing
    setattr(wiring, DeployKind.__name__, functools.partial(DeployKind, version=version))
    platform = await Platform.open(Settings.from_env(os.environ, facts(), data_dir=sys.argv[1]))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, platform.stop)
    try:
        await platform.run()
    finally:
        platform.close()


if __name__ == "__main__":
    asyncio.run(main())
