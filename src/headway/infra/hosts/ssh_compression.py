"""What the panel sends over SSH: small packets as they are, large ones compressed, all in one stream of zlib's format.

A question to a server is some bytes, a hundred of them a second, and zlib lets go of the interpreter twice for each:
while other threads work, the event loop has it back half a millisecond later at best. What servers send is mostly logs,
and they compress all of it.
"""

from __future__ import annotations

import zlib

from asyncssh.compression import Compressor, Decompressor, register_compression_alg

NAME = "zlib@openssh.com"  # from the login on: draft-miller-secsh-compression-delayed
LARGE_BYTES = 512
MOST_PACKET_BYTES = 256 << 10  # as asyncssh bounds those that are not compressed
_HEADER = b"\x78\x01"  # of zlib's format, once, at the beginning: RFC 1950, 2.2
_MOST_STORED = 0xFFFF


class Sparing(Compressor):
    """Fits asyncssh's compressors: a packet becomes whole blocks, which refer to nothing before them (RFC 1951, 3.2.4:
    stored ones begin and end with a byte, as do those that a flush has ended).
    """

    def __init__(self) -> None:
        self._head = _HEADER

    def compress(self, data: bytes) -> bytes:
        """What is sent for a packet."""
        head, self._head = self._head, b""
        if len(data) < LARGE_BYTES:
            return head + _stored(data)
        blocks = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        return head + blocks.compress(data) + blocks.flush(zlib.Z_SYNC_FLUSH)


class Bounded(Decompressor):
    """Fits asyncssh's decompressors: what a packet becomes is no larger than any that was asked for. Some bytes could
    stand for a thousand times as many.
    """

    def __init__(self) -> None:
        self._stream = zlib.decompressobj()

    def decompress(self, data: bytes) -> bytes | None:
        """What was sent; None, which ends the connection, where nobody would send that."""
        try:
            packet = self._stream.decompress(data, MOST_PACKET_BYTES)
        except zlib.error:
            return None
        return None if self._stream.unconsumed_tail else packet


def be_sparing() -> None:
    """Has every connection of this process that is made from now on send so."""
    register_compression_alg(NAME.encode(), Sparing, Bounded, after_auth=True, default=False)


def _stored(data: bytes) -> bytes:
    size = len(data)
    return b"\x00" + size.to_bytes(2, "little") + (size ^ _MOST_STORED).to_bytes(2, "little") + data
