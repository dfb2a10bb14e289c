"""A process that pumps a spool into a log until it is killed, or to the end: spool, log, `go on` or a last line."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from headway.infra.logs.logfile import close_log
from headway.infra.logs.mask import Masker
from headway.infra.logs.pump import Pump
from tests.integration.logs.spool import Spool

SECRETS = ("hunter2hunter2", "zwölf\nBoxkämpfer jagen")


async def main(spool: Path, log: Path, last_line: str) -> None:
    masker = Masker(SECRETS)
    pump = Pump(Spool(spool, piece=50_000), log, masker, lambda _: None)
    if last_line == "go on":
        await pump.run()
    await close_log(log, await pump.finish(), last_line, masker)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]))
