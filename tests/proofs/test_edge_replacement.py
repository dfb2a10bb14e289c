"""Fifty guests who keep their connections, and ten who come anew each time, while one edge takes the place of another,
again and again: nobody is lost, whatever form the files of the routes have. ``HEADWAY_REPLACEMENTS`` says how often.
"""

from __future__ import annotations

import asyncio
import os
import time
from statistics import median

import pytest

from tests.support.applications.guests import Guests, replaceable

COUNT = int(os.environ.get("HEADWAY_REPLACEMENTS", "40"))
PAUSES = (0.02, 0.1, 0.3, 0.7, 1.4)


@pytest.mark.root
@pytest.mark.parametrize("form", ["of today", "of the first version"])
async def test_no_replacement_loses_a_request(form: str) -> None:
    took: list[float] = []
    with replaceable() as place:
        edge = place.edge(0)
        await edge.set_route(place.route)
        await edge.proven(place.route)
        try:
            with Guests(place.port, PAUSES * 10) as kept, Guests(place.port, (0.05,) * 10, hesitates=0.02) as late:
                for number in range(1, COUNT + 1):
                    if form == "of the first version":
                        place.write_first_form(edge)
                    await asyncio.sleep(1.0)
                    following = place.edge(number)
                    began = time.monotonic()
                    await following.ensure()
                    took.append(time.monotonic() - began)
                    await following.proven(place.route)
                    edge = following
        finally:
            await edge.shut_down()
    print(
        f"\nfiles {form}: {COUNT} replacements, {kept.count + late.count} requests, {len(kept.lost) + len(late.lost)} "
        f"lost, {len(kept.untold)} of {kept.told + len(kept.untold)} connections closed without a word; one took "
        f"{median(took):.1f} s, the longest {max(took):.1f} s; the slowest request {kept.longest_seconds:.1f} s"
    )
    assert (kept.lost, late.lost) == ([], [])
