"""Who is connected to an edge whose place another takes is told by an answer to come again."""

from __future__ import annotations

import asyncio
import os
import signal
from threading import Timer

import pytest

from tests.support.applications.guests import Guests, replaceable

pytestmark = [pytest.mark.root, pytest.mark.slow]
# The last asks less often than a Traefik is given to say that it goes, and would be closed without a word.
PAUSES = (0.01, 0.05, 0.2, 0.9)


@pytest.mark.parametrize("form", ["of today", "of the first version"])
async def test_kept_connections_are_ended_by_an_answer_and_new_ones_are_heard(form: str) -> None:
    with replaceable() as place:
        old, new = place.edge(0), place.edge(1)
        await old.set_route(place.route)
        await old.proven(place.route)
        if form == "of the first version":
            place.write_first_form(old)
        try:
            with (
                Guests(place.port, PAUSES * 2) as keeping,
                # They connect all the time, and ask a little later.
                Guests(place.port, (0.0, 0.01, 0.03) * 2, hesitates=0.1) as hesitating,
            ):
                await asyncio.sleep(1.0)
                before = old.pid()
                await new.ensure()
                await new.proven(place.route)
                assert new.pid() != before
                await asyncio.sleep(0.5)
            assert (keeping.lost, keeping.untold) == ([], [])
            assert keeping.told >= len(PAUSES) * 2
            assert hesitating.lost == []
        finally:
            await new.shut_down()


async def test_one_that_is_slow_to_end_is_not_taken_for_its_successor(monkeypatch: pytest.MonkeyPatch) -> None:
    with replaceable() as place:
        old, new = place.edge(0), place.edge(1)
        await old.set_route(place.route)
        await old.proven(place.route)
        before, kill = old.pid(), os.kill

        def kill_late(pid: int, number: int) -> None:
            """As a busy machine has it: it reads and answers for a while before it hears that it is to end."""
            if (pid, number) == (before, signal.SIGTERM):
                Timer(0.5, kill, (pid, number)).start()
            else:
                kill(pid, number)

        try:
            with Guests(place.port, PAUSES * 2) as keeping:
                await asyncio.sleep(0.5)
                monkeypatch.setattr(os, "kill", kill_late)
                await new.ensure()
                await asyncio.sleep(1.0)
            assert new.pid() not in {None, before}
            assert keeping.lost == []
        finally:
            await new.shut_down()
