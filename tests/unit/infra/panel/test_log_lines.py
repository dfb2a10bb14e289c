"""The panel's own log, as a program of its own writes it: to set it up is to change the whole process."""

from __future__ import annotations

import json
import subprocess
import sys

PROGRAM = """
import asyncio, logging, sys
from headway.infra.panel import log_lines
from headway.kernel.context import found, working_on
from headway.kernel.forms import LogFormat, LogLevel

log_lines.configure(LogLevel.INFO, LogFormat(sys.argv[1]))
log = logging.getLogger("a.part")

async def main():
    with working_on(deployment="d1", host="local"):
        await asyncio.to_thread(log.info, "begun", extra={"step": "build"})
        with working_on(request="r1"):
            found(actor="u1")
            log.warning("asked")
        try:
            raise ValueError("no such thing")
        except ValueError:
            log.exception("broken", extra={"deployment": "its own"})
    log.debug("not told")
    log.info("ended")

asyncio.run(main())
"""


def lines(form: str) -> list[str]:
    command = [sys.executable, "-c", PROGRAM, form]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stderr.splitlines()


def test_as_json_each_line_is_an_object_with_the_ids_of_what_it_is_about() -> None:
    told = [json.loads(line) for line in lines("json")]

    assert [(line["event"], line["level"], line["logger"]) for line in told] == [
        *(("begun", "info", "a.part"), ("asked", "warning", "a.part")),
        *(("broken", "error", "a.part"), ("ended", "info", "a.part")),
    ]
    assert (told[0]["deployment"], told[0]["host"], told[0]["step"]) == ("d1", "local", "build")
    assert (told[1]["deployment"], told[1]["request"], told[1]["actor"]) == ("d1", "r1", "u1")
    assert (told[2]["deployment"], told[2]["host"]) == ("its own", "local")
    assert "ValueError: no such thing" in told[2]["exception"]
    assert told[3].keys() == {"event", "level", "logger", "timestamp"}


def test_as_key_and_value_it_reads_the_same() -> None:
    told = [line.partition(" ")[2] for line in lines("logfmt")]

    assert told[0] == "level=info logger=a.part event=begun step=build deployment=d1 host=local"
    assert told[1] == "level=warning logger=a.part event=asked deployment=d1 host=local request=r1 actor=u1"
