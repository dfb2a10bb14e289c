"""What Traefik says of files that it cannot read, told apart from what users have it say."""

from __future__ import annotations

from pathlib import Path

import pytest

from headway.drivers.edge.route_watch import Refusals

TOLD = (
    "\x1b[90m2026-11-30T16:37:15Z\x1b[0m \x1b[31mERR\x1b[0m \x1b[1mError {}\x1b[0m "
    '\x1b[36merror=\x1b[0m\x1b[31m\x1b[1m"collecting file configs: ../routes/{}.yml: yaml: found invalid Unicode '
    'character escape code"\x1b[0m\x1b[0m \x1b[36mproviderName=\x1b[0mfile\n'
)
REASON = "yaml: found invalid Unicode character escape code"


def test_the_files_that_it_names_are_told_with_its_reason(tmp_path: Path) -> None:
    refusals = Refusals(log=tmp_path / "traefik.log")
    assert (refusals.told_by_now(), refusals.since(0)) == (0, {})
    refusals.log.write_text(TOLD.format("while building configuration (for the first time)", "app-1"))
    place = refusals.told_by_now()
    with refusals.log.open("a") as log:
        log.write(TOLD.format("occurred during watcher callback", "app-2"))
    assert refusals.since(0) == {"app-1": REASON, "app-2": REASON}
    assert refusals.since(place) == {"app-2": REASON}
    refusals.log.write_text(TOLD.format("while building configuration", "app-3"))
    assert refusals.since(place + 1) == {"app-3": REASON}, "it was begun anew"


@pytest.mark.parametrize(
    "line",
    [
        '2026-11-30T16:37:18Z ERR error="middleware \\"{}\\" does not exist" entryPointName=web routerName=b@file',
        '2026-11-30T16:37:18Z ERR x error="{}" providerName=file',
        '{} error="x" providerName=file',
    ],
)
def test_what_a_user_has_it_quote_names_no_file(tmp_path: Path, line: str) -> None:
    quoted = 'ERR Error while building configuration error=\\"collecting file configs: routes/app-1.yml: x\\"'
    log = tmp_path / "traefik.log"
    log.write_text(f"{line.format(quoted)}\n")
    assert Refusals(log=log).since(0) == {}
