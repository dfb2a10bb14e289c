"""Whoever listens elsewhere than on PORT is told in one sentence what leads it there."""

from __future__ import annotations

import pytest

from headway.drivers.runtimes.contract.answer import mend


@pytest.mark.parametrize(
    ("others", "said"),
    [
        (["127.0.0.1:3000"], "headway env set APP PORT=3000"),
        (["0.0.0.0:5000", "[::]:5000"], "headway env set APP PORT=5000"),
        (["127.0.0.1:3000", "127.0.0.1:9229"], "headway env set APP PORT=3000"),
        (["127.0.0.1:3000", "127.0.0.1:4000"], "headway env set APP PORT=N"),
        (["127.0.0.1:8080"], "headway env set APP HOST=0.0.0.0"),
        (["127.0.0.1:9229"], "headway apps set APP --start LINE"),
        ([], "worker: COMMAND"),
    ],
)
def test_each_way_to_listen_elsewhere_has_its_mend(others: list[str], said: str) -> None:
    assert said in mend(others, 8080)
