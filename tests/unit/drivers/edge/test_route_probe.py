"""What is said of an edge that does not answer."""

from __future__ import annotations

import socket

from headway.drivers.edge.route_probe import Probe, Prober
from headway.kernel.artifacts import Way


async def test_how_long_an_answer_was_waited_for_is_told_in_plain_figures() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        prober = Prober(host="127.0.0.1", port=silent.getsockname()[1], https=None)
        seen = await prober.ask(Probe(way=Way(host="a.localhost"), through=False), 0.31966)
    assert seen.words == "no answer within 0.3 s"
