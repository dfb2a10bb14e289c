"""What is sent small and large is one stream that zlib reads, each packet as it comes."""

from __future__ import annotations

import random
import zlib

from hypothesis import given
from hypothesis import strategies as st

from headway.infra.hosts.ssh_compression import LARGE_BYTES, Sparing


@given(st.lists(st.binary(max_size=4) | st.integers(0, 40_000).map(lambda size: b"ab" * size), max_size=12))
def test_each_packet_can_be_read_when_it_comes(packets: list[bytes]) -> None:
    sends, reads = Sparing(), zlib.decompressobj()
    for packet in packets:
        assert reads.decompress(sends.compress(packet)) == packet


def test_small_ones_cost_five_bytes_and_large_ones_are_compressed() -> None:
    sends, reads = Sparing(), zlib.decompressobj()
    first = random.Random(1).randbytes(LARGE_BYTES - 1)
    sent = [sends.compress(first), sends.compress(first), sends.compress(b"a line\n" * 4000)]
    assert [len(each) for each in sent[:2]] == [len(first) + 7, len(first) + 5]
    assert len(sent[2]) < 300
    assert b"".join(map(reads.decompress, sent)) == first * 2 + b"a line\n" * 4000
