"""The clocks of servers, beside this machine's: what is written there bears their times."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import datetime, timedelta

from headway.infra.hosts.base import Host
from headway.infra.hosts.ssh import SshHost


async def as_there(host: Host, moment: datetime | None) -> datetime | None:
    """A moment as the clock of the host showed it, or by as much earlier as the host takes to answer. Raises
    HostUnreachable.
    """
    if moment is None or not isinstance(host, SshHost):
        return moment
    ahead = await host.clock() - time.time()
    with suppress(OverflowError):  # before and after all years there is no moment
        return moment + timedelta(seconds=ahead)
    return moment
