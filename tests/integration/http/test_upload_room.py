"""Uploads that take their time, or the disk: as they come, on a clock and a disk of the test's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from headway.api.problems import Problem
from headway.features.services.uploads import DiskShort, UploadRoom
from headway.http.uploads import received

RAW = {b"content-type": b"application/zip"}
MIB = 1 << 20


@dataclass(slots=True)
class Sender:
    """Sends pieces of so many bytes, one in each of so many seconds, and counts them."""

    piece: int
    seconds: float
    pieces: int
    sent: int = 0
    time: float = 0.0

    async def receive(self) -> dict[str, Any]:
        """The next piece."""
        self.sent += 1
        self.time += self.seconds
        return {"type": "http.request", "body": bytes(self.piece), "more_body": self.sent < self.pieces}


def room(folder: Path, sender: Sender, least_free: int = 0) -> UploadRoom:
    """Where what this one sends is written, by its clock."""
    return UploadRoom(folder=folder, most_bytes=64 * MIB, least_free_bytes=least_free, monotonic=lambda: sender.time)


async def taken(there: UploadRoom, sender: Sender, headers: Mapping[bytes, bytes] = RAW) -> int:
    """How many bytes came."""
    async with received(there, sender.receive, headers, b"") as came:
        assert came.upload is not None
        return came.upload.bytes


async def test_who_sends_a_byte_now_and_then_is_sent_away(tmp_path: Path) -> None:
    sender = Sender(piece=1, seconds=50, pieces=10_000)
    with pytest.raises(Problem) as caught:
        await taken(room(tmp_path, sender), sender)
    assert (caught.value.status, sender.time) == (408, 350), "and not after days"
    assert list(tmp_path.iterdir()) == []


async def test_a_slow_line_has_the_time_that_it_takes(tmp_path: Path) -> None:
    sender = Sender(piece=MIB, seconds=30, pieces=40)  # some 280 kbit/s, for twenty minutes
    assert await taken(room(tmp_path, sender), sender) == 40 * MIB


async def test_what_is_announced_and_what_is_not_leave_what_others_need(tmp_path: Path) -> None:
    sender = Sender(piece=MIB, seconds=0, pieces=40)
    full = room(tmp_path, sender, least_free=1 << 60)
    for headers in (RAW, {**RAW, b"content-length": b"40"}):
        with pytest.raises(DiskShort, match="HEADWAY_LEAST_FREE"):
            await taken(full, sender, headers)
    assert (sender.sent, list(tmp_path.iterdir())) == (0, [])
