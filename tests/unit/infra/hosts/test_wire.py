"""What is packed is read again as it was, whatever it holds and however it arrives."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.infra.hosts.base import Cause, Exit
from headway.infra.hosts.command import Account, Limits, Stage, command
from headway.infra.hosts.wire import command_fields, frame, pack, read_exit, split_frames, unpack

messages = st.lists(st.lists(st.binary(max_size=40), max_size=5), max_size=6)


@given(st.lists(st.binary()))
def test_fields_survive_the_journey(fields: list[bytes]) -> None:
    assert unpack(pack(fields)) == fields


@given(messages, st.lists(st.integers(0, 300), max_size=8))
def test_messages_survive_being_cut_anywhere(sent: list[list[bytes]], cuts: list[int]) -> None:
    stream = b"".join(frame(message) for message in sent)
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    buffer, received = bytearray(), []
    for begin, end in itertools.pairwise(edges):
        buffer += stream[begin:end]
        received += split_frames(buffer)
    assert received == sent
    assert buffer == b""


@pytest.mark.parametrize("data", [b"\0", b"\0\0\0\1", b"\0\0\0\2x"])
def test_what_is_cut_off_is_no_record(data: bytes) -> None:
    with pytest.raises(ValueError, match="cut off"):
        unpack(data)


def test_values_travel_as_text_and_nothing_as_an_empty_field() -> None:
    assert unpack(pack([None, "größe", 5, 0.25, b"\0"])) == [b"", "größe".encode(), b"5", b"0.25", b"\0"]


def test_a_command_is_told_in_full() -> None:
    told = command_fields(
        command(
            "make",
            "all",
            account=Account(uid=7, gid=8),
            env={"A": "1", "B": ""},
            cwd="/src",
            stdin=b"in",
            step_seconds=1.5,
            limits=Limits(memory_bytes=1, processes=2, open_files=3, file_bytes=4, oom_score_adj=5),
        )
    )
    assert told[:10] == ["/src", None, 1.5, None, 1, 2, 3, 4, 5, b"in"]
    env, stages, confined = told[10:]
    assert confined is None
    assert unpack(_bytes(env)) == [b"A", b"1", b"B", b""]
    assert [unpack(stage) for stage in unpack(_bytes(stages))] == [[b"7", b"8", b"make", b"all"]]


@pytest.mark.parametrize(
    ("fields", "ended"),
    [
        (["", "0", ""], Exit(statuses=(0,))),
        (["", "0 3 -9", b"\0out"], Exit(statuses=(0, 3, -9), output=b"\0out")),
        (["out_of_memory", "-9", ""], Exit(statuses=(-9,), cause=Cause.OUT_OF_MEMORY)),
    ],
)
def test_an_end_is_read(fields: list[str | bytes], ended: Exit) -> None:
    assert read_exit(pack(fields)) == ended


@pytest.mark.parametrize("record", [b"", pack(["", "0"]), pack(["unheard_of", "0", ""]), pack(["", "zero", ""])])
def test_an_end_that_is_none_is_refused(record: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_exit(record)


def test_a_stage_without_an_account_names_none() -> None:
    told = command_fields(command("true"))
    assert unpack(unpack(_bytes(told[11]))[0]) == [b"", b"", *(arg.encode() for arg in Stage(argv=("true",)).argv)]


def _bytes(field: object) -> bytes:
    assert isinstance(field, bytes)
    return field
