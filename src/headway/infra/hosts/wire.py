"""What is said between the panel and an anchor: frames of length-prefixed fields, and how records travel in them."""

from __future__ import annotations

import os
from collections.abc import Iterable

from headway.infra.hosts.base import Cause, Exit
from headway.infra.hosts.command import Command, Stage

LENGTH_BYTES = 4
SPARE_BYTES = 64 << 10  # of a message, beside what it brings
MOST_FRAME_BYTES = (1 << 20) + SPARE_BYTES  # of one that brings a file or an output, unless more was asked for

Field = bytes | str | int | float | None


def pack(fields: Iterable[Field]) -> bytes:
    """The fields one after the other, each behind its length; None travels as an empty one."""
    parts: list[bytes] = []
    for field in fields:
        data = _encode(field)
        parts += (len(data).to_bytes(LENGTH_BYTES, "big"), data)
    return b"".join(parts)


def unpack(data: bytes) -> list[bytes]:
    """The fields that ``pack`` joined. Raises ValueError when the bytes end within a field."""
    fields = []
    offset = 0
    while offset < len(data):
        begin = offset + LENGTH_BYTES
        offset = begin + int.from_bytes(data[offset:begin], "big")
        if begin > len(data) or offset > len(data):
            msg = "a field is cut off"
            raise ValueError(msg)
        fields.append(data[begin:offset])
    return fields


def frame(fields: Iterable[Field]) -> bytes:
    """One message."""
    return pack([pack(fields)])


class FrameRefused(ValueError):
    """What comes is no message, or a longer one than anything that was asked for."""


def split_frames(buffer: bytearray, most_bytes: int = MOST_FRAME_BYTES) -> list[list[bytes]]:
    """Takes every whole message out of the buffer and leaves what has begun. Raises FrameRefused as soon as a message
    is announced that is longer than ``most_bytes``.
    """
    messages = []
    while len(buffer) >= LENGTH_BYTES:
        length = int.from_bytes(buffer[:LENGTH_BYTES], "big")
        if length > most_bytes:
            raise FrameRefused(length)
        end = LENGTH_BYTES + length
        if len(buffer) < end:
            break
        messages.append(unpack(bytes(buffer[LENGTH_BYTES:end])))
        del buffer[:end]
    return messages


def command_fields(command: Command) -> list[Field]:
    """A command as the fields of a start request."""
    limits = command.limits
    return [
        command.cwd,
        int(command.capture) or None,
        command.step_seconds,
        command.inactivity_seconds,
        limits.memory_bytes,
        limits.processes,
        limits.open_files,
        limits.file_bytes,
        limits.oom_score_adj,
        command.stdin,
        pack(text for pair in command.env.items() for text in pair),
        pack(pack(_stage_fields(stage)) for stage in command.stages),
        int(limits.confined) or None,  # last: an anchor of an earlier version passes it over
    ]


def read_exit(record: bytes) -> Exit:
    """The end of a command as its anchor recorded it. Raises ValueError for anything else."""
    cause, statuses, output = unpack(record)
    return Exit(
        statuses=tuple(int(status) for status in statuses.split()),
        cause=Cause(cause.decode()) if cause else None,
        output=output,
    )


def _stage_fields(stage: Stage) -> list[Field]:
    account = (stage.account.uid, stage.account.gid) if stage.account else (None, None)
    return [*account, *stage.argv]


def _encode(field: Field) -> bytes:
    match field:
        case bytes():
            return field
        case None:
            return b""
        case str():
            return os.fsencode(field)
        case _:
            return str(field).encode()
