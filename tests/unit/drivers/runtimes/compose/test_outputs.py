"""What a container writes, taken out of the pieces in which its engine sends it."""

from __future__ import annotations

import pytest

from headway.drivers.runtimes.compose.engine import Unwrapping

TOLD = [b"one\n", b"", b"two and more\n", "ä\n".encode()]
SENT = b"".join(bytes([1, 0, 0, 0]) + len(each).to_bytes(4) + each for each in TOLD)


@pytest.mark.parametrize("size", [1, 2, 7, 8, 9, 1000])
def test_pieces_of_any_size_give_the_same(size: int) -> None:
    outputs = Unwrapping()
    assert b"".join(outputs.feed(SENT[at : at + size]) for at in range(0, len(SENT), size)) == b"".join(TOLD)


def test_what_announces_more_than_memory_holds_is_passed_on_as_it_comes() -> None:
    outputs = Unwrapping()
    assert outputs.feed(bytes([1, 0, 0, 0]) + b"\xff" * 4 + b"x") == b"x"
    for _ in range(10):
        assert len(outputs.feed(bytes(1 << 20))) == 1 << 20
